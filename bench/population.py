"""Writes a whole fleet directly into the local stack, damages some connections, and counts what is wrong."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from moto.ssm.models import ssm_backends

from aep_connections.adobe.wire import create_body
from aep_connections.aws.parameters import parameter_name
from aep_connections.domain.model import Desired, Key, Secret
from aep_connections.sources.databricks.secret import SOURCE
from bench.shortcuts import fill
from local.aws.account import ACCOUNT, REGION
from local.aws.invocation import Handler
from local.simulators.connections import Record, new_item, patched
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET, Stack

SANDBOXES = 20
AGE_SECONDS = 3600.0
"""How long ago every connection was made and tested: longer than the settle time, shorter than a test is valid."""
TOKENS = (f"dapi{1:032x}", f"dapi{2:032x}")
"""The tokens of the former and of the current version of each secret."""
FIRST = Key("sandbox-of-the-first", "name-of-the-first")
"""The only key that is made by a request; the others' items are copies of its item."""


@dataclass(frozen=True, slots=True)
class Member:
    """A key of the fleet, its connection, and its registry item in the desired state."""

    key: Key
    mark: str
    record: Record
    item: dict[str, Any]


class Population:
    """A number of connections, each as a request would have made it, spread evenly over the sandboxes."""

    def __init__(self, stack: Stack, size: int) -> None:
        self._stack, self._size = stack, size
        self._table = stack.environment["REGISTRY_TABLE"]
        self._prefix = stack.environment["PARAMETER_PREFIX"]
        self._dynamodb = stack.aws.client("dynamodb")
        self._ssm = ssm_backends[ACCOUNT][REGION]
        self._secrets = {f"sandbox-{number:02}": self._versions(f"sandbox-{number:02}") for number in range(SANDBOXES)}
        self._first = ""
        self.members: list[Member] = []

    def fill(self, provision: Handler) -> None:
        """Make the first key by a request, and all others as copies of its connection and item."""
        self._first = self._made(provision)
        sandboxes = list(self._secrets)
        keys = (Key(sandboxes[number % SANDBOXES], f"connection-{number:05}") for number in range(self._size))
        self.members = [self._member(key) for key in keys]
        for member in self.members:
            self._stack.adobe.records[member.record.item["id"]] = member.record
            self._publish(member.key, member.record.item["id"])
        fill(self._table, (member.item for member in self.members))

    def damage(self, count: int) -> Counter[str]:
        """Damage `count` connections in different ways, spread over the fleet. Returns how many of each kind."""
        damages = list(self._damages().items())
        step = self._size // count
        done: Counter[str] = Counter()
        for number in range(count):
            kind, harm = damages[number % len(damages)]
            harm(self.members[number * step + number // SANDBOXES % step])
            done[kind] += 1
        return done

    def wrong(self) -> Counter[str]:
        """The number of keys that differ from their desired state, read directly, for each kind of difference."""
        living: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for item in self._stack.adobe.living():
            living.setdefault((item["sandboxName"], item["name"]), []).append(item)
        held = {(item["sandbox"]["S"], item["name"]["S"]): item for item in self._items()}
        wrong: Counter[str] = Counter()
        for member in self.members:
            place = (member.key.sandbox, member.key.name)
            current = self._secrets[member.key.sandbox][1]
            (shown, *others), item = living.pop(place, [{}]), held.pop(place)
            wrong["connections"] += not shown or bool(others)
            wrong["params"] += shown.get("auth", {}).get("params") != self._desired(member.key, current).auth.whole()
            published = self._ssm.get_parameter(self._parameter(member.key))
            wrong["parameters"] += published is None or published.value != shown.get("id")
            version = item["secretVersion"]["M"]["id"]["S"]
            expected = (shown.get("id"), "ready", current.version_id)
            wrong["registry"] += (item["connectionId"]["S"], item["status"]["S"], version) != expected
        wrong["duplicate"] += len(living) + len(held)
        return +wrong

    def _versions(self, sandbox: str) -> tuple[Secret, Secret]:
        """The former and the current version of a sandbox's secret."""
        former, current = (self._put(sandbox, token) for token in TOKENS)
        return former, current

    def _put(self, sandbox: str, token: str) -> Secret:
        values = DATABRICKS_SECRET | {"accessToken": token}
        arn = self._stack.put_secret(_secret_id(sandbox), values)
        read = self._stack.aws.client("secretsmanager").get_secret_value(SecretId=arn)
        return Secret(arn=arn, version_id=read["VersionId"], created_at=read["CreatedDate"].timestamp(), values=values)

    def _desired(self, key: Key, secret: Secret) -> Desired:
        auth = SOURCE.read_secret(_secret_id(key.sandbox), secret.values, {})
        return Desired(
            source=SOURCE,
            name=key.name,
            description=None,
            auth=auth,
            secret_arn=secret.arn,
            secret_version_id=secret.version_id,
        )

    def _made(self, provision: Handler) -> str:
        """The item of the first key as JSON, with placeholders for its values. All else of the key is deleted."""
        secret = self._put(FIRST.sandbox, TOKENS[1])
        request = {"name": FIRST.name, "sandbox": FIRST.sandbox, SOURCE.secret_field: _secret_id(FIRST.sandbox)}
        provision(request, None)
        key = {"sandbox": {"S": FIRST.sandbox}, "name": {"S": FIRST.name}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)["Item"]
        if item["fingerprint"]["S"] != self._desired(FIRST, secret).fingerprint:
            raise RuntimeError("The product and the bench make different fingerprints.")
        self._dynamodb.delete_item(TableName=self._table, Key=key)
        self._ssm.delete_parameter(self._parameter(FIRST))
        self._stack.adobe.records.clear()
        then = {"N": str(round(time.time() - AGE_SECONDS, 3))}
        item |= {"updatedAt": then, "secretVersion": {"M": {"id": {"S": "its-version"}, "createdAt": then}}}
        item["tested"]["M"]["at"] = then
        text = json.dumps(item)
        for old, new in (
            (item["connectionId"]["S"], "its-connection-id"),
            (json.dumps(item["etag"]["S"]), '"its-etag"'),
            (item["fingerprint"]["S"], "its-fingerprint"),
            (item["marks"]["L"][0]["S"], "its-mark"),
        ):
            text = text.replace(old, new)
        return text

    def _member(self, key: Key) -> Member:
        """A key whose connection has the current version of its secret."""
        mark = uuid.uuid4().hex
        desired = self._desired(key, self._secrets[key.sandbox][1])
        org, then = ADOBE_SECRET["orgId"], time.time() - AGE_SECONDS
        shown = new_item(create_body(desired, mark), org, key.sandbox, ADOBE_SECRET["clientId"], then)
        return Member(key, mark, Record(org, key.sandbox, shown), self._item(key, mark, shown, desired))

    def _item(self, key: Key, mark: str, shown: dict[str, Any], desired: Desired) -> dict[str, Any]:
        text = self._first
        for old, new in (
            (FIRST.sandbox, key.sandbox),
            (FIRST.name, key.name),
            ("its-connection-id", shown["id"]),
            ('"its-etag"', json.dumps(shown["etag"])),
            ("its-fingerprint", desired.fingerprint),
            ("its-mark", mark),
            ("its-version", desired.secret_version_id),
        ):
            text = text.replace(old, new)
        item: dict[str, Any] = json.loads(text)
        return item

    def _damages(self) -> dict[str, Callable[[Member], object]]:
        return {
            "missing": lambda member: setattr(member.record, "deleted_at", time.time()),
            "renamed": lambda member: _edit(member.record, "/name", f"{member.key.name}.renamed"),
            "moved": lambda member: _edit_param(member.record, database="elsewhere"),
            "parameterMissing": lambda member: self._ssm.delete_parameter(self._parameter(member.key)),
            "parameterDiffers": lambda member: self._publish(member.key, str(uuid.uuid4())),
            "staleSecret": self._age,
        }

    def _age(self, member: Member) -> None:
        """Set a key back to the former version of its secret."""
        former = self._desired(member.key, self._secrets[member.key.sandbox][0])
        member.record.item["auth"]["params"] = former.auth.whole()
        fill(self._table, [self._item(member.key, member.mark, member.record.item, former)])

    def _publish(self, key: Key, connection_id: str) -> None:
        """Write a parameter in this process: moto's API would take a minute for a large fleet."""
        self._ssm.put_parameter(
            self._parameter(key), "", connection_id, "String", "", "", True, [], "text", "Intelligent-Tiering", None
        )

    def _parameter(self, key: Key) -> str:
        return parameter_name(self._prefix, key)

    def _items(self) -> Iterator[dict[str, Any]]:
        query = self._dynamodb.get_paginator("query")
        for sandbox in self._secrets:
            condition = {"KeyConditionExpression": "sandbox = :sandbox"}
            values = {":sandbox": {"S": sandbox}}
            for page in query.paginate(TableName=self._table, ExpressionAttributeValues=values, **condition):
                yield from page["Items"]


def _secret_id(sandbox: str) -> str:
    return f"aep/{sandbox}/databricks/lakehouse"


def _edit(record: Record, path: str, value: Any) -> None:
    record.item = patched(record.item, [{"op": "replace", "path": path, "value": value}], "someone", time.time())


def _edit_param(record: Record, **changes: str) -> None:
    _edit(record, "/auth/params", record.item["auth"]["params"] | changes)
