"""What was read from a workspace, and how checks evaluate it: one row per check, in the order of the report.

A check is skipped if a check that it needs did not pass. What could not be read is `unknown`, never a pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.readiness import CheckResult, Severity, Verdict
from aep_connections.sources.databricks.replies import ApiReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The reply to each call, and what is known without a call.

    `token_form` states what is wrong with the token's format, without quoting it. `now` is in seconds since 1970.
    """

    params: Mapping[str, str]
    workspace_id: str
    token_form: str
    now: float
    replies: Mapping[str, ApiReply]

    def reply(self, name: str) -> ApiReply:
        return self.replies[name]

    @property
    def me(self) -> Mapping[str, Any]:
        """Who the token belongs to."""
        return self.reply("me").document

    @property
    def cluster(self) -> Mapping[str, Any]:
        """The cluster as Databricks describes it."""
        return self.reply("cluster").document

    @property
    def cluster_id(self) -> str:
        return self.params["clusterId"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why a check did not pass; `severity` is set if it differs from the check's own."""

    message: str
    remedy: str
    evidence: Mapping[str, str]
    verdict: Verdict
    severity: Severity | None


def failed(
    message: str, remedy: str = "", evidence: Mapping[str, str] | None = None, severity: Severity | None = None
) -> Flaw:
    """A check that failed."""
    return Flaw(message=message, remedy=remedy, evidence=evidence or {}, verdict=Verdict.FAIL, severity=severity)


def unknown(message: str, evidence: Mapping[str, str] | None = None, severity: Severity | None = None) -> Flaw:
    """A check whose result could not be determined."""
    return Flaw(message=message, remedy="", evidence=evidence or {}, verdict=Verdict.UNKNOWN, severity=severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check: its id and severity, how it is examined (None is a pass), and the checks that must pass before it."""

    id: str
    severity: Severity
    examine: Callable[[Observation], Flaw | None]
    needs: tuple[str, ...]


def check(check_id: str, severity: Severity, examine: Callable[[Observation], Flaw | None], *needs: str) -> Check:
    """A row of a table of checks."""
    return Check(id=check_id, severity=severity, examine=examine, needs=needs)


def run_checks(checks: tuple[Check, ...], facts: Observation) -> list[CheckResult]:
    """The result of every check, in order."""
    done: dict[str, CheckResult] = {}
    for one in checks:
        missing = next((need for need in one.needs if done[need].verdict is not Verdict.PASS), None)
        done[one.id] = _skipped(one, missing) if missing else _result(one, one.examine(facts))
    return list(done.values())


def _skipped(one: Check, missing: str) -> CheckResult:
    return CheckResult(id=one.id, severity=one.severity, verdict=Verdict.SKIPPED, evidence={"waitsFor": missing})


def _result(one: Check, flaw: Flaw | None) -> CheckResult:
    if flaw is None:
        return CheckResult(id=one.id, severity=one.severity, verdict=Verdict.PASS)
    return CheckResult(
        id=one.id,
        severity=flaw.severity or one.severity,
        verdict=flaw.verdict,
        message=flaw.message,
        remedy=flaw.remedy,
        evidence=flaw.evidence,
    )
