"""What the registry holds of a key: its request, its connection, what is open, what went wrong, and who may act.

Its transitions are methods of `Entry`, pure: what an end keeps and what it clears is decided here. The registry stores
the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aep_connections.domain.errors import Conflict, ConnectionFailure
from aep_connections.domain.model import JsonObject, Key, Order, Outcome, Request, Result, Source, Status

RETIRED_SECONDS = 30 * 24 * 3600.0
"""How long a retired entry outlives its connection."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A POST that was sent and whose end is not known. `sent_at` is in seconds since 1970."""

    id: str
    sent_at: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure of a key, as the registry, the event and the log line tell it."""

    code: str
    message: str
    remedy: str
    retryable: bool
    request_id: str | None
    faults: Sequence[Mapping[str, str]]

    def document(self) -> dict[str, Any]:
        """The failure with the contract's names."""
        return {
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "requestId": self.request_id,
            "faults": [dict(fault) for fault in self.faults],
        }

    @classmethod
    def of(cls, error: ConnectionFailure) -> Failure:
        """The failure that an error is."""
        faults = [{"field": fault.field, "rule": fault.rule} for fault in error.faults]
        return cls(error.code, error.message, error.remedy, error.retryable, error.request_id, faults)

    @classmethod
    def read(cls, document: JsonObject) -> Failure:
        """The failure that `document` told."""
        return cls(
            document["code"],
            document["message"],
            document["remedy"],
            document["retryable"],
            document["requestId"],
            document["faults"],
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """What a request waits for. `since` and `until`, when it is given up, are in seconds since 1970.

    `started_after` is the cluster's last termination when it was last started for this: a later one ended that start.
    None: it was not started for this.
    """

    order: Order
    what: str
    since: float
    until: float
    started_after: str | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """How Adobe's `/test` last came out for the key's connection. `at` is in seconds since 1970."""

    at: float
    passed: bool


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """The version of the Databricks secret that was last tested for the key; `created_at` in seconds since 1970."""

    id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Noted:
    """A request that is in the queue and was not accepted yet."""

    order: Order
    request: JsonObject


@dataclass(frozen=True, slots=True)
class Since:
    """The last end that a key came to, and when it first did so; `at` is in seconds since 1970."""

    status: Status
    at: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registry holds of one key.

    `source` is the name of the source type of whatever the key made, or may have made.
    `result` is of the request in `answered`, with the contract's names. `params` are the auth params that Adobe was
    last given for it, without the secret ones. `expires_at`, `updated_at` and `lease_until` are in seconds since 1970.
    """

    key: Key
    order: Order | None = None
    answered: Order | None = None
    status: Status | None = None
    request: JsonObject | None = None
    source: str | None = None
    org_id: str | None = None
    connection_id: str | None = None
    etag: str | None = None
    fingerprint: str | None = None
    params: JsonObject | None = None
    outcome: Outcome | None = None
    outcome_order: Order | None = None
    attempt: Attempt | None = None
    marks: tuple[str, ...] = ()
    failure: Failure | None = None
    wait: Wait | None = None
    readiness: JsonObject | None = None
    result: JsonObject | None = None
    tested: Tested | None = None
    secret_version: SecretVersion | None = None
    since: Since | None = None
    noted: Noted | None = None
    secret_id: str | None = None
    expires_at: float | None = None
    updated_at: float = 0.0
    lease_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a request is being worked on, or waits to be."""
        return self.status in (Status.PROVISIONING, Status.WAITING) and self.answered != self.order

    def with_(self, **changes: Any) -> Entry:
        """This entry, changed."""
        return replace(self, **changes)

    def accepted(self, order: Order, request: Request) -> Entry:
        """A request is accepted, and worked on from now on."""
        return replace(
            self,
            order=order,
            request=request.document,
            status=Status.PROVISIONING,
            secret_id=request.secret_id or self.secret_id,
            source=self.source or (request.source.name if request.source else None),
            expires_at=None,
            noted=None,
        )

    def of_source(self, source: Source) -> Entry:
        """The entry, for a connection of this source type.

        Raises:
            Conflict: the key made a connection of another source type, or may have made one.
        """
        if source.name == self.source:
            return self
        if self.connection_id or self.marks or self.attempt:
            raise Conflict(
                f"{self.key} has, or had, a connection of source type {self.source}; the request is for {source.name}.",
                remedy="Choose another name. A key may change its source type 30 days after it was retired.",
            )
        return replace(self, source=source.name)

    def attempting(self, attempt: Attempt, org_id: str) -> Entry:
        """A POST is about to be sent."""
        return replace(self, attempt=attempt, marks=(*self.marks, attempt.id), org_id=org_id)

    def refused(self) -> Entry:
        """The POST of the open attempt was refused: no connection will ever carry its mark."""
        return replace(self, attempt=None, marks=self.marks[:-1])

    def settled(self) -> Entry:
        """The open attempt is known to have made nothing."""
        return replace(self, attempt=None)

    def connected(self, **connection: Any) -> Entry:
        """The key has this connection now, which was not tested as it is; it settles whatever was open."""
        return replace(self, **connection, attempt=None, tested=None)

    def ready(self, result: Result, now: float) -> Entry:
        """The request is done: published and announced."""
        return replace(
            self._ended(Status.READY, now),
            answered=self.order,
            etag=result.etag,
            result=result.document(),
            failure=None,
            wait=None,
            outcome=None,
            outcome_order=None,
        )

    def retired(self, result: Result, now: float) -> Entry:
        """The request is done: nothing of ours is left. What may still appear late is known by its marks."""
        return Entry(
            key=self.key,
            order=self.order,
            answered=self.order,
            request=self.request,
            source=self.source,
            marks=self.marks,
            attempt=self.attempt,
            result=result.document(),
            since=self._ended(Status.RETIRED, now).since,
            status=Status.RETIRED,
            noted=self.noted,
            expires_at=now + RETIRED_SECONDS,
        )

    def failed(self, failure: Failure, now: float) -> Entry:
        """The request ended with a failure; what was seen is kept."""
        return replace(self._ended(Status.FAILED, now), failure=failure, wait=None)

    def postponed(self, status: Status, failure: Failure, wait: Wait | None) -> Entry:
        """The request is tried again later."""
        return replace(self, status=status, failure=failure, wait=wait)

    def _ended(self, status: Status, now: float) -> Entry:
        """At an end, which lasts since it was first reached if the last one was the same."""
        lasts = self.since is not None and self.since.status is status
        return replace(self, status=status, since=self.since if lasts else Since(status, now))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on a key; `until` is in seconds since 1970. One owner per delivery."""

    key: Key
    owner: str
    until: float
