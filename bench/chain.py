"""Finds, in all recorded calls, those that had to wait for each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call as the stub that responded to it saw it. Times are in seconds since 1970."""

    name: str
    began: float
    ended: float


def longest_chain(calls: Iterable[Recorded]) -> list[Recorded]:
    """The longest sequence, by time in calls, in which each began after the one before had ended."""
    best: list[tuple[float, list[Recorded]]] = []
    for call in sorted(calls, key=lambda one: (one.ended, one.began)):
        seconds, before = max(
            ((total, chain) for total, chain in best if chain[-1].ended <= call.began),
            key=lambda one: one[0],
            default=(0.0, []),
        )
        best.append((seconds + call.ended - call.began, [*before, call]))
    return max(best, key=lambda one: one[0], default=(0.0, []))[1]


def is_as_stated(chain: Sequence[Recorded], stated: Sequence[str]) -> bool:
    """Whether the chain is the stated one. A step may name several calls that run side by side: `A ‖ B`."""
    if len(chain) != len(stated):
        return False
    return all(call.name in step.split(" ‖ ") for call, step in zip(chain, stated, strict=True))


def name_of(method: str, path: str) -> str:
    """The name of a call: the AWS operation, or method and path at Adobe (`{id}` for an id) or at Databricks."""
    if path.startswith("/api/"):
        return f"{method} …/" + path.removeprefix("/api/").partition("/")[2].removeprefix("preview/scim/v2/")
    if "/connections" not in path:
        return path.rpartition("/")[2]
    tail = path[path.index("/connections") :]
    return f"{method} " + re.sub(r"^/connections/[^/]+", "/connections/{id}", tail)
