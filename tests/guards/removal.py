"""Removes a guard from the text of its file. Python is matched by its syntax tree, YAML by whole lines."""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import accumulate

from tests.guards.guard import Guard

Node = ast.expr | ast.stmt
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class NotOnce(Exception):  # noqa: N818 - the name describes the table, not a failure of the runner
    """A guard's code does not occur exactly once in its place."""


def removed(text: str, guard: Guard) -> str:
    """`text`, the content of the guard's file, without the guard. Raises NotOnce."""
    mutants = list((_of_python if guard.file.endswith(".py") else _of_yaml)(text, guard))
    if len(mutants) != 1:
        place = f"{guard.where} in {guard.file}" if guard.where else guard.file
        raise NotOnce(f"{guard.name}: its code occurs {len(mutants)} times in {place}, not once")
    return mutants[0]


# ------------------------------------------------------------ Python


def _of_python(text: str, guard: Guard) -> Iterator[str]:
    """The text without the guard, for each occurrence of the guard's code in its place."""
    code, replacement = _parsed(guard.code).body, _parsed(guard.replacement).body
    nodes = list(_nodes_in(_parsed(text), guard.where))
    if (wanted := _expression(code)) and _expression(replacement):
        for node in nodes:
            if isinstance(node, ast.expr) and _same([node], [wanted]):
                yield _spliced(text, [node], "(" + guard.replacement, ")")
        return
    for block in (block for node in nodes for block in _blocks(node)):
        for at in range(len(block) - len(code) + 1):
            found = block[at : at + len(code)]
            if _same(found, code):
                yield _spliced(text, found, guard.replacement or ("pass" if len(found) == len(block) else ""))


@functools.lru_cache(maxsize=100)
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def _expression(statements: Sequence[ast.stmt]) -> ast.expr | None:
    """The expression, if the statements are nothing else."""
    return statements[0].value if len(statements) == 1 and isinstance(statements[0], ast.Expr) else None


def _nodes_in(module: ast.Module, where: str) -> Iterator[ast.AST]:
    """The nodes of a function, a class or an assignment and of all in it; for "", those outside definitions."""
    if not where:
        yield from (node for node in (module, *_own(module)) if not isinstance(node, Definition))
        return
    places: list[ast.AST] = [module]
    for name in where.split("."):
        places = [node for place in places for node in _own(place) if name in _names(node)]
    for place in places:
        yield from _all(place)


def _own(place: ast.AST) -> Iterator[ast.AST]:
    """The nodes below a place, but not what is inside the functions and classes that it defines."""
    for node in _children(place):
        yield node
        if not isinstance(node, Definition):
            yield from _own(node)


def _all(place: ast.AST) -> Iterator[ast.AST]:
    """A node and every node below it."""
    yield place
    for node in _children(place):
        yield from _all(node)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes right below a node, without the parts of an f-string: before Python 3.12, their positions are wrong."""
    return iter(()) if isinstance(node, ast.JoinedStr) else ast.iter_child_nodes(node)


def _names(node: ast.AST) -> list[str]:
    """The names that a definition or an assignment binds."""
    if isinstance(node, Definition):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements of a node. An `elif` is left out: another statement cannot be in its place."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt) and not _is_elif(node, value[0]):
            yield value


def _is_elif(outer: ast.AST, inner: ast.stmt) -> bool:
    return (
        isinstance(outer, ast.If)
        and isinstance(inner, ast.If)
        and inner in outer.orelse
        and inner.col_offset == outer.col_offset
    )


def _same(nodes: Sequence[Node], others: Sequence[Node]) -> bool:
    """Whether the nodes are equal, wherever they are and however they are formatted."""
    return all(
        type(node) is type(other) and ast.dump(node) == ast.dump(other)
        for node, other in zip(nodes, others, strict=True)
    )


def _spliced(text: str, nodes: Sequence[Node], replacement: str, closing: str = "") -> str:
    """`text` with other source for consecutive nodes. The lines below keep their numbers unless it has more lines."""
    data, first, last = text.encode(), nodes[0], nodes[-1]
    starts = [0, *accumulate(map(len, data.splitlines(keepends=True)))]
    start = starts[first.lineno - 1] + first.col_offset
    end = starts[(last.end_lineno or 0) - 1] + (last.end_col_offset or 0)
    source = textwrap.indent(replacement, " " * first.col_offset).strip()
    source += "\n" * (data.count(b"\n", start, end) - source.count("\n")) + closing
    return (data[:start] + source.encode() + data[end:]).decode()


# ------------------------------------------------------------ YAML


def _of_yaml(text: str, guard: Guard) -> Iterator[str]:
    """The text without the guard, for each occurrence of its lines. Their indentation and comments do not matter."""
    block = re.compile(rf"^( {{0,2}}){re.escape(guard.where)}:.*(?:\n(?:\1 .*| *$))*", re.MULTILINE)
    lines = [re.escape(line) + "(?: +#.*)?" for line in guard.code.splitlines()]
    code = re.compile(r"^(?P<indent> *)" + r"\n(?P=indent)".join(lines) + "$", re.MULTILINE)
    for place in block.finditer(text):
        for found in code.finditer(text, place.start(), place.end()):
            yield text[: found.start()] + textwrap.indent(guard.replacement, found["indent"]) + text[found.end() :]
