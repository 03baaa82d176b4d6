"""How the registry's items say what an `Entry` is, and back.

Attributes are the contract's camelCase words. Orders are stored as `time#id`, which sorts as they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from aep_connections.domain.entry import (
    Attempt,
    Entry,
    Failure,
    Pending,
    SecretVersion,
    StatusSince,
    Summary,
    Tested,
    Wait,
)
from aep_connections.domain.model import Key, Order, Outcome, Status

FIRST_SOURCE = "databricks"
"""Of the items of version 0.1.0, which name no source type."""
SUMMARY_ATTRIBUTES = (
    "sandbox", "name", "order", "answered", "status", "request", "source", "orgId", "connectionId", "params",
    "attempt", "marks", "failure", "tested", "secretVersion", "since", "noted", "updatedAt", "leaseUntil",
)  # fmt: skip
"""What a listing of many keys reads: the fields of `Summary`."""
SUMMARY_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in SUMMARY_ATTRIBUTES),
    "ExpressionAttributeNames": {f"#{name}": name for name in SUMMARY_ATTRIBUTES},
}

serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def key_of(key: Key) -> dict[str, Any]:
    """The item's key, in DynamoDB's own JSON."""
    return {"sandbox": {"S": key.sandbox}, "name": {"S": key.name}}


def key_in(item: Mapping[str, Any]) -> Key:
    """The key in an item that was `read`."""
    return Key(item["sandbox"], item["name"])


def decimal(seconds: float) -> Decimal:
    """Seconds since 1970 as DynamoDB takes them, to the millisecond."""
    return Decimal(str(round(seconds, 3)))


def read(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without DynamoDB's types."""
    return {name: _deserialize(value) for name, value in item.items()}


def item_of(entry: Entry) -> dict[str, Any]:
    """The attributes that a delivery may write; what is not known has none."""
    attempt, wait, tested, version = entry.attempt, entry.wait, entry.tested, entry.secret_version
    attributes = {
        "order": _text(entry.order),
        "answered": _text(entry.answered),
        "status": entry.status and entry.status.value,
        "request": entry.request,
        "databricksSecretId": entry.secret_id,
        "source": entry.source,
        "orgId": entry.org_id,
        "connectionId": entry.connection_id,
        "etag": entry.etag,
        "fingerprint": entry.fingerprint,
        "params": entry.params,
        "outcome": entry.outcome and entry.outcome.value,
        "outcomeOrder": _text(entry.outcome_order),
        "attempt": attempt
        and {"id": attempt.id, "sentAt": decimal(attempt.sent_at), "fingerprint": attempt.fingerprint},
        "marks": list(entry.marks),
        "failure": entry.failure and entry.failure.document(),
        "wait": wait and _wait_document(wait),
        "readiness": entry.readiness,
        "result": entry.result,
        "tested": tested and {"at": decimal(tested.at), "passed": tested.passed},
        "secretVersion": version and {"id": version.id, "createdAt": decimal(version.created_at)},
        "since": entry.since and {"status": entry.since.status.value, "at": decimal(entry.since.at)},
        "expiresAt": entry.expires_at and int(entry.expires_at),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def summary_of(key: Key, item: Mapping[str, Any]) -> Summary:
    """What a listing has of a key, in an item that was `read`."""
    return Summary(**_summary_fields(key, item))


def entry_of(key: Key, item: Mapping[str, Any]) -> Entry:
    """The entry in an item that was `read`."""
    wait = item.get("wait")
    return Entry(
        **_summary_fields(key, item),
        etag=item.get("etag"),
        fingerprint=item.get("fingerprint"),
        outcome=Outcome(item["outcome"]) if "outcome" in item else None,
        outcome_order=_order(item.get("outcomeOrder")),
        wait=_wait(wait) if wait else None,
        readiness=item.get("readiness"),
        result=item.get("result"),
        secret_id=item.get("databricksSecretId"),
        expires_at=float(item["expiresAt"]) if "expiresAt" in item else None,
    )


def _summary_fields(key: Key, item: Mapping[str, Any]) -> dict[str, Any]:
    attempt, failure, tested = item.get("attempt"), item.get("failure"), item.get("tested")
    version, since, noted = item.get("secretVersion"), item.get("since"), item.get("noted")
    return {
        "key": key,
        "order": _order(item.get("order")),
        "answered": _order(item.get("answered")),
        "status": Status(item["status"]) if "status" in item else None,
        "request": item.get("request"),
        "source": item.get("source", FIRST_SOURCE if "order" in item else None),
        "org_id": item.get("orgId"),
        "connection_id": item.get("connectionId"),
        "params": item.get("params"),
        "attempt": Attempt(attempt["id"], float(attempt["sentAt"]), attempt["fingerprint"]) if attempt else None,
        "marks": tuple(item.get("marks", ())),
        "failure": Failure.from_document(failure) if failure else None,
        "tested": Tested(float(tested["at"]), tested["passed"]) if tested else None,
        "secret_version": SecretVersion(version["id"], float(version["createdAt"])) if version else None,
        "since": StatusSince(Status(since["status"]), float(since["at"])) if since else None,
        "pending": Pending(Order.parse(noted["order"]), noted["request"]) if noted else None,
        "updated_at": float(item.get("updatedAt", 0)),
        "lease_until": float(item.get("leaseUntil", 0)),
    }


def _text(order: Order | None) -> str | None:
    return str(order) if order else None


def _order(text: str | None) -> Order | None:
    return Order.parse(text) if text else None


def _wait_document(wait: Wait) -> dict[str, Any]:
    return {
        "order": str(wait.order),
        "for": wait.what,
        "since": decimal(wait.since),
        "until": decimal(wait.until),
        "startedAfter": wait.started_after,
    }


def _wait(item: Mapping[str, Any]) -> Wait:
    return Wait(
        order=Order.parse(item["order"]),
        what=item["for"],
        since=float(item["since"]),
        until=float(item["until"]),
        started_after=item["startedAfter"],
    )
