"""What each route of the HTTP API says of itself in its OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from aep_connections.triggers.schemas import (
    Accepted,
    Columns,
    Connection,
    Connections,
    Message,
    Problem,
    Result,
    Tables,
    Verifying,
)

_LOCATION = {"Location": {"description": "Where the connection is shown.", "schema": {"type": "string"}}}
_APPLIED = {
    "Preference-Applied": {
        "description": "The wait that was applied, if you asked for one.",
        "schema": {"type": "string"},
    }
}
_LATER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_PROBLEMS = {
    400: "The body is not JSON, or the path cannot be decoded.",
    401: "This stack takes tokens, and the call has none that it takes.",
    403: "The call is not signed, or its caller may not make it.",
    404: "There is no such connection, or none now.",
    409: "`Conflict` or `InUse`; the faults name the dataflows that use the connection.",
    413: "The body is too large.",
    422: "`InvalidRequest`: the faults name every field at fault.",
    424: "Adobe, Databricks or a secret stands in the way; `code` says which, `remedy` what to do.",
    429: "Too many requests.",
    500: "A defect.",
    503: "Not now, or given up after many tries.",
}
_NOT_LET_IN = (401, 403)
_EVERYWHERE = (400, *_NOT_LET_IN, 429, 500, 503)
_OF_THE_GATEWAY = (*_EVERYWHERE, 413)
"""What API Gateway may say by itself, in words of its own."""


_THEN = {
    name: {
        "operationId": name,
        "parameters": {"sandbox": "$response.body#/sandbox", "name": "$response.body#/name"},
        "description": f"`{name}` of the same connection.",
    }
    for name in ("show", "verify", "tables", "retire")
}
_THE_FIRST = {
    "table": {
        "operationId": "table",
        "parameters": {
            "sandbox": "$request.path.sandbox",
            "name": "$request.path.name",
            "path": "$response.body#/tables/0/path",
        },
        "description": "The columns of the first of them.",
    }
}


def _body(model: type[BaseModel], description: str, **headers: Any) -> dict[str, Any]:
    return {"description": description, "headers": headers, "content": {"application/json": {"model": model}}}


def _of_key(model: type[BaseModel], description: str, **headers: Any) -> dict[str, Any]:
    return {**_body(model, description, **headers), "links": _THEN}


def _problems(*statuses: int) -> dict[int, dict[str, Any]]:
    ours, gateways = {"application/problem+json": {"model": Problem}}, {"application/json": {"model": Message}}
    return {
        status: {
            "description": _PROBLEMS[status],
            "headers": _LATER if status in (429, 503) else {},
            "content": ({} if status in _NOT_LET_IN else ours) | (gateways if status in _OF_THE_GATEWAY else {}),
        }
        for status in {*statuses, *_EVERYWHERE}
    }


def _about(name: str, summary: str, description: str, responses: dict[int, Any]) -> dict[str, Any]:
    return {
        "operation_id": name,
        "summary": summary,
        "description": description,
        "responses": responses,
        "tags": ["connections"],
    }


_ENDS = {
    200: _of_key(Result, "Waited for: it ended well, and nothing new was made.", **_LOCATION, **_APPLIED),
    202: _of_key(Accepted, "Queued.", **_LOCATION, **_APPLIED),
}
_MADE = {201: _of_key(Result, "Waited for: created, recreated or adopted.", **_LOCATION, **_APPLIED)}
_WAITING = "With `Prefer: wait=N` the answer is the end, if it comes in time."

ASKED = _about(
    "request",
    "Ask for a connection, or for its absence",
    f"Queues the request. {_WAITING} Asking twice does no harm.",
    {**_ENDS, **_MADE, **_problems(409, 413, 422, 424)},
)
POSTED = ASKED | {"operation_id": "requestAny", "summary": "Ask for any connection, in any sandbox"}
ADDRESSED = _about(
    "retire",
    "Ask for a connection's absence",
    f"Queues the deletion of the connection and its parameter. {_WAITING}",
    {**_ENDS, **_problems(404, 409, 422, 424)},
)
SHOWN = _about(
    "show",
    "One connection",
    "Its status and since when, why it failed or what it waits for, its last test and readiness report.",
    {200: _of_key(Connection, "What is known of it."), **_problems(404)},
)
LISTED = _about(
    "list",
    "Many connections",
    "A sandbox's in the order of their names; all in an order that stays the same.",
    {200: _body(Connections, "A page."), **_problems(422)},
)
VERIFYING = _about(
    "verify",
    "Verify a connection",
    "Queues a look at the workspace and Adobe's test of the connection; `tested` and `readiness` then tell the result.",
    {202: _body(Verifying, "Queued.", **_LOCATION), **_problems(404)},
)
TABLES = _about(
    "tables",
    "The tables that a connection reaches",
    "As Adobe shows them now; the cluster has to run.",
    {200: {**_body(Tables, "The tables."), "links": _THE_FIRST}, **_problems(404, 409, 422, 424)},
)
TABLE = _about(
    "table",
    "The columns of a table",
    "As Adobe shows them now; the cluster has to run.",
    {200: _body(Columns, "The columns with their types."), **_problems(404, 409, 422, 424)},
)
