"""The readiness report: what was checked in a workspace, the results, and what to do. Pure data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aep_connections.domain.errors import ConnectionFailure, Fault

CLUSTER_STATE, TOKEN_VALID = "CLUSTER_STATE", "TOKEN_VALID"
"""The checks that decide the next step, for every source type."""


class Readiness(StrEnum):
    """What a request wants done with the workspace before Adobe is called."""

    START = "start"
    CHECK = "check"
    OFF = "off"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Verdict(StrEnum):
    """The result of a check; `skipped`: a check that it depends on did not pass."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check. `evidence` holds ids, states and times, no secrets. Ids: `docs/reference/readiness-checks.md`."""

    id: str
    severity: Severity
    verdict: Verdict
    message: str = ""
    remedy: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The check as JSON; empty details are left out."""
        details = {"message": self.message, "remedy": self.remedy, "evidence": dict(self.evidence)}
        head = {"id": self.id, "severity": self.severity.value, "result": self.verdict.value}
        return head | {name: value for name, value in details.items() if value}


class Phase(StrEnum):
    """What a cluster is doing. `starting` becomes `running` on success. A `stopping` cluster cannot be started yet."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """A cluster as it was observed.

    Attributes:
        state: the source's own name for the phase.
        terminated_at: identifies the last termination; the source's own time, as text.
        ended: why the cluster last terminated, if that was not normal.
        remedy: what to do about `ended`.
        lasting: whether a new start would end the same way.
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
    """The results of one workspace check; `cluster` is None if unknown. `checked_at` is ISO 8601 in UTC."""

    checks: Sequence[CheckResult]
    cluster: ClusterState | None
    checked_at: str

    def failed(self) -> list[CheckResult]:
        """The failed checks that block the request."""
        return [c for c in self.checks if c.severity is Severity.ERROR and c.verdict is Verdict.FAIL]

    @property
    def status(self) -> str:
        """`fail` if a check blocks the request, `warn` if one may block it or is unknown, else `pass`."""
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
        """Whether the only blocking check is a cluster that does not run."""
        return [check.id for check in self.failed()] == [CLUSTER_STATE]

    @property
    def request_id(self) -> str | None:
        """Databricks' request id of the first blocking check that has one."""
        return next((c.evidence["requestId"] for c in self.failed() if "requestId" in c.evidence), None)

    def as_failure(
        self, kind: type[ConnectionFailure], message: str, checks: Sequence[CheckResult]
    ) -> ConnectionFailure:
        """A failure of this kind, explained by `checks` of this report."""
        remedies = dict.fromkeys(check.remedy for check in checks if check.remedy)
        return kind(
            " ".join([message, *(check.message for check in checks)]),
            remedy=" ".join([*remedies, "Then send the request again."]),
            request_id=self.request_id,
            faults=[Fault(check.id, check.message) for check in checks],
        )

    def document(self) -> dict[str, Any]:
        """The report as the registry stores it."""
        checks = [check.document() for check in self.checks]
        return {"status": self.status, "checkedAt": self.checked_at, "checks": checks}

    def event_fields(self) -> dict[str, Any]:
        """The report as fields of a failure event or a log line."""
        document = self.document()
        return {"readiness": document["status"], "checks": document["checks"]}
