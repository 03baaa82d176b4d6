"""The state of a key, as operators see it. Pure."""

from typing import Any

from aep_connections.domain.entry import Entry
from aep_connections.domain.model import Status
from aep_connections.domain.time import iso


def describe(entry: Entry, parameter_name: str, now: float) -> dict[str, Any]:
    """The entry with the contract's names; `now` and the secret's age are in seconds, times are ISO 8601 in UTC."""
    pending, status = entry.pending, entry.shown_status
    order = pending.order if pending else entry.order
    version, wait = entry.secret_version, entry.wait if status is Status.WAITING else None
    return {
        "sandbox": entry.key.sandbox,
        "name": entry.key.name,
        "status": status.value,
        "since": _since(entry, status),
        "requestedAt": order.time if order else None,
        "requestEventId": order.id if order else None,
        "request": dict((pending.request if pending else entry.request) or {}),
        "connectionId": entry.connection_id,
        "etag": entry.etag,
        "parameterName": parameter_name,
        "reason": None if pending or not entry.failure else entry.failure.document(),
        "waitsFor": wait and {"for": wait.what, "since": iso(wait.since), "until": iso(wait.until)},
        "result": entry.result if status in (Status.READY, Status.RETIRED) else None,
        "tested": entry.tested and {"at": iso(entry.tested.at), "passed": entry.tested.passed},
        "readiness": entry.readiness,
        "secretVersion": version
        and {
            "id": version.id,
            "createdAt": iso(version.created_at),
            "ageSeconds": max(0, round(now - version.created_at)),
        },
    }


def _since(entry: Entry, status: Status) -> str | None:
    """When the status began; for a request in the queue, when the request was made."""
    if status is Status.REQUESTED and entry.pending:
        return entry.pending.order.time
    if status is Status.WAITING and entry.wait:
        return iso(entry.wait.since)
    if entry.since and entry.since.status is status:
        return iso(entry.since.at)
    return entry.order.time if entry.order else None
