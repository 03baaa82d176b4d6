"""The values that all modules share: keys, orders, requests, sources, secrets, connections, results."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aep_connections.domain.readiness import Readiness

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """The identity of a connection in this product."""

    sandbox: str
    name: str

    def __str__(self) -> str:
        return f"{self.sandbox}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Order:
    """When a request was made. It decides between two requests for one key: the later one wins.

    `time` is ISO 8601 in UTC with milliseconds and a fixed width, so that text order is time order.
    """

    time: str
    id: str

    def __str__(self) -> str:
        return f"{self.time}#{self.id}"

    @property
    def seconds(self) -> float:
        """`time` in seconds since 1970."""
        return datetime.fromisoformat(self.time).timestamp()

    @classmethod
    def parse(cls, text: str) -> Order:
        time, _, order_id = text.partition("#")
        return cls(time, order_id)


class DesiredState(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    ADOPTED = "adopted"
    RECREATED = "recreated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SUPERSEDED = "superseded"


class Status(StrEnum):
    REQUESTED = "requested"
    WAITING = "waiting"
    PROVISIONING = "provisioning"
    READY = "ready"
    FAILED = "failed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class AuthParams:
    """Adobe's auth params; the secret ones are kept separate and are never shown."""

    public: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)

    def whole(self) -> dict[str, str]:
        """All params, as Adobe's create and patch require them."""
        return {**self.public, **self.secret}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A type of source: Adobe's ids for it, and how a secret becomes its auth params.

    Attributes:
        name: what the registry records; it never changes.
        secret_field: the request's field that names the secret.
        overrides: the request's fields that replace a field of the secret.
        options: further fields of a request, valid only for the source types that list them.
        read_secret: makes the auth params from a secret's name and values and the request's overrides.
    """

    name: str
    secret_field: str
    connection_spec_id: str
    connection_spec_version: str
    auth_spec_name: str
    overrides: tuple[str, ...]
    options: tuple[str, ...]
    read_secret: Callable[[str, JsonObject, Mapping[str, str]], AuthParams]

    def overrides_in(self, request: JsonObject) -> dict[str, str]:
        """The request's values that replace fields of the secret."""
        return {name: request[name] for name in self.overrides if name in request}

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a request that not every source type has."""
        return (self.secret_field, *self.overrides, *self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The state that a caller wants. `document` is the request as the caller sent it, without nulls."""

    key: Key
    desired_state: DesiredState
    display_name: str
    description: str | None
    adopt: bool
    readiness: Readiness
    source: Source | None
    secret_id: str | None
    overrides: Mapping[str, str]
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One version of a secret's JSON object; `values` is never shown. `created_at` is in seconds since 1970."""

    arn: str
    version_id: str
    created_at: float
    values: JsonObject = field(repr=False)


def display_name_of(request: JsonObject) -> str:
    """The name that Adobe should show for the connection."""
    return str(request.get("displayName", request["name"]))


_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def usable_id(value: object) -> bool:
    """Whether `value` can be a connection id and be part of a URL's path."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A base connection as Adobe shows it. `created_at` is in milliseconds since 1970; `etag` keeps its quotes."""

    id: str
    etag: str | None
    name: str | None
    description: str | None
    spec_id: str | None
    state: str | None
    created_at: int
    params: JsonObject = field(repr=False)


_MARKER = re.compile(r"\[aep-connections ([0-9a-f]{32})\]\Z")
MARKER_START = "[aep-connections"


def marked(description: str | None, mark: str) -> str:
    """The description for Adobe: the caller's text, then our marker with the attempt's id."""
    marker = f"{MARKER_START} {mark}]"
    return f"{description} {marker}" if description else marker


def mark_of(connection: Connection) -> str | None:
    """The attempt id that a connection's description carries."""
    match = _MARKER.search(connection.description or "")
    return match[1] if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The base connection that a request describes, with resolved credentials."""

    source: Source
    name: str
    description: str | None
    auth: AuthParams
    secret_arn: str
    secret_version_id: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that defines the connection; of a secret, only its ARN and version id."""
        parts = [
            self.source.connection_spec_id,
            self.source.connection_spec_version,
            self.source.auth_spec_name,
            self.name,
            self.description,
            sorted(self.auth.public.items()),
            self.secret_arn,
            self.secret_version_id,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def shown_by(self, connection: Connection) -> bool:
        """Whether Adobe shows this name and these params; params that Adobe hides or adds are ignored."""
        names = {*self.auth.public, *self.source.overrides}
        differ = any(
            connection.params[name] != self.auth.public.get(name)
            for name in names
            if connection.params.get(name) is not None
        )
        return connection.name == self.name and not differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a request that succeeded. `published`: whether this delivery wrote the id to the parameter."""

    key: Key
    outcome: Outcome
    parameter_name: str | None = None
    connection_id: str | None = None
    etag: str | None = None
    readiness: str = "unknown"
    duplicates: tuple[str, ...] = ()
    duplicates_deleted: int = 0
    published: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything changed."""
        return self.outcome is not Outcome.UNCHANGED or self.published or self.duplicates_deleted > 0

    def document(self) -> dict[str, Any]:
        """The result with the contract's names."""
        document = {
            "name": self.key.name,
            "sandbox": self.key.sandbox,
            "connectionId": self.connection_id,
            "etag": self.etag,
            "outcome": self.outcome.value,
            "parameterName": self.parameter_name,
            "readiness": self.readiness,
        }
        return document | {"duplicates": list(self.duplicates)} if self.duplicates else document


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the list of keys: at most `limit` keys after one key, of one sandbox or all, in one status or any."""

    sandbox: str | None
    status: Status | None
    limit: int
    after: Key | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a connection reaches; `path` identifies it in calls to Adobe."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with Adobe's type for it and, if Adobe reports one, the format (`date-time`) of its XDM type."""

    name: str
    type: str
    format: str | None


@dataclass(frozen=True, slots=True)
class Flow:
    """A dataflow that uses a connection. Its name is free text and is not read."""

    id: str
    state: str
