"""The registry: one DynamoDB item per key. A delivery writes it only under its lease."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aep_connections.aws import items
from aep_connections.aws.client import FAILED_CONDITION, Refused, attempt, call, unavailable
from aep_connections.domain.entry import Entry, Lease, Summary
from aep_connections.domain.errors import Busy, Throttled
from aep_connections.domain.model import Key, Order, Page, Request, Status
from aep_connections.domain.ports import Clock

BY_SECRET = "by-secret"  # noqa: S105 - the name of an index
MAX_KEYS = 100
"""The maximum number of keys in one BatchGetItem call."""
MAX_READS = 20
"""The maximum number of reads, of one megabyte each, for one page of a filtered list."""

_FREE = "(attribute_not_exists(#leaseUntil) OR #leaseUntil < :now OR #owner = :me)"
_LATER = "(attribute_not_exists(#order) OR #order < :order OR (#order = :order AND NOT #answered = :order))"
_RELEASE = ("leaseUntil",)
"""The owner is kept, so that the SDK can repeat the last write if its response was lost."""
_NOT_ACCEPTED = (
    "(attribute_not_exists(#order) OR (#order < :order AND NOT contains(#order, :id)))"
    " AND (attribute_not_exists(#noted) OR #noted.#order < :order)"
)
"""The id is compared too: if the queue's clock is behind ours, the accepted order is earlier than the noted one."""


@dataclass(frozen=True, slots=True)
class _First:
    """A value that is written only if the item has no such attribute."""

    value: str


class Registry:
    """The `Registry` port on DynamoDB."""

    def __init__(self, dynamodb: Any, table: str, clock: Clock) -> None:
        self._dynamodb, self._table, self._clock = dynamodb, table, clock

    # ------------------------------------------------------------ one key

    def get(self, key: Key) -> Entry | None:
        reply = call(self._dynamodb.get_item, TableName=self._table, Key=items.key_of(key), ConsistentRead=True)
        return items.entry_of(key, items.read(reply["Item"])) if "Item" in reply else None

    def accept(self, lease: Lease, order: Order, request: Request) -> Entry | None:
        changes: dict[str, Any] = {
            "order": str(order),
            "request": request.document,
            "status": Status.PROVISIONING.value,
        }
        if request.source is not None:
            changes |= {"databricksSecretId": request.secret_id, "source": _First(request.source.name)}
        item, refused = self._take(lease, f"{_LATER} AND {_FREE}", changes, ("expiresAt", "noted"))
        if refused is None:
            return items.entry_of(lease.key, item)
        held = items.read(refused.item)
        if "order" in held and (held["order"] > str(order) or held.get("answered") == held["order"] == str(order)):
            return None
        raise self._busy(lease.key, held)

    def resume(self, lease: Lease) -> Entry | None:
        item, refused = self._take(lease, f"attribute_exists(#order) AND {_FREE}", {}, ())
        if refused is None:
            return items.entry_of(lease.key, item)
        held = items.read(refused.item)
        if "order" not in held:  # nothing was accepted yet
            return None
        raise self._busy(lease.key, held)

    def save(self, lease: Lease, before: Entry, after: Entry) -> None:
        self._write(lease, before, after, ())

    def close(self, lease: Lease, before: Entry, after: Entry) -> None:
        self._write(lease, before, after, _RELEASE)

    def note_pending(self, order: Order, request: Request) -> None:
        noted = {"noted": {"order": str(order), "request": request.document}}
        update = _update(_NOT_ACCEPTED, noted, ("expiresAt",), {":order": str(order), ":id": order.id})
        self._attempt(request.key, update)

    # ------------------------------------------------------------ many keys

    def page(self, page: Page) -> tuple[list[Entry], Key | None]:
        operation = self._dynamodb.scan if page.sandbox is None else self._dynamodb.query
        wanted, after = _wanted(page), page.after
        found: list[Entry] = []
        for _ in range(MAX_READS):
            paging: dict[str, Any] = {"ExclusiveStartKey": items.key_of(after)} if after else {}
            if page.status is None:
                paging["Limit"] = page.limit - len(found)
            reply = call(operation, TableName=self._table, ConsistentRead=True, **wanted, **paging)
            found += [items.entry_of(items.key_in(item), item) for item in map(items.read, reply.get("Items", []))]
            if len(found) > page.limit:  # items beyond the limit are read again
                return found[: page.limit], found[page.limit - 1].key
            after = items.key_in(items.read(reply["LastEvaluatedKey"])) if reply.get("LastEvaluatedKey") else None
            if after is None or len(found) == page.limit:
                break
        return found, after

    def sandboxes(self) -> list[str]:
        """Reads the index, which holds only keys: one page of it has about ten thousand."""
        found = self._all(
            self._dynamodb.scan,
            IndexName=BY_SECRET,
            ProjectionExpression="#sandbox",
            ExpressionAttributeNames={"#sandbox": "sandbox"},
        )
        return sorted({item["sandbox"] for item in found})

    def in_sandbox(self, sandbox: str) -> list[Summary]:
        return [
            items.summary_of(items.key_in(item), item) for item in self._in_sandbox(sandbox, items.SUMMARY_PROJECTION)
        ]

    def current(self, keys: Collection[Key]) -> dict[Key, Summary]:
        found: dict[Key, Summary] = {}
        wanted = [items.key_of(key) for key in keys]
        while wanted:
            batch, wanted = wanted[:MAX_KEYS], wanted[MAX_KEYS:]
            requested = {self._table: {"Keys": batch, "ConsistentRead": True, **items.SUMMARY_PROJECTION}}
            reply = call(self._dynamodb.batch_get_item, RequestItems=requested)
            for item in map(items.read, reply["Responses"].get(self._table, [])):
                found[items.key_in(item)] = items.summary_of(items.key_in(item), item)
            left = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if len(left) == len(batch):
                raise Throttled("DynamoDB returned none of the requested items.")
            wanted += left
        return found

    def keys_of_secret(self, secret_id: str) -> list[Key]:
        found = self._all(
            self._dynamodb.query,
            IndexName=BY_SECRET,
            KeyConditionExpression="databricksSecretId = :secret",
            ExpressionAttributeValues={":secret": {"S": secret_id}},
        )
        return [items.key_in(item) for item in found]

    def held_by_others(self, key: Key) -> Collection[str]:
        projection = {
            "ProjectionExpression": "#sandbox, #name, connectionId, marks",
            "ExpressionAttributeNames": {"#sandbox": "sandbox", "#name": "name"},
        }
        held: set[str] = set()
        for item in self._in_sandbox(key.sandbox, projection, ConsistentRead=True):
            if item["name"] != key.name:
                held |= {*item.get("marks", []), *filter(None, [item.get("connectionId")])}
        return held

    def _in_sandbox(self, sandbox: str, projection: dict[str, Any], **more: Any) -> Iterator[dict[str, Any]]:
        return self._all(
            self._dynamodb.query,
            KeyConditionExpression="#sandbox = :sandbox",
            ExpressionAttributeValues={":sandbox": {"S": sandbox}},
            **projection,
            **more,
        )

    def _all(self, operation: Any, **wanted: Any) -> Iterator[dict[str, Any]]:
        """The items of every page."""
        start: dict[str, Any] = {}
        while True:
            page = call(operation, TableName=self._table, **wanted, **start)
            yield from map(items.read, page.get("Items", []))
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # ------------------------------------------------------------ writing

    def _take(
        self, lease: Lease, condition: str, changes: Mapping[str, Any], remove: tuple[str, ...]
    ) -> tuple[dict[str, Any], Refused | None]:
        """Take the lease under a condition. Returns the item as it was before."""
        taken = {**changes, "owner": lease.owner, "leaseUntil": items.decimal(lease.until), **self._stamp()}
        update = _update(condition, taken, remove, {":now": items.decimal(self._clock.now()), ":me": lease.owner})
        return self._attempt(lease.key, update, ReturnValues="ALL_OLD", ReturnValuesOnConditionCheckFailure="ALL_OLD")

    def _write(self, lease: Lease, before: Entry, after: Entry, removed: tuple[str, ...]) -> None:
        """Write the difference, under the lease."""
        old, new = items.item_of(before), items.item_of(after)
        changes = {name: value for name, value in new.items() if old.get(name) != value}
        remove = (*(name for name in old if name not in new), *removed)
        update = _update("#owner = :me", {**changes, **self._stamp()}, remove, {":me": lease.owner})
        _, refused = self._attempt(lease.key, update)
        if refused is not None:
            raise Busy(f"Another delivery took the lease on {lease.key}.")

    def _attempt(self, key: Key, update: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Refused | None]:
        """The attributes that DynamoDB returns, or its refusal if the condition failed."""
        operation = self._dynamodb.update_item
        reply, refused = attempt(operation, TableName=self._table, Key=items.key_of(key), **update, **more)
        if refused is not None and refused.code != FAILED_CONDITION:
            raise unavailable(operation, refused.code)
        return items.read(reply.get("Attributes", {})), refused

    def _stamp(self) -> dict[str, Any]:
        return {"updatedAt": items.decimal(self._clock.now())}

    def _busy(self, key: Key, held: Mapping[str, Any]) -> Busy:
        left = float(held.get("leaseUntil", 0)) - self._clock.now()
        return Busy(f"Another delivery is processing {key}.", retry_after=max(0.0, left))


