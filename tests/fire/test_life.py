"""A made-up life of several keys: whatever happens in whatever order, no invariant breaks."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from local.aws import Aws
from tests.fire.life import Life
from tests.support.iam import AwsCalls

BUDGET = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
"""What each run of the tests tries: the same lives each time. `make soak` tries others, for as long as one likes."""


def test_whatever_life_brings_no_invariant_breaks(
    aws: Aws, aws_calls: AwsCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Life, "aws", aws, raising=False)
    monkeypatch.setattr(Life, "aws_calls", aws_calls, raising=False)

    run_state_machine_as_test(Life, settings=BUDGET)  # type: ignore[no-untyped-call]
