"""docs/invariants.md, written from the table."""

from __future__ import annotations

from pathlib import Path

from tests.guards import INVARIANTS
from tests.guards.guard import CORE, Guard, Invariant

ROOT = Path(__file__).resolve().parent.parent.parent
PATH = ROOT / "docs" / "invariants.md"
HEAD = f"""# Invariants and their guards

Nine promises hold whatever happens, and each is kept by guards in the code or in the template. This page says for each
guard where it stands (paths are below `{CORE}`, but for `template.yaml`), what happens
without it, and which test goes red when it is taken away.

`make guards` takes them away one by one in a scratch copy and looks: the named tests must pass with the guard and fail
without it. The table is in `tests/guards/`; this page is written from it by `python -m tests.guards --write`, and a
test holds the two together.
"""


def document() -> str:
    """The whole page."""
    return HEAD + "".join(_section(invariant) for invariant in INVARIANTS)


def _section(invariant: Invariant) -> str:
    rows = "".join(_row(guard) for guard in invariant.guards)
    head = "| guard | where | without it | the test that goes red |\n|---|---|---|---|\n"
    return f"\n## {invariant.number}. {invariant.name}\n\n{invariant.sentence}\n\n{head}{rows}"


def _row(guard: Guard) -> str:
    also = f" (also {', '.join(map(str, guard.also))})" if guard.also else ""
    tests = "<br>".join(f"`{test}`" for test in guard.tests)
    return f"| {guard.name}{also} | `{guard.file.removeprefix(CORE)}` | {guard.without} | {tests} |\n"
