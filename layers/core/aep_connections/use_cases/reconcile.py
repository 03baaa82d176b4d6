"""Looks through the whole fleet, a sandbox at a time, announces what is otherwise, and has it rechecked.

    registry → Adobe's list beside parameters and versions → compare → the registry once more → announce → recheck

Nothing is changed here but the queue: `provision` mends what a recheck names. A run may end anywhere; the next one
sees what is still otherwise.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_connections.domain.deadline import Deadline
from aep_connections.domain.drift import Drift
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import (
    AdobeCredentialRejected,
    ConnectionFailure,
    OutOfTime,
    SecretInvalid,
    SecretRefused,
)
from aep_connections.domain.model import DUE, Connection, Key, Recheck, Status
from aep_connections.domain.ports import Adobe, Clock, Events, Fleet, FlowService, Inbox, Published, Versions
from aep_connections.domain.secrecy import SecretValues
from aep_connections.sources import secret_id_of, source_of
from aep_connections.use_cases.compare import Shown, compared, in_motion, missing
from aep_connections.use_cases.view import status_of
from aep_connections.use_cases.work import beside, check_organization

DRIFTED = "AEP Base Connection Drifted"
SANDBOX_SECONDS = 120.0
"""What a sandbox may take; with less left, another invocation goes on."""
FEWEST_BRAKED = 2
"""One that is missing is one that somebody deleted."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What reconciling needs of the outside; `secret_values` are struck out of what others say."""

    secret_values: SecretValues
    clock: Clock
    adobe: Adobe
    fleet: Fleet
    published: Published
    versions: Versions
    inbox: Inbox
    events: Events


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator configured.

    Attributes:
        repairs: whether anything is done about what is found.
        checks: how many rechecks a run may send, as each may run Adobe's test.
        verify_after_seconds: a test that is older is repeated.
        brake_percent: where more of a sandbox's connections are missing, nothing is done there.
        settle_seconds: how long what was done may not be shown yet.
    """

    repairs: bool
    checks: int
    verify_after_seconds: float
    brake_percent: float
    settle_seconds: float


@dataclass(slots=True)
class Run:
    """One look through the fleet, and how far it is; as JSON it goes from one invocation to the next.

    Attributes:
        after: the last sandbox that was looked at.
        checks: how many rechecks may still be sent.
        due: those whose last test is oldest, that first: when it was (seconds since 1970), sandbox, name.
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
    def read(cls, document: Mapping[str, Any]) -> Run:
        """The run that `document` told."""
        due = [(float(at), str(sandbox), str(name)) for at, sandbox, name in document["due"]]
        return cls(document["checks"], document["after"], due, Counter(document["counts"]), document["oldest"])


Note = Callable[[str, dict[str, Any]], None]
"""Told of what happened in a sandbox: what it is, and its fields."""


def reconcile(run: Run, around: Surroundings, policy: Policy, deadline: Deadline, note: Note) -> bool:
    """Go on with a run: whether it is at its end. A sandbox that cannot be looked at is counted, and stops no other.

    Raises:
        AdobeCredentialRejected, SecretRefused, SecretInvalid: of the Adobe secret, as no sandbox can be looked at then.
        Throttled, Unavailable: the registry does not say which sandboxes there are.
    """
    begun = False
    for sandbox in around.fleet.sandboxes():
        if sandbox <= run.after:
            continue
        if begun and deadline.usable() < SANDBOX_SECONDS:
            return False
        try:
            _Sandbox(sandbox, run, around, policy, note).look()
        except (AdobeCredentialRejected, SecretRefused, SecretInvalid):
            raise
        except ConnectionFailure as failure:
            if begun and isinstance(failure, OutOfTime):
                return False
            run.counts["FailedSandboxes"] += 1
            reason = {"code": failure.code, "reason": failure.message, "request_id": failure.request_id}
            note("sandbox not reconciled", {"sandbox": sandbox, **reason})
        run.after, begun = sandbox, True
    due = [Recheck(Key(sandbox, name), DUE) for _, sandbox, name in run.due]
    around.inbox.recheck(*due)
    run.counts["Verifications"] += len(due)
    return True


