"""What one delivery works with: the ports, the time left, the lease, and the registry entry as it is by now."""

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
"""What a POST or PATCH may take: 5 s to connect and 65 s to reply (Adobe publishes no limit)."""
READ_SECONDS = 20.0
"""What any other call may take: 5 s to connect and 15 s to reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside, bound to one delivery; `redactor` redacts what others say."""

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
    """What the operator configured: where secrets may be, and how long what may take (seconds)."""

    secret_prefix: str
    settle_seconds: float
    give_up_seconds: float
    cluster_start_limit_seconds: float


@dataclass(slots=True, kw_only=True)
class Job:
    """One accepted request on its way.

    Attributes:
        before: the entry as this delivery found it.
        accepted: the request that was accepted now; a recheck works on the one that the entry has.
        delivery: what brought the request here; `recheck` is it, if the request itself is not.
        entry: the entry as it is by now; what was only seen is written when the delivery ends.
        saved: the entry as the registry has it.
        unattended: whether nobody requested this, or waits for it.
        report: what this delivery saw of the workspace, if it looked.
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
            self.saved = self.saved.with_(source=None)  # accepting may have written the request's: it is written again

    @property
    def request(self) -> Request:
        """What is to be true.

        Raises:
            InvalidRequest: the entry has a request that was valid once; the operator has changed the rules since.
        """
        if self.accepted is None:
            self.accepted = read_request(self.before.request and dict(self.before.request), self.limits.secret_prefix)
        return self.accepted

    @property
    def verifies(self) -> bool:
        """Whether no check and no test is left out."""
        return bool(self.recheck and self.recheck.verifies)

    @property
    def deletes_duplicates(self) -> bool:
        """Whether further connections of the key are looked for, although one is known."""
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
        """Write the entry as it is from now on."""
        self.ports.registry.save(self.lease, self.saved, entry)
        self.entry = self.saved = entry

    def close(self, entry: Entry) -> None:
        """Write the entry as this delivery leaves it, and give the lease back."""
        self.ports.registry.close(self.lease, self.saved, entry)

    def release(self) -> None:
        """Give the lease back and change nothing else."""
        self.close(self.saved)

    def postpone(self, status: Status, failure: Failure) -> None:
        """Leave the request to a later delivery.

        Refused because something has to run first: that puts what Adobe holds in no doubt, so its fingerprint stays.
        """
        self.close(self.entry.with_(fingerprint=self.saved.fingerprint).postponed(status, failure, self.wait()))

    def record_connection(self, connection: Connection, fingerprint: str | None, outcome: Outcome) -> None:
        """Write down the connection that the key has from now on, and that was not tested as it is."""
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
        """The marks that tell this key's connections; a connection that is taken over gets this delivery's."""
        return self.entry.marks or (self.lease.owner,)

    def outcome(self, *, patched: bool) -> Outcome:
        """How this request ends: what an earlier delivery of it did counts, and what it resumes."""
        kept = self.entry.outcome
        if patched and (kept is None or self.entry.outcome_order != self.order):
            return Outcome.UPDATED
        return kept or Outcome.UNCHANGED
