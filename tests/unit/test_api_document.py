"""The OpenAPI document against the code: every route is in it, and what the code writes has the schemas' properties."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from aep_connections.api import problems
from aep_connections.api.routes import ROUTES, Dependencies
from aep_connections.api.service import ApiService
from aep_connections.api.submit import Submitter
from aep_connections.contract.documents import describe
from aep_connections.domain import entry as entries
from aep_connections.domain.delivery import Recheck
from aep_connections.domain.entry import Entry, Pending, SecretVersion, StatusSince, Wait
from aep_connections.domain.errors import Failure, Throttled, Unavailable
from aep_connections.domain.model import Column, JsonObject, Key, Order, Outcome, Request, Result, Status, Table
from local.openapi.__main__ import PATH, text
from local.openapi.operations import OPERATIONS, document

SCHEMAS = document()["components"]["schemas"]
NOW = 1_795_000_000.0
KEY = Key("dev", "sales")
ORDER = Order("2026-11-18T10:00:00.000Z", "e-1")
FAILURE = Failure(
    code="Conflict",
    message="m",
    remedy="r",
    retryable=False,
    request_id="q-1",
    faults=[{"field": "name", "rule": "is taken"}],
)
RESULT = Result(
    key=KEY,
    outcome=Outcome.CREATED,
    parameter_name="/p",
    connection_id="c-1",
    etag='"1"',
    readiness="pass",
    duplicates=("c-2",),
)
READY = Entry(
    key=KEY,
    order=ORDER,
    answered=ORDER,
    status=Status.READY,
    request={"name": "sales"},
    connection_id="c-1",
    etag='"1"',
    readiness={"status": "pass"},
    result=RESULT.document(),
    tested=entries.Tested(NOW, True),
    secret_version=SecretVersion("v-1", NOW),
    since=StatusSince(Status.READY, NOW),
)
WAITING = READY.with_(
    status=Status.WAITING, failure=FAILURE, wait=Wait(order=ORDER, what="cluster c", since=NOW, until=NOW + 60)
)
TABLES = [asdict(Table("t", "main.t"))]
COLUMNS = [asdict(Column("id", "string", None)), asdict(Column("at", "string", "date-time"))]
BODY = '{"databricksSecretId": "aep/x"}'


def faults_of(name: str, found: Any, schemas: Mapping[str, Any]) -> list[str]:
    """The errors that a JSON Schema validator finds in a document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(found)))]


def exact(schema: dict[str, Any], missing: tuple[str, ...] = ()) -> dict[str, Any]:
    """The schema with every property required except those in `missing`, and no others allowed."""
    if "properties" not in schema:
        return schema
    required = [name for name in schema["properties"] if name not in missing]
    return {**schema, "required": required, "additionalProperties": False}


ALL = {name: exact(schema) for name, schema in SCHEMAS.items()}
WITHOUT_DUPLICATES = ALL | {"Result": exact(SCHEMAS["Result"], ("duplicates",))}
ALONE = Result(key=KEY, outcome=Outcome.DELETED, parameter_name=None).document()


def test_every_route_is_in_the_document_and_no_other() -> None:
    assert set(OPERATIONS) == set(ROUTES)
    assert {
        f"{method.upper()} {path}" for path, operations in document()["paths"].items() for method in operations
    } == set(ROUTES)


def test_the_file_is_what_the_code_writes() -> None:
    assert PATH.read_text() == text(), "make openapi"


@pytest.mark.parametrize(
    ("name", "found", "schemas"),
    [
        ("Result", RESULT.document(), ALL),
        ("Result", ALONE, WITHOUT_DUPLICATES),
        ("Reason", FAILURE.document(), ALL),
        ("Connection", describe(READY, "/p", NOW), ALL),
        ("Connection", describe(WAITING, "/p", NOW), ALL),
        ("Connection", describe(READY.with_(pending=Pending(ORDER, {})), "/p", NOW), ALL),
        ("Connection", describe(Entry(key=KEY), "/p", NOW), ALL),
        ("Problem", problems.request_failed(FAILURE, {}).document, ALL),
        ("Problem", problems.internal_error().document, ALL),
    ],
)
def test_a_document_has_the_properties_of_its_schema_and_no_other(
    name: str, found: dict[str, Any], schemas: dict[str, Any]
) -> None:
    assert faults_of(name, found, schemas) == []


def test_a_property_too_many_or_too_few_is_found() -> None:
    (longer,) = faults_of("Connection", describe(READY, "/p", NOW) | {"more": 1}, ALL)
    (shorter,) = faults_of("Result", ALONE, ALL)

    assert "'more' was unexpected" in longer
    assert "'duplicates' is a required property" in shorter


