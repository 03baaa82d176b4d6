"""Reconciles the whole fleet, a sandbox at a time: drift is announced, then rechecked.

    registry → Adobe's list beside parameters and versions → compare → the registry once more → announce → recheck

Nothing is changed here but the queue: `provision` repairs what a recheck names. A run may end anywhere; the next one
finds what still differs.
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
from aep_connections.reconcile.compare import Snapshot, compare, in_motion, missing
from aep_connections.reconcile.drift import Drift
from aep_connections.sources import secret_id_of, source_of

SANDBOX_SECONDS = 120.0
"""What a sandbox may take; with less left, another invocation goes on."""
MIN_MISSING = 2
"""A single missing connection is one that somebody deleted: it does not open the circuit breaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPorts:
    """What reconciling needs of the outside; `redactor` redacts what others say."""

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
    """What the operator configured.

    Attributes:
        repairs: whether anything is done about what is found.
        checks: how many rechecks a run may send, as each may run Adobe's test.
        verify_after_seconds: a test that is older is repeated.
        max_missing_percent: where more of a sandbox's connections are missing, nothing is done there.
        settle_seconds: how long what was done may not be shown yet.
    """

    repairs: bool
    checks: int
    verify_after_seconds: float
    max_missing_percent: float
    settle_seconds: float


@dataclass(slots=True, kw_only=True)
class Run:
    """One pass over the fleet, and how far it is; as JSON it goes from one invocation to the next.

    Attributes:
        after: the last sandbox that was reconciled.
        checks: how many rechecks may still be sent.
        due: the connections whose last test is oldest, that first: when it was (seconds since 1970), sandbox, name.
        counts: what was found, by metric, or metric and dimension.
        oldest: the oldest test of a ready connection, in seconds since 1970.
        versions: name of a secret -> when its version in use was created; of this invocation's sandboxes.
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
    """The key in a run's counts of a metric that has a dimension."""
    return f"{metric}:{dimension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Reconciles within one invocation. `note` is given what happened in a sandbox: a message and its fields."""

    ports: FleetPorts
    policy: Policy
    deadline: Deadline
    note: Callable[[str, dict[str, Any]], None]

    def reconcile(self, run: Run) -> bool:
        """Go on with a run: whether it is at its end. A sandbox that fails is counted, and stops no other.

        Raises:
            AdobeCredentialRejected, SecretRefused, SecretInvalid: of the Adobe secret, so every sandbox would fail.
            Throttled, Unavailable: the registry does not say which sandboxes there are.
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
        """Compare a sandbox, announce drift and have it rechecked; then count what there is."""
        entries = self.ports.registry.in_sandbox(sandbox)
        now, settle_seconds = self.ports.clock.now(), self.policy.settle_seconds
        flow = self.ports.adobe.open(sandbox)
        for entry in entries:
            entry.check_organization(flow.org_id)
        snapshot = self._snapshot(flow, sandbox, entries)
        settled = [entry for entry in entries if not in_motion(entry, now, settle_seconds)]
        gone = missing(settled, snapshot)
        known = sum(entry.connection_id is not None for entry in entries)
        if len(gone) >= MIN_MISSING and len(gone) * 100 > self.policy.max_missing_percent * known:
            run.counts["StoppedSandboxes"] += 1
            self.note("sandbox stopped", {"sandbox": sandbox, "missing": len(gone), "connections": known})
        else:
            snapshot = _with_unlisted(flow, gone, snapshot)
            drifts = compare(settled, snapshot, entries, now - settle_seconds)
            self._act(run, self._untouched(drifts))
            drifted = {drift.entry.key for drift in drifts if not drift.only_conflicts}
            self._verify(run, [entry for entry in settled if entry.key not in drifted], now)
        _count(run, entries)

    def _snapshot(self, flow: FlowService, sandbox: str, entries: list[Summary]) -> Snapshot:
        """Adobe's list in this thread; beside it what is published, and which versions the secrets have."""
        sources = {source.connection_spec_id: source for source in map(source_of, entries)}
        secrets = sorted({secret_id for entry in entries if (secret_id := secret_id_of(entry))})
        listed, published, versions = concurrently(
            lambda: [connection for source in sources.values() for connection in flow.listing(source)],
            lambda: self.ports.parameters.in_sandbox(sandbox),
            lambda: self.ports.secrets.current_versions(secrets),
        )
        return Snapshot.of(listed, published, versions)

    def _untouched(self, drifts: list[Drift]) -> list[Drift]:
        """Those whose key nobody worked on since it was read; the one whose test is oldest first."""
        current = self.ports.registry.current([drift.entry.key for drift in drifts])
        now = self.ports.clock.now()

        def untouched(entry: Summary) -> bool:
            again = current.get(entry.key)
            return again is not None and again.updated_at == entry.updated_at and again.lease_until <= now

        return sorted((d for d in drifts if untouched(d.entry)), key=lambda drift: _tested_at(drift.entry))

    def _act(self, run: Run, drifts: list[Drift]) -> None:
        """Announce what was found and what will be done, then have it done."""
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
        run.checks -= len(rechecks)  # some are sent, even if it is not known which
        self.ports.queue.recheck(*rechecks)
        run.counts["Drifted"] += len(details)
        run.counts["Rechecks"] += len(rechecks)
        run.counts["Unrepaired"] += len(details) - len(rechecks) - sum(d.only_conflicts for d in drifts)

    def _verify(self, run: Run, entries: list[Summary], now: float) -> None:
        """Keep in mind those whose test is long ago: no more than may be rechecked, the oldest of all sandboxes."""
        if not self.policy.repairs:
            return
        before = now - self.policy.verify_after_seconds
        ready = [entry for entry in entries if entry.status is Status.READY and _tested_at(entry) < before]
        candidates = [(_tested_at(entry), entry.key.sandbox, entry.key.name) for entry in ready]
        run.due = heapq.nsmallest(run.checks, [*run.due, *candidates])


def _with_unlisted(flow: FlowService, gone: list[Summary], snapshot: Snapshot) -> Snapshot:
    """The snapshot with those connections that a list does not show but that exist."""
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
    """When the connection last passed its test; of one that did not, long ago."""
    return entry.tested.at if entry.tested and entry.tested.passed else 0.0
