"""A guard of the product as data: where it is, how to remove it, and which tests then fail."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "layers/core/aep_connections/"
TEMPLATE = "template.yaml"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. When `code` in `where` of `file` is replaced by `replacement`, each of `tests` must fail.

    `without` describes what happens then. `also` holds the numbers of the other invariants that the guard keeps.

    * Python: `where` is the qualified name of a function, a class or an assigned name, or "" for the module level.
      `code` is an expression or consecutive statements, in any format. An empty replacement removes the statements.
    * YAML: `where` is a section or a logical id. `code` is whole lines, without the indentation that they share.
    """

    name: str
    without: str
    file: str
    where: str
    code: str
    replacement: str
    tests: tuple[str, ...]
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise of the product, and the guards that keep it."""

    number: int
    name: str
    sentence: str
    guards: tuple[Guard, ...]