def _update(
    condition: str, changes: Mapping[str, Any], remove: tuple[str, ...], values: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of an update, with only those of `values` that the condition uses."""
    sets = [
        f"#{name} = if_not_exists(#{name}, :{name})" if isinstance(value, _First) else f"#{name} = :{name}"
        for name, value in changes.items()
    ]
    plain = {f":{name}": value.value if isinstance(value, _First) else value for name, value in changes.items()}
    expression = f"SET {', '.join(sets)}"
    if remove:
        expression += f" REMOVE {', '.join(f'#{name}' for name in remove)}"
    text, known = f"{expression} {condition}", {**plain, **values}
    return {
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in re.findall(r"#(\w+)", text)},
        "ExpressionAttributeValues": {name: items.serialize(known[name]) for name in set(re.findall(r":\w+", text))},
    }


def _wanted(page: Page) -> dict[str, Any]:
    """The arguments of a list's query or scan. A key with a noted request is `requested`, whatever status is stored."""
    used: dict[str, str] = {}
    wanted: dict[str, Any] = {}
    if page.sandbox is not None:
        wanted["KeyConditionExpression"] = "#sandbox = :sandbox"
        used[":sandbox"] = page.sandbox
    if page.status is Status.REQUESTED:
        wanted["FilterExpression"] = "attribute_exists(#noted)"
    elif page.status is not None:
        wanted["FilterExpression"] = "#status = :status AND attribute_not_exists(#noted)"
        used[":status"] = page.status.value
    if wanted:
        names = re.findall(r"#(\w+)", " ".join(wanted.values()))
        wanted["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if used:
        wanted["ExpressionAttributeValues"] = {name: {"S": value} for name, value in used.items()}
    return wanted
