"""Runs the real service in a separate process, to measure it alone: `python -m bench.service MODE JSON`.

Prints the measurements as one JSON line; the log of the function is discarded. Apart from the standard library and a
context, it imports nothing that the deployed function does not have.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aep_connections.provision.service import ProvisionService, build
from bench import SECRET_ID
from bench.memory import peak_kib
from local.aws.invocation import Context

TIMEOUT_SECONDS = 180.0
NOTHING: Mapping[str, str] = {}
MOST_DELIVERIES = 20


def warm(repetitions: int) -> list[dict[str, Any]]:
    """Time creates, creates without readiness checks, and unchanged requests, `repetitions` times each, when warm."""
    service = build()
    for name in ("warm-up-1", "warm-up-2"):
        _deliver(service, name)
        _deliver(service, name)
    timed = []
    for number in range(repetitions):
        for scenario, name, changes in (
            ("created", f"warm-{number}", {}),
            ("created, readiness off", f"unchecked-{number}", {"readiness": "off"}),
            ("unchanged", f"warm-{number}", {}),
        ):
            began, clock = time.time(), time.perf_counter()
            done = _deliver(service, name, changes)
            timed.append({"scenario": scenario, "seconds": time.perf_counter() - clock, "began": began, "done": done})
            timed[-1]["ended"] = time.time()
    return timed


def load(requests: int, concurrency: int) -> dict[str, Any]:
    """Process distinct requests, each thread with its own service. Returns the seconds and the peak memory."""
    services = [build() for _ in range(concurrency)]
    before = peak_kib()

    def work(worker: int) -> int:
        return sum(_deliver(services[worker], f"load-{number}") for number in range(worker, requests, concurrency))

    began = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        done = sum(pool.map(work, range(concurrency)))
    return {
        "done": done,
        "seconds": time.perf_counter() - began,
        "idlePeakKib": before,
        "peakKib": peak_kib(),
    }


def once(name: str) -> dict[str, Any]:
    """Deliver one message until it is done, as the queue would, but without pauses."""
    service = build()
    message_id = str(uuid.uuid4())
    for count in range(1, MOST_DELIVERIES + 1):
        if _deliver(service, name, {}, message_id, count):
            return {"deliveries": count}
    raise RuntimeError(f"not done after {MOST_DELIVERIES} deliveries")


def _deliver(
    service: ProvisionService,
    name: str,
    changes: Mapping[str, str] = NOTHING,
    message_id: str | None = None,
    count: int = 1,
) -> bool:
    """Deliver a message as the queue does. Returns whether it is done."""
    now = str(round(time.time() * 1000))
    record = {
        "messageId": message_id or str(uuid.uuid4()),
        "receiptHandle": "handle",
        "body": json.dumps({"name": name, "sandbox": "dev", "databricksSecretId": SECRET_ID, **changes}),
        "attributes": {
            "ApproximateReceiveCount": str(count),
            "SentTimestamp": now,
            "ApproximateFirstReceiveTimestamp": now,
        },
    }
    context = Context(time.monotonic() + TIMEOUT_SECONDS)
    return not service.provision({"Records": [record]}, context)["batchItemFailures"]


if __name__ == "__main__":
    modes: dict[str, Callable[..., Any]] = {"warm": warm, "load": load, "once": once}
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        measured = modes[sys.argv[1]](**json.loads(sys.argv[2]))
    print(json.dumps(measured))
