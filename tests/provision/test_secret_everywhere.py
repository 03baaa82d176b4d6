"""Invariant 3, Secret: in many situations, all that leaves the process is searched for canaries in every encoding."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.http.transport import Timeouts
from local.simulators.simulator import Request
from tests.support.calls import Calls
from tests.support.canaries import CLIENT_SECRET, TOKEN, echoed, found, ims_tokens, out_of_place, plant, wire_of
from tests.support.cloud import CloudWorld
from tests.support.day import Day
from tests.support.log import Log
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, UNCHECKED, World

pytestmark = pytest.mark.slow

ROTATED = "canary-rotated/+token=="
EARLIER = 'canary-earlier/+"token'
DATABRICKS_TOKENS = (TOKEN, ROTATED, EARLIER)
SERVICES = {"secretsmanager", "DynamoDB", "AmazonSQS", "AWSEvents", "AmazonSSM", "Lambda"}
"""Every service of AWS that the functions call."""


def created(day: Day) -> None:
    assert day.request() == "created"


def updated(day: Day) -> None:
    day.request()
    day.world.put_secret(accessToken=ROTATED)
    assert day.request() == "updated"


def unchanged(day: Day) -> None:
    day.request()
    assert day.request() == "unchanged"


def adopted(day: Day) -> None:
    day.world.add_foreign()
    assert day.request(REQUEST | {"adopt": True}) == "adopted"


def recreated(day: Day) -> None:
    day.request()
    day.world.adobe.records.clear()
    assert day.request() == "recreated"


def deleted(day: Day) -> None:
    day.request()
    assert day.request(ABSENT) == "deleted"


def superseded(day: Day) -> None:
    day.request()
    assert day.world.request(at=day.world.clock.now() - 900)
    assert day.world.announced()[-1][1] != "superseded"


def rechecked(day: Day) -> None:
    day.request()
    day.world.put_secret(accessToken=ROTATED)
    assert day.world.deliver(day.world.send_body(RECHECK))


def in_conflict(day: Day) -> None:
    day.world.add_foreign()
    assert day.request() == "Conflict"


def in_use(day: Day) -> None:
    day.request()
    day.world.adobe.settings.in_use += [item["id"] for item in day.world.connections()]
    assert day.request(ABSENT) == "InUse"


def refused_by_databricks(day: Day) -> None:
    day.world.databricks.settings.revoked_tokens.append(TOKEN)
    assert day.request() == "NotReady"
    assert day.request(UNCHECKED) == "DatabricksRefused"


def on_a_stopped_cluster(day: Day) -> None:
    day.request()
    day.world.databricks.settings.clusters.update(STOPPED)
    day.world.put_secret(accessToken=ROTATED)
    assert day.request() == "NotReady"
    assert day.request(UNCHECKED) == "TestFailed"


def parked(day: Day) -> None:
    day.echo("GET", 503, "/connections")
    day.world.until_done(day.world.send(REQUEST))
    assert day.world.announced() == [("Failed", "Unavailable")]


def with_a_faulty_secret(day: Day) -> None:
    day.world.put_secret(accessToken=f"{TOKEN} {ROTATED}", domain=TOKEN, clusterId=f" {TOKEN}")
    assert day.request() == "SecretInvalid"


def with_an_unknown_field(day: Day) -> None:
    assert day.request(REQUEST | {"accessToken": TOKEN}) == "InvalidRequest"


def rotated_in_flight(day: Day) -> None:
    reply = day.world.adobe.reply

    def act(request: Request) -> Any:
        if request.method == "POST":
            day.world.put_secret(accessToken=ROTATED)
        return reply(request)

    with day.patch.context() as patch:
        patch.setattr(day.world.adobe, "reply", act)
        assert day.request() == "created"
    day.held = ROTATED
    day.echo("PATCH", 400)
    assert day.request(REQUEST | {"database": "other"}) == "AdobeRefused"


def with_a_token_of_an_earlier_version(day: Day) -> None:
    day.world.put_secret(accessToken=EARLIER)
    day.request()
    day.world.put_secret(accessToken=TOKEN)
    day.fault("PATCH", status=400, body=json.dumps({"message": f"no: {EARLIER}", "error_code": EARLIER}))
    day.fault("DELETE", status=400, body=json.dumps({"message": f"no: {EARLIER}", "error_code": EARLIER}))
    assert day.request() == "AdobeRefused"
    assert day.request(ABSENT) == "AdobeRefused"


def with_a_token_that_adobe_rejects(day: Day) -> None:
    day.request()
    day.world.ims.revoke_all()
    assert day.request() == "unchanged"
    day.echo("GET", 401)
    assert day.request() == "AdobeCredentialRejected"


def reset(day: Day) -> None:
    day.fault("", drop=True)
    assert day.request() == "Unavailable"


def cut_short(day: Day) -> None:
    day.fault("GET", truncate=True, status=200, body=json.dumps({"items": [{"id": TOKEN}] * 9}))
    assert day.request() == "Unavailable"


def without_a_response_in_time(day: Day) -> None:
    day.service = day.world.new_service(Timeouts(0.3, 0.1, 0.1))
    day.fault("POST", hang=True)
    assert day.request() in ("Unsettled", "Unavailable")


def echoing(method: str, status: int, path: str = "", whom: str = "adobe") -> Callable[[Day], None]:
    def day_of(day: Day) -> None:
        if path == "/clusters/start":
            day.world.databricks.settings.clusters = dict(STOPPED)
        day.echo(method, status, path, whom)
        for request in (REQUEST | {"readiness": "start", "catalog": "main"}, ABSENT):
            day.request(request)

    day_of.__name__ = f"{method if whom == 'adobe' else whom} {path} {status}".replace("/", "")
    return day_of


def with_a_flow_in_the_way(day: Day) -> None:
    in_use(day)
    day.echo("GET", 200, "/flows")
    assert day.request(ABSENT) == "InUse"


def with_tables_that_quote_secrets(day: Day) -> None:
    day.request()
    texts = echoed([TOKEN, CLIENT_SECRET])
    tables = [{"type": "table", "name": text, "path": text} for text in texts]
    day.fault("GET", ".*/explore", status=200, body=json.dumps(tables))


def with_columns_that_quote_secrets(day: Day) -> None:
    day.request()
    columns = [{"name": text, "type": text, "xdm": {"format": text}} for text in echoed([TOKEN])]
    day.fault("GET", ".*/explore", status=200, body=json.dumps({"schema": {"columns": columns}}))


def with_a_token_taken_back(day: Day) -> None:
    day.request()
    day.world.put_secret(accessToken=ROTATED)
    day.world.databricks.settings.revoked_tokens.append(ROTATED)
    assert day.request(UNCHECKED) == "DatabricksRefused"
    assert [item["auth"]["params"]["accessToken"] for item in day.world.connections()] == [TOKEN]


def with_a_token_in_a_name(day: Day) -> None:
    day.request()
    day.world.adobe.settings.masked = False
    for item in day.world.connections():
        item["name"] = f"sales {TOKEN}"


DAYS = [
    *(created, updated, unchanged, adopted, recreated, deleted, superseded, rechecked, in_conflict, in_use, parked),
    *(refused_by_databricks, on_a_stopped_cluster, with_a_faulty_secret, with_an_unknown_field, rotated_in_flight),
    *(
        with_a_token_of_an_earlier_version,
        with_a_token_that_adobe_rejects,
        reset,
        cut_short,
        without_a_response_in_time,
    ),
    *(
        with_a_token_taken_back,
        with_a_token_in_a_name,
        with_a_flow_in_the_way,
        with_tables_that_quote_secrets,
        with_columns_that_quote_secrets,
    ),
    *(echoing("GET", status, "/explore") for status in (200, 400, 403, 500)),
    *(echoing("POST", status) for status in (201, 302, 400, 403, 500)),
    *(echoing("GET", status, "/connections") for status in (200, 404)),
    *(echoing("GET", status, "/test") for status in (200, 500)),
    *(echoing("POST", status, whom="ims") for status in (200, 400, 500)),
    *(echoing("GET", status, "/Me", "databricks") for status in (200, 401, 403, 500)),
    *(echoing("GET", status, "/clusters/get", "databricks") for status in (200, 400, 403, 500)),
    *(echoing("GET", status, "/token/list", "databricks") for status in (200, 404)),
    *(echoing("GET", status, "/catalogs/main", "databricks") for status in (200, 404)),
    *(echoing("POST", status, "/clusters/start", "databricks") for status in (200, 400, 403, 500)),
]


@pytest.fixture
def day(world: World, calls: Calls, log: Log, monkeypatch: pytest.MonkeyPatch) -> Day:
    """A day on which each call to AWS is noted."""
    plant(world)
    made = Day(world, monkeypatch)
    calls.notes.append(made.note)
    return made


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of every library but moto, from level DEBUG on. The last level that is set is that of what is kept."""
    caplog.set_level(logging.WARNING, "moto")
    caplog.set_level(logging.DEBUG)
    return caplog


