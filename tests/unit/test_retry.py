"""The retry policy: which calls are repeated, and when the queue retries instead."""

from __future__ import annotations

import random

import pytest

from aep_connections.http.retry import Ended, pause_before_retry, reason_to_retry


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (Ended(503), "unavailable"),
        (Ended(429, None, 2.0), "throttled"),
        (Ended(None, "the connection was reset"), "the connection was reset"),
        (Ended(200), None),
        (Ended(400), None),
        (Ended(401), None),
        (Ended(412), None),
        (Ended(429, None, 11.0), None),
    ],
)
def test_a_temporary_failure_is_repeated_with_its_reason(ended: Ended, reason: str | None) -> None:
    assert reason_to_retry(ended, repeatable=True, tries=1, seconds_left=60) == reason


def test_a_create_is_never_repeated() -> None:
    assert reason_to_retry(Ended(503), repeatable=False, tries=1, seconds_left=60) is None


def test_tries_and_time_are_bounded() -> None:
    assert reason_to_retry(Ended(503), repeatable=True, tries=3, seconds_left=60) is None
    assert reason_to_retry(Ended(503, None, 5.0), repeatable=True, tries=1, seconds_left=4) is None


def test_the_upstream_may_request_a_longer_pause() -> None:
    assert pause_before_retry(Ended(429, None, 7.0), 1) == 7.0
    assert 0 < pause_before_retry(Ended(503), 1) < pause_before_retry(Ended(503), 3)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_every_status_of_a_temporary_failure_is_repeated(status: int) -> None:
    assert reason_to_retry(Ended(status), repeatable=True, tries=2, seconds_left=60)


def test_a_retry_after_at_its_cap_is_still_honored() -> None:
    assert reason_to_retry(Ended(429, None, 10.0), repeatable=True, tries=1, seconds_left=60)


def test_pauses_double_and_are_randomized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)

    assert [pause_before_retry(Ended(503), tries) for tries in (1, 2, 3)] == pytest.approx([0.225, 0.45, 0.9])