class _Sandbox:
    def __init__(self, sandbox: str, run: Run, around: Surroundings, policy: Policy, note: Note) -> None:
        self._sandbox, self._run, self._around, self._policy, self._note = sandbox, run, around, policy, note

    def look(self) -> None:
        """Look at the sandbox, announce and send what is to be done; then count what there is."""
        around, policy = self._around, self._policy
        entries = around.fleet.of(self._sandbox)
        now = around.clock.now()
        flow = around.adobe.open(self._sandbox)
        for entry in entries:
            check_organization(entry, flow)
        shown = self._shown(flow, entries)
        still = [entry for entry in entries if not in_motion(entry, now, policy.settle_seconds)]
        gone = missing(still, shown)
        known = sum(entry.connection_id is not None for entry in entries)
        if len(gone) >= FEWEST_BRAKED and len(gone) * 100 > policy.brake_percent * known:
            self._run.counts["Braked"] += 1
            self._note("sandbox braked", {"sandbox": self._sandbox, "missing": len(gone), "connections": known})
        else:
            shown = _with_unlisted(flow, gone, shown)
            drifts = compared(still, shown, entries, now - policy.settle_seconds)
            self._act(self._unchanged(drifts))
            drifted = {drift.entry.key for drift in drifts if not drift.only_conflicts}
            self._verify([entry for entry in still if entry.key not in drifted], now)
        self._count(entries)

    def _shown(self, flow: FlowService, entries: list[Entry]) -> Shown:
        """Adobe's list in this thread; beside it what is published, and which versions the secrets have."""
        sources = {source_of(entry).connection_spec_id: source_of(entry) for entry in entries}
        secrets = sorted({s for entry in entries if (s := secret_id_of(entry))})
        listed, (published, versions) = beside(
            lambda: [connection for source in sources.values() for connection in flow.listing(source)],
            lambda: (self._around.published.of(self._sandbox), self._around.versions.current(secrets)),
        )
        return Shown(listed, published, versions)

    def _unchanged(self, drifts: list[Drift]) -> list[Drift]:
        """Those on whose key nobody worked since it was read; the one whose test is oldest first."""
        current = self._around.fleet.now([drift.entry.key for drift in drifts])
        now = self._around.clock.now()

        def stands(entry: Entry) -> bool:
            again = current.get(entry.key)
            return again is not None and again.updated_at == entry.updated_at and again.lease_until <= now

        return sorted((d for d in drifts if stands(d.entry)), key=lambda drift: _tested_at(drift.entry))

    def _act(self, drifts: list[Drift]) -> None:
        """Announce what was found and what will be done, then have it done."""
        rechecks: list[Recheck] = []
        details = []
        for drift in drifts:
            why_not = None
            recheck = drift.recheck
            if recheck is None:
                why_not = "people"
            elif not self._policy.repairs:
                why_not = "policy"
            elif len(rechecks) >= self._run.checks:
                why_not = "budget"
            else:
                rechecks.append(recheck)
            details.append(drift.document(why_not, self._around.secret_values))
            self._run.counts.update(f"Drift:{kind}" for kind in dict.fromkeys(one.kind for one in drift.findings))
        self._around.events.announce(DRIFTED, *details)
        self._run.checks -= len(rechecks)  # some are sent, even if it is not known which
        self._around.inbox.recheck(*rechecks)
        self._run.counts["Drifted"] += len(details)
        self._run.counts["Rechecks"] += len(rechecks)
        self._run.counts["Unmended"] += len(details) - len(rechecks) - sum(d.only_conflicts for d in drifts)

    def _verify(self, entries: list[Entry], now: float) -> None:
        """Keep in mind those whose test is long ago: no more than may be rechecked, the oldest of all sandboxes."""
        if not self._policy.repairs:
            return
        before = now - self._policy.verify_after_seconds
        ready = [entry for entry in entries if entry.status is Status.READY and _tested_at(entry) < before]
        candidates = [(_tested_at(entry), entry.key.sandbox, entry.key.name) for entry in ready]
        self._run.due = heapq.nsmallest(self._run.checks, [*self._run.due, *candidates])

    def _count(self, entries: list[Entry]) -> None:
        counts = self._run.counts
        counts.update(f"Connections:{status_of(entry).value}" for entry in entries)
        ready = [entry for entry in entries if entry.status is Status.READY]
        counts["Unverified"] += sum(entry.tested is None for entry in ready)
        tested = [entry.tested.at for entry in ready if entry.tested]
        self._run.oldest = min([*tested, *([self._run.oldest] if self._run.oldest else [])], default=None)
        for entry in ready:
            secret_id = secret_id_of(entry)
            if secret_id and entry.secret_version:
                created_at = entry.secret_version.created_at
                self._run.versions[secret_id] = min(created_at, self._run.versions.get(secret_id, created_at))


def _with_unlisted(flow: FlowService, gone: list[Entry], shown: Shown) -> Shown:
    """What was seen, with those connections that a list does not show but that are there."""
    asked = [flow.get(entry.connection_id) for entry in gone if entry.connection_id]
    there: list[Connection] = [connection for connection in asked if connection is not None]
    return Shown([*shown.connections, *there], shown.published, shown.versions) if there else shown


def _tested_at(entry: Entry) -> float:
    """When the connection last passed its test; of one that did not, long ago."""
    return entry.tested.at if entry.tested and entry.tested.passed else 0.0
