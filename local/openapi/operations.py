"""One row for each route of the HTTP API, and the document made from them.

Paths and methods come from `routes.ROUTES`. Parameters and fields of a request come from the rows with their rules.
"""

from __future__ import annotations

import re
from typing import Any

from aep_connections.api.parameters import PATH, PREFER, QUERY
from aep_connections.api.routes import ROUTES
from aep_connections.contract.request import Rule
from local.openapi.schemas import INTEGER, SCHEMAS, TEXT, ref

DESCRIPTION = """\
Request base connections from Adobe Experience Platform to Azure Databricks, show them, verify them, explore what they
reach, and retire them. Calls are signed for IAM (SigV4, service `execute-api`), or carry a JWT if the stack was
deployed with a JWT issuer. API Gateway's own errors have the body `{"message": …}`: all 401 and 403, most 429, and
sometimes others. All other errors are problem documents (RFC 9457).
"""
_LOCATION = {"Location": {"description": "The path of the connection.", "schema": TEXT}}
_APPLIED = {"Preference-Applied": {"description": "The wait that was applied, if one was requested.", "schema": TEXT}}
_LATER = {"headers": {"Retry-After": {"description": "Seconds to wait.", "schema": INTEGER}}}
_PROBLEMS = {
    400: "The body is not JSON, or the path cannot be decoded.",
    401: "This stack requires a JWT, and the call has no valid one.",
    403: "The call is not signed, or its caller is not allowed to make it.",
    404: "There is no such connection, or it has no base connection now.",
    409: "`Conflict` or `InUse`. For `InUse`, the faults name the dataflows that use the connection.",
    413: "The body is too large.",
    422: "`InvalidRequest`: the faults name every invalid field.",
    424: "The cause is in Adobe, Databricks or a secret. `code` names it, `remedy` states what to do.",
    429: "Too many requests.",
    500: "A defect in this product.",
    503: "The service is temporarily unavailable, or the function gave up.",
}
_NOT_LET_IN = (401, 403)
_EVERYWHERE = (400, *_NOT_LET_IN, 429, 500, 503)
_OF_THE_GATEWAY = (*_EVERYWHERE, 413)
"""The statuses that API Gateway itself may return too, with its own body."""


_SAME = {"sandbox": "$response.body#/sandbox", "name": "$response.body#/name"}
_FIRST = {"sandbox": "$request.path.sandbox", "name": "$request.path.name", "path": "$response.body#/tables/0/path"}


def _link(operation: str, parameters: dict[str, str], description: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": parameters, "description": description}


_NEXT = {
    name: _link(name, _SAME, f"`{name}` of the same connection.") for name in ("show", "verify", "tables", "retire")
}
_FIRST_TABLE = {"table": _link("table", _FIRST, "The columns of the first table.")}


def _json(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": ref(schema)}}}


def _success(schema: str, description: str, **more: Any) -> dict[str, Any]:
    return {"description": description, **_json(schema), **more}


def _problem(status: int) -> dict[str, Any]:
    ours = {} if status in _NOT_LET_IN else {"application/problem+json": {"schema": ref("Problem")}}
    gateways = _json("Message")["content"] if status in _OF_THE_GATEWAY else {}
    later = _LATER if status in (429, 503) else {}
    return {"description": _PROBLEMS[status], **later, "content": ours | gateways}


def _problems(*statuses: int) -> dict[int, dict[str, Any]]:
    return {status: _problem(status) for status in {*statuses, *_EVERYWHERE}}


def _parameter(place: str, name: str, rule: Rule) -> dict[str, Any]:
    about = {"name": name, "in": place, "required": place == "path"}
    return about | {"description": rule.meaning, "schema": dict(rule.schema)}


def _row(operation: str, summary: str, description: str, responses: dict[int, Any], **more: Any) -> dict[str, Any]:
    about = {"tags": ["connections"], "operationId": operation, "summary": summary, "description": description}
    return about | more | {"responses": {str(status): responses[status] for status in sorted(responses)}}


_HEADERS: dict[str, Any] = {"headers": _LOCATION | _APPLIED, "links": _NEXT}
_ENDS = {
    200: _success("Result", "After a wait: the request succeeded, and no connection was created.", **_HEADERS),
    202: _success("Accepted", "Queued.", **_HEADERS),
}
_MADE = {201: _success("Result", "After a wait: the connection was created, recreated or adopted.", **_HEADERS)}
_WAITING = "With `Prefer: wait=N`, the response is the result, if the request ends in time."
_QUEUED = f"Queues the request. {_WAITING} Sending a request twice is safe."
_PREFER = [_parameter("header", "prefer", PREFER)]
_ONE = "/connections/{sandbox}/{name}"
OPERATIONS: dict[str, dict[str, Any]] = {
    "GET /connections": _row(
        "list",
        "List connections",
        "With `sandbox`, connections are in the order of their names. Without it, they are in a stable order.",
        {200: _success("Connections", "A page."), **_problems(422)},
        parameters=[_parameter("query", name, rule) for name, rule in QUERY.items()],
    ),
    "POST /connections": _row(
        "requestAny",
        "Request a connection in any sandbox",
        _QUEUED,
        {**_ENDS, **_MADE, **_problems(409, 413, 422, 424)},
        parameters=_PREFER,
        requestBody=_json("ConnectionRequest") | {"required": True},
    ),
    f"PUT {_ONE}": _row(
        "request",
        "Request a connection, or its absence",
        _QUEUED,
        {**_ENDS, **_MADE, **_problems(409, 413, 422, 424)},
        parameters=_PREFER,
        requestBody=_json("RequestOfKey") | {"required": True},
    ),
    f"GET {_ONE}": _row(
        "show",
        "Show a connection",
        "Shows its status and since when, why it failed or what it waits for, its last test and its readiness report.",
        {200: _success("Connection", "The connection.", links=_NEXT), **_problems(404)},
    ),
    f"DELETE {_ONE}": _row(
        "retire",
        "Request a connection's absence",
        f"Queues the deletion of the connection and its parameter. {_WAITING}",
        {**_ENDS, **_problems(404, 409, 422, 424)},
        parameters=_PREFER,
    ),
    f"POST {_ONE}/verify": _row(
        "verify",
        "Verify a connection",
        "Queues a check of the workspace and Adobe's test of the connection. "
        "Afterwards, `tested` and `readiness` show the result.",
        {202: _success("Verifying", "Queued.", headers=_LOCATION), **_problems(404)},
    ),
    f"GET {_ONE}/tables": _row(
        "tables",
        "List the tables that a connection reaches",
        "Adobe reads them at the time of the call. The cluster must be running.",
        {200: _success("Tables", "The tables.", links=_FIRST_TABLE), **_problems(404, 409, 422, 424)},
    ),
    f"GET {_ONE}/tables/{{path}}": _row(
        "table",
        "List the columns of a table",
        "Adobe reads them at the time of the call. The cluster must be running.",
        {200: _success("Columns", "The columns with their types."), **_problems(404, 409, 422, 424)},
    ),
}
"""What each route does, by its key in `routes.ROUTES`."""


def document() -> dict[str, Any]:
    """The OpenAPI document. Raises KeyError for a route that has no row here."""
    paths: dict[str, dict[str, Any]] = {}
    for key in ROUTES:
        method, _, path = key.partition(" ")
        variables = [_parameter("path", name, PATH[name]) for name in re.findall("{([a-z]+)}", path)]
        row = OPERATIONS[key]
        operation = row | {"parameters": variables + row.get("parameters", [])}
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "AEP Databricks connections", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }
