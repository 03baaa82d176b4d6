"""The HTTP API: routes, and what their answers are. API Gateway's events (HTTP API, payload 2.0) in, its answers out.

Who may call is decided before this, by API Gateway. A body is JSON whatever its content type says.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path, Query
from pydantic import BeforeValidator

from aep_connections.domain.entry import Entry, Failure
from aep_connections.domain.errors import ConnectionFailure, InvalidRequest, unexpected
from aep_connections.domain.model import DesiredState, Key, Order, Outcome, Status
from aep_connections.triggers import cursor as cursors
from aep_connections.triggers import problems
from aep_connections.triggers.answers import ADDRESSED, ASKED, LISTED, POSTED, SHOWN, TABLE, TABLES, VERIFYING
from aep_connections.triggers.problems import Problem
from aep_connections.triggers.schemas import ConnectionRequest, RequestOfKey
from aep_connections.use_cases.ask import Desk, End
from aep_connections.use_cases.request import MAX_BYTES, RULES, read, readable_key
from aep_connections.use_cases.view import shown, status_of

LONGEST_WAIT_SECONDS = 25
ANSWER_SECONDS = 2.0
"""Kept free to tell the answer, when the invocation is about to end."""
NO_ROUTE = "$default"
"""API Gateway's route of what has none."""
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,9})\"?", re.ASCII | re.IGNORECASE)
_NEW = {Outcome.CREATED, Outcome.RECREATED, Outcome.ADOPTED}
_NEVER_KEPT = {"Cache-Control": "no-store"}
_JSON, _PROBLEM = "application/json", "application/problem+json"


def _of(field: str) -> dict[str, Any]:
    return dict(RULES[field].schema)


_DECODED = BeforeValidator(unquote)
Sandbox = Annotated[str, Path(description="Adobe's sandbox, by its name.", json_schema_extra=_of("sandbox")), _DECODED]
Name = Annotated[
    str, Path(description="The connection's name in this product.", json_schema_extra=_of("name")), _DECODED
]
TablePath = Annotated[str, Path(description="A table's path, as the list of tables has it."), _DECODED]
Prefer = Annotated[
    str | None,
    Header(description="`wait=N` waits up to N seconds, at most 25, for the end.", examples=["wait=20"]),
]
OfSandbox = Annotated[str | None, Query(description="Only of this sandbox.", pattern=_of("sandbox")["pattern"])]
OfStatus = Annotated[Status | None, Query(description="Only in this status.")]
Limit = Annotated[int, Query(ge=1, le=100, description="At most so many; a page may have fewer, and more may follow.")]
Cursor = Annotated[str | None, Query(description="The `cursor` of the page before.")]


@dataclass(frozen=True, slots=True)
class Counter:
    """What the routes work with; `parameter_name` gives the parameter of a key."""

    desk: Desk
    explore: Callable[[dict[str, Any]], dict[str, Any]]
    secret_prefix: str
    parameter_name: Callable[[Key], str]


