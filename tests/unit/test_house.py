"""House rules that no linter checks: the length of modules and functions, and how large dataclasses are created."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = ROOT / "layers" / "core" / "aep_connections"
MODULES = sorted(CORE.rglob("*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES, MAX_POSITIONAL_FIELDS = 300, 40, 3
MAX_CORE_LINES = 7_740


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    functions = [node for node in nodes(path) if isinstance(node, ast.FunctionDef)]
    spans = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions}

    assert lines(path) <= MAX_MODULE_LINES
    assert {name: span for name, span in spans.items() if span > MAX_FUNCTION_LINES} == {}


def test_the_layer_stays_small() -> None:
    assert sum(map(lines, MODULES)) <= MAX_CORE_LINES


def test_a_dataclass_of_more_than_three_fields_is_created_by_keyword() -> None:
    wide = [
        node.name
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and is_positional(node) and fields(node) > MAX_POSITIONAL_FIELDS
    ]

    assert wide == []


def test_no_two_functions_share_four_parameters() -> None:
    together: dict[tuple[str, ...], list[str]] = {}
    for path in [path for path in MODULES if path.stem != "ports"]:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef):
                names = sorted(argument.arg for argument in [*node.args.args, *node.args.kwonlyargs])
                for four in itertools.combinations([name for name in names if name not in ("self", "cls")], 4):
                    together.setdefault(four, []).append(f"{path.stem}.{node.name}")

    assert {four: functions for four, functions in together.items() if len(functions) > 1} == {}


def is_positional(node: ast.ClassDef) -> bool:
    """Whether this is a dataclass whose fields can be passed by position."""
    made = [decorator for decorator in node.decorator_list if "dataclass" in ast.unparse(decorator)]
    return bool(made) and not any("kw_only=True" in ast.unparse(decorator) for decorator in made)


def fields(node: ast.ClassDef) -> int:
    annotated = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    return len(
        [one for one in annotated if "ClassVar" not in ast.unparse(one) and "init=False" not in ast.unparse(one)]
    )


def test_no_two_classes_and_no_two_public_functions_have_one_name() -> None:
    """Except `build`, which the service of every package has."""
    named: dict[str, set[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                named.setdefault(node.name, set()).add(path.stem)

    twice = {name: modules - {"ports"} for name, modules in named.items() if name != "build"}  # a port names an adapter
    assert {name: modules for name, modules in twice.items() if len(modules) > 1} == {}
