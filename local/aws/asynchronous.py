"""Lambda's asynchronous invocations: the events queued for each function, and the thread that invokes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend

from local.aws.invocation import Handler, invoke
from local.aws.lambda_api import MAXIMUM_SECONDS

ATTEMPTS = 3
LOOK_SECONDS = 0.1
CONCURRENCY = 8


class Asynchronous:
    """The events queued for each function, by its name, oldest first."""

    def __init__(self, sqs: SQSBackend) -> None:
        self._sqs = sqs
        self._queued: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def put(self, function: str, event: Any) -> None:
        """Queue an event for a function."""
        with self._lock:
            self._queued.setdefault(function, []).append(event)

    def take(self, function: str) -> list[Any]:
        """Remove and return the events queued for a function."""
        with self._lock:
            return self._queued.pop(function, [])

    def stand_in(self, function: str) -> str:
        """The ARN of a queue that stands in for a function, which cannot be a target in moto."""
        queue = _StandIn(self, function, self._sqs)  # type: ignore[abstract] # moto creates such objects too
        self._sqs.queues[queue.name] = queue
        return queue.queue_arn


class _StandIn(Queue):
    """Lambda's own queue. It keeps no message, so that no other client can receive one."""

    def __init__(self, asynchronous: Asynchronous, function: str, sqs: SQSBackend) -> None:
        super().__init__(f"{function}-asynchronous", region=sqs.region_name, account_id=sqs.account_id)
        self._asynchronous, self._function = asynchronous, function

    def add_message(self, message: Message) -> None:
        self._asynchronous.put(self._function, json.loads(message.body))


class Invoker:
    """The thread that takes queued events and invokes the functions in parallel, until it is stopped.

    Events for a function without a handler stay queued.
    """

    def __init__(self, asynchronous: Asynchronous, names: Iterable[str], handlers: Mapping[str, Handler]) -> None:
        self._asynchronous, self._names, self._handlers = asynchronous, list(names), handlers
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(CONCURRENCY)
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more events and drop those not yet started. Running ones end with their environments."""
        self._stopping.set()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            for name in self._names:
                if handler := self._handlers.get(name):
                    for event in self._asynchronous.take(name):
                        self._pool.submit(deliver, handler, event)


def deliver(handler: Handler, event: Any) -> bool:
    """Invoke a function until it succeeds, at most three times. Returns whether it did; if not, the event is lost.

    Here there is no pause between attempts. AWS waits one minute before the second attempt and two before the third.
    """
    for _ in range(ATTEMPTS):
        try:
            invoke(handler, event, MAXIMUM_SECONDS)
        except Exception:  # noqa: BLE001 - Lambda retries after every error
            continue
        return True
    return False
