"""Fakes of the ports: AWS in memory, on a fake clock.

Each fake passes the contract tests of the adapter that it stands in for (`tests/adapters`). Flow Service and the
workspaces have no fake of their own: there, the real adapters talk to the simulators without a network
(`tests/support/network.py`).
"""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, TypeVar

from aep_connections.aws import items
from aep_connections.aws.client import unavailable
from aep_connections.aws.parameters import parameter_name
from aep_connections.aws.queue import MAX_VISIBILITY_SECONDS, SUBMITTED, _body
from aep_connections.aws.registry import MAX_KEYS
from aep_connections.contract.messages import EVENT_SOURCE, envelope
from aep_connections.domain.concurrency import concurrently
from aep_connections.domain.delivery import Message, Recheck
from aep_connections.domain.entry import Entry, Lease, Pending, Summary
from aep_connections.domain.errors import Busy, ConnectionFailure, Fault, SecretInvalid, SecretRefused, Unavailable
from aep_connections.domain.model import JsonObject, Key, Order, Page, Request, Secret
from aep_connections.domain.ports import Clock
from aep_connections.sources import FIRST

T = TypeVar("T")
BATCH_SIZE = 10
STAGES = {"AWSCURRENT": 1, "AWSPREVIOUS": 2}
"""Stage of a secret's version -> which version it is, counted from the newest."""
SUMMARY_FIELDS = [one.name for one in fields(Summary)]
ROWS = {attribute: (field, codec.read) for attribute, (field, codec) in items._ENTRY.items()}
"""Attribute of an item -> the entry's field, and how the attribute is read."""


@dataclass(slots=True)
class Version:
    """A version of a secret; `text` is None for a binary one."""

    id: str
    text: str | None
    created_at: float


