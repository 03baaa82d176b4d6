"""Converts an `Entry` to the registry's items and back: one row for each attribute.

Attributes have the contract's camelCase names. Orders are stored as `time#id`, which sorts like the orders.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from aep_connections.domain.entry import Attempt, Entry, Pending, SecretVersion, StatusSince, Summary, Tested, Wait
from aep_connections.domain.errors import Failure
from aep_connections.domain.model import Key, Order, Outcome, Status
from aep_connections.sources import FIRST

serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def decimal(seconds: float) -> Decimal:
    """Seconds since 1970 as DynamoDB accepts them, rounded to milliseconds."""
    return Decimal(str(round(seconds, 3)))


@dataclass(frozen=True, slots=True)
class _Codec:
    """How a value is written into an item, and read from it."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _object(kind: Callable[..., Any], **attributes: tuple[str, _Codec]) -> _Codec:
    """The codec of a value with several fields. `attributes`: attribute -> field and its codec."""
    return _Codec(
        lambda value: {name: codec.write(getattr(value, field)) for name, (field, codec) in attributes.items()},
        lambda item: kind(**{field: codec.read(item[name]) for name, (field, codec) in attributes.items()}),
    )


_PLAIN = _Codec(lambda value: value, lambda value: value)
_TIME, _SECONDS = _Codec(decimal, float), _Codec(int, float)
_ORDER, _STATUS, _OUTCOME = _Codec(str, Order.parse), _Codec(str, Status), _Codec(str, Outcome)
_ATTEMPT = _object(Attempt, id=("id", _PLAIN), sentAt=("sent_at", _TIME), fingerprint=("fingerprint", _PLAIN))
_WAIT = _object(
    Wait,
    **{"order": ("order", _ORDER), "for": ("what", _PLAIN), "since": ("since", _TIME), "until": ("until", _TIME)},
    startedAfter=("started_after", _PLAIN),
)
_SUMMARY: dict[str, tuple[str, _Codec]] = {
    "order": ("order", _ORDER),
    "answered": ("answered", _ORDER),
    "status": ("status", _STATUS),
    "request": ("request", _PLAIN),
    "source": ("source", _PLAIN),
    "orgId": ("org_id", _PLAIN),
    "connectionId": ("connection_id", _PLAIN),
    "params": ("params", _PLAIN),
    "attempt": ("attempt", _ATTEMPT),
    "marks": ("marks", _Codec(list, tuple)),
    "failure": ("failure", _Codec(Failure.document, Failure.from_document)),
    "tested": ("tested", _object(Tested, at=("at", _TIME), passed=("passed", _PLAIN))),
    "secretVersion": ("secret_version", _object(SecretVersion, id=("id", _PLAIN), createdAt=("created_at", _TIME))),
    "since": ("since", _object(StatusSince, status=("status", _STATUS), at=("at", _TIME))),
    "noted": ("pending", _object(Pending, order=("order", _ORDER), request=("request", _PLAIN))),
    "updatedAt": ("updated_at", _TIME),
    "leaseUntil": ("lease_until", _TIME),
}
_ENTRY = _SUMMARY | {
    "databricksSecretId": ("secret_id", _PLAIN),
    "etag": ("etag", _PLAIN),
    "fingerprint": ("fingerprint", _PLAIN),
    "outcome": ("outcome", _OUTCOME),
    "outcomeOrder": ("outcome_order", _ORDER),
    "wait": ("wait", _WAIT),
    "readiness": ("readiness", _PLAIN),
    "result": ("result", _PLAIN),
    "expiresAt": ("expires_at", _SECONDS),
}
"""Attribute -> the entry's field, and its codec."""
_WRITTEN_ELSEWHERE = {"noted", "updatedAt", "leaseUntil"}
"""Set elsewhere: the HTTP API writes `noted`, every write sets `updatedAt`, taking the lease sets `leaseUntil`."""
_READ = ("sandbox", "name", *_SUMMARY)
SUMMARY_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in _READ),
    "ExpressionAttributeNames": {f"#{name}": name for name in _READ},
}
"""What a listing of many keys reads."""


def key_of(key: Key) -> dict[str, Any]:
    """The item's key, in DynamoDB JSON."""
    return {"sandbox": {"S": key.sandbox}, "name": {"S": key.name}}


def key_in(item: Mapping[str, Any]) -> Key:
    """The key in an item that was `read`."""
    return Key(item["sandbox"], item["name"])


def read(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without DynamoDB's types."""
    return {name: _deserialize(value) for name, value in item.items()}


def item_of(entry: Entry) -> dict[str, Any]:
    """The attributes that a delivery may write; a field without a value has no attribute."""
    rows = {name: row for name, row in _ENTRY.items() if name not in _WRITTEN_ELSEWHERE}
    known = {name: (getattr(entry, field), codec) for name, (field, codec) in rows.items()}
    return {name: codec.write(value) for name, (value, codec) in known.items() if value is not None}


def summary_of(key: Key, item: Mapping[str, Any]) -> Summary:
    """What a listing shows for a key, from an item that was `read`."""
    return Summary(**_fields(key, item, _SUMMARY))


def entry_of(key: Key, item: Mapping[str, Any]) -> Entry:
    """The entry, from an item that was `read`."""
    return Entry(**_fields(key, item, _ENTRY))


def _fields(key: Key, item: Mapping[str, Any], rows: Mapping[str, tuple[str, _Codec]]) -> dict[str, Any]:
    found = {field: codec.read(item[name]) for name, (field, codec) in rows.items() if item.get(name) is not None}
    return {"key": key, "source": FIRST.name if "order" in item else None} | found
