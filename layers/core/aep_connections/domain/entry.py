"""What the registry records for a key: request, connection, open attempt or wait, last failure, and lease.

The transitions are pure methods of `Entry`. They decide what each outcome keeps and what it clears. The registry
stores the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aep_connections.domain.errors import Conflict, Failure
from aep_connections.domain.model import (
    Connection,
    JsonObject,
    Key,
    Order,
    Outcome,
    Request,
    Result,
    Source,
    Status,
    display_name_of,
)

RETIRED_SECONDS = 30 * 24 * 3600.0
"""How long the registry keeps an entry after its connection was retired."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A POST that was sent and whose outcome is unknown. `sent_at` is in seconds since 1970."""

    id: str
    sent_at: float
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a request waits for, since when, and when the function gives up (`since`, `until`: seconds since 1970).

    `started_after` is the cluster's latest termination at the time when this wait last started the cluster. A later
    termination means that this start has ended. None: this wait has not started the cluster.
    """

    order: Order
    what: str
    since: float
    until: float
    started_after: str | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """The last result of Adobe's `/test` for the key's connection. `at` is in seconds since 1970."""

    at: float
    passed: bool


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """The Databricks secret's version that was last tested for the key; `created_at` is in seconds since 1970."""

    id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that is in the queue and has not been accepted yet."""

    order: Order
    request: JsonObject


@dataclass(frozen=True, slots=True)
class StatusSince:
    """The status in which the last request ended, and since when the key has had it. `at`: seconds since 1970."""

    status: Status
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a listing of many keys shows for each key.

    Attributes:
        source: name of the source type of every connection that the key created or may have created.
        params: the auth params that were last sent to Adobe for the key, without the secret ones.
        updated_at, lease_until: seconds since 1970.
    """

    key: Key
    order: Order | None = None
    answered: Order | None = None
    status: Status | None = None
    request: JsonObject | None = None
    source: str | None = None
    org_id: str | None = None
    connection_id: str | None = None
    params: JsonObject | None = None
    attempt: Attempt | None = None
    marks: tuple[str, ...] = ()
    failure: Failure | None = None
    tested: Tested | None = None
    secret_version: SecretVersion | None = None
    since: StatusSince | None = None
    pending: Pending | None = None
    updated_at: float = 0.0
    lease_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a request is being processed, or waits to be processed."""
        return self.status in (Status.PROVISIONING, Status.WAITING) and self.answered != self.order

    @property
    def shown_status(self) -> Status:
        """The status to show: `requested` while a request is in the queue, whatever the status was before."""
        return Status.REQUESTED if self.pending or self.status is None else self.status

    @property
    def display_name(self) -> str:
        """The name that Adobe should show for the connection."""
        return display_name_of(self.request) if self.request else self.key.name

    def check_organization(self, org_id: str) -> None:
        """Raise Conflict if the Adobe credential belongs to a different organization than the key."""
        if self.org_id not in (None, org_id):
            raise Conflict(
                f"{self.key} belongs to organization {self.org_id}, but the Adobe secret is now for {org_id}.",
                remedy="Restore that organization's credential. To move the key, first delete it with that credential.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Summary):
    """Everything that the registry records for one key.

    Attributes:
        result: the result of the request in `answered`, with the contract's names.
        secret_id: the secret's name in the last request that had one.
        expires_at: when a retired key is deleted from the registry, in seconds since 1970.
    """

    etag: str | None = None
    fingerprint: str | None = None
    outcome: Outcome | None = None
    outcome_order: Order | None = None
    wait: Wait | None = None
    readiness: JsonObject | None = None
    result: JsonObject | None = None
    secret_id: str | None = None
    expires_at: float | None = None

    def with_(self, **changes: Any) -> Entry:
        """A copy of this entry with changes."""
        return replace(self, **changes)

    def accepted(self, order: Order, request: Request) -> Entry:
        """A request is accepted and is now being processed."""
        return replace(
            self,
            order=order,
            request=request.document,
            status=Status.PROVISIONING,
            secret_id=request.secret_id or self.secret_id,
            source=self.source or (request.source.name if request.source else None),
            expires_at=None,
            pending=None,
        )

    def of_source(self, source: Source) -> Entry:
        """This entry, for a connection of this source type.

        Raises:
            Conflict: the key created, or may have created, a connection of another source type.
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
        """The open attempt is known to have created nothing."""
        return replace(self, attempt=None)

    def connected(self, connection: Connection, fingerprint: str | None, **origin: Any) -> Entry:
        """The key now has this connection, not yet tested in its new state. An open attempt is settled."""
        return replace(
            self,
            connection_id=connection.id,
            etag=connection.etag,
            fingerprint=fingerprint,
            attempt=None,
            tested=None,
            **origin,
        )

    def tested_at(self, now: float, *, passed: bool) -> Entry:
        """Adobe tested the connection. After a failure, Adobe's copy is in doubt: the next delivery sends it again."""
        tested = Tested(now, passed)
        return replace(self, tested=tested, fingerprint=self.fingerprint if passed else None)

    def in_doubt(self) -> Entry:
        """Adobe's copy is about to differ from the recorded state."""
        return replace(self, fingerprint=None, tested=None)

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
        """The request is done: the key has no connection left. One that appears later is recognized by its mark."""
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
            pending=self.pending,
            expires_at=now + RETIRED_SECONDS,
        )

    def failed(self, failure: Failure, now: float) -> Entry:
        """The request failed; what was observed is kept."""
        return replace(self._ended(Status.FAILED, now), failure=failure, wait=None)

    def postponed(self, status: Status, failure: Failure, wait: Wait | None) -> Entry:
        """The request is retried later."""
        return replace(self, status=status, failure=failure, wait=wait)

    def _ended(self, status: Status, now: float) -> Entry:
        """The entry with a final status; `since` stays as it was if the last final status was the same."""
        lasts = self.since is not None and self.since.status is status
        return replace(self, status=status, since=self.since if lasts else StatusSince(status, now))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on a key; `until` is in seconds since 1970. One owner per delivery."""

    key: Key
    owner: str
    until: float
