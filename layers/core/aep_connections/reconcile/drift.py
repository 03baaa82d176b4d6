"""Drift: how a connection can differ from its desired state."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aep_connections.domain.delivery import Reason, Recheck
from aep_connections.domain.entry import Summary
from aep_connections.domain.redaction import Redactor

MAX_SHOWN = 255


class Kind(StrEnum):
    """A kind of drift; `docs/reference/drift.md` explains each."""

    MISSING = "missing"
    DISABLED = "disabled"
    DRAFT = "draft"
    RENAMED = "renamed"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    OPEN_ATTEMPT = "openAttempt"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    STALE_SECRET = "staleSecret"  # noqa: S105 - the name of a kind
    SECRET_UNREADABLE = "secretUnreadable"  # noqa: S105 - the name of a kind
    PARAMETER_MISSING = "parameterMissing"
    PARAMETER_DIFFERS = "parameterDiffers"


FOR_PEOPLE = {Kind.CONFLICT, Kind.SECRET_UNREADABLE}
"""Kinds that a recheck cannot repair, only a person."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference: the expected and the actual value, where there is one. Never a secret."""

    kind: Kind
    expected: str | None = None
    shown: str | None = None

    def document(self, redactor: Redactor) -> dict[str, str | None]:
        """The deviation as JSON. What Adobe shows is free text, so it is redacted."""
        shown = None if self.shown is None else redactor.printable(self.shown, MAX_SHOWN)
        return {"kind": self.kind.value, "expected": self.expected, "shown": shown}


@dataclass(slots=True)
class Drift:
    """Every deviation of one key."""

    entry: Summary
    deviations: list[Deviation] = field(default_factory=list)

    def add(self, kind: Kind, expected: str | None = None, shown: str | None = None) -> None:
        """Add a deviation."""
        self.deviations.append(Deviation(kind, expected, shown))

    @property
    def only_conflicts(self) -> bool:
        """Whether the connection itself is fine, and another system's connection has the same name."""
        return all(deviation.kind is Kind.CONFLICT for deviation in self.deviations)

    @property
    def recheck(self) -> Recheck | None:
        """The recheck that repairs it; None if only a person can."""
        kinds = {deviation.kind for deviation in self.deviations}
        if kinds <= FOR_PEOPLE:
            return None
        return Recheck(self.entry.key, Reason.DUPLICATE if Kind.DUPLICATE in kinds else Reason.DRIFT)

    def document(self, why_not: str | None, redactor: Redactor) -> dict[str, Any]:
        """The drift as the detail of an event. `why_not` is the reason if no recheck is sent."""
        order = self.entry.order
        return {
            "sandbox": self.entry.key.sandbox,
            "name": self.entry.key.name,
            "connectionId": self.entry.connection_id,
            "drift": [deviation.document(redactor) for deviation in self.deviations],
            "action": "none" if why_not else "recheck",
            "because": why_not,
            "requestedAt": order.time if order else None,
            "requestEventId": order.id if order else None,
        }
