"""The reconcile function of a world, invoked as AWS invokes it, on the world's clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aep_connections.http.transport import Timeouts
from aep_connections.reconcile.service import ReconcileService
from local.aws.invocation import Context
from tests.support.world import Sent, World

SECONDS = 900.0
"""The function's timeout."""
LATER = 1000.0
"""Seconds after which a change is settled."""


@dataclass(slots=True)
class Keeper:
    """The reconcile function of a world, and what it sends."""

    world: World
    service: ReconcileService = field(init=False)
    timeouts: Timeouts = field(init=False)
    """How long the function waits for Adobe and Databricks."""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.timeouts, self.name = self.world.timeouts, self.world.attribute("ReconcileFunction")
        self.world.functions[self.name] = self.wake  # so that it can invoke itself
        self.pending_events()
        self.service = self.new_service()

    def new_service(self, **environment: str) -> ReconcileService:
        """A new execution environment of the function."""
        return self.world.new_reconcile(self.timeouts, **environment)

    def wake(self, event: Any, _context: Any = None, seconds: float = SECONDS) -> Any:
        """Invoke the function once."""
        clock = self.world.clock
        return self.service.reconcile(event, Context(clock.now() + seconds, clock.now, function_name=self.name))

    def reconcile(self, later: float = LATER) -> dict[str, Any]:
        """A scheduled run, some time later, with all its continuations. Returns the result of the last one.

        Events that the function has not received before are dropped.
        """
        self.world.clock.advance(later)
        self.pending_events()
        result = self.wake({})
        while continued := self.pending_events():
            for event in continued:
                result = self.wake(event)
        return dict(result)

    def pending_events(self) -> list[Any]:
        """The events for the function that it has not received yet, oldest first."""
        return self.world.pending_events(self.name)

    def listen(self) -> None:
        """Invoke the function with every event that it has not received yet."""
        for event in self.pending_events():
            self.wake(event)

    def rechecks(self) -> list[Sent]:
        """The rechecks that were sent since the last call."""
        return self.world.arrived()

    def deliver_rechecks(self) -> list[str]:
        """Deliver every recheck until it is done. Returns their reasons."""
        sent = self.rechecks()
        for one in sent:
            self.world.until_done(one)
        return [reason_of(one) for one in sent]

    def drifts(self) -> list[dict[str, Any]]:
        """The details of every drift that was announced so far."""
        return [event["detail"] for event in self.world.events() if event["detail-type"].endswith("Drifted")]

    def kinds(self) -> list[list[str]]:
        """The kinds of every drift that was announced so far."""
        return [[one["kind"] for one in detail["drift"]] for detail in self.drifts()]


def reason_of(sent: Sent) -> str:
    """Why a recheck was sent."""
    return str(json.loads(sent.body)["recheck"]["reason"])
