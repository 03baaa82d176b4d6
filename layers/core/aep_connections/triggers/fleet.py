"""What wakes the function that reconciles: a schedule, a new version of a secret, a dataflow that failed, or itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.errors import Fault, InvalidRequest
from aep_connections.domain.model import usable_id
from aep_connections.use_cases.reconcile import Run
from aep_connections.use_cases.request import readable_key

GO_ON = "reconcile"
FLOW_RUN_FAILED = "sources_flow_run_fail"
"""How the event codes begin: Adobe writes `…_failure` in prose and `…_failed` in what it sends."""
DEEPEST = 8
_SECRET_ARN = re.compile(r"arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)-[A-Za-z0-9]{6}")


@dataclass(frozen=True, slots=True)
class SecretChanged:
    """A secret has a new current version."""

    secret_id: str


@dataclass(frozen=True, slots=True)
class FlowRunFailed:
    """A run of a dataflow failed."""

    sandbox: str
    flow_id: str


def woken_by(event: Any, checks: int) -> Run | SecretChanged | FlowRunFailed:
    """What an event asks for; `checks` is what a new run may send.

    Raises:
        InvalidRequest: it is none of ours.
    """
    if not isinstance(event, dict):
        raise _unknown("the event", "must be a JSON object")
    if GO_ON in event:
        return _gone_on(event[GO_ON])
    detail_type = event.get("detail-type")
    if detail_type in (None, "Scheduled Event"):
        if detail_type is None and event:
            raise _unknown("the event", "must be empty, or one of EventBridge")
        return Run(checks)
    if detail_type == "Secret Label Updated":
        return _secret_changed(event.get("detail"))
    return _flow_run_failed(event)


def _gone_on(document: Any) -> Run:
    try:
        return Run.read(document)
    except (KeyError, TypeError, ValueError):
        raise _unknown(GO_ON, "must be what an earlier invocation left") from None


def _secret_changed(detail: Any) -> SecretChanged:
    """Source: AWS, "Secret Label Updated", an event of Secrets Manager."""
    name = detail.get("name") if isinstance(detail, dict) else None
    if not isinstance(name, str) or not name:
        raise _unknown("detail.name", "must be the secret's name")
    arn = _SECRET_ARN.fullmatch(name)
    return SecretChanged(arn[1] if arn else name)


def _flow_run_failed(event: dict[str, Any]) -> FlowRunFailed:
    """Source: Adobe, "Subscribe to Flow Run Event Notifications"; the run is wrapped in two ways."""
    for run in _objects(event.get("detail"), DEEPEST):
        sandbox, _ = readable_key({"sandbox": run.get("sandboxName"), "name": "any"})
        if sandbox and usable_id(run.get("flowId")):
            return FlowRunFailed(sandbox, run["flowId"])
    raise _unknown("detail", "must hold a flow run, with flowId and sandboxName")


def _objects(document: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Every object inside, the outer ones first."""
    if isinstance(document, dict):
        yield document
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for one in inner if depth else ():
        yield from _objects(one, depth - 1)


def _unknown(field: str, rule: str) -> InvalidRequest:
    return InvalidRequest(
        "This function takes no such event.",
        remedy="Invoke it with {}, or with an event as in events/reconcile-*.json.",
        faults=[Fault(field, rule)],
    )
