"""What one delivery works with: the ports, the time left, the lease, and the registry entry as it now is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aep_connections.domain.deadline import Deadline
from aep_connections.domain.entry import Entry, Failure, Lease, Wait
from aep_connections.domain.errors import Conflict
from aep_connections.domain.model import Desired, Order, Outcome, Recheck, Request, Secret, Source, Status
from aep_connections.domain.ports import (
    Adobe,
    Clock,
    Events,
    FlowService,
    Parameters,
    Registry,
    Requests,
    Secrets,
    Workspaces,
)
from aep_connections.domain.readiness import Report
from aep_connections.domain.secrecy import SecretValues
from aep_connections.use_cases.request import read

WRITE_SECONDS = 70.0
"""What a POST or PATCH may take: 5 s to connect and 65 s to answer (Adobe publishes no limit)."""
READ_SECONDS = 20.0
"""What any other call may take: 5 s to connect and 15 s to answer."""

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside, bound to one delivery; `secret_values` are struck out of what others say."""

    secret_values: SecretValues
    clock: Clock
    secrets: Secrets
    adobe: Adobe
    workspaces: Workspaces
    registry: Registry
    parameters: Parameters
    events: Events
    requests: Requests


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator configured."""

    secret_prefix: str
    settle_seconds: float
    give_up_seconds: float
    cluster_start_limit_seconds: float


@dataclass(slots=True)
class Work:
    """One accepted request on its way.

    Attributes:
        before: the entry as this delivery found it.
        asked: the request that was accepted now; a recheck works on the one that the entry has.
        entry: the entry as it is by now; what was only seen is written when the delivery ends.
        saved: the entry as the registry has it.
        recheck: what brought the request here, if the request itself did not.
        report: what this delivery saw of the workspace, if it looked.
        unattended: whether nobody asked for it, or waits for it.
    """

    ports: Ports
    rules: Rules
    deadline: Deadline
    lease: Lease
    order: Order
    before: Entry
    asked: Request | None = None
    recheck: Recheck | None = None
    report: Report | None = None
    entry: Entry = field(init=False)
    saved: Entry = field(init=False)
    unattended: bool = field(init=False)

    def __post_init__(self) -> None:
        self.unattended = bool(self.recheck and self.recheck.unattended) and not self.before.is_open
        self.entry = self.saved = self.before.accepted(self.order, self.asked) if self.asked else self.before
        if self.asked and self.asked.source and self.asked.source.name != self.entry.source:
            self.saved = self.saved.with_(source=None)  # accepting may have written the request's: it is written again

    @property
    def request(self) -> Request:
        """What is to be true.

        Raises:
            InvalidRequest: the entry has a request that was valid once; the operator has changed the rules since.
        """
        if self.asked is None:
            self.asked = read(self.before.request and dict(self.before.request), self.rules.secret_prefix)
        return self.asked

    @property
    def verifies(self) -> bool:
        """Whether no look and no test is left out."""
        return bool(self.recheck and self.recheck.verifies)

    @property
    def clears(self) -> bool:
        """Whether surplus is looked for."""
        return bool(self.recheck and self.recheck.clears)

    def desired(self, source: Source, secret_id: str, secret: Secret) -> Desired:
        """The base connection that the request asks for, with this version of the secret. Raises SecretInvalid."""
        request = self.request
        auth = source.read_secret(secret_id, secret.values, request.overrides)
        for value in auth.secret.values():
            self.ports.secret_values.remember(value)
        return Desired(source, request.display_name, request.description, auth, secret.arn, secret.version_id)

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

    def postpone(self, status: Status, failure: Failure) -> None:
        """Leave the request to a later delivery.

        Refused because something has to run first: that puts what Adobe holds in no doubt, so its fingerprint stays.
        """
        self.close(self.entry.with_(fingerprint=self.saved.fingerprint).postponed(status, failure, self.wait()))

    def record_connection(self, **connection: Any) -> None:
        """Write down the connection that the key now has, and that was not tested as it is."""
        self.save(self.entry.connected(**connection))

    def outcome_after(self, *, patched: bool) -> Outcome:
        """How this request ends: what an earlier delivery of it did counts, and what it resumes."""
        kept = self.entry.outcome
        if patched and (kept is None or self.entry.outcome_order != self.order):
            return Outcome.UPDATED
        return kept or Outcome.UNCHANGED

    def check_organization(self, flow: FlowService) -> None:
        """Refuse to follow an Adobe secret to another organization."""
        check_organization(self.entry, flow)


def check_organization(entry: Entry, flow: FlowService) -> None:
    """Raise Conflict if the credential is of another organization than the key."""
    if entry.org_id not in (None, flow.org_id):
        raise Conflict(
            f"{entry.key} belongs to organization {entry.org_id}, but the Adobe secret is now of {flow.org_id}.",
            remedy="Put the credential of the first organization back, or ask for the key's absence with it first.",
        )


def beside(here: Callable[[], T], aside: Callable[[], U]) -> tuple[T, U]:
    """Both results; `aside`, which must only read, runs in a thread that ends before this returns."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        other = pool.submit(aside)
        mine = here()
        return mine, other.result()
