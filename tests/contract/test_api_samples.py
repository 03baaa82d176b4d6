"""The samples of the HTTP API and of exploring in events/: what API Gateway sends, and how the functions respond."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from local.aws.invocation import Context
from local.aws.template import Template
from local.gateway.callers import CALLER
from local.gateway.http_api import HttpApi, paths
from local.gateway.http_events import Call, event_of, reply_of
from local.stack import ROOT
from tests.support.web import SECONDS, Web, work
from tests.support.world import World

EVENTS = ROOT / "events"
API = HttpApi.read(Template.load({"AdobeSecretArn": "arn"}), lambda name, attribute: f"{name}.{attribute}")
MADE_BY_THE_GATEWAY = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
STATUSES = {
    "api-request": 202,
    "api-request-and-wait": 201,
    "api-request-any": 202,
    "api-request-base64": 202,
    "api-show": 200,
    "api-list": 200,
    "api-retire": 202,
    "api-verify": 202,
    "api-tables": 200,
    "api-table": 200,
    "invalid/api-not-json": 400,
    "invalid/api-every-fault": 422,
    "invalid/api-list-no-limit": 422,
    "invalid/api-method-not-allowed": 405,
}
NEW = {name for name in STATUSES if name.startswith("api-request")}
"""Samples that are sent before a connection exists."""


def load(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def send_sample(web: Web, name: str) -> tuple[int, Any]:
    """The status and the document of the API function's response to a sample."""
    clock = web.world.clock
    reply = reply_of(web.api.respond(load(name), Context(clock.now() + SECONDS, clock.now)))
    return reply.status, json.loads(reply.body)


def test_every_sample_of_the_api_has_an_expected_status() -> None:
    found = {str(path.relative_to(EVENTS).with_suffix("")) for path in EVENTS.rglob("api-*.json")}

    assert found == set(STATUSES)


def test_every_route_has_a_sample_and_every_sample_a_route() -> None:
    assert {load(name)["routeKey"] for name in STATUSES} == {route.key for route in API.routes}


@pytest.mark.parametrize("name", STATUSES)
def test_a_sample_equals_the_event_that_the_gateway_makes_of_its_call(name: str) -> None:
    sample = load(name)
    about, text = sample["requestContext"], sample.get("body", "")
    sent = {n: value for n, value in sample["headers"].items() if n not in MADE_BY_THE_GATEWAY}
    call = Call(
        about["http"]["method"],
        quote(sample["rawPath"]) + ("?" if sample["rawQueryString"] else "") + sample["rawQueryString"],
        tuple(sent.items()),
        base64.b64decode(text) if sample["isBase64Encoded"] else text.encode(),
        about["http"]["sourceIp"],
        about["timeEpoch"] / 1000,
        about["requestId"],
    )

    wanted, path = paths(call.path)
    found = API.route(call.method, wanted)
    assert found
    route, variables = found
    made = event_of(call, about["apiId"], route.key, path, variables, about["authorizer"])

    assert set(made["headers"]) == set(sample["headers"])
    assert made | {"headers": sample["headers"]} == sample


@pytest.mark.parametrize("name", STATUSES)
def test_the_caller_in_a_sample_has_the_fields_of_a_local_caller(name: str) -> None:
    authorizer = load(name)["requestContext"]["authorizer"]

    assert set(authorizer) == set(CALLER)
    assert set(authorizer["iam"]) == set(CALLER["iam"])


@pytest.mark.parametrize("name", STATUSES)
def test_a_sample_gets_its_expected_status(world: World, web: Web, name: str) -> None:
    if name not in NEW:
        world.request(load("invoke-request"))
    world.clock.meanwhile = lambda: work(world)

    status, document = send_sample(web, name)

    assert status == STATUSES[name]
    assert (document.get("code") is None) == (not name.startswith("invalid/"))


@pytest.mark.parametrize("name", sorted(NEW - {"api-request-and-wait"}))
def test_a_sample_that_requests_a_connection_gets_one(world: World, web: Web, name: str) -> None:
    send_sample(web, name)

    work(world)

    assert send_sample(web, "api-show")[1]["status"] == "ready"


def test_the_sample_that_waits_gets_the_new_connection(world: World, web: Web) -> None:
    world.clock.meanwhile = lambda: work(world)

    _, document = send_sample(web, "api-request-and-wait")

    assert document["outcome"] == "created"
    assert document["connectionId"] == world.connections()[0]["id"]


def test_the_samples_that_read_show_the_connection_and_its_tables(world: World, web: Web) -> None:
    world.request(load("invoke-request"))

    listed, tables, table = (send_sample(web, name)[1] for name in ("api-list", "api-tables", "api-table"))

    assert [one["name"] for one in listed["connections"]] == ["sales-lakehouse"]
    assert load("api-table")["pathParameters"]["path"] in {one["path"] for one in tables["tables"]}
    assert table["columns"]


def test_the_samples_that_verify_and_retire_succeed(world: World, web: Web) -> None:
    world.request(load("invoke-request"))
    before = send_sample(web, "api-show")[1]["tested"]["at"]
    world.clock.advance(60)

    send_sample(web, "api-verify")
    work(world)
    verified = send_sample(web, "api-show")[1]
    send_sample(web, "api-retire")
    work(world)

    assert verified["tested"]["at"] > before
    assert send_sample(web, "api-show")[1]["status"] == "retired"
    assert world.connections() == []


def test_the_invalid_sample_with_every_fault_names_them_all(world: World, web: Web) -> None:
    sample = load("invalid/api-every-fault")

    _, document = send_sample(web, "invalid/api-every-fault")

    faulty = set(json.loads(sample["body"])) | set(sample["pathParameters"])
    assert {fault["field"] for fault in document["faults"]} == faulty


def test_the_samples_of_exploring_show_tables_and_columns(world: World, web: Web) -> None:
    world.request(load("invoke-request"))

    tables, table = (web.explore(load(name), None) for name in ("explore-tables", "explore-table"))

    assert load("explore-table")["path"] in {one["path"] for one in tables["tables"]}
    assert table["columns"]


def test_the_samples_of_exploring_are_the_events_that_the_apis_function_sends(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request(load("invoke-request"))
    received: list[Any] = []

    def explore(event: Any, _context: Any) -> Any:
        received.append(event)
        return {}

    monkeypatch.setitem(world.functions, web.explore_name, explore)

    for sample in ("api-tables", "api-table"):
        send_sample(web, sample)

    assert received == [load("explore-tables"), load("explore-table")]


def test_the_invalid_sample_of_exploring_returns_its_failure_as_data(world: World, web: Web) -> None:
    response = web.explore(load("invalid/explore-no-name"), None)

    assert response["failure"]["code"] == "InvalidRequest"
