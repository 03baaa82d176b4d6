"""`demo --scenario cluster-terminated`: a request for a stopped cluster, until the connection id is published.

The minutes of the start are skipped: the simulators' clock is set forward, and the message is made visible at once.
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
    """Run the scenario. Returns 0 if it ended as expected."""
    request, skipped = REQUEST | {"readiness": "start"}, [0.0]
    stack, log = Stack(now=lambda: time.time() + skipped[0]), io.StringIO()
    runs: list[dict[str, Any]] = []
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        stack.aws.client("ssm").get_parameters_by_path(Path="/")  # moto loads a service at its first call
        stack.databricks.settings.clusters = {CLUSTER: "TERMINATED"}
        with contextlib.redirect_stdout(log):
            source = stack.event_source(stack.function())
            put(stack, request)
        if not as_json:
            title("1", f"Cluster {CLUSTER} is TERMINATED; this request may start it (readiness: start)")
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
            print(f"The request did not succeed: {runs[-1]['log'].get('reason')}", file=sys.stderr)
            return 1
        name, value = published(stack)
        if as_json:
            print(json.dumps({"request": request, "runs": runs, "parameter": {"name": name, "value": value}}, indent=2))
        else:
            waited = f"{round(skipped[0])} s after the request. No function ran while the cluster was starting."
            print(f"\nPublished: {name} = {value}, {waited}")
    finally:
        stack.stop()
    return 0


def _show(number: int, run: Run, skipped: float, item: dict[str, Any]) -> None:
    later = f"{round(skipped)} s later (skipped here)" if number else "The first delivery"
    title(str(number + 2), f"{later}: the function checks Databricks before it calls Adobe")
    show_steps(run)
    if "wait" in item:
        wait = item["wait"]
        print(f"   Registry status: {item['status']}, for {wait['for']}, until {wait['until']} at the latest.")


def _item(stack: Stack) -> dict[str, Any]:
    """The registry's status of the key, and its wait."""
    key = {"sandbox": {"S": REQUEST["sandbox"]}, "name": {"S": REQUEST["name"]}}
    item = stack.aws.client("dynamodb").get_item(TableName=stack.environment["REGISTRY_TABLE"], Key=key)["Item"]
    shown: dict[str, Any] = {"status": item["status"]["S"]}
    if "wait" in item:
        wait = item["wait"]["M"]
        until = time.strftime("%H:%M:%S", time.localtime(float(wait["until"]["N"])))
        shown["wait"] = {"for": wait["for"]["S"], "until": until}
    return shown


def _hidden(run: Run) -> int:
    """The seconds for which the delivery hid its message."""
    found = [re.search(r"hides the message for (\d+) s", step.meaning) for step in run.steps]
    return int([match for match in found if match][-1][1])
