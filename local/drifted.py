"""`demo --scenario drift`: people change things behind our back and rotate the token; the fleet is made right again."""

from __future__ import annotations

import contextlib
import io
import json
import time
from dataclasses import asdict
from typing import Any

from local.aws.account import ACCOUNT, REGION
from local.aws.invocation import Context, Handler
from local.demo import REQUEST, Run, block, published, put, show_steps, title, worked
from local.simulators.connections import patched
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, Stack
from local.timeline import steps_of

NEW_TOKEN = "dapifedcba9876543210fedcba9876543210"
SCHEDULED = {"detail-type": "Scheduled Event", "source": "aep.connections.schedule"}


def drift(*, as_json: bool) -> int:
    """Run the scenario; 0 if it ended as it should."""
    stack, log = Stack(parameters={"AdobeSettleSeconds": "0"}), io.StringIO()
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        name = stack.resources.attribute("ReconcileFunction", None)
        with contextlib.redirect_stdout(log):
            source, reconcile = stack.event_source(stack.function()), stack.function("reconcile")
            put(stack, REQUEST)
            made = worked(stack, source, log)
            changed = _change(stack)
            announced = _listen(stack)
            found = woken(stack, reconcile, SCHEDULED, log)
            (drifted,) = stack.aws.client("sqs").receive_message(QueueUrl=announced)["Messages"]
            mended = worked(stack, source, log)
            stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET | {"accessToken": NEW_TOKEN})
            told = stack.aws.asynchronous.take(name)
            followed = woken(stack, reconcile, told[-1], log)
            rotated = worked(stack, source, log)
            again = woken(stack, reconcile, SCHEDULED, log)
        (item,) = stack.adobe.living("dev")
        _, value = published(stack)
    finally:
        stack.stop()
    runs = {"created": made, "found": found, "mended": mended, "followed": followed, "rotated": rotated, "again": again}
    detail = json.loads(drifted["Body"])["detail"]
    if as_json:
        print(
            json.dumps(
                {"changed": changed, "drifted": detail, "runs": {of: asdict(run) for of, run in runs.items()}}, indent=2
            )
        )
    else:
        _show(runs, changed, detail, told[-1])
    right = item["id"] == value and item["auth"]["params"] == DATABRICKS_SECRET | {"accessToken": NEW_TOKEN}
    return 0 if right and (found.log.get("Drifted"), again.log.get("Drifted")) == (1, 0) else 1


def woken(stack: Stack, handler: Handler, event: Any, log: io.StringIO) -> Run:
    """Have the function that looks after the fleet hear an event."""
    with steps_of(stack) as steps:
        said = handler(event, Context(time.monotonic() + 900))
    log.seek(0, io.SEEK_END)
    return Run(dict(said), steps)


def _change(stack: Stack) -> str:
    """What people do: another database in Adobe, and the parameter deleted."""
    (item,) = stack.adobe.living("dev")
    record = stack.adobe.records[item["id"]]
    params = item["auth"]["params"] | {"database": "somebody_elses"}
    record.item = patched(item, [{"op": "replace", "path": "/auth/params", "value": params}], "somebody", time.time())
    name, _ = published(stack)
    stack.aws.client("ssm").delete_parameter(Name=name)
    return f"database → somebody_elses, and {name} deleted"


def _listen(stack: Stack) -> str:
    """The URL of a queue that gets what is announced of drift."""
    url = stack.aws.client("sqs").create_queue(QueueName="drifted")["QueueUrl"]
    events, rule = stack.aws.client("events"), {"EventBusName": stack.bus_name}
    events.put_rule(Name="drifted", EventPattern='{"detail-type": ["AEP Base Connection Drifted"]}', **rule)
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:drifted"
    events.put_targets(Rule="drifted", Targets=[{"Id": "drifted", "Arn": arn}], **rule)
    return str(url)


def _show(runs: dict[str, Run], changed: str, detail: dict[str, Any], told: dict[str, Any]) -> None:
    title("1", "A connection is made, tested and published")
    show_steps(runs["created"])
    title("2", f"Somebody changes it: {changed}")
    title("3", "The schedule looks through the fleet, and announces what it will do")
    _show_fleet(runs["found"])
    block(json.dumps({"detail-type": "AEP Base Connection Drifted", "detail": detail}, indent=2))
    title("4", "The recheck makes it right again")
    show_steps(runs["mended"])
    title("5", "The token is rotated; Secrets Manager tells")
    block(json.dumps(told["detail"]))
    _show_fleet(runs["followed"])
    show_steps(runs["rotated"])
    title("6", "The schedule comes again")
    _show_fleet(runs["again"])
    print("\nNothing is otherwise any more, and nobody was asked. docs/reconcile.md says what is looked at.")


def _show_fleet(run: Run) -> None:
    for step in run.steps:
        print(f"   {step.at_ms:5} ms  {step.service:15}  {step.call:34}  {step.meaning}")
    counts = ", ".join(f"{name} {value}" for name, value in run.log.items() if isinstance(value, int) and value)
    print(f"   → {counts}")
