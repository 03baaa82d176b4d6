"""The stubs of the benchmark have a reply for every call of a delivery. Results: docs/explanation/performance.md."""

from __future__ import annotations

from bench.processes import run_service
from bench.stubs import canned


def test_the_stubs_serve_each_delivery_that_is_timed() -> None:
    with canned() as stubs:
        timed = run_service("warm", stubs.environment(), repetitions=1)

    assert [one["scenario"] for one in timed if one["done"]] == ["created", "created, readiness off", "unchanged"]
