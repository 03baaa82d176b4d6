"""Every outside call with every kind of fault, then the following deliveries: no invariant breaks.

Every fault runs in memory, and some that each run draws by chance over HTTP and moto too. Every kill runs over HTTP.
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Iterable, Iterator

import pytest

from local.aws.account import Aws
from tests.fire.matrix_page import PAGE, line, lines_in
from tests.support.call_faults import AWS, EVERY, HTTP, KILLS, CallFault
from tests.support.cloud import new_cloud
from tests.support.errands import ERRANDS
from tests.support.iam import AwsCalls
from tests.support.matrix import Cell, Matrix, Row, new_matrix
from tests.support.memory import MemoryWorld
from tests.support.stories import STORIES, Story

DRAWN_AT_ONCE, DRAWS = 6, 4


@pytest.fixture
def over_http(aws: Aws, aws_calls: AwsCalls) -> Iterator[Matrix]:
    """A matrix in a new world: a larger registry would slow down each cell."""
    with new_cloud(aws, aws_calls) as world, new_matrix(world) as made:
        yield made


@functools.cache
def plan() -> dict[str, list[Cell]]:
    """The cells of each fault."""
    with new_matrix(MemoryWorld()) as matrix:
        return {fault.name: matrix.cells(fault) for fault in EVERY}


def on_the_page(cells: Iterable[Cell]) -> set[tuple[str, str]]:
    """The lines of the page for some cells."""
    wanted = {(cell.call, f"| {cell.fault.name} | {cell.story.name} |") for cell in cells}
    lines = {pair for fault in {cell.fault.name for cell in cells} for pair in lines_in(PAGE.read_text(), fault)}
    return {(call, text) for call, text in lines if any(call == of and text.startswith(start) for of, start in wanted)}


def check(rows: list[Row], expected: set[tuple[str, str]]) -> None:
    """No row broke an invariant, and each is as the page says."""
    assert [row for row in rows if row.broken] == []
    assert {(row.call, line(row)) for row in rows} == expected, "make matrix"


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.name)
def test_the_cells_of_a_fault_are_those_of_the_page(fault: CallFault) -> None:
    cells = plan()[fault.name]

    assert len(cells) == len(lines_in(PAGE.read_text(), fault.name)) > 0
    assert on_the_page(cells) == lines_in(PAGE.read_text(), fault.name)


@pytest.mark.parametrize("fault", HTTP + AWS, ids=lambda fault: fault.name)
def test_no_fault_of_a_call_breaks_an_invariant(fault: CallFault) -> None:
    with new_matrix(MemoryWorld()) as matrix:
        rows = [matrix.row(cell) for cell in plan()[fault.name]]

    assert rows
    check(rows, lines_in(PAGE.read_text(), fault.name))


@pytest.mark.parametrize("story", STORIES + ERRANDS, ids=lambda story: story.name)
@pytest.mark.parametrize("fault", KILLS, ids=lambda fault: fault.name)
def test_no_kill_breaks_an_invariant_over_http(over_http: Matrix, fault: CallFault, story: Story) -> None:
    cells = [cell for cell in plan()[fault.name] if cell.story is story]

    check([over_http.row(cell) for cell in cells], on_the_page(cells))


@pytest.mark.parametrize("draw", range(DRAWS))
def test_no_fault_that_is_drawn_breaks_an_invariant_over_http(over_http: Matrix, draw: int) -> None:
    seed = int(os.environ.get("MATRIX_SEED") or random.randrange(10**9))
    print(f"Repeat this draw with MATRIX_SEED={seed}.")
    every = [cell for fault in HTTP + AWS for cell in plan()[fault.name]]
    cells = random.Random(seed).sample(every, DRAWN_AT_ONCE)

    check([over_http.row(cell) for cell in cells], on_the_page(cells))
