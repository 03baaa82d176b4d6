"""The registry: one DynamoDB item per key, written only under its lease.

Attributes are the contract's camelCase words. Orders are stored as `time#id`, which sorts as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aep_connections.aws.calls import FAILED_CONDITION, Refused, attempt, call, unavailable
from aep_connections.aws.items import decimal, entry_of, item_of, key_of, read, serialize
from aep_connections.domain.entry import Entry, Lease
from aep_connections.domain.errors import Busy
from aep_connections.domain.model import Key, Order, Request, Status
from aep_connections.domain.ports import Clock

_FREE = "(attribute_not_exists(#leaseUntil) OR #leaseUntil < :now OR #owner = :me)"
_LATER = "(attribute_not_exists(#order) OR #order < :order OR (#order = :order AND NOT #answered = :order))"
_RELEASE = ("leaseUntil",)
"""The owner stays, so that the SDK may repeat a last write whose answer was lost."""


class Registry:
    """The `Registry` port on DynamoDB."""

    def __init__(self, dynamodb: Any, table: str, clock: Clock) -> None:
        self._dynamodb, self._table, self._clock = dynamodb, table, clock

    def accept(self, lease: Lease, order: Order, request: Request) -> Entry | None:
        changes: dict[str, Any] = {
            "order": str(order),
            "request": request.document,
            "status": Status.PROVISIONING.value,
        }
        if request.source is not None:
            changes |= {"databricksSecretId": request.secret_id, "source": request.source.name}
        item, refused = self._take(
            lease,
            f"{_LATER} AND {_FREE}",
            changes,
            ("expiresAt", "noted"),
            {"order": str(order)},
        )
        if refused is None:
            return entry_of(lease.key, item)
        held = read(refused.item)
        if "order" in held and (held["order"] > str(order) or held.get("answered") == held["order"] == str(order)):
            return None
        raise self._busy(lease.key, held)

    def resume(self, lease: Lease) -> Entry | None:
        item, refused = self._take(lease, f"attribute_exists(#order) AND {_FREE}", {}, (), {})
        if refused is None:
            return entry_of(lease.key, item)
        held = read(refused.item)
        if "order" not in held:  # nothing was accepted yet
            return None
        raise self._busy(lease.key, held)

    def save(self, lease: Lease, before: Entry, after: Entry) -> None:
        self._write(lease, before, after)

    def close(self, lease: Lease, before: Entry, after: Entry) -> None:
        self._write(lease, before, after, *_RELEASE)

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
            for item in map(read, page.get("Items", [])):
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
        written = {**changes, "owner": lease.owner, "leaseUntil": decimal(lease.until), **self._stamp()}
        update = _Update(written, remove, first=("source",))
        update.values |= {":now": decimal(self._clock.now()), ":me": lease.owner}
        update.values |= {f":{name}": value for name, value in values.items()}
        update.names |= {"#answered": "answered", "#order": "order"}
        operation = self._dynamodb.update_item
        answer, refused = attempt(
            operation,
            TableName=self._table,
            Key=key_of(lease.key),
            ConditionExpression=condition,
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **update.arguments(condition),
        )
        if refused is not None and refused.code != FAILED_CONDITION:
            raise unavailable(operation, refused.code)
        return read(answer.get("Attributes", {})), refused

    def _write(self, lease: Lease, before: Entry, after: Entry, *released: str) -> None:
        """Write what differs, under the lease."""
        old, new = item_of(before), item_of(after)
        changes = {name: value for name, value in new.items() if old.get(name) != value}
        update = _Update({**changes, **self._stamp()}, (*(name for name in old if name not in new), *released))
        update.values[":me"] = lease.owner
        update.names["#owner"] = "owner"
        operation: Callable[..., Any] = self._dynamodb.update_item
        condition = "#owner = :me"
        _, refused = attempt(
            operation,
            TableName=self._table,
            Key=key_of(lease.key),
            ConditionExpression=condition,
            **update.arguments(condition),
        )
        if refused is None:
            return
        if refused.code == FAILED_CONDITION:
            raise Busy(f"The lease on {lease.key} was lost to another delivery.")
        raise unavailable(operation, refused.code)

    def _stamp(self) -> dict[str, Any]:
        return {"updatedAt": decimal(self._clock.now())}

    def _busy(self, key: Key, held: Mapping[str, Any]) -> Busy:
        left = float(held.get("leaseUntil", 0)) - self._clock.now()
        return Busy(f"Another delivery works on {key}.", retry_after=max(0.0, left))


class _Update:
    """An update expression in the making; only names and values that are used may be sent.

    What `first` names is set only where there is no such attribute.
    """

    def __init__(self, changes: Mapping[str, Any], remove: tuple[str, ...], first: tuple[str, ...] = ()) -> None:
        self.names = {f"#{name}": name for name in (*changes, *remove)}
        self.values = {f":{name}": value for name, value in changes.items()}
        sets = ", ".join(
            f"#{name} = if_not_exists(#{name}, :{name})" if name in first else f"#{name} = :{name}" for name in changes
        )
        removes = ", ".join(f"#{name}" for name in remove)
        self._expression = f"SET {sets}" + (f" REMOVE {removes}" if removes else "")

    def arguments(self, condition: str) -> dict[str, Any]:
        text = self._expression + condition
        return {
            "UpdateExpression": self._expression,
            "ExpressionAttributeNames": {name: real for name, real in self.names.items() if name in text},
            "ExpressionAttributeValues": {
                name: serialize(value) for name, value in self.values.items() if name in text
            },
        }
