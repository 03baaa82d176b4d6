"""A generated life of several keys: no invariant breaks, whatever happens in whatever order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from local.aws.account import Aws
from tests.fire.callers import LifeWithCallers
from tests.fire.life import BUDGET, over_http
from tests.support.iam import AwsCalls


def test_no_generated_life_breaks_an_invariant() -> None:
    run_state_machine_as_test(LifeWithCallers, settings=BUDGET)


def test_no_life_that_is_different_in_each_run_breaks_an_invariant() -> None:
    run_state_machine_as_test(LifeWithCallers, settings=settings(BUDGET, derandomize=False))


def test_no_generated_life_breaks_an_invariant_over_http(aws: Aws, aws_calls: AwsCalls) -> None:
    few = settings(BUDGET, max_examples=4, derandomize=False)

    run_state_machine_as_test(over_http(LifeWithCallers, aws, aws_calls), settings=few)
