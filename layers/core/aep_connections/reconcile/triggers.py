"""What invokes `reconcile`: a schedule, a new secret version, a failed run of a dataflow, or `reconcile` itself."""

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

CONTINUE = "reconcile"
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


def work_of(event: Any, checks: int) -> Run | SecretRotated | FlowRunFailed:
    """The work that an event starts. `checks` is how many rechecks a new run may send.

    Raises:
        InvalidRequest: the event is not recognized.
    """
    if not isinstance(event, dict):
        raise _unknown("the event", "must be a JSON object")
    if CONTINUE in event:
        return _continued(event[CONTINUE])
    detail_type = event.get("detail-type")
    if detail_type in (None, "Scheduled Event"):
        if detail_type is None and event:
            raise _unknown("the event", "must be empty, or an event of EventBridge")
        return Run(checks=checks)
    if detail_type == "Secret Label Updated":
        return _secret_rotated(event.get("detail"))
    return _flow_run_failed(event)


def on_secret_rotated(rotated: SecretRotated, registry: Registry, queue: Queue) -> list[Recheck]:
    """Send rechecks for every key of a secret; they apply its newest version. Raises Throttled, Unavailable."""
    rechecks = [Recheck(key, Reason.SECRET) for key in registry.keys_of_secret(rotated.secret_id)]
    queue.recheck(*rechecks)
    return rechecks


def on_flow_run_failed(failed: FlowRunFailed, adobe: Adobe, registry: Registry, queue: Queue) -> list[Recheck]:
    """Send a recheck for each key whose connection a failed dataflow reads from.

    Raises:
        ConnectionFailure: Adobe or AWS refused or did not reply. Some rechecks may have been sent.
    """
    entries = [entry for entry in registry.in_sandbox(failed.sandbox) if entry.status is not Status.RETIRED]
    if not entries:
        return []
    read_from = adobe.open(failed.sandbox).connections_of(failed.flow_id)
    rechecks = [Recheck(entry.key, Reason.FLOW_RUN) for entry in entries if entry.connection_id in read_from]
    queue.recheck(*rechecks)
    return rechecks


def _continued(document: Any) -> Run:
    try:
        return Run.from_document(document)
    except (KeyError, TypeError, ValueError):
        raise _unknown(CONTINUE, "must be the state that an earlier invocation left") from None


def _secret_rotated(detail: Any) -> SecretRotated:
    """Source: AWS, "Secret Label Updated", an event of Secrets Manager."""
    name = detail.get("name") if isinstance(detail, dict) else None
    if not isinstance(name, str) or not name:
        raise _unknown("detail.name", "must be the secret's name")
    arn = _SECRET_ARN.fullmatch(name)
    return SecretRotated(arn[1] if arn else name)


def _flow_run_failed(event: dict[str, Any]) -> FlowRunFailed:
    """Source: Adobe, "Subscribe to Flow Run Event Notifications". Adobe wraps the run in one of two ways."""
    for run in _objects(event.get("detail"), MAX_DEPTH):
        sandbox, _ = readable_key({"sandbox": run.get("sandboxName"), "name": "any"})
        if sandbox and usable_id(run.get("flowId")):
            return FlowRunFailed(sandbox, run["flowId"])
    raise _unknown("detail", "must contain a flow run with flowId and sandboxName")


def _objects(document: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Every object in the document, outer ones first."""
    if isinstance(document, dict):
        yield document
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for one in inner if depth else ():
        yield from _objects(one, depth - 1)


def _unknown(field: str, rule: str) -> InvalidRequest:
    return InvalidRequest(
        "Unrecognized event.",
        remedy="Invoke the function with {}, or with an event like those in events/reconcile-*.json.",
        faults=[Fault(field, rule)],
    )
