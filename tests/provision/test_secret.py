"""Invariant 3, Secret: a secret's value is only in memory and in requests to Adobe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.domain.errors import ConnectionFailure
from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.canaries import CLIENT_SECRET, TOKEN, found, kept, plant, whole_story
from tests.support.log import Log
from tests.support.world import ABSENT, REQUEST, SECRET_ID, UNCHECKED, World

CANARIES = (TOKEN, CLIENT_SECRET)


@pytest.fixture
def canary(world: World) -> World:
    plant(world)
    return world


def everything_outside(world: World) -> str:
    """Everything that is stored outside Secrets Manager and Adobe."""
    return "\n".join(kept(world).values())


ECHO = json.dumps({"message": f"bad token {TOKEN}", "error": CLIENT_SECRET, "error_code": TOKEN})
BAD_DAYS: list[Any] = [
    [],
    [Fault(method="POST", path=".*/connections", status=400, body=ECHO, times=0)],
    [Fault(method="POST", path=".*/connections", status=500, body=ECHO, times=0)],
    [Fault(method="POST", path=".*/connections", status=403, body=ECHO, headers={"x-request-id": TOKEN}, times=0)],
    [Fault(method="GET", path=".*/connections", status=404, body=ECHO, times=0)],
    [Fault(method="GET", path=".*/connections", drop=True, times=0)],
    [Fault(method="GET", path=".*/test", status=500, body=ECHO, times=0)],
    [Fault(method="GET", path=".*/test", status=200, body=json.dumps(TOKEN), times=0)],
]


@pytest.mark.parametrize("faults", BAD_DAYS, ids=range(len(BAD_DAYS)))
def test_a_canary_is_seen_nowhere(
    canary: World, log: Log, caplog: pytest.LogCaptureFixture, faults: list[Fault]
) -> None:
    for fault in faults:
        canary.adobe.faults.add(fault)
    stories = []

    for request in (REQUEST, REQUEST | {"displayName": "Sales 2"}, ABSENT):
        try:
            stories.append(repr(canary.invoke(request)))
        except ConnectionFailure as error:
            stories.append(whole_story(error))
    canary.request()

    shown = {"stories": "\n".join(stories), "log": log.text + caplog.text, "repr": repr(canary.service)}
    assert found(kept(canary) | shown, CANARIES) == []
    assert any(found({"body": request.body.decode()}, [TOKEN]) for request in canary.calls("POST")) or faults


def test_a_message_of_databricks_through_adobe_is_shown_without_the_token_that_it_quotes(canary: World) -> None:
    canary.databricks.settings.revoked_tokens.append(TOKEN)

    refusal = canary.refused(UNCHECKED)

    assert refusal.code == "DatabricksRefused"
    assert "Invalid access token. Token: [redacted]" in refusal.message


def test_a_state_that_adobe_gives_is_shown_without_a_secret(canary: World) -> None:
    connection_id = canary.invoke(REQUEST)["connectionId"]
    canary.adobe.settings.states[connection_id] = f"waiting for {TOKEN}"

    refusal = canary.refused(REQUEST)

    assert refusal.code == "Unavailable"
    assert "(state waiting for [redacted])" in refusal.message


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("request_", [REQUEST, ABSENT], ids=["present", "absent"])
def test_a_token_that_this_delivery_does_not_read_is_shown_nowhere_either(
    world: World, log: Log, request_: dict[str, str], masked: bool
) -> None:
    held = "dapi0123456789abcdef0123456789abcdef-2" if masked else "canary-of-an-earlier-version"
    world.adobe.settings.masked = masked
    world.put_secret(accessToken=held)
    world.invoke(REQUEST)
    world.put_secret(accessToken="dapi-of-today")
    body = json.dumps({"message": f"401 for token {held}.", "error_code": held})
    for method in ("PATCH", "DELETE"):
        world.adobe.faults.add(Fault(method=method, status=400, body=body))

    refusal = world.refused(request_)

    assert refusal.code == "AdobeRefused"
    assert held not in whole_story(refusal) + everything_outside(world) + log.text


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_client", "error_description": f"{CLIENT_SECRET} is wrong"},
        {"access_token": "", "debug": CLIENT_SECRET},
        {"error": CLIENT_SECRET},
    ],
)
def test_a_message_of_ims_is_shown_without_the_client_secret(canary: World, log: Log, body: dict[str, str]) -> None:
    headers = {"x-request-id": CLIENT_SECRET, "x-debug-id": CLIENT_SECRET}
    canary.ims.faults.add(Fault(times=0, status=400, body=json.dumps(body), headers=headers))

    refusal = canary.refused(REQUEST)

    assert refusal.code == "AdobeCredentialRejected"
    assert found(kept(canary) | {"error": whole_story(refusal), "log": log.text}, CANARIES) == []


@pytest.mark.cloud
@pytest.mark.parametrize("text", ["not json: canary-in-text", '["canary-in-text"]', '{"accessToken": "canary-in-text"'])
def test_a_secret_that_is_not_a_json_object_is_refused_without_its_text(world: World, log: Log, text: str) -> None:
    world.put_text(SECRET_ID, text)

    refusal = world.refused(REQUEST)

    assert refusal.code == "SecretInvalid"
    assert "canary" not in whole_story(refusal) + everything_outside(world) + log.text


def test_a_faulty_field_of_a_secret_is_named_without_its_value(world: World, log: Log) -> None:
    world.put_values(SECRET_ID, DATABRICKS_SECRET | {"accessToken": "canary with blanks", "domain": "canary"})

    refusal = world.refused(REQUEST)

    assert [fault.field for fault in refusal.faults] == ["domain", "accessToken"]
    assert "canary" not in whole_story(refusal) + everything_outside(world) + log.text


def test_the_token_goes_to_the_workspace_in_the_secret_and_the_domain_is_sent_as_it_is(canary: World) -> None:
    canary.invoke(REQUEST)

    (connection,) = canary.connections()
    assert connection["auth"]["params"]["accessToken"] == TOKEN
    assert connection["auth"]["params"]["domain"] == DATABRICKS_SECRET["domain"]
