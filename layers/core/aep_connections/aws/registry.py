"""The registry: one DynamoDB item per key, written only under its lease.

Attributes are the contract's camelCase words. Orders are stored as `time#id`, which sorts as they do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aep_connections.aws.calls import FAILED_CONDITION, Refused, attempt, call, unavailable
from aep_connections.aws.items import decimal, entry_of, key_of, read, seen, serialize
from aep_connections.domain.entry import Attempt, Entry, Failure, Lease
from aep_connections.domain.errors import Busy
from aep_connections.domain.model import JsonObject, Key, Order, Status
from aep_connections.domain.ports import Clock

RETIRED_SECONDS = 30 * 24 * 3600
"""How long a retired item outlives its connection."""

_FREE = "(attribute_not_exists(#leaseUntil) OR #leaseUntil < :now OR #owner = :me)"
_LATER = "(attribute_not_exists(#order) OR #order < :order OR (#order = :order AND NOT #answered = :order))"
_RELEASE = ("leaseUntil",)
"""The owner stays, so that the SDK may repeat a last write whose answer was lost."""


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

    def record_attempt(self, lease: Lease, attempt: Attempt, marks: Collection[str], org_id: str) -> None:
        document = {"id": attempt.id, "sentAt": decimal(attempt.sent_at), "fingerprint": attempt.fingerprint}
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
            ("attempt", "tested"),
        )

    def close_ready(self, lease: Lease, entry: Entry, result: JsonObject) -> None:
        changes = {
            "answered": entry.order and str(entry.order),
            "etag": result["etag"],
            "params": entry.params,
            "result": result,
        }
        done = ("failure", "wait", "outcome", "outcomeOrder", *_RELEASE)
        self._write(lease, changes | self._end(entry, Status.READY), done)

    def close_retired(self, lease: Lease, entry: Entry, result: JsonObject) -> None:
        connection = ("connectionId", "etag", "params", "outcome", "outcomeOrder", "orgId", "databricksSecretId")
        changes = {
            "answered": entry.order and str(entry.order),
            "result": result,
            "expiresAt": int(self._clock.now()) + RETIRED_SECONDS,
        }
        gone = entry.with_(fingerprint=None, readiness=None, tested=None, secret_version=None)
        self._write(lease, changes | self._end(gone, Status.RETIRED), ("failure", "wait", *connection, *_RELEASE))

    def close_failed(self, lease: Lease, entry: Entry, failure: Failure) -> None:
        changes = {"failure": failure.document()}
        self._write(lease, changes | self._end(entry, Status.FAILED), ("wait", *_RELEASE))

    def put_back(self, lease: Lease, entry: Entry, status: Status, failure: Failure) -> None:
        wait = entry.wait and {
            "order": str(entry.wait.order),
            "for": entry.wait.what,
            "since": decimal(entry.wait.since),
            "until": decimal(entry.wait.until),
            "startedAfter": entry.wait.started_after,
        }
        changes = {"status": status.value, "failure": failure.document(), "wait": wait}
        self._write(lease, changes | seen(entry), _RELEASE)

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
        update = _Update({**changes, "owner": lease.owner, "leaseUntil": decimal(lease.until), **self._stamp()}, remove)
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
            Key=key_of(lease.key),
            ConditionExpression=condition,
            **update.arguments(condition),
        )
        if refused is None:
            return
        if refused.code == FAILED_CONDITION:
            raise Busy(f"The lease on {lease.key} was lost to another delivery.")
        raise unavailable(operation, refused.code)

    def _end(self, entry: Entry, status: Status) -> dict[str, Any]:
        """What every end records: since when it lasts, if the last one was the same, and what was seen."""
        lasts = entry.since is not None and entry.since.status is status
        at = entry.since.at if entry.since and lasts else self._clock.now()
        since = {"status": status.value, "at": decimal(at)}
        return {"status": status.value, "fingerprint": entry.fingerprint, "since": since, **seen(entry)}

    def _stamp(self) -> dict[str, Any]:
        return {"updatedAt": decimal(self._clock.now())}

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
                name: serialize(value) for name, value in self.values.items() if name in text
            },
        }
