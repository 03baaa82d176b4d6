"""Faults that a simulator applies to requests, given in Python or as JSON over its control API."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from local.simulators.control import read_fields


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: what goes wrong, and with which requests.

    Attributes:
        method: string, the HTTP method; empty: any.
        path: string, a regular expression for the whole path.
        times: whole number of matching requests that the fault applies to; 0: all.
        skip: whole number of matching requests that pass first.
        when: `before` the effect of the request (which then does not happen) or `after` it.
        status, headers, body: the reply instead of the real one (in JSON the body may be an object). Without a status
            the real reply is sent.
        delay: number of seconds to wait before the reply.
        drop: true or false; true resets the connection instead of a reply.
        hang: true or false; true sends nothing until the client closes the connection.
        truncate: true or false; true breaks off in the middle of the reply's body.
        drip: number of seconds between single bytes of the reply's body.
        late: number of seconds (on the simulator's clock) after which the effect happens, whatever the reply is.
    """

    method: str = ""
    path: str = ".*"
    times: int = 1
    skip: int = 0
    when: Literal["before", "after"] = "before"
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0
    drop: bool = False
    hang: bool = False
    truncate: bool = False
    drip: float = 0.0
    late: float | None = None

    @property
    def silent(self) -> bool:
        """Whether no reply is sent."""
        return self.drop or self.hang

    @classmethod
    def read(cls, document: object) -> Fault:
        """The fault that a JSON document describes. Raises ValueError."""
        if isinstance(document, dict) and isinstance(document.get("body"), dict | list):
            document = {**document, "body": json.dumps(document["body"])}
        given = read_fields(cls, document)
        if not 100 <= (given.get("status") or 200) <= 599:
            raise ValueError("status must be an HTTP status, 100 to 599.")
        try:
            re.compile(given.get("path", ""))
        except re.error as error:
            raise ValueError(f"path must be a regular expression: {error}.") from None
        return cls(**given | {"method": given.get("method", "").upper()})


class FaultPlan:
    """The pending faults, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[tuple[Fault, list[int]]] = []

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._open += [(fault, [0]) for fault in faults]

    def shown(self) -> list[dict[str, Any]]:
        """The pending faults, each with the number of matching requests so far (`seen`)."""
        with self._lock:
            return [asdict(fault) | {"seen": seen[0]} for fault, seen in self._open]

    def clear(self) -> None:
        with self._lock:
            self._open.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that applies to a request, if there is one."""
        with self._lock:
            for entry in self._open:
                fault, seen = entry
                if fault.method not in ("", method) or not re.fullmatch(fault.path, path):
                    continue
                seen[0] += 1
                if seen[0] <= fault.skip:
                    continue
                if fault.times and seen[0] >= fault.skip + fault.times:
                    self._open.remove(entry)
                return fault
        return None
