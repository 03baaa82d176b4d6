"""Generates lives for a given time: `python -m tests.fire.soak MINUTES`. A failure is shown with its steps.

Most lives run in memory. One in a hundred runs over HTTP and moto.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import redirect_stdout
from io import StringIO

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fire.callers import LifeWithCallers
from tests.fire.life import BUDGET, over_http
from tests.support.aws import moto_server
from tests.support.iam import AwsCalls

IN_MEMORY = settings(BUDGET, max_examples=200, stateful_step_count=50, derandomize=False)
OVER_HTTP = settings(IN_MEMORY, max_examples=2)


def main(minutes: float) -> None:
    """Run rounds of lives until the time is over. Raises the error of a life that breaks an invariant."""
    logging.disable(logging.CRITICAL)
    ends, lives = time.monotonic() + minutes * 60, 0
    calls = AwsCalls()
    with moto_server() as aws:
        calls.watch(aws)
        life = over_http(LifeWithCallers, aws, calls)
        while time.monotonic() < ends:
            with redirect_stdout(StringIO()):  # the service's log
                run_state_machine_as_test(LifeWithCallers, settings=IN_MEMORY)
                run_state_machine_as_test(life, settings=OVER_HTTP)
            lives += IN_MEMORY.max_examples + OVER_HTTP.max_examples
            refused = calls.refused()
            assert not refused, f"template.yaml does not allow {refused}"
            print(f"{lives} lives of up to {IN_MEMORY.stateful_step_count} steps: nothing broke", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
