"""Lists of more than DynamoDB reads at once: one megabyte."""

from __future__ import annotations

import uuid

import pytest

from aep_connections.aws import registry
from aep_connections.aws.registry import Registry
from aep_connections.domain.model import Key, Page, Status
from local.aws.account import Aws
from tests.support.clock import FakeClock

SIZE = 100_000
"""Bytes of an item: about ten are read at once."""
KEYS = [Key("dev" if number % 3 else "prod", f"n{number:02}") for number in range(60)]
FAILED = {key for key in KEYS if key.name.endswith("7")}


@pytest.fixture(scope="module")
def table(aws: Aws) -> str:
    """The name of a table with a large item for each key."""
    dynamodb, name = aws.client("dynamodb"), f"pages-{uuid.uuid4().hex}"
    parts = {"sandbox": "HASH", "name": "RANGE"}
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in parts],
        KeySchema=[{"AttributeName": part, "KeyType": kind} for part, kind in parts.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    for key in KEYS:
        item = {
            "sandbox": {"S": key.sandbox},
            "name": {"S": key.name},
            "order": {"S": "2026-11-25T00:00:00.000Z#1"},
            "status": {"S": "failed" if key in FAILED else "ready"},
            "request": {"M": {"description": {"S": "x" * SIZE}}},
        }
        dynamodb.put_item(TableName=name, Item=item)
    return name


@pytest.mark.parametrize("limit", [2, 100])
@pytest.mark.parametrize("sandbox", [None, "dev"], ids=["everywhere", "one sandbox"])
def test_a_list_that_needs_many_reads_is_paged_without_loss_or_repetition(
    aws: Aws, table: str, monkeypatch: pytest.MonkeyPatch, sandbox: str | None, limit: int
) -> None:
    """A page ends after some reads, even if it has room for more entries."""
    monkeypatch.setattr(registry, "MAX_READS", 2)
    stored = Registry(aws.client("dynamodb"), table, FakeClock())

    pages: list[list[Key]] = []
    after: Key | None = None
    while not pages or after:
        entries, after = stored.page(Page(sandbox=sandbox, status=Status.FAILED, limit=limit, after=after))
        pages.append([entry.key for entry in entries])

    found = [key for page in pages for key in page]
    assert len(found) == len(set(found))
    assert set(found) == {key for key in FAILED if sandbox in (None, key.sandbox)}
    assert all(len(page) <= limit for page in pages)
    assert len(pages) > 1
