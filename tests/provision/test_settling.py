"""A POST without a reply: the function looks for its connection, for long enough, by its marker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET
from tests.support.calls import Calls, Go, Refuse
from tests.support.world import ABSENT, REQUEST, STOPPED, UNCHECKED, World

LOST_BEFORE = Fault(method="POST", path=".*/connections", drop=True)
LOST_AFTER = Fault(method="POST", path=".*/connections", when="after", drop=True)


def test_only_a_read_that_begins_after_the_settle_time_proves_that_nothing_was_created(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_lookups(request: Request, reply: Callable[[], Any]) -> Any:
        response = reply()
        world.clock.advance(8 if request.method == "GET" else 0)  # one read begins at 116 s and ends at 124 s
        return response

    world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=119))
    world.on_replies(monkeypatch, slow_lookups)

    assert world.deliver(world.send(REQUEST))

    assert len(world.calls("POST")) == 1
    assert len(world.connections()) == 1


def test_settling_ends_when_the_settle_time_does(world: World) -> None:
    world.adobe.faults.add(LOST_BEFORE)

    world.deliver(world.send(REQUEST), world.new_service(ADOBE_SETTLE_SECONDS="40"))

    assert sum(world.clock.slept) == pytest.approx(40)


def test_one_delivery_sends_one_post_even_if_it_settles_early(world: World) -> None:
    world.adobe.faults.add(LOST_BEFORE)
    sent = world.send(REQUEST)

    assert not world.deliver(sent, world.new_service(ADOBE_SETTLE_SECONDS="30"))

    assert len(world.calls("POST")) == 1
    assert "attempt" not in world.item()


def test_an_attempt_past_its_settle_time_is_looked_for_once(world: World) -> None:
    world.adobe.faults.add(LOST_BEFORE)
    sent = world.send(REQUEST)
    assert not world.deliver(sent, seconds=100)
    world.clock.advance(120)
    world.clock.slept.clear()

    assert world.deliver(sent)

    assert world.clock.slept == []
    assert world.announced() == [("Ready", "created")]


def test_another_keys_connection_does_not_settle_an_attempt(world: World) -> None:
    world.request(REQUEST | {"name": "first"})
    world.adobe.faults.add(LOST_BEFORE)

    world.until_done(world.send(REQUEST))

    assert world.announced() == [("Ready", "created"), ("Ready", "created")]
    assert world.parameter() != world.parameter("first")


def test_a_lost_create_that_is_found_matches_its_request(world: World) -> None:
    world.adobe.faults.add(LOST_AFTER)

    assert world.request()

    assert world.item()["orgId"]["S"] == ADOBE_SECRET["orgId"]
    assert world.request()
    assert world.announced() == [("Ready", "adopted"), ("Ready", "unchanged")]


def test_a_lost_create_is_found_by_its_marker_even_if_the_next_request_renames_it(world: World) -> None:
    world.adobe.settings.list_lag_seconds = 100
    world.adobe.faults.add(LOST_AFTER)
    sent = world.send(REQUEST)
    began = world.clock.now()
    assert not world.deliver(sent, seconds=100)
    world.clock.advance(began + 105 - world.clock.now())
    world.clock.slept.clear()

    world.invoke(REQUEST | {"displayName": "Renamed"})

    assert world.clock.slept == []
    assert len(world.calls("POST")) == 1
    assert [item["name"] for item in world.connections()] == ["Renamed"]


def test_a_lost_create_that_is_found_and_then_patched_is_still_adopted(world: World) -> None:
    world.adobe.settings.list_lag_seconds = 100
    world.adobe.faults.add(LOST_AFTER)
    sent = world.send(REQUEST)
    assert not world.deliver(sent, seconds=100)
    world.put_secret(accessToken="rotated")
    world.clock.advance(200)

    assert world.deliver(sent)

    assert len(world.calls("PATCH")) == 1
    assert world.announced() == [("Ready", "adopted")]


def test_absence_leaves_no_settled_attempt(world: World) -> None:
    world.adobe.faults.add(LOST_BEFORE)
    assert not world.deliver(world.send(REQUEST), seconds=100)
    world.clock.advance(200)

    assert world.request(ABSENT)

    assert "attempt" not in world.item()


def test_every_read_has_time_for_its_reply(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float] = []
    world.adobe.faults.add(LOST_BEFORE)
    sent = world.send(REQUEST)
    ends = world.clock.now() + 100

    def note(request: Request, reply: Callable[[], Any]) -> Any:
        left.append(ends - world.clock.now())
        return reply()

    world.on_replies(monkeypatch, note)

    assert not world.deliver(sent, seconds=100)

    assert min(left) >= 40


def test_an_unsettled_message_is_delivered_again_when_its_attempt_is_settled(world: World) -> None:
    world.adobe.faults.add(LOST_BEFORE)
    sent = world.send(REQUEST)
    began = world.clock.now()

    assert not world.deliver(sent, seconds=91)

    assert world.hidden()[-1] == round(began + 120 - world.clock.now())
    assert world.hidden()[-1] > 60


def test_an_attempt_that_took_long_to_record_is_not_sent(world: World, calls: Calls) -> None:
    def slowly(name: str, go: Go) -> Any:
        response = go()
        world.clock.advance(6 if name == "record attempt" else 0)
        return response

    calls.act = slowly

    assert world.refused(REQUEST).code == "Unavailable"

    assert world.calls("POST") == []


def test_a_refusal_is_reported_even_if_its_attempt_cannot_be_removed(world: World, refuse: Refuse) -> None:
    world.databricks.settings.clusters.update(STOPPED)
    refuse("forget attempt")

    assert world.refused(UNCHECKED).code == "DatabricksRefused"

    assert "attempt" in world.item()


def test_our_connection_that_was_renamed_in_adobe_is_found_by_its_marker(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    connection["name"] = "renamed by hand"
    world.edit(connection_id=None)
    world.unpublish()

    assert world.invoke(REQUEST)["connectionId"] == connection["id"]

    assert [item["name"] for item in world.connections()] == ["sales"]
