"""What the rooms need from outside, as Protocols. Every method raises only errors of `domain.errors`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aep_connections.domain import model
    from aep_connections.domain.delivery import Message, Recheck
    from aep_connections.domain.entry import Entry, Lease, Summary
    from aep_connections.domain.errors import ConnectionFailure
    from aep_connections.domain.readiness import Report


class Clock(Protocol):
    """Time, so that tests need none."""

    def now(self) -> float:
        """Seconds since 1970."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Pause."""


class FlowService(Protocol):
    """Adobe's Flow Service in one sandbox, as one organization."""

    @property
    def org_id(self) -> str:
        """The organization, `…@AdobeOrg`."""

    def get(self, connection_id: str) -> model.Connection | None:
        """The connection, or None only if Adobe says that this connection does not exist."""

    def listing(self, source: model.Source, name: str | None = None) -> list[model.Connection]:
        """Every connection of the source's spec, oldest first; with `name` only those that Adobe filters by it."""

    def create(self, desired: model.Desired, mark: str) -> model.Connection:
        """POST, never repeated. An error tells by `may_have_happened` whether a connection may exist."""

    def patch(self, connection: model.Connection, desired: model.Desired, mark: str) -> str | None:
        """PATCH under the connection's etag: the new etag, or None if the etag is stale (412)."""

    def delete(self, connection_id: str) -> bool:
        """DELETE: False if Adobe says that it does not exist. Raises InUse."""

    def test(self, connection_id: str) -> bool:
        """Adobe's own test of the connection."""

    def flows_of(self, connection_id: str) -> list[model.Flow]:
        """Dataflows that use the connection: some, as access labels may hide others."""

    def connections_of(self, flow_id: str) -> list[str]:
        """The connections that a dataflow reads from; none if it does not exist, or is not shown."""

    def tables(self, connection_id: str) -> list[model.Table] | None:
        """The tables that the connection reaches, None if it is gone. Raises DatabricksRefused."""

    def columns(self, connection_id: str, path: str) -> list[model.Column] | None:
        """The columns of a table, None if it or the connection is gone. Raises DatabricksRefused."""


class Adobe(Protocol):
    """Adobe Experience Platform."""

    def open(self, sandbox: str) -> FlowService:
        """Flow Service with the current credential, which is read now; its token is requested with the first call.

        Raises what `Secrets.read` raises; later calls may raise AdobeCredentialRejected, Throttled, Unavailable.
        """


class Workspace(Protocol):
    """One workspace of a source, seen with one token."""

    def report(self) -> Report:
        """Check everything that can be checked, changing nothing. Raises OutOfTime; other trouble it reports."""

    def accepts_token(self) -> bool:
        """Whether the source says whose token it is. Raises Throttled, OutOfTime."""

    def start(self) -> None:
        """Start the cluster. It may be starting already. Raises NotReady, Throttled, Unavailable, OutOfTime."""

    def diagnose(self, refusal: ConnectionFailure, report: Report) -> ConnectionFailure:
        """Adobe's refusal with what the report knows of its cause; calls nothing."""


class Workspaces(Protocol):
    """What is behind connections."""

    def open(self, source: model.Source, auth: model.AuthParams) -> Workspace | None:
        """The workspace of these params, None if this source type has none to check; calls nothing."""


class Registry(Protocol):
    """The table of keys.

    A write of `save` and `close` is conditional on the lease, else Busy. Every method may raise Throttled, Unavailable.
    """

    def get(self, key: model.Key) -> Entry | None:
        """The entry of a key as it is now."""

    def accept(self, lease: Lease, order: model.Order, request: model.Request) -> Entry | None:
        """Accept the request and take the lease: the entry as it was, or None if superseded. Raises Busy."""

    def resume(self, lease: Lease) -> Entry | None:
        """Take the lease for a recheck: the entry, or None if the registry has none. Raises Busy."""

    def save(self, lease: Lease, before: Entry, after: Entry) -> None:
        """Write what differs between what the registry has and what it is to have."""

    def close(self, lease: Lease, before: Entry, after: Entry) -> None:
        """Write what differs, and give the lease back."""

    def note_pending(self, order: model.Order, request: model.Request) -> None:
        """Note a request that was sent to the queue, unless one of a later order, or itself, was accepted."""

    def page(self, page: model.Page) -> tuple[list[Entry], model.Key | None]:
        """A page of entries, and the key after which more may follow; a page may be short, even empty."""

    def sandboxes(self) -> list[str]:
        """Every sandbox with a key that has a secret, in order."""

    def in_sandbox(self, sandbox: str) -> list[Summary]:
        """Every key of a sandbox; perhaps some as they were a moment ago."""

    def current(self, keys: Collection[model.Key]) -> dict[model.Key, Summary]:
        """These keys as they are now, of those that there are."""

    def keys_of_secret(self, secret_id: str) -> list[model.Key]:
        """The keys whose requests name a secret."""

    def held_by_others(self, key: model.Key) -> Collection[str]:
        """Connection ids and marks that the sandbox's other keys hold."""


class Queue(Protocol):
    """The request queue and its dead-letter queue."""

    def submit(self, order: model.Order, request: model.JsonObject) -> None:
        """Send a request in envelope form. Raises Throttled, Unavailable; it may be in the queue even then."""

    def recheck(self, *rechecks: Recheck) -> None:
        """Send rechecks; if it raises, some may have been sent."""

    def hide(self, message: Message, seconds: float) -> None:
        """Keep a message hidden for so long; best effort, as the lease protects the key anyway."""

    def park(self, order: model.Order, detail: object, code: str, reason: str) -> None:
        """Send a message to the dead-letter queue, in envelope form."""


class Secrets(Protocol):
    """AWS Secrets Manager."""

    def read(self, secret_id: str, stage: str = "AWSCURRENT") -> model.Secret:
        """The version of a stage. Raises SecretRefused, SecretInvalid, Throttled, Unavailable."""

    def current_versions(self, secret_ids: Collection[str]) -> dict[str, str | None]:
        """Name of a secret -> the id of its current version, None if there is no such secret, or it may not be read."""


class Parameters(Protocol):
    """SSM Parameter Store."""

    def name_of(self, key: model.Key) -> str:
        """The parameter of a key."""

    def get(self, key: model.Key) -> str | None:
        """The published connection id."""

    def put(self, key: model.Key, connection_id: str) -> None:
        """Publish."""

    def delete(self, key: model.Key) -> None:
        """Remove the parameter, if there is one."""

    def in_sandbox(self, sandbox: str) -> dict[str, str]:
        """Name of a key -> the id in its parameter."""


class Events(Protocol):
    """EventBridge."""

    def announce(self, detail_type: str, *details: dict[str, Any]) -> None:
        """Put outcome events on the bus; if it raises, some may be there."""
