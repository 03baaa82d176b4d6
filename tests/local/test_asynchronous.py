"""Asynchronous invocations: by a rule of a bus, and by the queue that a running stack processes."""

from __future__ import annotations

import json
import queue
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws.account import Aws, Resources
from local.aws.asynchronous import Invoker, deliver
from tests.support.rules import rule_to_function

PATTERN = {"source": ["tests"]}


@pytest.fixture
def function(aws: Aws) -> Iterator[str]:
    """A function name that no other test uses."""
    name = f"f{uuid.uuid4().hex}"
    yield name
    aws.functions.pop(name, None)


def send(resources: Resources, bus: str, source: str = "tests") -> None:
    entry = {"Source": source, "DetailType": "Something", "Detail": '{"n": 1}', "EventBusName": bus}
    assert resources.aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def arrived(resources: Resources) -> list[Any]:
    return resources.aws.asynchronous.take(resources.attribute("Worker", None))


def test_a_rule_of_a_bus_invokes_its_function_with_the_whole_event(aws: Aws, tmp_path: Path) -> None:
    resources = rule_to_function(aws, tmp_path, PATTERN, EventBusName={"Ref": "Bus"})

    for source in ("others", "tests"):
        send(resources, resources.attribute("Bus", None), source)

    (event,) = arrived(resources)
    assert (event["source"], event["detail-type"], event["detail"]) == ("tests", "Something", {"n": 1})
    assert event["id"]
    assert arrived(resources) == []


@pytest.mark.parametrize("named", [{}, {"EventBusName": "default"}], ids=["without-a-bus", "default-bus"])
def test_a_rule_of_the_default_bus_is_removed_with_its_stack(aws: Aws, tmp_path: Path, named: dict[str, str]) -> None:
    resources = rule_to_function(aws, tmp_path, PATTERN, **named)

    send(resources, "default")
    resources.leave_the_default_bus()
    send(resources, "default")

    assert len(arrived(resources)) == 1
    assert resources.attribute("Rule", None) not in str(aws.client("events").list_rules())


def test_a_rule_that_is_disabled_invokes_nothing(aws: Aws, tmp_path: Path) -> None:
    resources = rule_to_function(aws, tmp_path, PATTERN, EventBusName={"Ref": "Bus"}, State="DISABLED")

    send(resources, resources.attribute("Bus", None))

    assert arrived(resources) == []


@pytest.mark.parametrize(("failures", "attempts", "good"), [(0, 1, True), (1, 2, True), (2, 3, True), (3, 3, False)])
def test_a_function_that_fails_is_retried_twice(failures: int, attempts: int, good: bool) -> None:
    tried: list[Any] = []

    def fails(event: Any, context: Any) -> None:
        tried.append(event)
        if len(tried) <= failures:
            raise LookupError

    assert deliver(fails, {"n": 1}) is good
    assert tried == [{"n": 1}] * attempts


def test_queued_events_are_processed_until_the_invoker_stops(aws: Aws, function: str) -> None:
    worked = queue.Queue[Any]()
    invoker = Invoker(aws.asynchronous, [function], aws.functions)
    aws.asynchronous.put(function, 1)
    invoker.start()

    aws.functions[function] = lambda event, context: worked.put(event)
    aws.asynchronous.put(function, 2)

    assert {worked.get(timeout=20), worked.get(timeout=20)} == {1, 2}
    invoker.stop()
    aws.asynchronous.put(function, 3)
    assert aws.asynchronous.take(function) == [3]


def test_a_function_may_invoke_itself_again(aws: Aws, function: str) -> None:
    worked = queue.Queue[Any]()
    invoker = Invoker(aws.asynchronous, [function], aws.functions)

    def again(event: Any, context: Any) -> None:
        if event < 3:
            aws.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event + 1))
        worked.put(event)

    aws.functions[function] = again
    aws.asynchronous.put(function, 1)
    invoker.start()

    assert {worked.get(timeout=20) for _ in range(3)} == {1, 2, 3}
    invoker.stop()
