"""Measures the speed and the memory of many distinct requests side by side, and whether more of them change either."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from bench.processes import run_service
from bench.stubs import canned

SIZES = (100, 1000)
CONCURRENCY = 10
ROUNDS = 3


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Run each round in a fresh process of the service, with new stubs in this process."""
    rounds: dict[int, list[dict[str, Any]]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        for size in SIZES:
            with canned() as stubs:
                found = run_service("load", stubs.environment(), requests=size, concurrency=CONCURRENCY)
            if found["done"] != size:
                raise RuntimeError(f"Only {found['done']} of {size} requests were done.")
            rounds[size].append(found)
            say(f"{size} requests in {found['seconds']:.1f} s, peak {found['peakKib'] / 1024:.0f} MiB")
    return {
        "concurrency": CONCURRENCY,
        "rounds": ROUNDS,
        "sizes": [{"requests": size, **_summary(size, found)} for size, found in rounds.items()],
    }


def _summary(size: int, rounds: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "requestsPerSecond": size / median(one["seconds"] for one in rounds),
        "peakMib": median(one["peakKib"] for one in rounds) / 1024,
        "idlePeakMib": median(one["idlePeakKib"] for one in rounds) / 1024,
    }
