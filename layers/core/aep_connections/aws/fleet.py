"""The registry for those who look after all of it: read, never written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from aep_connections.aws.calls import call
from aep_connections.aws.items import entry_of, key_of, read
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import Throttled
from aep_connections.domain.model import Key

_READ = (
    "sandbox", "name", "order", "answered", "status", "request", "source", "orgId", "connectionId", "params",
    "attempt", "marks", "failure", "tested", "secretVersion", "since", "noted", "leaseUntil", "updatedAt",
)  # fmt: skip
"""All but what is long and not compared."""
_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in _READ),
    "ExpressionAttributeNames": {f"#{name}": name for name in _READ},
}
MOST_KEYS = 100
"""Of one BatchGetItem."""
BY_SECRET = "by-secret"  # noqa: S105 - the name of an index


class Fleet:
    """The `Fleet` port on DynamoDB."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def sandboxes(self) -> list[str]:
        """By the index, which holds nothing but keys: a page of it has some ten thousand."""
        found = self._pages(
            self._dynamodb.scan,
            IndexName=BY_SECRET,
            ProjectionExpression="#sandbox",
            ExpressionAttributeNames={"#sandbox": "sandbox"},
        )
        return sorted({item["sandbox"] for item in found})

    def of(self, sandbox: str) -> list[Entry]:
        found = self._pages(
            self._dynamodb.query,
            KeyConditionExpression="#sandbox = :sandbox",
            ExpressionAttributeValues={":sandbox": {"S": sandbox}},
            **_PROJECTION,
        )
        return [entry_of(_key(item), item) for item in found]

    def of_secret(self, secret_id: str) -> list[Key]:
        found = self._pages(
            self._dynamodb.query,
            IndexName=BY_SECRET,
            KeyConditionExpression="databricksSecretId = :secret",
            ExpressionAttributeValues={":secret": {"S": secret_id}},
        )
        return [_key(item) for item in found]

    def now(self, keys: Collection[Key]) -> dict[Key, Entry]:
        found: dict[Key, Entry] = {}
        wanted = [key_of(key) for key in keys]
        while wanted:
            batch, wanted = wanted[:MOST_KEYS], wanted[MOST_KEYS:]
            asked = {self._table: {"Keys": batch, "ConsistentRead": True, **_PROJECTION}}
            answer = call(self._dynamodb.batch_get_item, RequestItems=asked)
            for item in map(read, answer["Responses"].get(self._table, [])):
                found[_key(item)] = entry_of(_key(item), item)
            left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if len(left) == len(batch):
                raise Throttled("DynamoDB answers no key of a batch.")
            wanted += left
        return found

    def _pages(self, operation: Any, **asked: Any) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            page = call(operation, TableName=self._table, **asked, **start)
            yield from map(read, page.get("Items", []))
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _key(item: dict[str, Any]) -> Key:
    return Key(item["sandbox"], item["name"])
