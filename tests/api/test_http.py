"""Requests over HTTP: what is queued, noted or refused, and the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.aws.client import unavailable
from tests.support.calls import Calls, Go
from tests.support.web import BODY, KEY, Web, problem, work
from tests.support.world import ABSENT, RECHECK, REQUEST, World


def test_a_put_is_queued_noted_and_shown_as_requested(world: World, web: Web) -> None:
    accepted = web("PUT", KEY, BODY)

    assert accepted.status == 202
    assert accepted.headers["location"] == KEY
    assert accepted.headers["cache-control"] == "no-store"
    assert accepted.document["status"] == "requested"
    shown = web("GET", KEY).document
    assert (shown["status"], shown["since"]) == ("requested", accepted.document["requestedAt"])
    assert shown["requestEventId"] == accepted.document["requestEventId"]
    assert shown["request"] == REQUEST
    assert shown["connectionId"] is None


@pytest.mark.cloud
def test_a_requested_connection_is_created_and_its_event_carries_the_same_order(world: World, web: Web) -> None:
    accepted = web("PUT", KEY, BODY)

    work(world)

    (event,) = world.events()
    assert event["detail"]["requestEventId"] == accepted.document["requestEventId"]
    shown = web("GET", KEY).document
    assert (shown["status"], shown["reason"], shown["waitsFor"]) == ("ready", None, None)
    assert shown["connectionId"] == world.parameter() == world.connections()[0]["id"]
    assert shown["result"]["outcome"] == "created"
    assert shown["parameterName"] == world.parameter_name()
    assert "noted" not in world.item()


def test_a_post_makes_the_same_request_with_the_key_in_its_body(world: World, web: Web) -> None:
    accepted = web("POST", "/connections", REQUEST)

    work(world)

    assert (accepted.status, accepted.headers["location"]) == (202, KEY)
    assert web("GET", KEY).document["status"] == "ready"


def test_two_equal_requests_make_one_connection(world: World, web: Web) -> None:
    web("PUT", KEY, BODY)
    web("PUT", KEY, BODY)

    work(world)

    assert len(world.connections()) == 1
    assert web("GET", KEY).document["status"] == "ready"


def test_a_body_may_name_the_key_of_its_path_and_no_other(world: World, web: Web) -> None:
    assert web("PUT", KEY, REQUEST).status == 202

    refused = problem(web("PUT", KEY, BODY | {"sandbox": "prod", "name": "other"}), 422, "InvalidRequest")

    assert {fault["field"] for fault in refused["faults"]} == {"sandbox", "name"}
    assert len(world.arrived()) == 1


def test_every_faulty_field_is_named_at_once(world: World, web: Web) -> None:
    body = {"databricksSecretId": "other/x", "adopt": "yes", "readiness": "maybe", "password": "x", "sandbox": "prod"}

    refused = problem(web("PUT", "/connections/dev/-sales", body), 422, "InvalidRequest")

    named = {fault["field"] for fault in refused["faults"]}
    assert named == {"databricksSecretId", "adopt", "readiness", "password", "sandbox", "name"}
    assert world.arrived() == []
    assert world.item("-sales") == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("", 400),
        (b"\xff\xfe", 400),
        ("[" * 10_000 + "]" * 6_000, 400),
        ("[]", 422),
        ('"text"', 422),
        ("null", 422),
        ({"description": "x" * 17_000}, 413),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", [("PUT", KEY), ("POST", "/connections")])
def test_a_body_that_is_no_request_is_refused(web: Web, call: tuple[str, str], body: Any, status: int) -> None:
    problem(web(*call, body), status, "InvalidRequest")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "x", ""])
def test_a_body_is_json_whatever_its_content_type_says(web: Web, kind: str) -> None:
    assert web("PUT", KEY, BODY, content_type=kind).status == 202


def test_a_request_is_queued_even_if_it_cannot_be_noted(
    world: World, web: Web, calls: Calls, refuse: Callable[..., None]
) -> None:
    refuse("note")

    assert web("PUT", KEY, BODY).status == 202

    assert calls.made == ["send request", "note"]
    assert world.item() == {}
    calls.act = None
    work(world)
    assert web("GET", KEY).document["status"] == "ready"


@pytest.mark.parametrize("behind", [0, 1], ids=["same clock", "the queue's clock is behind"])
def test_a_note_that_comes_after_the_request_was_processed_is_dropped(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    registry = web.api.dependencies.registry
    note = registry.note_pending

    def late(*arguments: Any) -> None:
        (sent,) = world.arrived()
        sent.sent_at -= behind
        assert world.deliver(sent)
        note(*arguments)

    monkeypatch.setattr(registry, "note_pending", late)

    web("PUT", KEY, BODY)

    assert web("GET", KEY).document["status"] == "ready"
    assert "noted" not in world.item()


def test_an_earlier_request_does_not_hide_the_note_of_a_later_one(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = web.api.dependencies.registry
    note, held = registry.note_pending, list[Any]()
    monkeypatch.setattr(registry, "note_pending", lambda *arguments: held.append(arguments))
    web("PUT", KEY, BODY | {"displayName": "earlier"})
    monkeypatch.setattr(registry, "note_pending", note)
    later = web("PUT", KEY, BODY | {"displayName": "later"})

    note(*held[0])

    shown = web("GET", KEY).document
    assert shown["requestEventId"] == later.document["requestEventId"]
    assert shown["request"]["displayName"] == "later"


def test_a_key_that_is_requested_again_is_noted_and_does_not_expire(world: World, web: Web) -> None:
    world.request()
    world.request(ABSENT)
    assert "expiresAt" in world.item()

    web("PUT", KEY, BODY)

    assert "expiresAt" not in world.item()
    assert web("GET", KEY).document["status"] == "requested"


def test_a_recheck_of_a_key_that_is_only_noted_does_nothing(world: World, web: Web) -> None:
    web("PUT", KEY, BODY)
    noted = world.item()

    assert world.deliver(world.send_body(RECHECK))

    assert world.item() == noted
    assert world.calls() == []


@pytest.mark.parametrize(
    ("code", "status", "reported"), [("ThrottlingException", 429, "Throttled"), ("AccessDenied", 503, "Unavailable")]
)
def test_an_internal_failure_is_reported_without_its_details(
    web: Web, calls: Calls, code: str, status: int, reported: str
) -> None:
    def send_message() -> None:
        """The operation that fails."""

    def act(name: str, go: Go) -> Any:
        if name == "send request":
            raise unavailable(send_message, code)
        return go()

    calls.act = act

    response = web("PUT", KEY, BODY)

    refused = problem(response, status, reported)
    assert response.headers["retry-after"]
    assert code not in json.dumps(refused)
    assert "send_message" not in json.dumps(refused)


def test_an_unexpected_error_is_reported_without_its_text(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("inner text")

    monkeypatch.setattr(web.api.dependencies.registry, "get", fail)

    refused = problem(web("GET", KEY), 500, "Unavailable")

    assert "inner text" not in json.dumps(refused)
    assert "KeyError" not in json.dumps(refused)
