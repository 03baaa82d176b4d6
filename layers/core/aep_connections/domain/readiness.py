"""The readiness report: what was looked at in a workspace, what came of it, and what to do. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Readiness(StrEnum):
    """What a request wants of the workspace before Adobe is asked."""

    START = "start"
    CHECK = "check"
    OFF = "off"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(StrEnum):
    """How a check came out; `skipped` waits for another check that did not pass."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `evidence` holds ids, states and times, never a secret; `docs/readiness.md` explains each `id`."""

    id: str
    severity: Severity
    finding: Finding
    message: str = ""
    remedy: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The check as JSON; what says nothing is left out."""
        said = {"message": self.message, "remedy": self.remedy, "evidence": dict(self.evidence)}
        head = {"id": self.id, "severity": self.severity.value, "result": self.finding.value}
        return head | {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as it was seen. `ended` is why it last terminated, if not as clusters should, and `mend` what to do.

    `lasting` says that a new start ends so too.
    `terminated_at` tells one termination from the next: Databricks' own milliseconds, as text.
    """

    id: str
    state: str
    terminated_at: str = ""
    ended: str = ""
    mend: str = ""
    lasting: bool = False

    @property
    def usable(self) -> bool:
        """Whether Adobe can work with it now."""
        return self.state in ("RUNNING", "RESIZING")

    @property
    def starting(self) -> bool:
        """Whether it will run by itself, if all goes well."""
        return self.state in ("PENDING", "RESTARTING")

    @property
    def stopping(self) -> bool:
        """Whether it cannot be started yet."""
        return self.state == "TERMINATING"


@dataclass(frozen=True, slots=True)
class Report:
    """What one look at a workspace found; `cluster` is None if it was not seen. `checked_at` is ISO 8601 in UTC."""

    checks: Sequence[Check]
    cluster: Cluster | None
    checked_at: str

    def failed(self) -> list[Check]:
        """The checks that stand in the way."""
        return [c for c in self.checks if c.severity is Severity.ERROR and c.finding is Finding.FAIL]

    @property
    def status(self) -> str:
        """`fail` if anything stands in the way, `warn` if something may, or is not known; else `pass`."""
        if self.failed():
            return "fail"
        heavy = [c for c in self.checks if c.severity is not Severity.INFO]
        return "warn" if any(c.finding in (Finding.FAIL, Finding.UNKNOWN) for c in heavy) else "pass"

    @property
    def request_id(self) -> str | None:
        """Databricks' id of the first request whose answer stands in the way."""
        return next((c.evidence["requestId"] for c in self.failed() if "requestId" in c.evidence), None)

    def document(self) -> dict[str, Any]:
        """The report as the registry has it."""
        checks = [check.document() for check in self.checks]
        return {"status": self.status, "checkedAt": self.checked_at, "checks": checks}

    def told(self) -> dict[str, Any]:
        """The report among what else a failure event or a log line tells."""
        document = self.document()
        return {"readiness": document["status"], "checks": document["checks"]}
