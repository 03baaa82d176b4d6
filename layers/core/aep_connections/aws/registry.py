"""The registry: one DynamoDB item per key, written only under its lease.

Attributes are the contract's camelCase words. Orders are stored as `time#id`, which sorts as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from aep_connections.aws.calls import Refused, attempt, call, unavailable
from aep_connections.domain.entry import Attempt, Entry, Failure, Lease, Wait
from aep_connections.domain.errors import Busy
from aep_connections.domain.model import JsonObject, Key, Order, Outcome, Status
from aep_connections.domain.ports import Clock

RETIRED_SECONDS = 30 * 24 * 3600
"""How long a retired item outlives its connection."""

_FAILED_CONDITION = "ConditionalCheckFailedException"
_FREE = "(attribute_not_exists(#leaseUntil) OR #leaseUntil < :now OR #owner = :me)"
_LATER = "(attribute_not_exists(#order) OR #order < :order OR (#order = :order AND NOT #answered = :order))"
_RELEASE = ("leaseUntil",)
"""The owner stays, so that the SDK may repeat a last write whose answer was lost."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class Registry:
    """The `Registry` port on DynamoDB."""

    def __init__(self, dynamodb: Any, table: str, clock: Clock) -> None:
        self._dynamodb, self._table, self._clock = dynamodb, table, clock

    def accept(self, order: Order, request: JsonObject, secret_id: str | None, lease: Lease) -> Entry | None:
        secret = {"databricksSecretId": secret_id} if secret_id else {}
        item, refused = self._take(
            lease,
            f"{_LATER} AND {_FREE}",
            {"order": str(order), "request": request, "status": Status.PROVISIONING.value, **secret},
            ("expiresAt",),
            {"order": str(order)},
        )
        if refused is None:
            return _entry(lease.key, item)
        held = _read(refused.item)
        if "order" in held and (held["order"] > str(order) or held.get("answered") == held["order"] == str(order)):
            return None
        raise self._busy(lease.key, held)

    def resume(self, lease: Lease) -> Entry | None:
        item, refused = self._take(lease, f"attribute_exists(#order) AND {_FREE}", {}, (), {})
        if refused is None:
            return _entry(lease.key, item)
        if not refused.item:
            return None
        raise self._busy(lease.key, _read(refused.item))

    def record_attempt(self, lease: Lease, attempt: Attempt, marks: Collection[str], org_id: str) -> None:
        document = {"id": attempt.id, "sentAt": _decimal(attempt.sent_at), "fingerprint": attempt.fingerprint}
        self._write(lease, {"attempt": document, "marks": list(marks), "orgId": org_id})

    def forget_attempt(self, lease: Lease, marks: Collection[str]) -> None:
        self._write(lease, {"marks": list(marks)}, ("attempt",))

    def record_connection(self, lease: Lease, entry: Entry) -> None:
        self._write(
            lease,
            {
                "connectionId": entry.connection_id,
                "etag": entry.etag,
                "fingerprint": entry.fingerprint,
                "outcome": entry.outcome and entry.outcome.value,
                "outcomeOrder": entry.outcome_order and str(entry.outcome_order),
                "marks": list(entry.marks),
                "orgId": entry.org_id,
            },
            ("attempt",),
        )

    def close_ready(self, lease: Lease, entry: Entry, etag: str | None) -> None:
        self._write(
            lease,
            {
                "status": Status.READY.value,
                "answered": entry.order and str(entry.order),
                "etag": etag,
                "fingerprint": entry.fingerprint,
                "readiness": entry.readiness,
            },
            ("failure", "wait", "outcome", "outcomeOrder", *_RELEASE),
        )

    def close_retired(self, lease: Lease, order: Order) -> None:
        connection = ("connectionId", "etag", "fingerprint", "outcome", "outcomeOrder", "orgId", "databricksSecretId")
        self._write(
            lease,
            {
                "status": Status.RETIRED.value,
                "answered": str(order),
                "expiresAt": int(self._clock.now()) + RETIRED_SECONDS,
            },
            ("failure", "wait", "readiness", *connection, *_RELEASE),
        )

    def close_failed(self, lease: Lease, entry: Entry, failure: Failure) -> None:
        changes = {
            "status": Status.FAILED.value,
            "failure": failure.document(),
            "fingerprint": entry.fingerprint,
            "readiness": entry.readiness,
        }
        self._write(lease, changes, ("wait", *_RELEASE))

    def put_back(self, lease: Lease, entry: Entry, status: Status, failure: Failure) -> None:
        wait = entry.wait and {
            "order": str(entry.wait.order),
            "for": entry.wait.what,
            "since": _decimal(entry.wait.since),
            "until": _decimal(entry.wait.until),
            "startedAfter": entry.wait.started_after,
        }
        changes = {"status": status.value, "failure": failure.document(), "wait": wait, "readiness": entry.readiness}
        self._write(lease, changes, _RELEASE)

    def release(self, lease: Lease) -> None:
        self._write(lease, {}, _RELEASE)

    def held_by_others(self, key: Key) -> Collection[str]:
        held: set[str] = set()
        start: dict[str, Any] = {}
        while True:
            page = call(
                self._dynamodb.query,
                TableName=self._table,
                KeyConditionExpression="#sandbox = :sandbox",
                ProjectionExpression="#name, connectionId, marks",
                ExpressionAttributeNames={"#sandbox": "sandbox", "#name": "name"},
                ExpressionAttributeValues={":sandbox": {"S": key.sandbox}},
                ConsistentRead=True,
                **start,
            )
            for item in map(_read, page.get("Items", [])):
                if item["name"] != key.name:
                    held |= {*item.get("marks", []), *filter(None, [item.get("connectionId")])}
            if not page.get("LastEvaluatedKey"):
                return held
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _take(
        self,
        lease: Lease,
        condition: str,
        changes: Mapping[str, Any],
        remove: tuple[str, ...],
        values: Mapping[str, Any],
    ) -> tuple[dict[str, Any], Refused | None]:
        """Take the lease under a condition: the item as it was."""
        update = _Update(
            {**changes, "owner": lease.owner, "leaseUntil": _decimal(lease.until), **self._stamp()}, remove
        )
        update.values |= {":now": _decimal(self._clock.now()), ":me": lease.owner}
        update.values |= {f":{name}": value for name, value in values.items()}
        update.names |= {"#answered": "answered", "#order": "order"}
        operation = self._dynamodb.update_item
        answer, refused = attempt(
            operation,
            TableName=self._table,
            Key=_key(lease.key),
            ConditionExpression=condition,
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **update.arguments(condition),
        )
        if refused is not None and refused.code != _FAILED_CONDITION:
            raise unavailable(operation, refused.code)
        return _read(answer.get("Attributes", {})), refused

    def _write(self, lease: Lease, changes: Mapping[str, Any], remove: tuple[str, ...] = ()) -> None:
        """Write under the lease; a change to None removes the attribute."""
        unset = tuple(name for name, value in changes.items() if value is None)
        kept = {name: value for name, value in changes.items() if value is not None}
        update = _Update({**kept, **self._stamp()}, (*remove, *unset))
        update.values[":me"] = lease.owner
        update.names["#owner"] = "owner"
        operation: Callable[..., Any] = self._dynamodb.update_item
        condition = "#owner = :me"
        _, refused = attempt(
            operation,
            TableName=self._table,
            Key=_key(lease.key),
            ConditionExpression=condition,
            **update.arguments(condition),
        )
        if refused is None:
            return
        if refused.code == _FAILED_CONDITION:
            raise Busy(f"The lease on {lease.key} was lost to another delivery.")
        raise unavailable(operation, refused.code)

    def _stamp(self) -> dict[str, Any]:
        return {"updatedAt": _decimal(self._clock.now())}

    def _busy(self, key: Key, held: Mapping[str, Any]) -> Busy:
        left = float(held.get("leaseUntil", 0)) - self._clock.now()
        return Busy(f"Another delivery works on {key}.", retry_after=max(0.0, left))


