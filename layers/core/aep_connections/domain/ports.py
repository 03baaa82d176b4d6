"""What the functions need from outside, as Protocols. Every method raises only errors of `domain.errors`."""

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
    """Time; tests replace it."""

    def now(self) -> float:
        """Seconds since 1970."""

    def monotonic(self) -> float:
        """Seconds that never decrease."""

    def sleep(self, seconds: float) -> None:
        """Pause."""


class FlowService(Protocol):
    """Adobe's Flow Service in one sandbox, as one organization."""

    @property
    def org_id(self) -> str:
        """The organization, `…@AdobeOrg`."""

    def get(self, connection_id: str) -> model.Connection | None:
        """The connection, or None only if Adobe reports that this connection does not exist."""

    def listing(self, source: model.Source, name: str | None = None) -> list[model.Connection]:
        """Every connection of the source's spec, oldest first; with `name`, only those that Adobe's filter returns."""

    def create(self, desired: model.Desired, mark: str) -> model.Connection:
        """POST, never repeated. The error's `may_have_happened` states whether a connection may exist."""

    def patch(self, connection: model.Connection, desired: model.Desired, mark: str) -> str | None:
        """PATCH with the connection's etag. Returns the new etag, or None if the etag is stale (412)."""

    def delete(self, connection_id: str) -> bool:
        """DELETE. Returns False if Adobe reports that the connection does not exist. Raises InUse."""

    def test(self, connection_id: str) -> bool:
        """Whether the connection passes Adobe's own test."""

    def flows_of(self, connection_id: str) -> list[model.Flow]:
        """Dataflows that use the connection; access labels may hide some of them."""

    def connections_of(self, flow_id: str) -> list[str]:
        """The connections that a dataflow reads from; empty if the dataflow does not exist or is not shown."""

    def tables(self, connection_id: str) -> list[model.Table] | None:
        """The tables that the connection reaches; None if the connection is gone. Raises DatabricksRefused."""

    def columns(self, connection_id: str, path: str) -> list[model.Column] | None:
        """The columns of a table; None if the table or the connection is gone. Raises DatabricksRefused."""


class Adobe(Protocol):
    """Adobe Experience Platform."""

    def open(self, sandbox: str) -> FlowService:
        """Flow Service with the current credential, which is read now; its token is requested with the first call.

        Raises what `Secrets.read` raises; later calls may raise AdobeCredentialRejected, Throttled, Unavailable.
        """


class Workspace(Protocol):
    """One workspace of a source, accessed with one token."""

    def report(self) -> Report:
        """Check everything that can be checked, without changes. Raises OutOfTime; other problems are in the report."""

    def accepts_token(self) -> bool:
        """Whether the source accepts the token, so that it reports the owner. Raises Throttled, OutOfTime."""

    def start(self) -> None:
        """Start the cluster. It may be starting already. Raises NotReady, Throttled, Unavailable, OutOfTime."""

    def diagnose(self, refusal: ConnectionFailure, report: Report) -> ConnectionFailure:
        """Adobe's refusal, with the cause that the report shows; makes no calls."""


class Workspaces(Protocol):
    """The workspaces behind the connections."""

    def open(self, source: model.Source, auth: model.AuthParams) -> Workspace | None:
        """The workspace of these params; None if this source type has none to check. Makes no calls."""


class Registry(Protocol):
    """The table of keys.

    `save` and `close` raise Busy if the lease is not held. Every method may raise Throttled, Unavailable.
    """

    def get(self, key: model.Key) -> Entry | None:
        """The current entry of a key."""

    def accept(self, lease: Lease, order: model.Order, request: model.Request) -> Entry | None:
        """Accept the request and take the lease. Returns the entry as it was, None if superseded. Raises Busy."""

    def resume(self, lease: Lease) -> Entry | None:
        """Take the lease for a recheck. Returns the entry, or None if the registry has none. Raises Busy."""

    def save(self, lease: Lease, before: Entry, after: Entry) -> None:
        """Write the difference between the recorded entry and the new one."""

    def close(self, lease: Lease, before: Entry, after: Entry) -> None:
        """Write the difference and release the lease."""

    def note_pending(self, order: model.Order, request: model.Request) -> None:
        """Note a request that was sent to the queue, unless it or a later request was already accepted."""

    def page(self, page: model.Page) -> tuple[list[Entry], model.Key | None]:
        """A page of entries, and the key after which more may follow; a page may be short, even empty."""

    def sandboxes(self) -> list[str]:
        """Every sandbox with a key that has a secret, sorted."""

    def in_sandbox(self, sandbox: str) -> list[Summary]:
        """Every key of a sandbox; some may be slightly out of date."""

    def current(self, keys: Collection[model.Key]) -> dict[model.Key, Summary]:
        """The current state of these keys; a key that does not exist is left out."""

    def keys_of_secret(self, secret_id: str) -> list[model.Key]:
        """The keys whose requests name a secret."""

    def held_by_others(self, key: model.Key) -> Collection[str]:
        """Connection ids and marks that the sandbox's other keys hold."""


class Queue(Protocol):
    """The request queue and its dead-letter queue."""

    def submit(self, order: model.Order, request: model.JsonObject) -> None:
        """Send a request in envelope form. Raises Throttled, Unavailable; the request may be in the queue even then."""

    def recheck(self, *rechecks: Recheck) -> None:
        """Send rechecks; if it raises, some may have been sent."""

    def hide(self, message: Message, seconds: float) -> None:
        """Keep a message hidden for this long. Best effort: the lease protects the key anyway."""

    def park(self, order: model.Order, detail: object, code: str, reason: str) -> None:
        """Send a message to the dead-letter queue, in envelope form."""


class Secrets(Protocol):
    """AWS Secrets Manager."""

    def read(self, secret_id: str, stage: str = "AWSCURRENT") -> model.Secret:
        """The version with this stage. Raises SecretRefused, SecretInvalid, Throttled, Unavailable."""

    def current_versions(self, secret_ids: Collection[str]) -> dict[str, str | None]:
        """Secret name -> id of its current version; None if the secret is missing, denied or being deleted."""


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
        """Put outcome events on the bus; if it raises, some may have been sent."""
