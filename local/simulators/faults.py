"""What goes wrong on purpose: fault plans that a simulator follows, given in Python or as JSON over its control API."""

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
    """One thing to go wrong with matching requests.

    Attributes:
        method: the HTTP method, in capitals; empty for any.
        path: a regular expression for the whole path.
        times: how many matching requests it hits; 0 for all.
        skip: how many matching requests it lets pass first.
        when: `before` the effect (which then does not happen) or `after` it.
        status, headers, body: the answer instead of the true one (in JSON the body may be an object); without a status
            the true one is given.
        delay: seconds to wait before answering.
        drop: reset the connection instead of answering.
        hang: say nothing until the client goes.
        truncate: break off in the middle of the answer's body.
        drip: seconds between single bytes of the answer's body.
        late: the effect happens so many seconds after the request (on the simulator's clock), whatever is answered.
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
        """Whether nothing at all is answered."""
        return self.drop or self.hang

    @classmethod
    def read(cls, document: object) -> Fault:
        """The fault that JSON describes. Raises ValueError."""
        if isinstance(document, dict) and isinstance(document.get("body"), dict | list):
            document = {**document, "body": json.dumps(document["body"])}
        given = read_fields(cls, document)
        if not 100 <= (given.get("status") or 200) <= 599:
            raise ValueError("status must be one of HTTP, 100 to 599")
        try:
            re.compile(given.get("path", ""))
        except re.error as error:
            raise ValueError(f"path must be a regular expression: {error}") from None
        return cls(**given | {"method": given.get("method", "").upper()})


class FaultPlan:
    """The faults still to come, in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[tuple[Fault, list[int]]] = []

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._open += [(fault, [0]) for fault in faults]

    def shown(self) -> list[dict[str, Any]]:
        """What is still to come, and how many requests each has seen."""
        with self._lock:
            return [asdict(fault) | {"seen": seen[0]} for fault, seen in self._open]

    def clear(self) -> None:
        with self._lock:
            self._open.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request."""
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
