"""What can be otherwise with a connection than its request and the registry say."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aep_connections.domain.entry import Entry
from aep_connections.domain.model import DRIFT, SURPLUS, Recheck
from aep_connections.domain.secrecy import SecretValues

LONGEST_SHOWN = 255


class Kind(StrEnum):
    """A kind of drift; `docs/reconcile.md` explains each."""

    MISSING = "missing"
    DISABLED = "disabled"
    DRAFT = "draft"
    RENAMED = "renamed"
    MOVED = "moved"
    SURPLUS = "surplus"
    CONFLICT = "conflict"
    OPEN_ATTEMPT = "openAttempt"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    STALE_SECRET = "staleSecret"  # noqa: S105 - the name of a kind
    SECRET_UNREADABLE = "secretUnreadable"  # noqa: S105 - the name of a kind
    PARAMETER_MISSING = "parameterMissing"
    PARAMETER_DIFFERS = "parameterDiffers"


FOR_PEOPLE = {Kind.CONFLICT, Kind.SECRET_UNREADABLE}
"""Kinds that a recheck does not mend."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is otherwise: what should be and what is, where that can be said. Never a secret."""

    kind: Kind
    expected: str | None = None
    shown: str | None = None

    def document(self, secrets: SecretValues) -> dict[str, str | None]:
        """The finding as JSON; what Adobe shows is somebody's free text."""
        shown = None if self.shown is None else secrets.clean(self.shown, LONGEST_SHOWN)
        return {"kind": self.kind.value, "expected": self.expected, "shown": shown}


@dataclass(slots=True)
class Drift:
    """Everything that is otherwise with one key."""

    entry: Entry
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: Kind, expected: str | None = None, shown: str | None = None) -> None:
        """Note one more."""
        self.findings.append(Finding(kind, expected, shown))

    def has(self, kind: Kind) -> bool:
        """Whether this was found."""
        return any(finding.kind is kind for finding in self.findings)

    @property
    def only_conflicts(self) -> bool:
        """Whether the connection itself is fine, and somebody else's has the same name."""
        return all(finding.kind is Kind.CONFLICT for finding in self.findings)

    @property
    def recheck(self) -> Recheck | None:
        """What mends it, if anything does but people."""
        if all(finding.kind in FOR_PEOPLE for finding in self.findings):
            return None
        return Recheck(self.entry.key, SURPLUS if self.has(Kind.SURPLUS) else DRIFT)

    def document(self, why_not: str | None, secrets: SecretValues) -> dict[str, Any]:
        """The drift as the event tells it; `why_not` is why nothing is done about it."""
        order = self.entry.order
        return {
            "sandbox": self.entry.key.sandbox,
            "name": self.entry.key.name,
            "connectionId": self.entry.connection_id,
            "drift": [finding.document(secrets) for finding in self.findings],
            "action": "none" if why_not else "recheck",
            "because": why_not,
            "requestedAt": order.time if order else None,
            "requestEventId": order.id if order else None,
        }
