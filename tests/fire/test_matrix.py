"""Every outside call with every kind of fault, then the following deliveries: no invariant breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.aws.account import Aws
from tests.fire.matrix_page import PAGE, line, lines_in
from tests.support.call_faults import EVERY, CallFault
from tests.support.iam import AwsCalls
from tests.support.matrix import Matrix, new_matrix


@pytest.fixture(scope="module")
def matrix(aws: Aws, aws_calls: AwsCalls) -> Iterator[Matrix]:
    with new_matrix(aws, aws_calls) as made:
        yield made


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.name)
def test_no_fault_of_a_call_breaks_an_invariant(matrix: Matrix, fault: CallFault) -> None:
    rows = matrix.column(fault)

    assert rows
    assert [row for row in rows if row.broken] == []
    assert {(row.call, line(row)) for row in rows} == lines_in(PAGE.read_text(), fault.name), "make matrix"
