"""Reconciles the whole fleet, a sandbox at a time: drift is announced, then rechecked.

    registry → Adobe's list, parameters and secret versions → compare → registry again → announce → recheck

Nothing is changed here except the queue: `provision` repairs what a recheck names. A run may end at any point: the
next one finds what still differs.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_connections.contract.messages import DRIFTED
from aep_connections.domain.concurrency import concurrently
from aep_connections.domain.delivery import Reason, Recheck
from aep_connections.domain.entry import Summary
from aep_connections.domain.errors import (
    AdobeCredentialRejected,
    ConnectionFailure,
    OutOfTime,
    SecretInvalid,
    SecretRefused,
)
from aep_connections.domain.model import Connection, Key, Status
from aep_connections.domain.ports import Adobe, Clock, Events, FlowService, Parameters, Queue, Registry, Secrets
from aep_connections.domain.redaction import Redactor
from aep_connections.domain.time import Deadline
from aep_connections.reconcile.compare import Snapshot, compare, is_changing, missing
from aep_connections.reconcile.drift import Drift
from aep_connections.sources import secret_id_of, source_of

SANDBOX_SECONDS = 120.0
"""The time that a sandbox may take. With less time left, another invocation continues."""
MIN_MISSING = 2
"""A single missing connection was probably deleted by someone: it does not open the circuit breaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPorts:
    """The external dependencies of a reconcile run. `redactor` redacts the text of other systems."""

    redactor: Redactor
    clock: Clock
    adobe: Adobe
    registry: Registry
    parameters: Parameters
    secrets: Secrets
    queue: Queue
    events: Events


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's settings.

    Attributes:
        repairs: whether drift is repaired and old tests are repeated, or drift is only announced.
        checks: how many rechecks a run may send. Each may run Adobe's test.
        verify_after_seconds: a test that is older is repeated.
        max_missing_percent: if more of a sandbox's connections are missing, nothing is done there.
        settle_seconds: how long a change may take to become visible.
    """

    repairs: bool
    checks: int
    verify_after_seconds: float
    max_missing_percent: float
    settle_seconds: float


@dataclass(slots=True, kw_only=True)
class Run:
    """One pass over the fleet, and its progress. One invocation hands it to the next as JSON.

    Attributes:
        after: the last sandbox that was reconciled.
        checks: how many rechecks may still be sent.
        due: the connections with the oldest tests, oldest first: time (seconds since 1970), sandbox, name.
        counts: what was found, by metric, or by metric and dimension. `Skipped` counts keys that were changing.
        oldest: the oldest test of a ready connection, in seconds since 1970.
        versions: name of a secret -> when its version in use was created. Only for this invocation's sandboxes.
    """

    checks: int
    after: str = ""
    due: list[tuple[float, str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    oldest: float | None = None
    versions: dict[str, float] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The run as JSON."""
        return {
            "after": self.after,
            "checks": self.checks,
            "due": self.due,
            "counts": dict(self.counts),
            "oldest": self.oldest,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Run:
        """The run in a document. Raises KeyError, TypeError, ValueError."""
        return cls(
            checks=document["checks"],
            after=document["after"],
            due=[(float(at), str(sandbox), str(name)) for at, sandbox, name in document["due"]],
            counts=Counter(document["counts"]),
            oldest=document["oldest"],
        )


def count_of(metric: str, dimension: str) -> str:
    """The key of a metric with a dimension in the counts of a run."""
    return f"{metric}:{dimension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Reconciles within one invocation. `note` receives what happened in a sandbox: a message and its fields."""

    ports: FleetPorts
    policy: Policy
    deadline: Deadline
    note: Callable[[str, dict[str, Any]], None]

    def reconcile(self, run: Run) -> bool:
        """Continue a run; returns whether it is complete. If a sandbox fails, it is counted, and the others continue.

        Raises:
            AdobeCredentialRejected, SecretRefused, SecretInvalid: the Adobe secret is wrong. Every sandbox would fail.
            Throttled, Unavailable: the registry cannot list the sandboxes.
        """
        begun = False
        for sandbox in self.ports.registry.sandboxes():
            if sandbox <= run.after:
                continue
            if begun and self.deadline.usable() < SANDBOX_SECONDS:
                return False
            try:
                self._sandbox(run, sandbox)
            except (AdobeCredentialRejected, SecretRefused, SecretInvalid):
                raise
            except ConnectionFailure as failure:
                if begun and isinstance(failure, OutOfTime):
                    return False
                run.counts["FailedSandboxes"] += 1
                reason = {"code": failure.code, "reason": failure.message, "request_id": failure.request_id}
                self.note("sandbox not reconciled", {"sandbox": sandbox, **reason})
            run.after, begun = sandbox, True
        due = [Recheck(Key(sandbox, name), Reason.DUE) for _, sandbox, name in run.due]
        self.ports.queue.recheck(*due)
        run.counts["Verifications"] += len(due)
        return True

    def _sandbox(self, run: Run, sandbox: str) -> None:
        """Compare a sandbox, announce its drift and send rechecks, then count its connections."""
        entries = self.ports.registry.in_sandbox(sandbox)
        now, settle_seconds = self.ports.clock.now(), self.policy.settle_seconds
        flow = self.ports.adobe.open(sandbox)
        for entry in entries:
            entry.check_organization(flow.org_id)
        snapshot = self._snapshot(flow, sandbox, entries)
        settled = [entry for entry in entries if not is_changing(entry, now, settle_seconds)]
        skipped = len(entries) - len(settled)
        gone = missing(settled, snapshot)
        known = sum(entry.connection_id is not None for entry in entries)
        if len(gone) >= MIN_MISSING and len(gone) * 100 > self.policy.max_missing_percent * known:
            run.counts["StoppedSandboxes"] += 1
            self.note("sandbox stopped", {"sandbox": sandbox, "missing": len(gone), "connections": known})
        else:
            snapshot = _with_unlisted(flow, gone, snapshot)
            drifts = compare(settled, snapshot, entries, now - settle_seconds)
            untouched = self._untouched(drifts)
            skipped += len(drifts) - len(untouched)
            self._act(run, untouched)
            drifted = {drift.entry.key for drift in drifts if not drift.only_conflicts}
            self._verify(run, [entry for entry in settled if entry.key not in drifted], now)
        run.counts["Skipped"] += skipped
        _count(run, entries)

    def _snapshot(self, flow: FlowService, sandbox: str, entries: list[Summary]) -> Snapshot:
        """Read Adobe's list in this thread; at the same time the parameters and the versions of the secrets."""
        sources = {source.connection_spec_id: source for source in map(source_of, entries)}
        secrets = sorted({secret_id for entry in entries if (secret_id := secret_id_of(entry))})
        listed, published, versions = concurrently(
            lambda: [connection for source in sources.values() for connection in flow.listing(source)],
            lambda: self.ports.parameters.in_sandbox(sandbox),
            lambda: self.ports.secrets.current_versions(secrets),
        )
        return Snapshot.of(listed, published, versions)

    def _untouched(self, drifts: list[Drift]) -> list[Drift]:
        """Those whose key did not change since it was read and is not being processed; oldest test first."""
        current = self.ports.registry.current([drift.entry.key for drift in drifts])
        now = self.ports.clock.now()

        def untouched(entry: Summary) -> bool:
            again = current.get(entry.key)
            return again is not None and again.updated_at == entry.updated_at and again.lease_until <= now

        return sorted((d for d in drifts if untouched(d.entry)), key=lambda drift: _tested_at(drift.entry))

    def _act(self, run: Run, drifts: list[Drift]) -> None:
        """Announce the drift and what will be done about it, then send the rechecks."""
        rechecks: list[Recheck] = []
        details = []
        for drift in drifts:
            why_not = None
            recheck = drift.recheck
            if recheck is None:
                why_not = "people"
            elif not self.policy.repairs:
                why_not = "policy"
            elif len(rechecks) >= run.checks:
                why_not = "budget"
            else:
                rechecks.append(recheck)
            details.append(drift.document(why_not, self.ports.redactor))
            kinds = dict.fromkeys(deviation.kind for deviation in drift.deviations)
            run.counts.update(count_of("Drift", kind) for kind in kinds)
        self.ports.events.announce(DRIFTED, *details)
        run.checks -= len(rechecks)  # before sending: a call that fails may have sent some
        self.ports.queue.recheck(*rechecks)
        run.counts["Drifted"] += len(details)
        run.counts["Rechecks"] += len(rechecks)
        run.counts["Unrepaired"] += len(details) - len(rechecks) - sum(d.only_conflicts for d in drifts)

    def _verify(self, run: Run, entries: list[Summary], now: float) -> None:
        """Add this sandbox's overdue connections to `run.due`; keep the oldest, at most `run.checks`."""
        if not self.policy.repairs:
            return
        before = now - self.policy.verify_after_seconds
        ready = [entry for entry in entries if entry.status is Status.READY and _tested_at(entry) < before]
        candidates = [(_tested_at(entry), entry.key.sandbox, entry.key.name) for entry in ready]
        run.due = heapq.nsmallest(run.checks, [*run.due, *candidates])


def _with_unlisted(flow: FlowService, gone: list[Summary], snapshot: Snapshot) -> Snapshot:
    """The snapshot, with the connections that exist although the list does not show them."""
    read = [flow.get(entry.connection_id) for entry in gone if entry.connection_id]
    unlisted: list[Connection] = [connection for connection in read if connection is not None]
    if not unlisted:
        return snapshot
    return Snapshot.of([*snapshot.connections, *unlisted], snapshot.published, snapshot.versions)


def _count(run: Run, entries: list[Summary]) -> None:
    run.counts.update(count_of("Connections", entry.shown_status.value) for entry in entries)
    ready = [entry for entry in entries if entry.status is Status.READY]
    run.counts["Unverified"] += sum(entry.tested is None for entry in ready)
    tested = [entry.tested.at for entry in ready if entry.tested]
    run.oldest = min([*tested, *([run.oldest] if run.oldest else [])], default=None)
    for entry in ready:
        secret_id = secret_id_of(entry)
        if secret_id and entry.secret_version:
            created_at = entry.secret_version.created_at
            run.versions[secret_id] = min(created_at, run.versions.get(secret_id, created_at))


def _tested_at(entry: Summary) -> float:
    """When the connection last passed its test; 0 if it failed its last test, or has had none."""
    return entry.tested.at if entry.tested and entry.tested.passed else 0.0
