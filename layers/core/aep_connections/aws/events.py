"""Announces outcomes on the event bus."""

import json
from collections.abc import Sequence
from typing import Any

from aep_connections.aws.client import call, unavailable
from aep_connections.contract.messages import EVENT_SOURCE

BATCH_SIZE = 10


class Events:
    """The `Events` port on EventBridge."""

    def __init__(self, events: Any, bus_name: str) -> None:
        self._events, self._bus_name = events, bus_name

    def announce(self, detail_type: str, *details: dict[str, Any]) -> None:
        for start in range(0, len(details), BATCH_SIZE):
            self._put(detail_type, details[start : start + BATCH_SIZE])

    def _put(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None:
        entries = [
            {
                "Source": EVENT_SOURCE,
                "DetailType": detail_type,
                "Detail": json.dumps(detail),
                "EventBusName": self._bus_name,
            }
            for detail in details
        ]
        reply = call(self._events.put_events, Entries=entries)
        if reply.get("FailedEntryCount"):
            code = next((e["ErrorCode"] for e in reply.get("Entries", []) if e.get("ErrorCode")), "Unknown")
            raise unavailable(self._events.put_events, str(code))
