"""What a guard of the product is, as data: where it stands, how to take it away, and which tests then go red."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "layers/core/aep_connections/"
TEMPLATE = "template.yaml"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. `text`, which occurs once in `file`, becomes `replacement`; then each of `tests` must fail.

    `without` says in a sentence what happens then; `also` numbers the other invariants that it serves.
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
    """One promise of the product, and what keeps it."""

    number: int
    name: str
    sentence: str
    guards: tuple[Guard, ...]
