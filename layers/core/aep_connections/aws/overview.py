"""The registry for those who ask over HTTP: looks at items, and notes that a request is on its way; holds no lease."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aep_connections.aws.calls import FAILED_CONDITION, attempt, call, unavailable
from aep_connections.aws.items import entry_of, key_of, read, serialize
from aep_connections.domain.entry import Entry
from aep_connections.domain.model import JsonObject, Key, Order, Status

_NAMES = {"#sandbox": "sandbox", "#status": "status", "#noted": "noted"}


MOST_READS = 20
"""Of a megabyte each: what one page of a filtered list looks through."""


class Overview:
    """The `Overview` port on DynamoDB."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def get(self, key: Key) -> Entry | None:
        answer = call(self._dynamodb.get_item, TableName=self._table, Key=key_of(key), ConsistentRead=True)
        return entry_of(key, read(answer["Item"])) if "Item" in answer else None

    def page(
        self, sandbox: str | None, status: Status | None, limit: int, after: Key | None
    ) -> tuple[list[Entry], Key | None]:
        operation, asked = self._dynamodb.scan, _asked(sandbox, status)
        if sandbox is not None:
            operation = self._dynamodb.query
        found: list[Entry] = []
        for _ in range(MOST_READS):
            paging: dict[str, Any] = {"ExclusiveStartKey": key_of(after)} if after else {}
            if status is None:
                paging["Limit"] = limit - len(found)
            answer = call(operation, TableName=self._table, ConsistentRead=True, **asked, **paging)
            found += [entry_of(_key(item), item) for item in map(read, answer.get("Items", []))]
            if len(found) > limit:  # what was read beyond the limit is read again
                return found[:limit], found[limit - 1].key
            after = _key(read(answer["LastEvaluatedKey"])) if answer.get("LastEvaluatedKey") else None
            if after is None or len(found) == limit:
                break
        return found, after

    def note(self, key: Key, order: Order, request: JsonObject) -> None:
        """By its id too: of a queue whose clock is behind ours, the accepted order is earlier than this one."""
        operation = self._dynamodb.update_item
        _, refused = attempt(
            operation,
            TableName=self._table,
            Key=key_of(key),
            UpdateExpression="SET #noted = :noted REMOVE #expiresAt",
            ConditionExpression=(
                "(attribute_not_exists(#order) OR (#order < :order AND NOT contains(#order, :id)))"
                " AND (attribute_not_exists(#noted) OR #noted.#order < :order)"
            ),
            ExpressionAttributeNames={"#noted": "noted", "#order": "order", "#expiresAt": "expiresAt"},
            ExpressionAttributeValues={
                ":noted": serialize({"order": str(order), "request": request}),
                ":order": serialize(str(order)),
                ":id": serialize(order.id),
            },
        )
        if refused is not None and refused.code != FAILED_CONDITION:
            raise unavailable(operation, refused.code)


def _key(item: Mapping[str, Any]) -> Key:
    return Key(item["sandbox"], item["name"])


def _asked(sandbox: str | None, status: Status | None) -> dict[str, Any]:
    """What a query or scan looks for; a noted request is not what `status` says yet."""
    used: dict[str, str] = {}
    asked: dict[str, Any] = {}
    if sandbox is not None:
        asked["KeyConditionExpression"] = "#sandbox = :sandbox"
        used[":sandbox"] = sandbox
    if status is Status.REQUESTED:
        asked["FilterExpression"] = "attribute_exists(#noted)"
    elif status is not None:
        asked["FilterExpression"] = "#status = :status AND attribute_not_exists(#noted)"
        used[":status"] = status.value
    text = " ".join(asked.values())
    names = {name: real for name, real in _NAMES.items() if name in text}
    if names:
        asked["ExpressionAttributeNames"] = names
    if used:
        asked["ExpressionAttributeValues"] = {name: {"S": value} for name, value in used.items()}
    return asked
