"""Writes docs/fault-matrix.md: `python -m tests.fire.matrix_page` runs every cell, a kind of fault at a time."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.support.aws import moto_server
from tests.support.iam import AwsCalls
from tests.support.matrix import Row, new_matrix
from tests.support.spoilt import EVERY, Spoilt

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "fault-matrix.md"
HEAD = """# The fault matrix

What becomes of a request when one of its outside calls goes wrong. `make matrix` runs every cell (the real service
between moto and the simulators, over HTTP, on a clock that the tests turn) and writes this page; `make fire` runs them
again and fails if a cell ends otherwise than it says here, or if one of the nine [invariants](invariants.md) is broken.

* **Calls** are those that the service makes when nothing goes wrong, in the story in which each is met first. Kills are
  tried in every story that changes something (those of a look at the workspace only there).
* **A fault lasts for one delivery**: whatever the service tries again in it is hit again, unless the fault says *once*
  (or drips). Then the message is delivered again as SQS would, three minutes apart, with nothing in its way, until it
  is done.
* **End** is the outcome or the code that is announced. After each code the same request is sent once more, and must
  then succeed at once.
* **Deliveries** counts all of them; **connections** are those of the key that live when everything in flight has
  landed.
* An answer of AWS that does not come in time ends as a lost one does, after the SDK's own timeout; it is not waited for
  here.
"""


def line(row: Row) -> str:
    """A row of the table."""
    return f"| {row.fault} | {row.story} | {row.end} | {row.deliveries} | {row.connections} |"


def section(call: str, rows: Iterable[Row]) -> Iterator[str]:
    """A call with its faults."""
    yield f"\n## {call}\n\n| fault | story | end | deliveries | connections |\n|---|---|---|---|---|"
    yield from map(line, rows)


def lines_in(page: str, fault: str) -> set[tuple[str, str]]:
    """What the page says of a kind of fault: the call, and the line."""
    call, found = "", set()
    for text in page.splitlines():
        call = text.removeprefix("## ") if text.startswith("## ") else call
        if text.startswith(f"| {fault} |"):
            found.add((call, text))
    return found


def _column(spoilt: Spoilt) -> list[Row]:
    calls = AwsCalls()
    logging.disable(logging.CRITICAL)
    with redirect_stdout(StringIO()), moto_server() as aws, new_matrix(aws, calls) as matrix:  # not the service's log
        calls.watch(aws)
        return matrix.column(spoilt)


def main() -> int:
    """Run every cell and write the page; 1 if one broke an invariant."""
    rows: list[Row] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for spoilt, column in zip(EVERY, pool.map(_column, EVERY), strict=True):
            rows += column
            print(f"{spoilt.name:40} {len(column):4} cells", flush=True)
    by_call: dict[str, list[Row]] = {}
    for row in rows:
        by_call.setdefault(row.call, []).append(row)
    PAGE.write_text(HEAD + "\n".join(text for call, of in by_call.items() for text in section(call, of)) + "\n")
    broken = [row for row in rows if row.broken]
    print(f"{len(rows)} cells, {len(by_call)} calls, {len(broken)} broken: docs/{PAGE.name}", *broken, sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
