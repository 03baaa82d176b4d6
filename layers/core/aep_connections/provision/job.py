"""The state of one delivery: the ports, the time left, the lease, and the current registry entry."""

from dataclasses import dataclass, field

from aep_connections.contract.request import read_request
from aep_connections.domain.delivery import Delivery, Recheck
from aep_connections.domain.entry import Entry, Lease, Wait
from aep_connections.domain.errors import Failure
from aep_connections.domain.model import Connection, Desired, Order, Outcome, Request, Secret, Source, Status
from aep_connections.domain.ports import (
    Adobe,
    Clock,
    Events,
    FlowService,
    Parameters,
    Queue,
    Registry,
    Secrets,
    Workspaces,
)
from aep_connections.domain.readiness import Report
from aep_connections.domain.redaction import Redactor
from aep_connections.domain.time import Deadline

WRITE_SECONDS = 70.0
"""The longest that a POST or PATCH may take: 5 s to connect and 65 s to reply (Adobe publishes no limit)."""
READ_SECONDS = 20.0
"""The longest that any other call may take: 5 s to connect and 15 s to reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All external dependencies, bound to one delivery. `redactor` redacts the text of other systems."""

    redactor: Redactor
    clock: Clock
    secrets: Secrets
    adobe: Adobe
    workspaces: Workspaces
    registry: Registry
    parameters: Parameters
    events: Events
    queue: Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The operator's settings: where secrets may be, and time limits in seconds."""

    secret_prefix: str
    settle_seconds: float
    give_up_seconds: float
    cluster_start_limit_seconds: float


@dataclass(slots=True, kw_only=True)
class Job:
    """One accepted request while it is processed.

    Attributes:
        before: the entry as this delivery found it.
        accepted: the request that this delivery accepted. A recheck uses the request in the entry.
        delivery: the request or the recheck that was delivered. `recheck` is the recheck, if it is one.
        entry: the current entry. Facts that were only observed are written when the delivery ends.
        saved: the entry as the registry has it.
        unattended: True if no person requested this, and no request is open.
        report: the readiness report, if this delivery checked the workspace.
        flow: Flow Service, once it is opened.
        published: the id in the key's parameter, once it is read.
    """

    ports: Ports
    limits: Limits
    deadline: Deadline
    delivery: Delivery
    lease: Lease
    order: Order
    before: Entry
    accepted: Request | None = None
    entry: Entry = field(init=False)
    saved: Entry = field(init=False)
    recheck: Recheck | None = field(init=False)
    unattended: bool = field(init=False)
    report: Report | None = None
    flow: FlowService = field(init=False)
    published: str | None = None

    def __post_init__(self) -> None:
        self.recheck = self.delivery.recheck
        self.unattended = bool(self.recheck and self.recheck.unattended) and not self.before.is_open
        self.entry = self.saved = self.before.accepted(self.order, self.accepted) if self.accepted else self.before
        if self.accepted and self.accepted.source and self.accepted.source.name != self.entry.source:
            self.saved = self.saved.with_(source=None)  # accept may have written the request's source: write it again

    @property
    def request(self) -> Request:
        """The request to fulfill.

        Raises:
            InvalidRequest: the entry's request was valid once, but the operator has changed the rules since.
        """
        if self.accepted is None:
            self.accepted = read_request(self.before.request and dict(self.before.request), self.limits.secret_prefix)
        return self.accepted

    @property
    def verifies(self) -> bool:
        """Whether every check and every test must run."""
        return bool(self.recheck and self.recheck.verifies)

    @property
    def deletes_duplicates(self) -> bool:
        """Whether to search for more connections of the key although one is known."""
        return bool(self.recheck and self.recheck.deletes_duplicates)

    def desired(self, source: Source, secret_id: str, secret: Secret) -> Desired:
        """The base connection that the request wants, with this version of the secret. Raises SecretInvalid."""
        request = self.request
        auth = source.read_secret(secret_id, secret.values, request.overrides)
        for value in auth.secret.values():
            self.ports.redactor.remember(value)
        return Desired(
            source=source,
            name=request.display_name,
            description=request.description,
            auth=auth,
            secret_arn=secret.arn,
            secret_version_id=secret.version_id,
        )

    def wait(self) -> Wait | None:
        """What this request already waits for."""
        wait = self.entry.wait
        return wait if wait and wait.order == self.order else None

    def save(self, entry: Entry) -> None:
        """Write the new state of the entry."""
        self.ports.registry.save(self.lease, self.saved, entry)
        self.entry = self.saved = entry

    def close(self, entry: Entry) -> None:
        """Write the final state of the entry, and release the lease."""
        self.ports.registry.close(self.lease, self.saved, entry)

    def release(self) -> None:
        """Release the lease and change nothing else."""
        self.close(self.saved)

    def postpone(self, status: Status, failure: Failure) -> None:
        """Leave the request to a later delivery.

        The saved fingerprint is kept: that a cluster has to run first does not change what Adobe holds.
        """
        self.close(self.entry.with_(fingerprint=self.saved.fingerprint).postponed(status, failure, self.wait()))

    def record_connection(self, connection: Connection, fingerprint: str | None, outcome: Outcome) -> None:
        """Record the new connection of the key, which has not been tested in this state."""
        entry = self.entry.connected(
            connection,
            fingerprint,
            outcome=outcome,
            outcome_order=self.order,
            org_id=self.flow.org_id,
            marks=self.marks(),
        )
        self.save(entry)

    def marks(self) -> tuple[str, ...]:
        """The marks that identify this key's connections. An adopted connection gets this delivery's mark."""
        return self.entry.marks or (self.lease.owner,)

    def outcome(self, *, patched: bool) -> Outcome:
        """The outcome of this request. It includes the work of its earlier deliveries, and the work that it resumes."""
        kept = self.entry.outcome
        if patched and (kept is None or self.entry.outcome_order != self.order):
            return Outcome.UPDATED
        return kept or Outcome.UNCHANGED
