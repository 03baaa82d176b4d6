"""What wakes the function that reconciles: a schedule, a new version of a secret, a dataflow that failed, or itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aep_connections.contract.request import readable_key
from aep_connections.domain.delivery import Reason, Recheck
from aep_connections.domain.errors import Fault, InvalidRequest
from aep_connections.domain.model import Status, usable_id
from aep_connections.domain.ports import Adobe, Queue, Registry
from aep_connections.reconcile.run import Run

GO_ON = "reconcile"
MAX_DEPTH = 8
_SECRET_ARN = re.compile(r"arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)-[A-Za-z0-9]{6}")


@dataclass(frozen=True, slots=True)
class SecretRotated:
    """A secret has a new current version."""

    secret_id: str


@dataclass(frozen=True, slots=True)
class FlowRunFailed:
    """A run of a dataflow failed."""

    sandbox: str
    flow_id: str


def woken_by(event: Any, checks: int) -> Run | SecretRotated | FlowRunFailed:
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
        return Run(checks=checks)
    if detail_type == "Secret Label Updated":
        return _secret_rotated(event.get("detail"))
    return _flow_run_failed(event)


def on_secret_rotated(rotated: SecretRotated, registry: Registry, queue: Queue) -> list[Recheck]:
    """Have every key of a secret rechecked, which brings it to the newest version. Raises Throttled, Unavailable."""
    rechecks = [Recheck(key, Reason.SECRET) for key in registry.keys_of_secret(rotated.secret_id)]
    queue.recheck(*rechecks)
    return rechecks


def on_flow_run_failed(failed: FlowRunFailed, adobe: Adobe, registry: Registry, queue: Queue) -> list[Recheck]:
    """Have the keys rechecked whose connections a failed dataflow reads from.

    Raises:
        ConnectionFailure: Adobe or AWS does not say which they are.
    """
    entries = [entry for entry in registry.in_sandbox(failed.sandbox) if entry.status is not Status.RETIRED]
    if not entries:
        return []
    read_from = adobe.open(failed.sandbox).connections_of(failed.flow_id)
    rechecks = [Recheck(entry.key, Reason.FLOW_RUN) for entry in entries if entry.connection_id in read_from]
    queue.recheck(*rechecks)
    return rechecks


def _gone_on(document: Any) -> Run:
    try:
        return Run.from_document(document)
    except (KeyError, TypeError, ValueError):
        raise _unknown(GO_ON, "must be what an earlier invocation left") from None


def _secret_rotated(detail: Any) -> SecretRotated:
    """Source: AWS, "Secret Label Updated", an event of Secrets Manager."""
    name = detail.get("name") if isinstance(detail, dict) else None
    if not isinstance(name, str) or not name:
        raise _unknown("detail.name", "must be the secret's name")
    arn = _SECRET_ARN.fullmatch(name)
    return SecretRotated(arn[1] if arn else name)


def _flow_run_failed(event: dict[str, Any]) -> FlowRunFailed:
    """Source: Adobe, "Subscribe to Flow Run Event Notifications"; the run is wrapped in two ways."""
    for run in _objects(event.get("detail"), MAX_DEPTH):
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
