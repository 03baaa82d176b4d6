"""Submits a caller's request: sends it to the queue, notes it in the registry, and, if requested, waits until it ends.

It provisions nothing. The function `provision` does this, and records in the registry how a request ended.
"""

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.delivery import Reason, Recheck
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import ConnectionFailure, Failure
from aep_connections.domain.model import Key, Order, Outcome, Request, Result, Status
from aep_connections.domain.ports import Clock, Queue, Registry
from aep_connections.domain.time import order_at

FIRST_POLL_SECONDS, POLL_GROWTH, MAX_POLL_SECONDS = 0.2, 1.5, 2.0

End = Mapping[str, Any] | Failure
"""How a request ended: its result, with the contract's names, or its failure."""


@dataclass(frozen=True, slots=True)
class Submitter:
    """Sends requests and rechecks to the queue."""

    clock: Clock
    queue: Queue
    registry: Registry

    def submit(self, request: Request) -> Order:
        """Send a request to the queue; returns its order. Raises Throttled, Unavailable; it may be queued even then.

        A note that cannot be written is skipped: the request is in the queue, and the note only shows it sooner.
        """
        now = self.clock.now()
        order = order_at(now, f"{round(now * 1e6):016x}-{uuid.uuid4().hex}")
        self.queue.submit(order, request.document)
        with contextlib.suppress(ConnectionFailure):
            self.registry.note_pending(order, request)
        return order

    def verify(self, key: Key) -> None:
        """Send a recheck that always tests the key's connection. Raises Throttled, Unavailable."""
        self.queue.recheck(Recheck(key, Reason.VERIFY))

    def await_end(self, key: Key, order: Order, seconds: float) -> End | None:
        """How a request ended; None if it does not end within `seconds`. A read that fails is skipped."""
        until, pause = self.clock.monotonic() + seconds, FIRST_POLL_SECONDS
        while (left := until - self.clock.monotonic()) > 0:
            self.clock.sleep(min(pause, left))
            pause = min(MAX_POLL_SECONDS, pause * POLL_GROWTH)
            with contextlib.suppress(ConnectionFailure):
                if (end := _end_of(self.registry.get(key), key, order)) is not None:
                    return end
        return None


def _end_of(entry: Entry | None, key: Key, submitted: Order) -> End | None:
    """How the request of an order ended; None if it has not ended yet, or if this is unknown.

    Orders are compared by id, since the queue's clock may give the same request an earlier time.
    """
    if entry is None or entry.order is None:
        return None
    if entry.order.id != submitted.id:
        return Result(key=key, outcome=Outcome.SUPERSEDED).document() if entry.order > submitted else None
    if entry.answered == entry.order:
        return entry.result
    return entry.failure if entry.status is Status.FAILED else None
