"""`demo --scenario cluster-terminated`: a request on a stopped cluster, from its start to the published id.

The minutes that a start takes are skipped: the simulators' clock is put forward, and the message is shown at once.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
from dataclasses import asdict
from typing import Any

from local.demo import REQUEST, Run, block, published, put, show_steps, title, worked
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, Stack

CLUSTER = DATABRICKS_SECRET["clusterId"]
MOST_DELIVERIES = 10


def cluster_terminated(*, as_json: bool) -> int:
    """Run the scenario; 0 if it ended as it should."""
    request, skipped = REQUEST | {"readiness": "start"}, [0.0]
    stack, log = Stack(now=lambda: time.time() + skipped[0]), io.StringIO()
    runs: list[dict[str, Any]] = []
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        stack.aws.client("ssm").get_parameters_by_path(Path="/")  # moto loads a service when it is first called
        stack.databricks.settings.clusters = {CLUSTER: "TERMINATED"}
        with contextlib.redirect_stdout(log):
            source = stack.event_source(stack.function())
            put(stack, request)
        if not as_json:
            title("1", f"Cluster {CLUSTER} is TERMINATED; a request may start it")
            block(json.dumps(request, indent=2))
        for number in range(MOST_DELIVERIES):
            with contextlib.redirect_stdout(log):
                run = worked(stack, source, log)
            runs.append(asdict(run) | {"skippedSeconds": skipped[0], "registry": _item(stack)})
            if not as_json:
                _show(number, run, skipped[0], _item(stack))
            if not source.undone:
                break
            skipped[0] += _hidden(run)
            for handle in source.undone:
                stack.aws.client("sqs").change_message_visibility(
                    QueueUrl=stack.queue_url, ReceiptHandle=handle, VisibilityTimeout=0
                )
        if runs[-1]["log"].get("outcome") != "created":
            print(f"The request did not end well: {runs[-1]['log'].get('reason')}", file=sys.stderr)
            return 1
        name, value = published(stack)
        if as_json:
            print(json.dumps({"request": request, "runs": runs, "parameter": {"name": name, "value": value}}, indent=2))
        else:
            print(
                f"\nPublished: {name} = {value}, {round(skipped[0])} s after it was asked for; nobody slept meanwhile."
            )
    finally:
        stack.stop()
    return 0


def _show(number: int, run: Run, skipped: float, item: dict[str, Any]) -> None:
    later = f"{round(skipped)} s later (skipped here)" if number else "The first delivery"
    title(str(number + 2), f"{later}: Databricks is looked at before Adobe is asked")
    show_steps(run)
    if "wait" in item:
        print(
            f"   The registry says {item['status']}: for {item['wait']['for']}, until {item['wait']['until']} at most."
        )


def _item(stack: Stack) -> dict[str, Any]:
    """What the registry says of the key, as far as it is shown."""
    key = {"sandbox": {"S": REQUEST["sandbox"]}, "name": {"S": REQUEST["name"]}}
    item = stack.aws.client("dynamodb").get_item(TableName=stack.environment["REGISTRY_TABLE"], Key=key)["Item"]
    shown: dict[str, Any] = {"status": item["status"]["S"]}
    if "wait" in item:
        wait = item["wait"]["M"]
        until = time.strftime("%H:%M:%S", time.localtime(float(wait["until"]["N"])))
        shown["wait"] = {"for": wait["for"]["S"], "until": until}
    return shown


def _hidden(run: Run) -> int:
    """For how long the delivery hid its message."""
    said = [re.search(r"hidden for (\d+) s", step.meaning) for step in run.steps]
    return int([found for found in said if found][-1][1])
