"""Removes each guard in a scratch copy and requires that its tests fail: `python -m tests.guards [name …]`."""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.guards import GUARDS
from tests.guards.document import PATH, ROOT, document
from tests.guards.guard import Guard
from tests.guards.removal import NotOnce
from tests.guards.scratch import GREEN, RED, Scratch, Verdict, mutant

JOBS = (os.cpu_count() or 1) + 1
"""One more than the number of cores, since a test spends much of its time waiting."""


class Copies:
    """Scratch copies. Each is used by one thread at a time."""

    def __init__(self, scratches: Sequence[Scratch]) -> None:
        self._free: queue.Queue[Scratch] = queue.Queue()
        for scratch in scratches:
            self._free.put(scratch)

    @contextmanager
    def one(self) -> Iterator[Scratch]:
        scratch = self._free.get()
        try:
            yield scratch
        finally:
            self._free.put(scratch)


def passing(copies: Copies, tests: Sequence[str]) -> list[Verdict]:
    """The verdicts of tests with every guard in place."""
    with copies.one() as scratch:
        return scratch.run(tests)


def failing(copies: Copies, guard: Guard) -> tuple[Guard, list[Verdict], float]:
    """The guard, the verdicts of its tests without it, and the seconds that they took."""
    with copies.one() as scratch:
        began = time.monotonic()
        with scratch.without(guard):
            return guard, scratch.run(guard.tests), time.monotonic() - began


def check(guards: Sequence[Guard], jobs: int, *, explained: bool) -> int:
    """Run everything and print a row for each test. Returns how many tests had the wrong result."""
    tests = sorted({test for guard in guards for test in guard.tests})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        copies = Copies([stack.enter_context(Scratch(ROOT, folder / str(number))) for number in range(jobs)])
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        parts = [part for part in (tests[number::jobs] for number in range(jobs)) if part]
        wrong = [v for verdicts in pool.map(lambda part: passing(copies, part), parts) for v in verdicts]
        wrong = [verdict for verdict in wrong if verdict.colour != GREEN]
        for verdict in wrong:
            print(f"does not pass with every guard in place: {verdict.test}\n    {verdict.why}")
        if wrong:
            return len(wrong)
        print(f"{len(tests)} tests pass with every guard in place. Without each guard:\n", flush=True)
        return sum(
            _print(*done.result(), explained=explained)
            for done in as_completed([pool.submit(failing, copies, guard) for guard in guards])
        )


def _print(guard: Guard, verdicts: Sequence[Verdict], seconds: float, *, explained: bool) -> int:
    for verdict in verdicts:
        shown = f"{guard.name:<52} {verdict.colour:<7} {seconds:5.1f} s  {verdict.test}"
        print(shown + (f"\n    {verdict.why}" if explained or verdict.colour != RED else ""), flush=True)
    return sum(verdict.colour != RED for verdict in verdicts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="only the guards whose names contain one of these")
    parser.add_argument("--jobs", type=int, default=JOBS, help="guards at a time")
    parser.add_argument("--why", action="store_true", help="show how each test failed")
    parser.add_argument("--write", action="store_true", help="write docs/explanation/invariants.md and do nothing else")
    given = parser.parse_args()
    if given.write:
        PATH.write_text(document())
        return 0
    guards = [g for g in GUARDS if not given.names or any(name in g.name for name in given.names)]
    if not guards:
        parser.error("no guard has such a name")
    began = time.monotonic()
    try:
        for guard in guards:
            mutant(ROOT, guard)
        wrong = check(guards, max(1, given.jobs), explained=given.why)
    except NotOnce as error:
        print(f"The table is out of date: {error}.")
        return 1
    end = f"{wrong} tests had the wrong result" if wrong else "the tests of each guard fail without it"
    print(f"\n{len(guards)} guards, {time.monotonic() - began:.0f} s: {end}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
