"""The life of a token: renewed once, when it must be, and never shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.adobe.ims import read_credentials
from aep_connections.domain.errors import SecretInvalid
from aep_connections.domain.model import Secret
from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response
from local.stack import ADOBE_SECRET
from tests.support.upstreams import CREDENTIALS, tokens_of, upstream_in
from tests.support.world import REQUEST, World


def test_a_read_whose_token_was_rejected_late_is_still_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.adobe.faults.add(Fault(method="GET", status=401))

    def slowly(request: Request, reply: Callable[..., Any]) -> Any:
        world.clock.advance(10 if request.method == "GET" else 0)
        return reply()

    world.on_replies(monkeypatch, slowly)

    assert world.request()

    assert world.announced() == [("Ready", "created")]


def test_a_new_version_of_the_secret_may_renew_its_token_at_once(world: World) -> None:
    world.adobe.faults.add(Fault(status=401, times=0))
    world.refused(REQUEST)
    world.put_values(world.environment["ADOBE_SECRET_ID"], ADOBE_SECRET)

    world.refused(REQUEST)

    assert world.exchanges() == 4


def test_a_rejected_token_is_not_used_again_if_it_could_not_be_renewed(world: World) -> None:
    world.adobe.faults.add(Fault(status=401))
    world.ims.faults.add(Fault(skip=1, times=3, status=503))
    sent = world.send(REQUEST)

    assert not world.deliver(sent)
    assert world.deliver(sent)

    assert world.exchanges() == 5
    first, second = (request.headers["authorization"] for request in world.calls()[:2])
    assert first != second


def test_a_token_that_another_call_renewed_meanwhile_is_used(world: World) -> None:
    source = tokens_of(world)
    upstream = upstream_in(world)
    rejected = source.token_for(CREDENTIALS, upstream)

    tokens = {source.renewed(CREDENTIALS, rejected, upstream) for _ in range(2)}

    assert len(tokens) == 1
    assert world.exchanges() == 2


def test_a_lifetime_in_milliseconds_counts_as_one_day_at_most(world: World) -> None:
    response = json.dumps({"access_token": "abc", "token_type": "bearer", "expires_in": 86_399_992})
    world.ims.faults.add(Fault(status=200, body=response))
    source = tokens_of(world)
    upstream = upstream_in(world, 1_000_000)

    lives = []
    for pause in (0, 86_339, 2):
        world.clock.advance(pause)
        lives.append(source.token_for(CREDENTIALS, upstream) == "abc")

    assert lives == [True, True, False]


def test_a_token_is_renewed_again_only_after_a_minute(world: World) -> None:
    source = tokens_of(world)
    upstream = upstream_in(world)
    token = source.renewed(CREDENTIALS, "", upstream)

    world.clock.advance(59)
    too_soon = source.renewed(CREDENTIALS, str(token), upstream)
    world.clock.advance(1)

    assert too_soon is None
    assert source.renewed(CREDENTIALS, str(token), upstream) not in (None, token)


def test_a_tokens_lifetime_counts_from_when_it_was_requested(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ims.settings.token_seconds = 600
    reply = world.ims.reply

    def slowly(request: Request) -> Any:
        world.clock.advance(10)
        return reply(request)

    monkeypatch.setattr(world.ims, "reply", slowly)
    began = world.clock.now()
    world.request()
    world.clock.advance(began + 541 - world.clock.now())
    world.request()

    assert world.exchanges() == 2


def test_a_secret_that_changed_to_another_organization_meanwhile_is_left_to_the_next_delivery(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ims.settings.clients = {"rotated-client": ["rotated-secret"]}
    rotated = {"clientId": "rotated-client", "clientSecret": "rotated-secret", "orgId": "OTHER@AdobeOrg"}
    reply = world.ims.reply

    def rotate_meanwhile(request: Request) -> Any:
        if not world.ims.calls:
            world.put_values(world.environment["ADOBE_SECRET_ID"], rotated)
        return reply(request)

    monkeypatch.setattr(world.ims, "reply", rotate_meanwhile)

    assert world.refused(REQUEST).code == "AdobeCredentialRejected"

    assert world.connections() == []


@pytest.mark.parametrize("rejected", [False, True], ids=["first", "renewed"])
def test_a_token_that_adobe_quotes_is_redacted(world: World, monkeypatch: pytest.MonkeyPatch, rejected: bool) -> None:
    tokens: list[str] = []

    def quote(request: Request, reply: Callable[..., Any]) -> Any:
        token = request.headers["authorization"].removeprefix("Bearer ")
        tokens.append(token)
        status = 401 if rejected and len(tokens) == 1 else 400
        return Response(status, json.dumps({"message": f"bad {token}"}).encode()), None

    world.on_replies(monkeypatch, quote)

    refused = world.refused(REQUEST)

    assert "bad [redacted]" in refused.message
    assert [token for token in tokens if token in str(refused) + repr(world.events())] == []


def test_a_408_from_ims_is_retried_later(world: World) -> None:
    world.ims.faults.add(Fault(times=0, status=408))

    assert world.refused(REQUEST).code == "Unavailable"


@pytest.mark.parametrize("simulator", ["ims", "adobe"])
def test_a_message_is_delivered_again_after_adobes_retry_after(world: World, simulator: str) -> None:
    throttled = Fault(times=0, status=429, headers={"Retry-After": "100"})
    getattr(world, simulator).faults.add(throttled)

    assert not world.request()

    assert world.hidden() == [270, 100]


def test_a_faulty_adobe_secret_names_every_field_and_no_value() -> None:
    values = {"clientId": "two words", "clientSecret": "line\nbreak", "scopes": "é"}

    with pytest.raises(SecretInvalid) as refused:
        read_credentials("adobe", Secret(arn="arn", version_id="v1", created_at=0.0, values=values))

    assert [fault.field for fault in refused.value.faults] == ["clientId", "clientSecret", "orgId", "scopes"]
    assert "two words" not in str(refused.value)


def test_the_token_source_shows_no_token(world: World) -> None:
    source = tokens_of(world)
    upstream = upstream_in(world)
    token = source.token_for(CREDENTIALS, upstream)

    assert token not in repr(vars(source))
