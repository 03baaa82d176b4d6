"""The readiness report: what was looked at in a workspace, what came of it, and what to do. Pure data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aep_connections.domain.errors import ConnectionFailure, Fault

CLUSTER_STATE, TOKEN_VALID = "CLUSTER_STATE", "TOKEN_VALID"
"""The checks that decide what is done next, whatever the source type."""


class Readiness(StrEnum):
    """What a request wants of the workspace before Adobe is asked."""

    START = "start"
    CHECK = "check"
    OFF = "off"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Verdict(StrEnum):
    """How a check came out; `skipped` waits for another check that did not pass."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check. `evidence` holds ids, states and times, never a secret; `docs/readiness.md` explains each `id`."""

    id: str
    severity: Severity
    verdict: Verdict
    message: str = ""
    remedy: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The check as JSON; what says nothing is left out."""
        said = {"message": self.message, "remedy": self.remedy, "evidence": dict(self.evidence)}
        head = {"id": self.id, "severity": self.severity.value, "result": self.verdict.value}
        return head | {name: value for name, value in said.items() if value}


class Phase(StrEnum):
    """What a cluster does: `starting` ends in `running` if all goes well; `stopping` cannot be started yet."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """A cluster as it was seen.

    Attributes:
        state: the source's own word for its phase.
        terminated_at: tells one termination from the next; the source's own time, as text.
        ended: why it last terminated, if not as clusters should.
        remedy: what to do about that.
        lasting: whether a new start ends so too.
    """

    id: str
    state: str
    phase: Phase
    terminated_at: str = ""
    ended: str = ""
    remedy: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What one look at a workspace found; `cluster` is None if it was not seen. `checked_at` is ISO 8601 in UTC."""

    checks: Sequence[CheckResult]
    cluster: ClusterState | None
    checked_at: str

    def failed(self) -> list[CheckResult]:
        """The checks that stand in the way."""
        return [c for c in self.checks if c.severity is Severity.ERROR and c.verdict is Verdict.FAIL]

    @property
    def status(self) -> str:
        """`fail` if anything stands in the way, `warn` if something may, or is not known; else `pass`."""
        if self.failed():
            return "fail"
        heavy = [c for c in self.checks if c.severity is not Severity.INFO]
        return "warn" if any(c.verdict in (Verdict.FAIL, Verdict.UNKNOWN) for c in heavy) else "pass"

    @property
    def token_refused(self) -> bool:
        """Whether the source itself refuses the token."""
        return any(check.id == TOKEN_VALID for check in self.failed())

    @property
    def waits_for_cluster(self) -> bool:
        """Whether all that stands in the way is a cluster that does not run."""
        return [check.id for check in self.failed()] == [CLUSTER_STATE]

    @property
    def request_id(self) -> str | None:
        """Databricks' id of the first request whose answer stands in the way."""
        return next((c.evidence["requestId"] for c in self.failed() if "requestId" in c.evidence), None)

    def explaining(
        self, kind: type[ConnectionFailure], message: str, checks: Sequence[CheckResult]
    ) -> ConnectionFailure:
        """A failure of a kind, which `checks` of this report explain."""
        remedies = dict.fromkeys(check.remedy for check in checks if check.remedy)
        return kind(
            " ".join([message, *(check.message for check in checks)]),
            remedy=" ".join([*remedies, "Then send the request again."]),
            request_id=self.request_id,
            faults=[Fault(check.id, check.message) for check in checks],
        )

    def document(self) -> dict[str, Any]:
        """The report as the registry has it."""
        checks = [check.document() for check in self.checks]
        return {"status": self.status, "checkedAt": self.checked_at, "checks": checks}

    def event_fields(self) -> dict[str, Any]:
        """The report among the fields of a failure event or a log line."""
        document = self.document()
        return {"readiness": document["status"], "checks": document["checks"]}
