"""Measures the real function reconciling a whole fleet: without drift, then with drift that is repaired."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

import requests

from bench.population import SANDBOXES, Population
from bench.processes import run
from bench.shortcuts import reading
from local.aws.account import Aws
from local.aws.lambda_api import Wsgi
from local.aws.process import Environments
from local.simulators.faults import Fault
from local.simulators.simulator import Call
from local.stack import Stack

SIZES = {100: 5, 1_000: 50, 10_000: 500}
"""Number of connections, and how many of them will drift."""
ADOBE_MS = 100.0
ROUNDS = 1
PAGE = 100
POLL_SECONDS = 0.5
LONGEST_SECONDS = 900.0


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Run each invocation in a fresh process; the simulators and moto run in this one."""
    return {"adobeMs": ADOBE_MS, "sandboxes": SANDBOXES, "rounds": ROUNDS, "sizes": [_size(n, say) for n in SIZES]}


def _size(size: int, say: Callable[[str], None]) -> dict[str, Any]:
    with open(os.devnull, "w") as nowhere, _stack() as stack:
        concurrency = int(stack.event_source(_not_invoked).mapping["ScalingConfig"]["MaximumConcurrency"])
        stack.aws.app = reading(stack.aws.app)
        provision = stack.environments("provision", nowhere, concurrency)
        population = Population(stack, size)
        population.fill(provision)
        calls = Calls(stack)
        say(f"{size:,} connections created")
        for simulator in (stack.adobe, stack.ims):
            simulator.faults.add(Fault(times=0, delay=ADOBE_MS / 1000))
        clean = [_reconcile(stack, calls) for _ in range(ROUNDS)]
        if any(one["result"]["Drifted"] or one["result"].get("FailedSandboxes") for one in clean):
            raise RuntimeError(f"The function reports drift in a fleet without drift: {clean}")
        expected = 1 + pages(size)  # a token, and the pages
        found = {
            "connections": size,
            "concurrency": concurrency,
            "expectedAdobeCalls": expected,
            "clean": _summary(clean),
        }
        say(f"without drift: {found['clean']}")
        found["repaired"] = _repaired(stack, calls, population, SIZES[size], provision, concurrency)
        say(f"repaired: {found['repaired']}")
        return found


def pages(connections: int) -> int:
    """The number of pages in which Adobe lists this number of connections, spread over the sandboxes."""
    return sum(math.ceil(len(range(number, connections, SANDBOXES)) / PAGE) for number in range(SANDBOXES))


def most_at_once(calls: Iterable[Call]) -> int:
    """The largest number of calls that were being processed at the same time."""
    changes = sorted(change for call in calls for change in ((call.at, 1), (call.at + call.seconds, -1)))
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