class Clock:
    """Time that passes only during pauses."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Stack:
    """The queue and the registry. With `error`, the queue and the list fail."""

    def __init__(self, entry: Entry | None, error: Exception | None = None) -> None:
        self.entry, self.error = entry, error

    def get(self, _key: Key) -> Entry | None:
        return self.entry

    def page(self, *_: Any) -> tuple[list[Entry], Key | None]:
        if self.error:
            raise self.error
        return [READY, WAITING], KEY

    def note_pending(self, order: Order, _request: Request) -> None:
        """The request ends like the entry of this stack."""
        if self.entry:
            self.entry = self.entry.with_(order=order, answered=self.entry.answered and order)

    def submit(self, order: Order, request: JsonObject) -> None:
        if self.error:
            raise self.error

    def recheck(self, *rechecks: Recheck) -> None:
        pass


class Context:
    """An invocation with enough time."""

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


ONE = "/connections/{sandbox}/{name}"
FAILED = READY.with_(status=Status.FAILED, answered=None, failure=FAILURE)
GONE = READY.with_(result=ALONE)


def explored(found: Mapping[str, Any]) -> Callable[[Any], dict[str, Any]]:
    return lambda _: dict(found)


def reply(
    route: str, entry: Entry | None = READY, stack: Stack | None = None, explore: Any = None, **event: Any
) -> tuple[int, str, Any]:
    """Status, content type and document of a route's response."""
    clock, ports = Clock(), cast(Any, stack or Stack(entry))
    dependencies = Dependencies(
        clock=clock,
        registry=ports,
        submitter=Submitter(clock, ports, ports),
        explore=explore or explored({"tables": TABLES}),
        secret_prefix="aep/",
        parameter_name=lambda key: f"/p/{key}",
    )
    method, _, path = route.partition(" ")
    about = {"routeKey": route, "rawPath": path, "requestContext": {"http": {"method": method}}}
    variables = {"pathParameters": {"sandbox": "dev", "name": "sales", "path": "main.t"}}
    response = ApiService(dependencies, lambda *_: None).respond({**about, **variables, **event}, Context())
    return response["statusCode"], response["headers"]["Content-Type"], json.loads(response["body"])


WAIT = {"headers": {"prefer": "wait=5"}}
REPLIES: list[tuple[str, int, dict[str, Any]]] = [
    ("GET /connections", 200, {}),
    ("GET /connections", 422, {"rawQueryString": "limit=0"}),
    ("GET /connections", 429, {"stack": Stack(READY, Throttled("x"))}),
    ("GET /connections", 503, {"stack": Stack(READY, Unavailable("x"))}),
    ("GET /connections", 500, {"stack": Stack(READY, KeyError("x"))}),
    ("POST /connections", 202, {"body": '{"sandbox": "dev", "name": "sales", "desiredState": "absent"}'}),
    ("POST /connections", 422, {"body": "{}"}),
    (f"PUT {ONE}", 202, {"body": BODY}),
    (f"PUT {ONE}", 201, {"body": BODY, **WAIT}),
    (f"PUT {ONE}", 409, {"body": BODY, **WAIT, "entry": FAILED}),
    (f"PUT {ONE}", 202, {"body": BODY, **WAIT, "entry": None}),
    (f"PUT {ONE}", 400, {}),
    (f"PUT {ONE}", 413, {"body": "x" * 17_000}),
    (f"GET {ONE}", 200, {"entry": WAITING}),
    (f"GET {ONE}", 404, {"entry": None}),
    (f"DELETE {ONE}", 200, {**WAIT, "entry": GONE}),
    (f"DELETE {ONE}", 202, {}),
    (f"POST {ONE}/verify", 202, {}),
    (f"POST {ONE}/verify", 404, {"entry": Entry(key=KEY)}),
    (f"GET {ONE}/tables", 200, {}),
    (f"GET {ONE}/tables", 404, {"explore": explored({"notFound": "none"})}),
    (f"GET {ONE}/tables", 409, {"explore": explored({"failure": FAILURE.document()})}),
    (f"GET {ONE}/tables/{{path}}", 200, {"explore": explored({"columns": COLUMNS})}),
]


def test_every_route_is_tried() -> None:
    assert {route for route, _, _ in REPLIES} == set(ROUTES)


@pytest.mark.parametrize(
    ("route", "status", "given"), REPLIES, ids=[f"{route} {status}" for route, status, _ in REPLIES]
)
def test_a_reply_is_in_the_document_with_its_schema(route: str, status: int, given: dict[str, Any]) -> None:
    found, kind, body = reply(route, **given)

    assert found == status
    content = OPERATIONS[route]["responses"][str(status)]["content"]
    name = content[kind]["schema"]["$ref"].rpartition("/")[2]
    schemas = WITHOUT_DUPLICATES if body.get("outcome") == "deleted" else ALL
    assert faults_of(name, body, schemas) == []
