"""The table of guards against the code that it changes, the tests that it names and the page made from it."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import ROOT
from tests.guards import GUARDS, INVARIANTS
from tests.guards.document import PATH, document
from tests.guards.guard import Guard
from tests.guards.scratch import mutant

EVERY_GUARD = pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)


LEVELS = ("pytest.mark.cloud", "pytest.mark.slow")
BOTH_SIDES = ("side", "platform")


@functools.cache
def parametrized(file: str) -> dict[str, bool]:
    """The tests of a file, and whether each has parameters: its own, or those of the fixtures of `tests/adapters/`."""
    functions = [node for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, ast.FunctionDef)]
    return {
        function.name: any(ast.unparse(one) not in LEVELS for one in function.decorator_list)
        or any(argument.arg in BOTH_SIDES for argument in function.args.args)
        for function in functions
    }


def test_the_page_matches_the_table() -> None:
    assert PATH.read_text() == document(), "run: python -m tests.guards --write"


def test_each_of_the_nine_invariants_has_guards() -> None:
    assert [invariant.number for invariant in INVARIANTS] == list(range(1, 10))
    assert all(invariant.guards for invariant in INVARIANTS)
    for invariant in INVARIANTS:
        for guard in invariant.guards:
            assert set(guard.also) <= set(range(1, 10)) - {invariant.number}, guard.name


def test_every_guard_has_a_unique_name() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)


@EVERY_GUARD
def test_a_guards_text_occurs_once_and_can_be_removed(guard: Guard) -> None:
    assert mutant(ROOT, guard) != (ROOT / guard.file).read_text()


@EVERY_GUARD
def test_every_test_that_a_guard_names_exists(guard: Guard) -> None:
    assert guard.tests
    for test in guard.tests:
        file, _, name = test.partition("::")
        function, bracket, _ = name.partition("[")
        assert parametrized(file).get(function) is bool(bracket), test


def test_the_code_without_a_guard_has_no_undefined_name(tmp_path: Path) -> None:
    for number, guard in enumerate(GUARDS):
        if guard.file.endswith(".py"):
            (tmp_path / f"without_{number}.py").write_text(mutant(ROOT, guard))

    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