class _Update:
    """An update expression in the making; only names and values that are used may be sent."""

    def __init__(self, changes: Mapping[str, Any], remove: tuple[str, ...]) -> None:
        self.names = {f"#{name}": name for name in (*changes, *remove)}
        self.values = {f":{name}": value for name, value in changes.items()}
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        removes = ", ".join(f"#{name}" for name in remove)
        self._expression = f"SET {sets}" + (f" REMOVE {removes}" if removes else "")

    def arguments(self, condition: str) -> dict[str, Any]:
        text = self._expression + condition
        return {
            "UpdateExpression": self._expression,
            "ExpressionAttributeNames": {name: real for name, real in self.names.items() if name in text},
            "ExpressionAttributeValues": {
                name: _serialize(value) for name, value in self.values.items() if name in text
            },
        }


def _key(key: Key) -> dict[str, Any]:
    return {"sandbox": {"S": key.sandbox}, "name": {"S": key.name}}


def _decimal(seconds: float) -> Decimal:
    return Decimal(str(round(seconds, 3)))


def _read(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


def _order(text: str | None) -> Order | None:
    return Order.parse(text) if text else None


def _entry(key: Key, item: Mapping[str, Any]) -> Entry:
    attempt, failure, wait = item.get("attempt"), item.get("failure"), item.get("wait")
    return Entry(
        key=key,
        order=_order(item.get("order")),
        answered=_order(item.get("answered")),
        status=Status(item["status"]) if "status" in item else None,
        request=item.get("request"),
        org_id=item.get("orgId"),
        connection_id=item.get("connectionId"),
        etag=item.get("etag"),
        fingerprint=item.get("fingerprint"),
        outcome=Outcome(item["outcome"]) if "outcome" in item else None,
        outcome_order=_order(item.get("outcomeOrder")),
        attempt=Attempt(attempt["id"], float(attempt["sentAt"]), attempt["fingerprint"]) if attempt else None,
        marks=tuple(item.get("marks", ())),
        failure=Failure.read(failure) if failure else None,
        wait=_wait(wait) if wait else None,
        readiness=item.get("readiness"),
    )


def _wait(item: Mapping[str, Any]) -> Wait:
    since, until = float(item["since"]), float(item["until"])
    return Wait(Order.parse(item["order"]), item["for"], since, until, item["startedAfter"])
