"""Adobe's JSON: what we send, what we read, and how each refusal becomes one of our errors.

Sources: Adobe, "Connect Databricks using the Flow Service API", "Update connections", "Flow Service error codes",
"Experience Platform troubleshooting" (gateway codes). The same error number means different things under the
prefixes FLOW and CONNECTOR. The HTTP status outranks the status inside the code.
"""

import re
from dataclasses import dataclass
from typing import Any, TypeGuard

from aep_connections.domain import errors
from aep_connections.domain.model import Column, Connection, Desired, Flow, Table, marked, usable_id
from aep_connections.domain.redaction import Redactor
from aep_connections.http.transport import Reply

_ETAG = re.compile(r"[\x21-\x7e]{1,1024}")
"""An etag that fits into a header and into the registry."""
_TYPE = re.compile(r"/errors/(?:([A-Za-z_]+)-)?(\d{4})-(\d{3})\Z")

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STATES = {"enabled", "disabled", "draft", "deleted"}

_FLOW_CODES: dict[int, type[errors.ConnectionFailure]] = {
    1100: errors.DatabricksRefused,
    **dict.fromkeys((1418, 1447), errors.InUse),
    **dict.fromkeys((1102, 1103, 1104, 1400), errors.Unavailable),
    **dict.fromkeys((1409, 1416, 1417, 1420, 1421, 1456, 1457, 1458), errors.Unavailable),
    2000: errors.AdobeForbidden,
    **dict.fromkeys((2100, 2101, 2103, 2106), errors.SandboxUnknown),
    **dict.fromkeys((2102, 2104, 2107, 2108, 2116, 2117, 2200, 2250), errors.Unavailable),
    **dict.fromkeys((2114, 2115), errors.AdobeCredentialRejected),
    **dict.fromkeys((2118, 2119, 2120, 2121), errors.AdobeForbidden),
}
_GATEWAY_CODES: dict[str, type[errors.ConnectionFailure]] = {
    **dict.fromkeys(("401013", "403010", "403000", "403003"), errors.AdobeCredentialRejected),
    **dict.fromkeys(("403025", "403027"), errors.AdobeForbidden),
    "429050": errors.Throttled,
}
_STATUSES: dict[int, type[errors.ConnectionFailure]] = {
    401: errors.AdobeCredentialRejected,
    403: errors.AdobeForbidden,
    408: errors.Unavailable,
    429: errors.Throttled,
}
_RENEWING = {2114, 2115}
"""Flow Service reports an empty or invalid token with HTTP 400 and one of these numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The parts of an error body, whatever its shape."""

    prefix: str | None
    number: int | None
    gateway_code: str | None
    text: str
    request_id: str | None


def create_body(desired: Desired, mark: str) -> dict[str, Any]:
    """The body of POST /connections, as in Adobe's Databricks tutorial."""
    return {
        "name": desired.name,
        "description": marked(desired.description, mark),
        "auth": {"specName": desired.source.auth_spec_name, "params": desired.auth.whole()},
        "connectionSpec": {
            "id": desired.source.connection_spec_id,
            "version": desired.source.connection_spec_version,
        },
    }


def patch_body(connection: Connection, desired: Desired, mark: str) -> list[dict[str, Any]]:
    """The operations of PATCH: all params, since Adobe replaces them all; name and description if they differ."""
    operations: list[dict[str, Any]] = [{"op": "replace", "path": "/auth/params", "value": desired.auth.whole()}]
    if connection.name != desired.name:
        operations.append({"op": "replace", "path": "/name", "value": desired.name})
    description = marked(desired.description, mark)
    if connection.description != description:
        operations.append({"op": "add", "path": "/description", "value": description})
    return operations


def read_connection(item: object) -> Connection | None:
    """A connection in a reply; None if the fields that identify it cannot be read."""
    if not isinstance(item, dict) or not usable_id(item.get("id")):
        return None
    if not all(isinstance(item.get(name), str | None) for name in ("name", "description", "state")):
        return None
    spec, auth = _object(item.get("connectionSpec")), _object(item.get("auth"))
    created = item.get("createdAt")
    return Connection(
        id=item["id"],
        etag=read_etag(item.get("etag")) or read_etag(item.get("version")),
        name=_text(item.get("name")),
        description=_text(item.get("description")),
        spec_id=_text(spec.get("id")),
        state=_text(item.get("state")),
        created_at=created if isinstance(created, int) else 0,
        params=_object(auth.get("params")),
    )


def read_flows(document: object) -> list[Flow] | None:
    """The dataflows of a list; None if it cannot be read."""
    items = _object(document).get("items")
    if not isinstance(items, list):
        return None
    shown = [(item.get("id"), item.get("state")) for item in items if isinstance(item, dict)]
    return [Flow(i, state if state in _STATES else "state unknown") for i, state in shown if _is_uuid(i)]


