"""What was seen of a workspace, and how a check is made of it: one row for each, in an order that is its story.

A check that needs another one which did not pass is skipped. What could not be seen is `unknown`, never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_connections.domain.readiness import Check, Finding, Severity
from aep_connections.sources.databricks.replies import Said


@dataclass(frozen=True, slots=True)
class Seen:
    """The answers to everything that was asked, and what is known without asking.

    `token_form` says what is odd about the token's form, never a part of it; `now` is in seconds since 1970.
    """

    params: Mapping[str, str]
    workspace_id: str
    token_form: str
    now: float
    answers: Mapping[str, Said]

    def answer(self, name: str) -> Said:
        return self.answers[name]

    @property
    def me(self) -> Mapping[str, Any]:
        """Who the token belongs to."""
        return self.answer("me").document

    @property
    def cluster(self) -> Mapping[str, Any]:
        """The cluster as Databricks describes it."""
        return self.answer("cluster").document

    @property
    def cluster_id(self) -> str:
        return self.params["clusterId"]


@dataclass(frozen=True, slots=True)
class Found:
    """How a check came out otherwise than well; `severity` if this time it weighs otherwise than its row says."""

    message: str
    remedy: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    finding: Finding = Finding.FAIL
    severity: Severity | None = None


def unknown(message: str, evidence: Mapping[str, str] | None = None, severity: Severity | None = None) -> Found:
    """A check of which nothing is known."""
    return Found(message, evidence=evidence or {}, finding=Finding.UNKNOWN, severity=severity)


@dataclass(frozen=True, slots=True)
class Row:
    """A check: what it needs, and how it is looked at; None is a pass."""

    id: str
    severity: Severity
    look: Callable[[Seen], Found | None]
    needs: tuple[str, ...] = ()


def checked(rows: tuple[Row, ...], seen: Seen) -> list[Check]:
    """Every row's check, in order."""
    done: dict[str, Check] = {}
    for row in rows:
        missing = next((need for need in row.needs if done[need].finding is not Finding.PASS), None)
        if missing:
            done[row.id] = Check(row.id, row.severity, Finding.SKIPPED, evidence={"waitsFor": missing})
            continue
        found = row.look(seen)
        if found is None:
            done[row.id] = Check(row.id, row.severity, Finding.PASS)
        else:
            severity = found.severity or row.severity
            done[row.id] = Check(row.id, severity, found.finding, found.message, found.remedy, found.evidence)
    return list(done.values())
