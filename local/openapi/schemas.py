"""The bodies of the HTTP API, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aep_connections.contract.request import MAX_BYTES, RULES
from aep_connections.domain.model import Outcome, Status

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
_FLAG: Schema = {"type": "boolean"}
_ANYTHING: Schema = {"type": "object", "additionalProperties": True}


def ref(name: str) -> Schema:
    """A schema of the document, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: Mapping[str, Any]) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Mapping[str, Any]) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _meaning(text: str) -> Schema:
    return {"description": text}


def _object(properties: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "properties": properties | (optional or {}), "required": list(properties)}


def _request(required: list[str]) -> Schema:
    """The schema of a request. A field that is null counts as omitted."""
    properties = {
        name: {**(rule.schema if name in required else _or_null(rule.schema)), **_meaning(rule.meaning)}
        for name, rule in RULES.items()
    }
    about = _meaning(f"The desired state of one connection, in at most {MAX_BYTES} bytes.")
    return _object(properties) | about | {"required": required, "additionalProperties": False}


_KEY = {"sandbox": TEXT, "name": TEXT}
_REST = {"remedy": TEXT, "retryable": _FLAG, "requestId": _or_null(TEXT), "faults": _list(ref("Fault"))}
_RESULT = {
    **_KEY,
    "connectionId": _or_null(TEXT),
    "etag": _or_null(TEXT),
    "outcome": ref("Outcome"),
    "parameterName": _or_null(TEXT),
    "readiness": {"type": "string", "enum": ["pass", "warn", "fail", "unknown"]},
}
_CONNECTION = {
    **_KEY,
    "status": ref("Status"),
    "since": _or_null(TEXT) | _meaning("When the status began."),
    "requestedAt": _or_null(TEXT),
    "requestEventId": _or_null(TEXT),
    "request": _ANYTHING | _meaning("The latest request. It can be sent again by PUT without changes."),
    "connectionId": _or_null(TEXT),
    "etag": _or_null(TEXT),
    "parameterName": TEXT,
    "reason": _or_null(ref("Reason")) | _meaning("Why it failed, or is retried."),
    "waitsFor": _or_null(ref("Waiting")),
    "result": _or_null(ref("Result")),
    "tested": _or_null(ref("Tested")) | _meaning("Adobe's last test of the connection."),
    "readiness": _or_null(_ANYTHING) | _meaning("The last readiness report: status, checkedAt, checks."),
    "secretVersion": _or_null(ref("SecretVersion")) | _meaning("The version of the secret that last passed its test."),
}
_ACCEPTED = {
    **_KEY,
    "status": {"type": "string", "const": "requested"},
    "requestedAt": TEXT | _meaning("ISO 8601, UTC. The outcome event has it, or the queue's time if that is earlier."),
    "requestEventId": TEXT | _meaning("The outcome event has the same value."),
}
_DUPLICATES = _list(TEXT) | _meaning("Other connections of that name.") | {"default": []}
_CURSOR = _or_null(TEXT) | _meaning("Where the next page begins; null at the end.")
SCHEMAS: dict[str, Schema] = {
    "ConnectionRequest": _request(["sandbox", "name"]),
    "RequestOfKey": _request([]),
    "Accepted": _object(_ACCEPTED),
    "Verifying": _object(_KEY),
    "Outcome": {"type": "string", "enum": list(Outcome)},
    "Result": _object(_RESULT, {"duplicates": _DUPLICATES}),
    "Fault": _object({"field": TEXT, "rule": TEXT}),
    "Reason": _object({"code": TEXT, "message": TEXT, **_REST}),
    "Waiting": _object({"for": TEXT, "since": TEXT, "until": TEXT | _meaning("When the function gives up waiting.")}),
    "Tested": _object({"at": TEXT, "passed": _FLAG}),
    "SecretVersion": _object({"id": TEXT, "createdAt": TEXT, "ageSeconds": INTEGER}),
    "Status": {"type": "string", "enum": list(Status)},
    "Connection": _object(_CONNECTION),
    "Connections": _object({"connections": _list(ref("Connection")), "cursor": _CURSOR}),
    "Table": _object({"name": TEXT, "path": TEXT}),
    "Tables": _object({"tables": _list(ref("Table"))}),
    "Column": _object({"name": TEXT, "type": TEXT, "format": _or_null(TEXT)}),
    "Columns": _object({"path": TEXT, "columns": _list(ref("Column"))}),
    "Problem": _object({"type": TEXT, "title": TEXT, "status": INTEGER, "code": TEXT, "detail": TEXT, **_REST}),
    "Message": _object({"message": TEXT}) | _meaning("The body of an error of API Gateway itself."),
}
