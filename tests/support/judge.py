"""Watches a world and records every broken invariant.

A key's name has no dot. The display name of its connections is the key's name, or begins with the key's name and a dot.
So the judge finds the key of a connection without the service.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from local.simulators.simulator import Request, Response
from tests.support.calls import Calls
from tests.support.canaries import CLIENT_SECRET, TOKEN, found, plant, shown
from tests.support.world import TIMEOUT_SECONDS, Sent, World

KeyOf = tuple[str, str]
"""Sandbox and name."""


class Judge:
    """The invariants that were broken so far, in words. The secrets of its world are canaries."""

    def __init__(self, world: World, calls: Calls) -> None:
        self.world = world
        self.breaches: list[str] = []
        self.tested: set[str] = set()
        self.adoptable: set[str] = set()
        self.made: dict[str, KeyOf] = {}
        plant(world)
        self._respond: Callable[[Request, float], Response] = world.adobe.respond
        world.adobe.respond = self._seen  # type: ignore[method-assign]
        calls.notes.append(self._leaves)

    def deliver(self, sent: Sent, service: Any = None, seconds: float = TIMEOUT_SECONDS) -> bool:
        """A delivery that must end in time and leave no thread behind (invariant 5)."""
        began, threads = self.world.clock.now(), set(threading.enumerate())
        try:
            return self.world.deliver(sent, service, seconds)
        finally:
            took = self.world.clock.now() - began
            if took > seconds:
                self._add_breach(5, f"a delivery took {took:.0f} s of its {seconds:.0f} s")
            left = [t.name for t in set(threading.enumerate()) - threads if t.name.startswith(("Timer", "ThreadPool"))]
            if left:
                self._add_breach(5, f"threads outlive a delivery: {left}")

    def living(self, key: KeyOf) -> list[str]:
        """Ids of the key's connections that exist in Adobe."""
        return [i for i, whose in self.made.items() if whose == key and self._lives(i)]

    def verdict(self) -> list[str]:
        """Everything that was broken since the last verdict."""
        broken, self.breaches = self.breaches, []
        return broken

    def _lives(self, connection_id: str) -> bool:
        record = self.world.adobe.records.get(connection_id)
        return record is not None and record.deleted_at is None

    def _seen(self, request: Request, now: float) -> Response:
        """Let Adobe respond, then check what it did: invariants 1 and 9."""
        response = self._respond(request, now)
        connection_id, _, verb = request.path.partition("/connections")[2].strip("/").partition("/")
        if response.status >= 300:
            return response
        if request.method == "POST" and not connection_id:
            new = str(json.loads(response.body)["id"])
            self._belongs(new, self._key_in(new))
        elif request.method == "PATCH":
            self.tested.discard(connection_id)
            if connection_id in self.adoptable:
                self._belongs(connection_id, self._key_in(connection_id))
        elif verb == "test" and b"true" in response.body:
            self.tested.add(connection_id)
        if request.method in ("PATCH", "DELETE") and connection_id not in self.made:
            self._add_breach(9, f"{request.method} of {connection_id}, which is not ours")
        return response

    def _key_in(self, connection_id: str) -> KeyOf:
        record = self.world.adobe.records[connection_id]
        return record.sandbox, str(record.item["name"]).partition(".")[0]

    def _belongs(self, connection_id: str, key: KeyOf) -> None:
        self.made[connection_id] = self.made.get(connection_id, key)
        if len(living := self.living(self.made[connection_id])) > 1:
            self._add_breach(1, f"{len(living)} connections of {key} exist")

    def _leaves(self, name: str, sent: Any) -> None:
        """Check what is about to be sent to AWS: invariants 2 and 3, and no unexpected error."""
        if name == "publish" and not (self._lives(sent["Value"]) and sent["Value"] in self.tested):
            self._add_breach(2, f"published {sent['Value']}, which does not exist or did not pass its test")
        if sent is not None:
            text = shown(sent)
            self.breaches += [f"3: {where}" for where in found({name: text}, [TOKEN, CLIENT_SECRET])]
            if "This is a defect" in text:
                self.breaches.append(f"an unexpected error: {text[:2000]}")

    def _add_breach(self, invariant: int, what: str) -> None:
        self.breaches.append(f"{invariant}: {what}")
