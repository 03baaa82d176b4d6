"""The routes of the HTTP API: one row and one function for each. API Gateway has already matched the route.

A call runs only the route that API Gateway authorized, whatever its path variables contain.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aep_connections.api import problems
from aep_connections.api.messages import HttpCall, HttpReply
from aep_connections.api.parameters import cursor_of, page_of, wait_seconds
from aep_connections.api.problems import Problem
from aep_connections.api.submit import Submitter
from aep_connections.contract.documents import describe
from aep_connections.contract.request import read_request, readable_key
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import Failure, InvalidRequest
from aep_connections.domain.model import DesiredState, Key, Order, Outcome, Status
from aep_connections.domain.ports import Clock, Registry
from aep_connections.domain.time import REPLY_SECONDS

_NEW = {Outcome.CREATED, Outcome.RECREATED, Outcome.ADOPTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the routes use. `explore` calls the explore function. `parameter_name` maps a key to its parameter."""

    clock: Clock
    registry: Registry
    submitter: Submitter
    explore: Callable[[dict[str, Any]], dict[str, Any]]
    secret_prefix: str
    parameter_name: Callable[[Key], str]


def list_connections(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    entries, last = dependencies.registry.page(page_of(call.query))
    connections = [_describe(entry, dependencies) for entry in entries]
    return HttpReply(HTTPStatus.OK, {"connections": connections, "cursor": cursor_of(last) if last else None})


def request_any(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    return _submit(_body(call), [], call, dependencies)


def request(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    body = _body(call)
    key = {name: call.path[name] for name in ("sandbox", "name")}
    faults = [
        {"field": name, "rule": f"must equal the value in the path ({value}), or be omitted"}
        for name, value in key.items()
        if body.get(name) not in (None, value)
    ]
    return _submit(body | key, faults, call, dependencies)


def show(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    return HttpReply(HTTPStatus.OK, _describe(_entry(call, dependencies), dependencies))


def submit_absence(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    key = _entry(call, dependencies).key
    document = {"sandbox": key.sandbox, "name": key.name, "desiredState": DesiredState.ABSENT.value}
    return _submit(document, [], call, dependencies)


def verify(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    entry = _entry(call, dependencies)
    key = entry.key
    if entry.connection_id is None:
        raise problems.not_found(f"{key} has no base connection to verify. Its status is {entry.shown_status.value}.")
    dependencies.submitter.verify(key)
    return HttpReply(HTTPStatus.ACCEPTED, {"sandbox": key.sandbox, "name": key.name}, _location(key))


def tables(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    return HttpReply(HTTPStatus.OK, _explore(call, None, dependencies))


def table(call: HttpCall, dependencies: Dependencies) -> HttpReply:
    path = call.path["path"]
    return HttpReply(HTTPStatus.OK, {"path": path, **_explore(call, path, dependencies)})


ROUTES: dict[str, Callable[[HttpCall, Dependencies], HttpReply]] = {
    "GET /connections": list_connections,
    "POST /connections": request_any,
    "PUT /connections/{sandbox}/{name}": request,
    "GET /connections/{sandbox}/{name}": show,
    "DELETE /connections/{sandbox}/{name}": submit_absence,
    "POST /connections/{sandbox}/{name}/verify": verify,
    "GET /connections/{sandbox}/{name}/tables": tables,
    "GET /connections/{sandbox}/{name}/tables/{path}": table,
}
"""By API Gateway's `routeKey`. Any other call has the key `$default`, which has no row here."""


def dispatch(event: Mapping[str, Any], context: Any, line: dict[str, Any], dependencies: Dependencies) -> HttpReply:
    """The reply of an event's route. Fields for the log are added to `line`.

    Raises:
        Problem: API Gateway found no route, even if the path looks like the path of one, or the route refuses the call.
        ConnectionFailure: an AWS service of this stack did not respond.
    """
    route = ROUTES.get(event["routeKey"])
    if route is None:
        raise _no_route(event["requestContext"]["http"]["method"], event["rawPath"])
    return route(HttpCall.read(event, context, line), dependencies)


def _no_route(method: str, path: str) -> Problem:
    routes = [key.partition(" ") for key in ROUTES]
    allowed = [one for one, _, pattern in routes if re.fullmatch(re.sub("{[a-z]+}", "[^/]+", pattern), path)]
    if allowed and method not in allowed:
        return problems.method_not_allowed(allowed)
    return problems.not_found("This API has no such path.", "Use a path of docs/openapi.json.")


def _body(call: HttpCall) -> dict[str, Any]:
    if call.body is None:
        raise problems.not_json("The body is empty. It must be JSON.")
    return call.body


def _key(call: HttpCall) -> Key:
    """The key in a path. Raises Problem if no connection can have it."""
    sandbox, name = call.path["sandbox"], call.path["name"]
    if readable_key({"sandbox": sandbox, "name": name}) != (sandbox, name):
        raise problems.not_found("The sandbox or the name in the path is malformed.")
    call.line.update(sandbox=sandbox, connection_name=name)
    return Key(sandbox, name)


def _entry(call: HttpCall, dependencies: Dependencies) -> Entry:
    """The entry of the key in a path. Raises Problem if there is none."""
    key = _key(call)
    entry = dependencies.registry.get(key)
    if entry is None:
        raise problems.not_found(f"Connection {key} was never requested, or was retired more than 30 days ago.")
    return entry


def _describe(entry: Entry, dependencies: Dependencies) -> dict[str, Any]:
    return describe(entry, dependencies.parameter_name(entry.key), dependencies.clock.now())


def _explore(call: HttpCall, path: str | None, dependencies: Dependencies) -> dict[str, Any]:
    key = _key(call)
    found = dependencies.explore({"sandbox": key.sandbox, "name": key.name, "path": path})
    if "failure" in found:
        raise problems.explore_failed(Failure.from_document(found["failure"]))
    if "notFound" in found:
        raise problems.not_found(found["notFound"])
    return found


def _submit(
    document: dict[str, Any], faults: list[dict[str, str]], call: HttpCall, dependencies: Dependencies
) -> HttpReply:
    """Submit a request. Raises a Problem that names `faults` and the faults of the document, if there are any."""
    try:
        wanted = read_request(document, dependencies.secret_prefix)
    except InvalidRequest as refusal:
        faults = [*faults, *Failure.of(refusal).document()["faults"]]
    if faults:
        raise problems.invalid_request(faults)
    key, order = wanted.key, dependencies.submitter.submit(wanted)
    call.line.update(sandbox=key.sandbox, connection_name=key.name, request_event_id=order.id)
    seconds = wait_seconds(call.preference)
    if seconds is None:
        return _acknowledge(key, order, _location(key))
    headers = _location(key) | {"Preference-Applied": f"wait={seconds}"}
    left = call.seconds_left() - REPLY_SECONDS
    end = dependencies.submitter.await_end(key, order, min(seconds, left))
    if end is None:
        return _acknowledge(key, order, headers)
    if isinstance(end, Failure):
        raise problems.request_failed(end, headers)
    return HttpReply(HTTPStatus.CREATED if end["outcome"] in _NEW else HTTPStatus.OK, end, headers)


def _acknowledge(key: Key, order: Order, headers: Mapping[str, str]) -> HttpReply:
    document = {
        "sandbox": key.sandbox,
        "name": key.name,
        "status": Status.REQUESTED.value,
        "requestedAt": order.time,
        "requestEventId": order.id,
    }
    return HttpReply(HTTPStatus.ACCEPTED, document, headers)


def _location(key: Key) -> dict[str, str]:
    return {"Location": f"/connections/{key.sandbox}/{key.name}"}
