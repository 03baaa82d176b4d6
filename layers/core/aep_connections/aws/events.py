"""Announces outcomes on the event bus."""

from __future__ import annotations

import json
from typing import Any

from aep_connections.aws.calls import call, unavailable

SOURCE = "aep.connections"


class Events:
    """The `Events` port on EventBridge."""

    def __init__(self, events: Any, bus_name: str) -> None:
        self._events, self._bus_name = events, bus_name

    def announce(self, detail_type: str, detail: dict[str, Any]) -> None:
        entry = {
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": self._bus_name,
        }
        answer = call(self._events.put_events, Entries=[entry])
        if answer.get("FailedEntryCount"):
            code = next((e["ErrorCode"] for e in answer.get("Entries", []) if e.get("ErrorCode")), "Unknown")
            raise unavailable(self._events.put_events, str(code))