def read_connections_of(document: object) -> list[str] | None:
    """The ids of the base connections that a dataflow reads from; None if it cannot be read."""
    items = _object(document).get("items")
    flow = items[0] if isinstance(items, list) and items else document
    sources = _object(_object(flow).get("inheritedAttributes")).get("sourceConnections")
    if not isinstance(sources, list):
        return None
    ids = [_object(_object(source).get("baseConnection")).get("id") for source in sources]
    return [one for one in ids if isinstance(one, str) and usable_id(one)]


def read_tables(document: object) -> list[Table] | None:
    """The tables that explore lists at a connection's root; None if the reply cannot be read."""
    if not isinstance(document, list):
        return None
    shown = [(item.get("name"), item.get("path")) for item in document if isinstance(item, dict)]
    return [Table(name, path) for name, path in shown if isinstance(name, str) and isinstance(path, str) and path]


def read_columns(document: object) -> list[Column] | None:
    """The columns that explore lists for a table; None if the reply cannot be read."""
    columns = _object(_object(document).get("schema")).get("columns")
    if not isinstance(columns, list):
        return None
    return [
        Column(item["name"], _text(item.get("type")) or "unknown", _text(_object(item.get("xdm")).get("format")))
        for item in columns
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]


def means_no_such_table(reply: Reply) -> bool:
    """Whether this refusal reports that the table does not exist, or has no columns."""
    refusal = refusal_of(reply) if reply.status in (400, 404) else None
    return refusal is not None and refusal.prefix == "CONNECTOR" and refusal.number == 1330


def read_etag(value: object) -> str | None:
    """The etag, exactly as it was received; None if `value` is not an etag."""
    return value if isinstance(value, str) and _ETAG.fullmatch(value) else None


def refusal_of(reply: Reply) -> Refusal:
    """The parts of an error reply: Flow Service's envelope, the gateway's, older shapes, or no JSON."""
    document = _object(reply.json())
    report = _object(document.get("report"))
    match = _TYPE.search(_text(document.get("type")) or "")
    names = ("detail", "errorMessage", "message", "error_description", "title", "error")
    texts = (report.get("detailed-message"), *(document.get(name) for name in names))
    code = document.get("error_code")
    request_id = _text(report.get("request-id")) or _text(report.get("registryRequestId")) or reply.request_id
    return Refusal(
        prefix=(match[1] or "FLOW").upper() if match else None,
        number=int(match[2]) if match else None,
        gateway_code=str(code) if isinstance(code, str | int) else None,
        text=next((text for text in texts if isinstance(text, str) and text), ""),
        request_id=request_id,
    )


def request_id_of(refusal: Refusal, redactor: Redactor) -> str | None:
    """The upstream request id, safe to show."""
    return redactor.quote_id(refusal.request_id) if refusal.request_id else None


def wants_new_token(reply: Reply) -> bool:
    """Whether Adobe reports that the token is no longer valid."""
    if reply.status == 401:
        return True
    refusal = refusal_of(reply) if reply.status == 400 else None
    return refusal is not None and refusal.prefix == "FLOW" and refusal.number in _RENEWING


def means_gone(reply: Reply) -> bool:
    """Whether this is a 404 for the connection itself, not for a sandbox, a path or a page."""
    if reply.status != 404:
        return False
    refusal = refusal_of(reply)
    if refusal.number is not None:
        return refusal.prefix == "FLOW" and refusal.number == 1439
    return refusal.gateway_code is None and refusal.text.lower().startswith("connections not found")


def error_of(reply: Reply, doing: str, redactor: Redactor, *, effect: bool) -> errors.ConnectionFailure:
    """Our error for an unexpected reply.

    Args:
        reply: the reply.
        doing: what the call does, for the message.
        redactor: redacts Adobe's text before it is used.
        effect: whether the call changes something. If so, the change may have happened despite the reply.
    """
    refusal = refusal_of(reply)
    kind = _kind_of(reply, refusal)
    gateway_code = refusal.gateway_code if (refusal.gateway_code or "").isdigit() else None  # else it is free text
    code = f"{refusal.prefix}-{refusal.number}" if refusal.number else gateway_code
    numbered = f" ({redactor.printable(code, 40)})" if code else ""
    message = f"Adobe returned HTTP {reply.status}{numbered} when {doing}: {redactor.quote(refusal.text).rstrip('. ')}."
    executed = effect and (kind is errors.Unavailable or reply.status == 408)
    request_id = request_id_of(refusal, redactor)
    return kind(message, request_id=request_id, retry_after=reply.retry_after, may_have_happened=executed)


def _kind_of(reply: Reply, refusal: Refusal) -> type[errors.ConnectionFailure]:
    if not 400 <= reply.status < 500 or means_gone(reply):
        return errors.Unavailable
    if refusal.prefix == "FLOW" and refusal.number in _FLOW_CODES:
        kind = _FLOW_CODES[refusal.number]
        return (
            errors.NotEntitled if kind is errors.DatabricksRefused and "not entitled" in refusal.text.lower() else kind
        )
    if refusal.gateway_code in _GATEWAY_CODES:
        return _GATEWAY_CODES[refusal.gateway_code]
    return _STATUSES.get(reply.status, errors.AdobeRefused)


def _is_uuid(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
