"""The main use case, step by step: an event on the bus, one tested connection in Adobe, its id in Parameter Store."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from local.aws.invocation import EventSource
from local.simulators.connections import shown
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, Stack
from local.timeline import Step, steps_of

REQUEST = {"sandbox": "dev", "name": "lakehouse", "databricksSecretId": SAMPLE_SECRET_ID, "displayName": "Lakehouse"}


@dataclass(frozen=True, slots=True)
class Run:
    """A delivery or a reconcile run: its log line or result, every call it made, and its duration."""

    log: dict[str, Any]
    steps: list[Step]
    took_ms: int


def demo(*, as_json: bool) -> int:
    """Run the main use case twice. Returns 0 if it ended as expected."""
    log = io.StringIO()
    stack = Stack()
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        stack.aws.client("ssm").get_parameters_by_path(Path="/")  # moto loads a service at its first call
        with contextlib.redirect_stdout(log):
            source = stack.event_source(stack.function())
            put(stack, REQUEST)
            first = worked(stack, source, log)
            time.sleep(1 - time.time() % 1)  # the later request wins, and EventBridge's times have whole seconds
            put(stack, REQUEST)
            second = worked(stack, source, log)
        if "connection_id" not in first.log:
            print(f"The request did not succeed: {first.log.get('code')}: {first.log.get('reason')}", file=sys.stderr)
            return 1
        connection_id = first.log["connection_id"]
        connections = [shown(item, masked=True) for item in stack.adobe.living("dev")]
        name, value = published(stack)
        if as_json:
            document = {
                "request": REQUEST,
                "runs": [asdict(first), asdict(second)],
                "connections": connections,
                "parameter": {"name": name, "value": value},
            }
            print(json.dumps(document, indent=2))
        else:
            _show(stack, first, second, connections, name, value)
    finally:
        stack.stop()
    outcomes = (first.log.get("outcome"), second.log.get("outcome"))
    good = outcomes == ("created", "unchanged") and [c["id"] for c in connections] == [value] == [connection_id]
    return 0 if good else 1


def put(stack: Stack, request: dict[str, str]) -> None:
    """Put a request on the event bus."""
    event = {
        "Source": "demo",
        "DetailType": "AEP Base Connection Requested",
        "Detail": json.dumps(request),
        "EventBusName": stack.bus_name,
    }
    stack.aws.client("events").put_events(Entries=[event])


def worked(stack: Stack, source: EventSource, log: io.StringIO) -> Run:
    """Let the function process the next message of the queue."""
    begin = log.tell()
    with steps_of(stack) as timeline:
        source.poll(wait_seconds=5)
    log.seek(begin)
    lines = [json.loads(line) for line in log.read().splitlines()]
    line: dict[str, Any] = next((line for line in lines if line.get("message") == "request processed"), {})
    return Run(line, timeline.steps, timeline.took_ms)


def published(stack: Stack) -> tuple[str, str]:
    """The name of the sample key's parameter, and the connection id in it."""
    name = f"{stack.environment['PARAMETER_PREFIX']}/dev/lakehouse/connection-id"
    return name, str(stack.aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def _show(stack: Stack, first: Run, second: Run, connections: list[dict[str, Any]], name: str, value: str) -> None:
    title("1", f"A request is put on the event bus {stack.bus_name} as 'AEP Base Connection Requested'")
    block(json.dumps(REQUEST, indent=2))
    title("2", "The function processes it from the queue")
    show_steps(first)
    title("3", "The connection as Adobe shows it")
    for item in connections:
        wanted = ("id", "name", "description", "sandboxName", "state", "connectionSpec", "auth", "etag")
        block(json.dumps({field: item[field] for field in wanted}, indent=2))
    title("4", "Its id as a consumer reads it")
    block(f"$ aws ssm get-parameter --name {name} --query Parameter.Value\n{json.dumps(value)}")
    title("5", "The same request is sent again")
    show_steps(second)
    print(f"\n{len(connections)} connection in Adobe after two requests, tested before its id was published.")
    print("Next: `make local` runs this stack for your own requests; docs/getting-started.md shows how to deploy.")


def show_steps(run: Run) -> None:
    """A delivery, call by call, and its outcome."""
    show_calls(run)
    log = run.log
    end = f" ({log['code']}: {log['reason']})" if "code" in log else ""
    print(f"   → {log.get('outcome', 'nothing')}{end} in {run.took_ms} ms")


def show_calls(run: Run) -> None:
    """The calls, each with its time."""
    for step in run.steps:
        print(f"   {step.at_ms:5} ms  {step.service:15}  {step.call:38}  {step.meaning}")


def title(number: str, text: str) -> None:
    """Print the title of a part."""
    print(f"\n{number}  {text}\n")


def block(text: str) -> None:
    """Print an indented text."""
    print("\n".join(f"   {line}" for line in text.splitlines()))
