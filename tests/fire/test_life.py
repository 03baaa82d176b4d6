"""A made-up life of several keys: whatever happens in whatever order, no invariant breaks."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from local.aws import Aws
from tests.fire.life import BUDGET, Life
from tests.support.iam import AwsCalls


def test_whatever_life_brings_no_invariant_breaks(
    aws: Aws, aws_calls: AwsCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Life, "aws", aws, raising=False)
    monkeypatch.setattr(Life, "aws_calls", aws_calls, raising=False)

    run_state_machine_as_test(Life, settings=BUDGET)
