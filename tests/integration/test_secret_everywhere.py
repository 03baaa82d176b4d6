"""Invariant 3, Secret: in many situations, all that leaves the process is searched for canaries in every encoding."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.http.transport import Timeouts
from aep_connections.provision.service import ProvisionService, build
from local.aws.account import Aws
from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response, Simulator
from tests.support.canaries import (
    CLIENT_SECRET,
    TOKEN,
    echoed,
    found,
    ims_tokens,
    kept,
    out_of_place,
    plant,
    shown,
    whole_story,
    wire_of,
)
from tests.support.iam import AwsCalls
from tests.support.keeper import LATER, Keeper
from tests.support.log import Log
from tests.support.web import KEY, Web
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, UNCHECKED, World

ROTATED = "canary-rotated/+token=="
EARLIER = 'canary-earlier/+"token'
DATABRICKS_TOKENS = (TOKEN, ROTATED, EARLIER)


@dataclass(slots=True)
class Day:
    """One situation, and everything that left the process in it."""

    world: World
    patch: pytest.MonkeyPatch
    let_out: dict[str, str]
    held: str = TOKEN
    """The Databricks token that Adobe holds."""
    service: ProvisionService = field(init=False)

    def __post_init__(self) -> None:
        self.service = self.world.service

    def request(self, request: Any = REQUEST) -> str:
        """A direct invoke, then the same request from the queue. Returns the outcome or code of the first."""
        try:
            result = self.world.invoke(request, self.service)
            outcome = str(result["outcome"])
            self.let_out[f"{len(self.let_out)} result"] = shown(result)
        except ConnectionFailure as error:
            outcome = error.code
            self.let_out[f"{len(self.let_out)} error"] = whole_story(error)
        self.world.deliver(self.world.send(request), self.service)
        return outcome

    def read(self, web: Web) -> None:
        """Read everything that the HTTP API shows."""
        for path in (KEY, "/connections", f"{KEY}/tables", f"{KEY}/tables/acme_db.orders"):
            response = web("GET", path)
            self.let_out[f"{len(self.let_out)} GET {path}"] = shown([response.headers, response.document])

    def reconcile(self, keeper: Keeper) -> None:
        """A reconcile run, and the rechecks that it sends."""
        self.world.clock.advance(LATER)
        for event in ({}, *keeper.pending_events()):
            try:
                result = keeper.wake(event)
                self.let_out[f"{len(self.let_out)} fleet"] = shown(result)
            except ConnectionFailure as error:
                self.let_out[f"{len(self.let_out)} error"] = whole_story(error)
        for sent in keeper.rechecks():
            self.world.deliver(sent, self.service)

    def fault(self, method: str, path: str = ".*", **how: Any) -> None:
        """Let Adobe fail from now on."""
        self.world.stack.adobe.faults.add(Fault(method=method, path=path, times=0, **how))

    def echo(self, method: str, status: int, path: str = "", whom: str = "adobe") -> None:
        """Let a simulator put all secrets that it has, in every encoding, into every field of its replies."""
        simulator: Simulator = getattr(self.world.stack, whom)
        reply, knows = simulator.reply, [CLIENT_SECRET] if whom == "ims" else [self.held, CLIENT_SECRET]

        def act(request: Request) -> Any:
            response, fault = reply(request)
            if request.method != method or not request.path.endswith(path):
                return response, fault
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            texts, turn = echoed([*knows, *([] if whom == "ims" else [token])]), len(simulator.calls)
            text = " ".join(texts[turn % 7 :: 7])
            body: dict[str, Any] = {
                "message": text,
                "error": texts[turn % len(texts)],
                "error_code": TOKEN,
                "type": TOKEN,
                "etag": TOKEN,
            }
            report = {"detailed-message": text, "request-id": texts[-turn % len(texts)]}
            if whom == "databricks":
                body |= {"state": TOKEN, "cluster_source": token, "single_user_name": text, "userName": token}
                body |= {"termination_reason": {"code": TOKEN, "type": text}, "policy_id": TOKEN}
                body |= {"spark_conf": {text: text}, "data_security_mode": TOKEN}
            headers = {"x-request-id": CLIENT_SECRET, "x-databricks-reason-phrase": text, "x-databricks-org-id": token}
            return Response(status, json.dumps(body | {"report": report}).encode(), headers), fault

        self.patch.setattr(simulator, "reply", act)


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
    day.world.stack.adobe.records.clear()
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
    day.world.stack.adobe.settings.in_use += [item["id"] for item in day.world.connections()]
    assert day.request(ABSENT) == "InUse"


def refused_by_databricks(day: Day) -> None:
    day.world.stack.databricks.settings.revoked_tokens.append(TOKEN)
    assert day.request() == "NotReady"
    assert day.request(UNCHECKED) == "DatabricksRefused"


def on_a_stopped_cluster(day: Day) -> None:
    day.request()
    day.world.stack.databricks.settings.clusters.update(STOPPED)
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
    reply = day.world.stack.adobe.reply

    def act(request: Request) -> Any:
        if request.method == "POST":
            day.world.put_secret(accessToken=ROTATED)
        return reply(request)

    with day.patch.context() as patch:
        patch.setattr(day.world.stack.adobe, "reply", act)
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
    day.world.stack.ims.revoke_all()
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
    day.service = build(day.world.stack.environment, day.world.clock, Timeouts(0.3, 0.1, 0.1))
    day.fault("POST", hang=True)
    assert day.request() in ("Unsettled", "Unavailable")


def echoing(method: str, status: int, path: str = "", whom: str = "adobe") -> Callable[[Day], None]:
    def day_of(day: Day) -> None:
        if path == "/clusters/start":
            day.world.stack.databricks.settings.clusters = dict(STOPPED)
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
    day.world.stack.databricks.settings.revoked_tokens.append(ROTATED)
    assert day.request(UNCHECKED) == "DatabricksRefused"
    assert [item["auth"]["params"]["accessToken"] for item in day.world.connections()] == [TOKEN]


def with_a_token_in_a_name(day: Day) -> None:
    day.request()
    day.world.stack.adobe.settings.masked = False
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
def day(world: World, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    plant(world)
    with wire_of(aws) as let_out:
        yield Day(world, monkeypatch, let_out)


@pytest.mark.parametrize("happens", DAYS, ids=lambda happens: happens.__name__)
def test_no_secret_leaves_the_process_except_to_where_it_belongs(
    day: Day, aws_calls: AwsCalls, log: Log, caplog: pytest.LogCaptureFixture, happens: Callable[[Day], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "moto")

    happens(day)
    day.read(Web(day.world, aws_calls))
    day.reconcile(Keeper(day.world, aws_calls))

    everything = {
        **day.let_out,
        **kept(day.world),
        "stdout": log.text,
        "stderr": log.errors,
        "debug log": caplog.text,
        "repr": repr(day.service) + repr(vars(day.service)),
    }
    assert len(day.let_out) > 2
    assert found(everything, [*DATABRICKS_TOKENS, CLIENT_SECRET, *ims_tokens(day.world)]) == []
    assert out_of_place(day.world, DATABRICKS_TOKENS) == []


def test_the_canaries_were_really_sent(day: Day) -> None:
    day.request()

    assert found({"body": day.world.calls("POST")[0].body.decode()}, [TOKEN])
    assert found({"body": day.world.stack.ims.calls[0].request.body.decode()}, [CLIENT_SECRET])
    assert ims_tokens(day.world)
