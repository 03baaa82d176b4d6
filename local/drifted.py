"""`demo --scenario drift`: a person changes a connection and rotates the token; the reconcile runs repair both."""

from __future__ import annotations

import contextlib
import io
import json
import time
from dataclasses import asdict
from typing import Any

from local.aws.invocation import Context, Handler
from local.demo import REQUEST, Run, block, published, put, show_calls, show_steps, title, worked
from local.log_lines import rechecks_sent, reconciled
from local.outcomes import Outcomes
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, Stack
from local.timeline import RECONCILE, steps_of

NEW_TOKEN = "dapifedcba9876543210fedcba9876543210"
SCHEDULED = {"detail-type": "Scheduled Event", "source": "aep.connections.schedule"}


def drift(*, as_json: bool) -> int:
    """Run the scenario. Returns 0 if it ended as expected."""
    stack, log = Stack(parameters={"AdobeSettleSeconds": "0"}), io.StringIO()
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        name = stack.resources.attribute("ReconcileFunction", None)
        with contextlib.redirect_stdout(log):
            source, reconcile = stack.event_source(stack.function()), stack.function("reconcile")
            put(stack, REQUEST)
            made = worked(stack, source, log)
            changed = _change(stack)
            announced = Outcomes(stack, "AEP Base Connection Drifted")
            found = woken(stack, reconcile, SCHEDULED, log)
            (drifted,) = announced.take()
            repaired = worked(stack, source, log)
            stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET | {"accessToken": NEW_TOKEN})
            events = stack.aws.asynchronous.take(name)
            followed = woken(stack, reconcile, events[-1], log)
            rotated = worked(stack, source, log)
            again = woken(stack, reconcile, SCHEDULED, log)
        (item,) = stack.adobe.living("dev")
        _, value = published(stack)
    finally:
        stack.stop()
    runs = {"created": made, "found": found, "repaired": repaired}
    runs |= {"followed": followed, "rotated": rotated, "again": again}
    detail = drifted["detail"]
    if as_json:
        shown = {name: asdict(run) for name, run in runs.items()}
        print(json.dumps({"changed": changed, "drifted": detail, "runs": shown}, indent=2))
    else:
        _show(runs, changed, detail, events[-1])
    right = item["id"] == value and item["auth"]["params"] == DATABRICKS_SECRET | {"accessToken": NEW_TOKEN}
    return 0 if right and (found.log.get("Drifted"), again.log.get("Drifted")) == (1, 0) else 1


def woken(stack: Stack, handler: Handler, event: Any, log: io.StringIO) -> Run:
    """Invoke the reconcile function with an event."""
    with steps_of(stack, RECONCILE) as timeline:
        result = handler(event, Context(time.monotonic() + 900))
    log.seek(0, io.SEEK_END)
    return Run(dict(result), timeline.steps, timeline.took_ms)


def _change(stack: Stack) -> str:
    """What a person does: sets another database in Adobe's UI, and deletes the parameter."""
    (item,) = stack.adobe.living("dev")
    stack.adobe.change(item["id"], {"params": {"database": "other_db"}})
    name, _ = published(stack)
    stack.aws.client("ssm").delete_parameter(Name=name)
    return f"database → other_db in Adobe, and {name} deleted"


def _show(runs: dict[str, Run], changed: str, detail: dict[str, Any], event: dict[str, Any]) -> None:
    title("1", "A connection is created, tested and published")
    show_steps(runs["created"])
    title("2", f"A person changes it: {changed}")
    title("3", "The next reconcile run finds the drift, announces it and sends a recheck")
    _show_run(runs["found"])
    print()
    block(json.dumps({"detail-type": "AEP Base Connection Drifted", "detail": detail}, indent=2))
    title("4", "The recheck repairs the connection")
    show_steps(runs["repaired"])
    title("5", "The token is rotated; an event of Secrets Manager reports the new version")
    block(json.dumps(event["detail"]))
    print()
    _show_run(runs["followed"])
    print()
    show_steps(runs["rotated"])
    title("6", "The reconcile run after that finds no drift")
    _show_run(runs["again"])
    print("\nThe connection has its requested state again. No person had to act. More: docs/explanation/reconcile.md.")


def _show_run(run: Run) -> None:
    show_calls(run)
    end = reconciled(run.log) if "Drifted" in run.log else rechecks_sent(run.log)
    print(f"   → {end[:-1]} (in {run.took_ms} ms).")
