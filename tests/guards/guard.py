"""A guard of the product as data: where it is, how to remove it, and which tests then fail."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "layers/core/aep_connections/"
TEMPLATE = "template.yaml"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. When `text`, which occurs once in `file`, is replaced by `replacement`, each of `tests` must fail.

    `without` describes what happens then. `also` holds the numbers of the other invariants that the guard keeps.
    """

    name: str
    without: str
    file: str
    text: str
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