def secrets_out_of_place(day: Day, log: Log, debug_log: pytest.LogCaptureFixture) -> list[str]:
    """Where a secret was found that does not belong there, by the end of the day."""
    secrets = [*DATABRICKS_TOKENS, CLIENT_SECRET, *ims_tokens(day.world)]
    logged = {"stdout": log.text, "stderr": log.errors, "debug log": debug_log.text}
    return found({**day.everything(), **logged}, secrets) + out_of_place(day.world, DATABRICKS_TOKENS)


@pytest.mark.parametrize("happens", DAYS, ids=lambda happens: happens.__name__)
def test_no_secret_leaves_the_process_except_to_where_it_belongs(
    day: Day, log: Log, debug_log: pytest.LogCaptureFixture, happens: Callable[[Day], None]
) -> None:
    happens(day)
    day.read()
    day.reconcile()

    assert len(day.let_out) > 2
    assert secrets_out_of_place(day, log, debug_log) == []


@pytest.mark.cloud
def test_no_secret_is_on_the_wire_to_aws_or_in_the_log_of_an_http_library(
    world: CloudWorld, day: Day, log: Log, debug_log: pytest.LogCaptureFixture
) -> None:
    with wire_of(world.stack.aws) as wire:
        rotated_in_flight(day)
        day.read()
        day.reconcile()
        day.echo("GET", 503)
        sent = world.send(REQUEST | {"name": "parked"})
        assert not world.deliver(sent)
        world.clock.advance(3600)
        assert world.deliver(sent)
    day.let_out |= wire

    assert "urllib3" in debug_log.text
    assert {place.split()[1].partition(".")[0].partition("_")[0] for place in wire} == SERVICES
    assert secrets_out_of_place(day, log, debug_log) == []


def test_the_canaries_were_really_sent(day: Day) -> None:
    day.request()

    assert found({"body": day.world.calls("POST")[0].body.decode()}, [TOKEN])
    assert found({"body": day.world.ims.calls[0].request.body.decode()}, [CLIENT_SECRET])
    assert ims_tokens(day.world)
