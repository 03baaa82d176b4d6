"""What goes wrong on purpose: fault plans that a simulator follows, given in Python or as JSON over its control API."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong with matching requests.

    Attributes:
        method: the HTTP method; empty for any.
        path: a regular expression for the whole path.
        times: how many matching requests it hits; 0 for all.
        skip: how many matching requests it lets pass first.
        when: `before` the effect (which then does not happen) or `after` it.
        status, headers, body: the answer instead of the true one; without a status the true one is given.
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
    when: str = "before"
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0
    drop: bool = False
    hang: bool = False
    truncate: bool = False
    drip: float = 0.0
    late: float | None = None

    def __post_init__(self) -> None:
        if self.when not in ("before", "after"):
            raise ValueError("when must be 'before' or 'after'")
        re.compile(self.path)

    @property
    def silent(self) -> bool:
        """Whether nothing at all is answered."""
        return self.drop or self.hang

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Fault:
        """The fault that JSON describes. Raises ValueError."""
        known = {f.name for f in fields(cls)}
        if unknown := set(document) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; a fault has {', '.join(sorted(known))}")
        return cls(**document)


class FaultPlan:
    """The faults still to come, in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._open.append((fault, [0]))

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
