"""Announces outcomes on the event bus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aep_connections.aws.calls import call, unavailable

SOURCE = "aep.connections"
MOST_AT_ONCE = 10


class Events:
    """The `Events` port on EventBridge."""

    def __init__(self, events: Any, bus_name: str) -> None:
        self._events, self._bus_name = events, bus_name

    def announce(self, detail_type: str, *details: dict[str, Any]) -> None:
        for start in range(0, len(details), MOST_AT_ONCE):
            self._put(detail_type, details[start : start + MOST_AT_ONCE])

    def _put(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None:
        entries = [
            {
                "Source": SOURCE,
                "DetailType": detail_type,
                "Detail": json.dumps(detail),
                "EventBusName": self._bus_name,
            }
            for detail in details
        ]
        answer = call(self._events.put_events, Entries=entries)
        if answer.get("FailedEntryCount"):
            code = next((e["ErrorCode"] for e in answer.get("Entries", []) if e.get("ErrorCode")), "Unknown")
            raise unavailable(self._events.put_events, str(code))
