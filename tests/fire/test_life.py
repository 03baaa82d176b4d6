"""A generated life of several keys: no invariant breaks, whatever happens in whatever order."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from local.aws.account import Aws
from tests.fire.callers import LifeWithCallers
from tests.fire.life import BUDGET
from tests.support.iam import AwsCalls


def test_no_generated_life_breaks_an_invariant(aws: Aws, aws_calls: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LifeWithCallers, "aws", aws, raising=False)
    monkeypatch.setattr(LifeWithCallers, "aws_calls", aws_calls, raising=False)

    run_state_machine_as_test(LifeWithCallers, settings=BUDGET)