class Api:
    """The routes over one counter. `log` is told of each answer in a line."""

    def __init__(self, counter: Counter, log: Callable[[str, dict[str, Any]], None]) -> None:
        self._counter, self._log, self._line = counter, log, dict[str, Any]()
        self.app = APIGatewayHttpResolver(enable_validation=True)
        self._methods: list[tuple[re.Pattern[str], str]] = []
        self._route("GET", "/connections", self._many, LISTED)
        self._route("POST", "/connections", self._post, POSTED)
        one = "/connections/<sandbox>/<name>"
        self._route("PUT", one, self._put, ASKED)
        self._route("GET", one, self._one, SHOWN)
        self._route("DELETE", one, self._delete, ADDRESSED)
        self._route("POST", f"{one}/verify", self._verify, VERIFYING)
        self._route("GET", f"{one}/tables", self._tables, TABLES)
        self._route("GET", f"{one}/tables/<path>", self._table, TABLE)
        self.app.not_found(self._lost)
        for error, told in (
            (RequestValidationError, self._not_valid),
            (Problem, self._told),
            (ConnectionFailure, self._failed),
            (Exception, self._unforeseen),
        ):
            self.app.exception_handler(error)(told)

    def answer(self, event: Any, context: Any) -> dict[str, Any]:
        """The answer to one event, and a line in the log."""
        self._line = {}
        try:
            if event["routeKey"] == NO_ROUTE:  # whatever its path looks like, it was let in as this
                raise self._missing(event["requestContext"]["http"]["method"], event["rawPath"])
            answered = self.app.resolve(_with_json_body(_by_its_route(event)), context)
        except Problem as problem:
            told = self._told(problem)
            answered = {
                "statusCode": told.status_code,
                "headers": told.headers | {"Content-Type": _PROBLEM},
                "body": told.body,
            }
        http = event["requestContext"]["http"]
        line = {"method": http["method"], "route": event["routeKey"], "status": answered["statusCode"]}
        self._log("request over HTTP answered", line | self._line)
        return answered

    # ------------------------------------------------------------ routes

    def _put(
        self, sandbox: Sandbox, name: Name, body: Annotated[RequestOfKey, Body()], prefer: Prefer = None
    ) -> Response[Any]:
        faults = [
            {"field": field, "rule": f"must be that of the address ({value}), or left out"}
            for field, value in (("sandbox", sandbox), ("name", name))
            if body.root.get(field) not in (None, value)
        ]
        return self._ask({**body.root, "sandbox": sandbox, "name": name}, prefer, faults)

    def _post(self, body: Annotated[ConnectionRequest, Body()], prefer: Prefer = None) -> Response[Any]:
        return self._ask(body.root, prefer, [])

    def _delete(self, sandbox: Sandbox, name: Name, prefer: Prefer = None) -> Response[Any]:
        self._known(sandbox, name)
        return self._ask({"sandbox": sandbox, "name": name, "desiredState": DesiredState.ABSENT.value}, prefer, [])

    def _one(self, sandbox: Sandbox, name: Name) -> Response[Any]:
        return _json(HTTPStatus.OK, self._shown(self._known(sandbox, name)))

    def _many(
        self, sandbox: OfSandbox = None, status: OfStatus = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Response[Any]:
        after = cursors.read(cursor) if cursor is not None else None
        if cursor is not None and (after is None or sandbox not in (None, after.sandbox)):
            raise problems.invalid([{"field": "cursor", "rule": "must be the cursor of a page of the same list"}])
        entries, last = self._counter.desk.overview.page(sandbox, status, limit, after)
        following = cursors.written(last) if last else None
        return _json(HTTPStatus.OK, {"connections": [self._shown(entry) for entry in entries], "cursor": following})

    def _verify(self, sandbox: Sandbox, name: Name) -> Response[Any]:
        entry = self._known(sandbox, name)
        if entry.connection_id is None:
            raise problems.not_found(f"{entry.key} has no base connection to verify; it is {status_of(entry).value}.")
        self._counter.desk.verify(entry.key)
        return _json(HTTPStatus.ACCEPTED, {"sandbox": sandbox, "name": name}, Location=_address(entry.key))

    def _tables(self, sandbox: Sandbox, name: Name) -> Response[Any]:
        return _json(HTTPStatus.OK, self._explored(sandbox, name, None))

    def _table(self, sandbox: Sandbox, name: Name, path: TablePath) -> Response[Any]:
        return _json(HTTPStatus.OK, {"path": path, **self._explored(sandbox, name, path)})

    # ------------------------------------------------------------ how

    def _route(self, method: str, rule: str, function: Callable[..., Response[Any]], about: Mapping[str, Any]) -> None:
        self.app.route(rule, method, **about)(function)
        self._methods.append((re.compile(re.sub("<[a-z]+>", "[^/]+", rule)), method))

    def _ask(self, document: dict[str, Any], prefer: str | None, faults: list[dict[str, str]]) -> Response[Any]:
        """Queue a request, and perhaps wait for its end."""
        try:
            request = read(document, self._counter.secret_prefix)
        except InvalidRequest as refusal:
            faults += Failure.of(refusal).document()["faults"]
        if faults:
            raise problems.invalid(faults)
        key, desk = request.key, self._counter.desk
        order = desk.ask(request)
        self._line |= {"sandbox": key.sandbox, "connection_name": key.name, "request_event_id": order.id}
        headers = {"Location": _address(key)}
        ended: End | None = None
        if wait := _WAIT.search(prefer or ""):
            seconds = min(int(wait[1]), LONGEST_WAIT_SECONDS)
            headers["Preference-Applied"] = f"wait={seconds}"
            left = self.app.lambda_context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
            ended = desk.wait(key, order, min(seconds, left))
        if ended is None:
            return _json(HTTPStatus.ACCEPTED, _accepted(key, order), **headers)
        if isinstance(ended, Failure):
            problem = problems.ended(ended)
            problem.headers |= headers
            raise problem
        return _json(HTTPStatus.CREATED if ended["outcome"] in _NEW else HTTPStatus.OK, ended, **headers)

    def _key(self, sandbox: str, name: str) -> Key:
        """The key of an address. Raises Problem for one that no connection can have."""
        if readable_key({"sandbox": sandbox, "name": name}) != (sandbox, name):
            raise problems.not_found("No connection has such a sandbox and name.")
        self._line |= {"sandbox": sandbox, "connection_name": name}
        return Key(sandbox, name)

    def _known(self, sandbox: str, name: str) -> Entry:
        key = self._key(sandbox, name)
        entry = self._counter.desk.overview.get(key)
        if entry is None:
            raise problems.not_found(f"No connection {key} was ever asked for, or it was retired long ago.")
        return entry

    def _shown(self, entry: Entry) -> dict[str, Any]:
        return shown(entry, self._counter.parameter_name(entry.key), self._counter.desk.clock.now())

    def _explored(self, sandbox: str, name: str, path: str | None) -> dict[str, Any]:
        self._key(sandbox, name)
        found = self._counter.explore({"sandbox": sandbox, "name": name, "path": path})
        if "failure" in found:
            raise problems.met(Failure.read(found["failure"]))
        if "notFound" in found:
            raise problems.not_found(found["notFound"])
        return found

    # ------------------------------------------------------------ what is no success

    def _missing(self, asked: str, path: str) -> Problem:
        methods = [method for pattern, method in self._methods if pattern.fullmatch(path)]
        known = methods and asked not in methods  # else it only looks like one of ours
        return problems.not_allowed(methods) if known else problems.not_found("There is nothing here.")

    def _lost(self, _error: NotFoundError) -> Response[Any]:
        return self._told(self._missing(self.app.current_event.http_method, self.app.current_event.path))

    def _not_valid(self, error: RequestValidationError) -> Response[Any]:
        if any(one["loc"] == ("body",) and one["type"] == "missing" for one in error.errors()):
            return self._told(problems.malformed("The body is empty, where JSON should be."))
        found = [(".".join(str(step) for step in one["loc"][1:]), one["msg"]) for one in error.errors()]
        return self._told(problems.invalid([{"field": field or "request", "rule": rule} for field, rule in found]))

    def _failed(self, error: ConnectionFailure) -> Response[Any]:
        self._line |= {"reason": error.message}
        return self._told(problems.of_our_own(error))

    def _unforeseen(self, error: Exception) -> Response[Any]:
        self._line |= {"reason": unexpected(error).message}
        return self._told(problems.unforeseen())

    def _told(self, problem: Problem) -> Response[Any]:
        self._line["code"] = problem.code
        body = json.dumps(problem.document)
        return Response(problem.status.value, _PROBLEM, body, {**_NEVER_KEPT, **problem.headers})


def _json(status: HTTPStatus, document: Mapping[str, Any], **headers: str) -> Response[Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status.value, _JSON, json.dumps(document), {**_NEVER_KEPT, **named})


def _accepted(key: Key, order: Order) -> dict[str, str]:
    return {
        "sandbox": key.sandbox,
        "name": key.name,
        "status": Status.REQUESTED.value,
        "requestedAt": order.time,
        "requestEventId": order.id,
    }


def _address(key: Key) -> str:
    return f"/connections/{key.sandbox}/{key.name}"


def _by_its_route(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the path of its route, its variables encoded: whatever is in one, it stays one of this route."""
    path = event["routeKey"].partition(" ")[2]
    for name, value in event.get("pathParameters", {}).items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return {**event, "rawPath": path}


def _with_json_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its body as text, known to be JSON of a size that requests have. Raises Problem."""
    given = event.get("body") or ""
    if not given:
        return event
    try:
        raw = base64.b64decode(given, validate=True) if event.get("isBase64Encoded") else given.encode()
        if len(raw) > MAX_BYTES:
            raise problems.too_large(MAX_BYTES)
        text = raw.decode()
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise problems.malformed("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise problems.invalid([{"field": "request", "rule": "must be a JSON object"}])
    headers = {**event.get("headers", {}), "content-type": _JSON}
    return {**event, "body": text, "isBase64Encoded": False, "headers": headers}
