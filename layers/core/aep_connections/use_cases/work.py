"""What one delivery works with: the ports, the time left, the lease, and the registry entry as it now is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aep_connections.domain.deadline import Deadline
from aep_connections.domain.entry import Entry, Lease, Wait
from aep_connections.domain.errors import Conflict
from aep_connections.domain.model import Desired, Order, Outcome, Recheck, Request, Secret, Source
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
    """One accepted request on its way. `entry` starts as it was before this request and follows our writes.

    `recheck` is what brought it, if no request did. `report` is what this delivery saw of the workspace, if it looked.
    """

    ports: Ports
    rules: Rules
    deadline: Deadline
    lease: Lease
    order: Order
    request: Request
    entry: Entry
    recheck: Recheck | None = None
    report: Report | None = None
    unattended: bool = field(init=False)
    """Whether nobody asked for it, or waits for it."""

    def __post_init__(self) -> None:
        self.unattended = bool(self.recheck and self.recheck.unattended) and not self.entry.is_open

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

    def record_connection(self, **changes: Any) -> None:
        """Write down the connection that the key now has, and that was not tested as it is."""
        entry = self.entry.with_(**changes, attempt=None, tested=None)
        self.ports.registry.record_connection(self.lease, entry)
        self.entry = entry

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
