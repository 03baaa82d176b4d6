"""Tokens from IMS: kept until they expire, renewed once, one exchange at a time."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from aep_connections.adobe.ims import Credentials
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET
from tests.support.upstreams import CREDENTIALS, tokens_of, upstream_in
from tests.support.world import REQUEST, World

FORM = (
    ("grant_type", "client_credentials"),
    ("client_id", ADOBE_SECRET["clientId"]),
    ("client_secret", ADOBE_SECRET["clientSecret"]),
    ("scope", "openid"),
)
FLOW_400 = '{"type": "https://ns.adobe.com/aep/errors/FLOW-%d-400", "status": 400}'


def test_the_exchange_is_a_form_in_the_body_and_nothing_in_the_url(world: World) -> None:
    world.request()

    (call,) = world.ims.calls
    assert (call.request.method, call.request.path, call.request.query) == ("POST", "/ims/token/v3", ())
    assert call.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.request.body == (
        b"grant_type=client_credentials&client_id=local-client&client_secret=local-client-secret&scope="
        b"openid%2Csession%2CAdobeID%2Cread_organizations%2Cadditional_info.projectedProductContext"
    )


def test_a_token_is_used_until_a_minute_before_it_expires(world: World) -> None:
    world.ims.settings.token_seconds = 600
    world.request()
    world.clock.advance(500)
    world.request()
    assert world.exchanges() == 1

    world.clock.advance(45)
    world.request()
    assert world.exchanges() == 2


def test_an_expiry_given_in_milliseconds_counts_as_one_day_at_most(world: World) -> None:
    response = {"access_token": "abc", "token_type": "bearer", "expires_in": 86399992}
    world.ims.faults.add(Fault(status=200, body=json.dumps(response)))
    world.request()  # Adobe does not know this token: renewed once
    world.clock.advance(86_400)
    world.request()

    assert world.exchanges() == 3


@pytest.mark.parametrize("life", ["0", "-5", '"3600"', "null", "true", "1e999", "-1e999", "NaN", "1" + "0" * 400, "{}"])
def test_an_invalid_expiry_does_no_harm(world: World, life: str) -> None:
    token = world.ims.respond(Request("POST", "/ims/token/v3", FORM, {}, b""), world.clock.now()).body
    world.ims.faults.add(Fault(status=200, body=token.decode().replace("86399", life)))

    assert world.invoke(REQUEST)["outcome"] == "created"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=401, body='{"error_code": 401013, "message": "Oauth token is not valid"}'),
        Fault(status=401, body='{"error_code": "401013", "message": "Oauth token is not valid"}'),
        Fault(status=401, body="<html>"),
        Fault(status=400, body=FLOW_400 % 2114),
        Fault(status=400, body=FLOW_400 % 2115),
    ],
    ids=["integer", "string", "html", "2114", "2115"],
)
def test_a_rejected_token_is_renewed_once_and_the_call_repeated(world: World, fault: Fault) -> None:
    world.adobe.faults.add(Fault(**{f: getattr(fault, f) for f in fault.__slots__} | {"method": "POST"}))

    assert world.request()

    assert world.exchanges() == 2
    assert len(world.connections()) == 1
    assert world.announced() == [("Ready", "created")]


def test_a_create_is_not_sent_again_long_after_its_attempt_was_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.adobe.faults.add(Fault(method="POST", status=401))
    reply = world.adobe.reply

    def slowly(request: Request) -> Any:
        world.clock.advance(30 if request.method == "POST" else 0)
        return reply(request)

    monkeypatch.setattr(world.adobe, "reply", slowly)
    sent = world.send(REQUEST)

    assert not world.deliver(sent)
    assert len(world.calls("POST")) == 1
    assert "attempt" not in world.item()
    assert world.deliver(sent)

    assert world.announced() == [("Ready", "created")]


def test_a_token_that_adobe_keeps_rejecting_is_renewed_at_most_once_a_minute(world: World) -> None:
    world.adobe.faults.add(Fault(status=401, times=0))

    for _ in range(5):
        assert world.refused(REQUEST).code == "AdobeCredentialRejected"
    assert world.exchanges() == 2

    world.clock.advance(60)
    world.refused(REQUEST)
    assert world.exchanges() == 3


def test_a_new_version_of_the_adobe_secret_is_used_at_once(world: World) -> None:
    world.request()
    secret = ADOBE_SECRET | {"clientId": "second"}
    world.put_values(world.environment["ADOBE_SECRET_ID"], secret)

    world.request()

    assert world.exchanges() == 2
    assert world.calls()[-1].headers["x-api-key"] == "second"


def test_the_secret_is_read_again_when_ims_does_not_know_the_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ims.settings.clients = {"rotated-client": ["rotated-secret"]}
    reply = world.ims.reply

    def rotate_meanwhile(request: Request) -> Any:
        rotated = ADOBE_SECRET | {"clientId": "rotated-client", "clientSecret": "rotated-secret"}
        if not world.ims.calls:
            world.put_values(world.environment["ADOBE_SECRET_ID"], rotated)
        return reply(request)

    monkeypatch.setattr(world.ims, "reply", rotate_meanwhile)

    assert world.request()

    assert world.exchanges() == 2
    assert world.announced() == [("Ready", "created")]


def test_the_secret_is_read_again_when_ims_does_not_know_the_client_of_a_rejected_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    rotated = ADOBE_SECRET | {"clientId": "rotated-client", "clientSecret": "rotated-secret"}
    world.ims.settings.clients = {"rotated-client": ["rotated-secret"]}
    world.ims.revoke_all()
    reply = world.ims.reply

    def rotate_meanwhile(request: Request) -> Any:
        world.put_values(world.environment["ADOBE_SECRET_ID"], rotated)
        return reply(request)

    monkeypatch.setattr(world.ims, "reply", rotate_meanwhile)

    assert world.invoke(REQUEST)["outcome"] == "unchanged"
    assert world.calls()[-1].headers["x-api-key"] == "rotated-client"


def test_a_call_rejected_after_a_recent_renewal_is_reported_with_adobes_own_error(world: World) -> None:
    body = '{"type": "https://ns.adobe.com/aep/errors/FLOW-2000-401", "report": {"request-id": "r-1"}}'
    world.adobe.faults.add(Fault(status=401, body=body, times=0))

    refusals = [world.refused(REQUEST) for _ in range(2)]

    assert [(refusal.code, refusal.request_id) for refusal in refusals] == [("AdobeForbidden", "r-1")] * 2


def test_a_client_that_ims_does_not_know_is_sent_to_ims_once(world: World) -> None:
    world.ims.settings.clients = {"other": ["x"]}

    refusal = world.refused(REQUEST)

    assert refusal.code == "AdobeCredentialRejected"
    assert "invalid_client" in refusal.message
    assert world.exchanges() == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, '{"error": "invalid_scope"}', "AdobeCredentialRejected"),
        (200, "<html>", "Unavailable"),
        (200, '{"access_token": 7, "expires_in": 1}', "Unavailable"),
        (200, '{"access_token": "two words", "expires_in": 1}', "Unavailable"),
        (200, '{"access_token": "line\\nbreak", "expires_in": 1}', "Unavailable"),
        (400, '{"error": "invalid_scope"}', "AdobeCredentialRejected"),
        (401, "", "AdobeCredentialRejected"),
        (429, "", "Throttled"),
        (500, "<html>", "Unavailable"),
    ],
)
def test_an_invalid_token_reply_is_not_used_as_a_token(world: World, status: int, body: str, code: str) -> None:
    world.ims.faults.add(Fault(status=status, body=body, times=0))

    assert world.refused(REQUEST).code == code

    assert world.calls() == []


def test_many_threads_make_one_exchange(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source, upstream = tokens_of(world), upstream_in(world)
    reply, two = world.ims.reply, threading.Barrier(2)

    def wait_for_another(request: Request) -> Any:
        with suppress(threading.BrokenBarrierError):
            two.wait(0.1)
        return reply(request)

    monkeypatch.setattr(world.ims, "reply", wait_for_another)

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: source.token_for(CREDENTIALS, upstream), range(16)))

    assert len(tokens) == 1
    assert world.exchanges() == 1


def test_a_credential_shows_no_secret() -> None:
    assert "hidden" not in repr(
        Credentials(client_id="c", org_id="o", scopes="s", version_id="v1", client_secret="hidden")
    )