class Calls:
    """Counts the calls to a stack since the last `start`."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._aws = stack, list[tuple[str, float]]()
        stack.aws.app = self._counting(stack.aws.app)
        self.start()

    def start(self) -> None:
        """Forget all earlier calls."""
        self._aws.clear()
        for simulator in (self._stack.adobe, self._stack.ims):
            simulator.calls.clear()

    def adobe(self) -> list[Call]:
        """The calls to Adobe: to IMS and to Flow Service."""
        return [*self._stack.adobe.calls, *self._stack.ims.calls]

    def aws(self) -> Counter[str]:
        """The number of calls to AWS, by operation."""
        return Counter(operation for operation, _ in self._aws)

    def aws_seconds(self) -> float:
        """The seconds that moto took for them."""
        return sum(seconds for _, seconds in self._aws)

    def _counting(self, inner: Wsgi) -> Wsgi:
        def app(environ: dict[str, Any], start_response: Any) -> Any:
            began = time.perf_counter()
            response = list(inner(environ, start_response))
            operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or environ["PATH_INFO"]
            self._aws.append((operation, time.perf_counter() - began))
            return response

        return app


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """A summary of rounds that made the same calls."""
    return {
        "ended": all(one["result"]["ended"] for one in rounds),
        "seconds": median(one["seconds"] for one in rounds),
        "peakMib": max(one["peakKib"] for one in rounds) / 1024,
        "idlePeakMib": max(one["idlePeakKib"] for one in rounds) / 1024,
        "adobeCalls": max(one["adobeCalls"] for one in rounds),
        "adobeSeconds": median(one["adobeSeconds"] for one in rounds),
        "awsCalls": rounds[0]["awsCalls"],
        "awsSeconds": median(one["awsSeconds"] for one in rounds),
    }


def _reconcile(stack: Stack, calls: Calls, changes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Invoke the function once in a fresh process, as the schedule does. Raises RuntimeError if it failed."""
    variables = stack.variables("ReconcileFunction") | stack.aws.environment() | dict(changes or {})
    variables |= {"AWS_LAMBDA_FUNCTION_NAME": stack.resources.attribute("ReconcileFunction", None), "NO_PROXY": "*"}
    calls.start()
    ran = run([sys.executable, "-m", "bench.reconciler", "{}"], variables)
    if not ran.succeeded:
        raise RuntimeError(f"bench.reconciler failed: {ran.output}")
    found: dict[str, Any] = json.loads(ran.output)
    adobe = calls.adobe()
    seen = {"adobeCalls": len(adobe), "adobeSeconds": sum(call.seconds for call in adobe)}
    return found | seen | {"awsCalls": dict(sorted(calls.aws().items())), "awsSeconds": calls.aws_seconds()}


def _repaired(
    stack: Stack, calls: Calls, population: Population, count: int, provision: Environments, concurrency: int
) -> dict[str, Any]:
    """Damage some connections, reconcile while the queue is processed until it is empty, then reconcile again."""
    kinds = population.damage(count)
    before = population.wrong()
    if before.total() < count:
        raise RuntimeError(f"Only {before} of {count} damages are visible.")
    began = time.perf_counter()
    with _working(stack, provision, concurrency) as delivered:
        found = _reconcile(stack, calls)
        while (left := _left(stack)) and time.perf_counter() - began < LONGEST_SECONDS:
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
    if left:
        raise RuntimeError(f"{left} rechecks are not done after {seconds:.0f} s.")
    adobe = calls.adobe()
    again = _reconcile(stack, calls, {"ADOBE_SETTLE_SECONDS": "0"})  # else recent repairs would not be compared
    result = found["result"]
    return {
        "kinds": dict(kinds),
        "drifted": result["Drifted"],
        "rechecks": result["Rechecks"],
        "deliveries": len(delivered),
        "reconcileSeconds": found["seconds"],
        "seconds": seconds,
        "adobeCalls": len(adobe),
        "mostAtOnce": most_at_once(adobe),
        "driftedAfter": again["result"]["Drifted"],
        "wrongAfter": population.wrong().total(),
    }


@contextmanager
def _working(stack: Stack, provision: Environments, concurrency: int) -> Iterator[list[float]]:
    """Process the queue in `concurrency` environments. Yields when each delivery ended (seconds since 1970)."""
    delivered: list[float] = []
    ending = threading.Event()

    def work() -> None:
        source = stack.event_source(provision)
        while not ending.is_set():
            if source.poll():
                delivered.append(time.time())
            else:
                ending.wait(POLL_SECONDS)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    try:
        yield delivered
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def _left(stack: Stack) -> int:
    """The number of messages in the request queue, visible or not."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    sqs = stack.aws.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


@contextmanager
def _stack() -> Iterator[Stack]:
    """A new stack, in a moto that holds nothing else."""
    aws = Aws()
    requests.post(f"{aws.url}/moto-api/reset", timeout=30)
    stack = Stack("bench", aws=aws)
    try:
        yield stack
    finally:
        stack.stop()
        aws.stop()


def _not_invoked(_event: Any, _context: Any) -> Any:
    raise AssertionError("Nothing invokes this: only the mapping of the event source is read.")