@dataclass(slots=True)
class Account:
    """What the fakes keep. Each call of a fake passes `around`, which may refuse it, lose it or kill the process.

    Attributes:
        entries, owners: the registry, and who holds or last held the lease of a key.
        secrets: name -> versions, the oldest first. A secret that is being deleted is in `deleting`.
        parameters: name -> value.
        queue, dead_letters: the messages that were sent and not taken yet: body and attributes.
        hidden: receipt handle -> seconds, for each message that was hidden.
        events: the events on the bus.
        invoked: name of a function -> events of its asynchronous invocations that were not taken yet.
        functions: name of a function -> its handler.
    """

    clock: Clock
    around: Callable[[str, Any, Callable[[], Any]], Any] = lambda _name, _sent, go: go()
    entries: dict[Key, Entry] = field(default_factory=dict)
    owners: dict[Key, str] = field(default_factory=dict)
    secrets: dict[str, list[Version]] = field(default_factory=dict)
    deleting: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    dead_letters: list[dict[str, Any]] = field(default_factory=list)
    hidden: list[tuple[str, float]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    invoked: dict[str, list[Any]] = field(default_factory=dict)
    functions: dict[str, Callable[[Any, Any], Any]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def call(self, name: str, sent: Any, act: Callable[[], T | ConnectionFailure]) -> T:
        """One call to AWS. `name` is as in `tests.support.calls`; `sent` is what leaves the process.

        An error that `act` returns is AWS's reply. It is raised after the call, so it can get lost on the way.
        """

        def go() -> T | ConnectionFailure:
            with self.lock:
                return act()

        result: T | ConnectionFailure = self.around(name, sent, go)
        if isinstance(result, ConnectionFailure):
            raise result
        return result


class Registry:
    """The `Registry` port."""

    def __init__(self, account: Account) -> None:
        self._account = account

    # ------------------------------------------------------------ one key

    def get(self, key: Key) -> Entry | None:
        entries = self._account.entries
        return self._account.call("read entry", None, lambda: shown(entries[key]) if key in entries else None)

    def accept(self, lease: Lease, order: Order, request: Request) -> Entry | None:
        def go() -> Entry | Busy | None:
            before = self._account.entries.get(lease.key, Entry(key=lease.key))
            if before.order and (before.order > order or before.answered == before.order == order):
                return None
            after = before.accepted(order, request)
            return self._take(lease, before, replace(after, request=copied(request.document)))

        return self._account.call("accept", request.document, go)

    def resume(self, lease: Lease) -> Entry | None:
        def go() -> Entry | Busy | None:
            before = self._account.entries.get(lease.key)
            return None if before is None or before.order is None else self._take(lease, before, before)

        return self._account.call("resume", None, go)

    def save(self, lease: Lease, before: Entry, after: Entry) -> None:
        self._write(lease, before, after, released=False)

    def close(self, lease: Lease, before: Entry, after: Entry) -> None:
        self._write(lease, before, after, released=True)

    def note_pending(self, order: Order, request: Request) -> None:
        def go() -> None:
            entry = self._account.entries.get(request.key, Entry(key=request.key))
            accepted = entry.order is not None and (entry.order >= order or order.id in str(entry.order))
            if not accepted and (entry.pending is None or entry.pending.order < order):
                pending = Pending(order, copied(request.document))
                self._account.entries[request.key] = replace(entry, pending=pending, expires_at=None)

        self._account.call("note", request.document, go)

    # ------------------------------------------------------------ many keys

    def page(self, page: Page) -> tuple[list[Entry], Key | None]:
        def go() -> tuple[list[Entry], Key | None]:
            found = [
                shown(entry)
                for key, entry in in_order(self._account.entries)
                if page.sandbox in (None, key.sandbox)
                and page.status in (None, entry.shown_status)
                and (page.after is None or place(key) > place(page.after))
            ]
            return found[: page.limit], found[page.limit - 1].key if len(found) > page.limit else None

        return self._account.call("list all" if page.sandbox is None else "list sandbox", None, go)

    def sandboxes(self) -> list[str]:
        entries = self._account.entries
        return self._account.call(
            "sandboxes", None, lambda: sorted({key.sandbox for key, entry in entries.items() if entry.secret_id})
        )

    def in_sandbox(self, sandbox: str) -> list[Summary]:
        return self._account.call(
            "keys of a sandbox", None, lambda: [summary_of(entry) for entry in self._entries_of(sandbox)]
        )

    def current(self, keys: Collection[Key]) -> dict[Key, Summary]:
        found: dict[Key, Summary] = {}
        for start in range(0, len(keys), MAX_KEYS):
            batch = list(keys)[start : start + MAX_KEYS]
            found |= self._account.call("read entries again", None, partial(self._current, batch))
        return found

    def keys_of_secret(self, secret_id: str) -> list[Key]:
        entries = self._account.entries
        return self._account.call(
            "keys of a secret", None, lambda: [k for k, entry in in_order(entries) if entry.secret_id == secret_id]
        )

    def held_by_others(self, key: Key) -> Collection[str]:
        def go() -> set[str]:
            others = [entry for entry in self._entries_of(key.sandbox) if entry.key != key]
            return {held for one in others for held in (*one.marks, one.connection_id) if held}

        return self._account.call("ids held by others", None, go)

    def _current(self, keys: Collection[Key]) -> dict[Key, Summary]:
        entries = self._account.entries
        return {key: summary_of(entries[key]) for key in keys if key in entries}

    def _entries_of(self, sandbox: str) -> list[Entry]:
        return [entry for key, entry in in_order(self._account.entries) if key.sandbox == sandbox]

    # ------------------------------------------------------------ writing

    def _take(self, lease: Lease, before: Entry, after: Entry) -> Entry | Busy:
        """Take the lease. Returns the entry as it was before, or Busy."""
        key, now, owners = lease.key, self._account.clock.now(), self._account.owners
        if before.lease_until >= stored(now) and owners.get(key) != lease.owner:
            return Busy(f"Another delivery is processing {key}.", retry_after=max(0.0, before.lease_until - now))
        owners[key] = lease.owner
        self._account.entries[key] = replace(after, lease_until=stored(lease.until), updated_at=stored(now))
        return shown(before)

    def _write(self, lease: Lease, before: Entry, after: Entry, *, released: bool) -> None:
        """Write the difference, under the lease."""
        changes = changed(before, after)
        written = {field: copied(changes[name], read) for name, (field, read) in ROWS.items() if name in changes}

        def go() -> Busy | None:
            if self._account.owners.get(lease.key) != lease.owner:
                return Busy(f"Another delivery took the lease on {lease.key}.")
            now = {"updated_at": stored(self._account.clock.now())} | ({"lease_until": 0.0} if released else {})
            self._account.entries[lease.key] = replace(self._account.entries[lease.key], **written | now)
            return None

        self._account.call(purpose(changes, released=released), changes, go)


def changed(before: Entry, after: Entry) -> dict[str, Any]:
    """What a write would send: the attributes that differ, each with its new value; None for one that is removed."""
    old, new = items.item_of(before), items.item_of(after)
    return {name: new.get(name) for name in {**new, **old} if old.get(name) != new.get(name)}


def purpose(changes: dict[str, Any], *, released: bool) -> str:
    """The name of a write, from the attributes that it sets or, with None, removes."""
    for attribute, name in (
        ("attempt", "record attempt"),
        ("connectionId", "record id"),
        ("answered", "close"),
        ("failure", "record failure"),
    ):
        if changes.get(attribute) is not None:
            return name
    if "attempt" in changes:
        return "forget attempt"
    if released and not changes:
        return "release"
    return f"{'close with' if released else 'record'} {', '.join(changes)}"


def place(key: Key) -> tuple[str, str]:
    """Where a key is in a list."""
    return key.sandbox, key.name


def in_order(entries: Mapping[Key, Entry]) -> list[tuple[Key, Entry]]:
    """The entries in the order of their keys."""
    return sorted(entries.items(), key=lambda item: place(item[0]))


def shown(entry: Entry) -> Entry:
    """An entry as it is read. An accepted request without a source type is one of the first type."""
    return replace(entry, source=FIRST.name) if entry.order and entry.source is None else entry


def summary_of(entry: Entry) -> Summary:
    """What a listing reads of an entry."""
    read = shown(entry)
    return Summary(**{name: getattr(read, name) for name in SUMMARY_FIELDS})


def stored(seconds: float) -> float:
    """A time as the registry stores it."""
    return float(items.decimal(seconds))


def copied(value: Any, read: Callable[[Any], Any] = lambda plain: plain) -> Any:
    """An attribute's value as DynamoDB returns it, then as it is `read`; None for one that was removed."""
    return None if value is None else read(items.read({"it": items.serialize(value)})["it"])


class Queue:
    """The `Queue` port."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def submit(self, order: Order, request: JsonObject) -> None:
        body = json.dumps(envelope(order, request, SUBMITTED))
        self._account.call("send request", body, lambda: self._account.queue.append(body))

    def recheck(self, *rechecks: Recheck) -> None:
        for start in range(0, len(rechecks), BATCH_SIZE):
            bodies = [json.dumps(recheck.document()) for recheck in rechecks[start : start + BATCH_SIZE]]
            self._account.call("send rechecks", bodies, partial(self._account.queue.extend, bodies))

    def hide(self, message: Message, seconds: float) -> None:
        hidden = (message.receipt_handle, min(MAX_VISIBILITY_SECONDS, max(0, round(seconds))))
        with contextlib.suppress(ConnectionFailure):
            self._account.call("visibility", None, lambda: self._account.hidden.append(hidden))

    def park(self, order: Order, detail: object, code: str, reason: str) -> None:
        texts = {"code": code, "reason": reason[:1000] or code}
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}
        parked = {"Body": _body(order, detail), "MessageAttributes": attributes}
        self._account.call("park", parked, lambda: self._account.dead_letters.append(parked))


class Secrets:
    """The `Secrets` port."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def read(self, secret_id: str, stage: str = "AWSCURRENT") -> Secret:
        databricks = "former secret" if stage == "AWSPREVIOUS" else "Databricks secret"
        name = databricks if "/databricks/" in secret_id else "Adobe secret"
        return self._account.call(name, None, lambda: self._read(secret_id, stage))

    def current_versions(self, secret_ids: Collection[str]) -> dict[str, str | None]:
        def current(secret_id: str) -> str | None:
            name = name_of_secret(secret_id)
            gone = name not in self._account.secrets or name in self._account.deleting
            return None if gone else self._account.secrets[name][-1].id

        calls = [
            lambda one=secret_id: self._account.call("secret's version", None, lambda: current(one))
            for secret_id in secret_ids
        ]
        return dict(zip(secret_ids, concurrently(*calls), strict=True))

    def _read(self, secret_id: str, stage: str) -> Secret | ConnectionFailure:
        name, refusal = name_of_secret(secret_id), f"The secret {secret_id} cannot be read: "
        versions, back = self._account.secrets.get(name, []), STAGES.get(stage)
        if name in self._account.deleting:
            return SecretRefused(f"{refusal}it is scheduled for deletion or cannot be read now.")
        if back is None or len(versions) < back:
            return SecretRefused(f"{refusal}there is no such secret.")
        version = versions[-back]
        try:
            values = json.loads(version.text or "")
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            faults = [Fault("secret", "must be a JSON object, stored as text")]
            return SecretInvalid(f"The secret {secret_id} cannot be used.", faults=faults)
        return Secret(arn=secret_arn(name), version_id=version.id, created_at=version.created_at, values=values)


def put_secret(account: Account, name: str, text: str | None) -> str:
    """Create a secret, or a new version of it. Returns its ARN."""
    name = name_of_secret(name)
    account.secrets.setdefault(name, []).append(Version(str(uuid.uuid4()), text, account.clock.now()))
    return secret_arn(name)


def secret_arn(name: str) -> str:
    """The ARN of a secret. AWS appends six characters to the name."""
    return f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf"


def name_of_secret(secret_id: str) -> str:
    """The name in an ARN; a name as it is."""
    return secret_id.rpartition(":secret:")[2].removesuffix("-AbCdEf")


class Parameters:
    """The `Parameters` port."""

    def __init__(self, account: Account, prefix: str) -> None:
        self._account, self._prefix = account, prefix

    def name_of(self, key: Key) -> str:
        return parameter_name(self._prefix, key)

    def get(self, key: Key) -> str | None:
        return self._account.call("read parameter", None, lambda: self._account.parameters.get(self.name_of(key)))

    def put(self, key: Key, connection_id: str) -> None:
        def go() -> None:
            self._account.parameters[self.name_of(key)] = connection_id

        self._account.call("publish", {"Name": self.name_of(key), "Value": connection_id}, go)

    def delete(self, key: Key) -> None:
        self._account.call("delete parameter", None, lambda: self._account.parameters.pop(self.name_of(key), None))

    def in_sandbox(self, sandbox: str) -> dict[str, str]:
        def go() -> dict[str, str]:
            path, found = f"{self._prefix}/{sandbox}/", {}
            for parameter, value in self._account.parameters.items():
                name = parameter.removeprefix(path).partition("/")[0]
                if parameter == self.name_of(Key(sandbox, name)):
                    found[name] = value
            return found

        return self._account.call("list parameters", None, go)


class Events:
    """The `Events` port."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def announce(self, detail_type: str, *details: dict[str, Any]) -> None:
        for start in range(0, len(details), BATCH_SIZE):
            texts = map(json.dumps, details[start : start + BATCH_SIZE])
            event = {"source": EVENT_SOURCE, "detail-type": detail_type}
            batch = [{"id": str(uuid.uuid4()), **event, "detail": json.loads(text)} for text in texts]
            self._account.call("announce", batch, partial(self._account.events.extend, batch))


class Functions:
    """The stack's functions."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def explore(self, function_name: str, question: dict[str, Any]) -> dict[str, Any]:
        """The reply of the function's handler."""
        ended = self._account.around("explore function", question, lambda: self._invoke(function_name, question))
        if isinstance(ended, ConnectionFailure):
            raise ended
        document: dict[str, Any] = ended
        return document

    def invoke_later(self, function_name: str, event: dict[str, Any]) -> None:
        """Queue an event for a function."""
        self._account.call("continue", event, lambda: self.invoke(function_name, event))

    def invoke(self, function_name: str, event: dict[str, Any]) -> ConnectionFailure | None:
        """Lambda's own asynchronous invocation."""
        if function_name not in self._account.functions:
            return unavailable(self.invoke, "ResourceNotFoundException")
        self._account.invoked.setdefault(function_name, []).append(as_json(event))
        return None

    def _invoke(self, function_name: str, question: dict[str, Any]) -> dict[str, Any] | ConnectionFailure:
        """Lambda's own invocation. The text of a handler's error stays inside."""
        if function_name not in self._account.functions:
            return unavailable(self._invoke, "ResourceNotFoundException")
        try:
            reply = as_json(self._account.functions[function_name](as_json(question), None))
        except Exception:  # noqa: BLE001 - as in Lambda
            reply = None
        if isinstance(reply, dict):
            return reply
        return Unavailable(
            "Reading the tables took too long or failed unexpectedly.",
            remedy="Try again. If this persists, the explore function's log shows the cause.",
        )


def as_json(document: Any) -> Any:
    """A document as it arrives in another process."""
    return json.loads(json.dumps(document))
