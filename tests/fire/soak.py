"""Generates lives for a given time: `python -m tests.fire.soak MINUTES`. A failure is shown with its steps."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import redirect_stdout
from io import StringIO

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fire.callers import LifeWithCallers
from tests.fire.life import BUDGET
from tests.support.aws import moto_server
from tests.support.iam import AwsCalls

ROUND = settings(BUDGET, max_examples=20, stateful_step_count=50, derandomize=False)


def main(minutes: float) -> None:
    """Run rounds of lives until the time is over. Raises the error of a life that breaks an invariant."""
    logging.disable(logging.CRITICAL)
    ends, lives = time.monotonic() + minutes * 60, 0
    calls = AwsCalls()
    with moto_server() as aws:
        calls.watch(aws)
        LifeWithCallers.aws, LifeWithCallers.aws_calls = aws, calls
        while time.monotonic() < ends:
            with redirect_stdout(StringIO()):  # the service's log
                run_state_machine_as_test(LifeWithCallers, settings=ROUND)
            lives += ROUND.max_examples
            refused = calls.refused()
            assert not refused, f"template.yaml does not allow {refused}"
            print(f"{lives} lives of up to {ROUND.stateful_step_count} steps: nothing broke", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
