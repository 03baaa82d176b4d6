"""Parameters: each key has one, which holds a connection id."""

from __future__ import annotations

import pytest

from aep_connections.domain.model import Key
from tests.adapters.sides import PREFIX, Side


def test_a_key_has_its_own_parameter(side: Side) -> None:
    assert side.parameters.name_of(side.key) == f"{PREFIX}/{side.sandbox}/sales/connection-id"


def test_an_id_is_published_replaced_and_removed(side: Side) -> None:
    assert side.parameters.get(side.key) is None

    side.parameters.put(side.key, "c-1")
    assert side.parameters.get(side.key) == "c-1"

    side.parameters.put(side.key, "c-2")
    assert side.parameters.get(side.key) == "c-2"

    side.parameters.delete(side.key)
    assert side.parameters.get(side.key) is None


def test_a_parameter_that_does_not_exist_may_be_removed(side: Side) -> None:
    side.parameters.delete(side.key)

    assert side.parameters.get(side.key) is None


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_a_sandbox_lists_all_its_parameters_and_no_others(side: Side, count: int) -> None:
    for number in range(count):
        side.parameters.put(Key(side.sandbox, f"n{number}"), f"c-{number}")
    side.parameters.put(Key(f"{side.sandbox}x", "sales"), "c-x")
    for other in ("sales/other", "sales/deeper/connection-id", "connection-id"):
        side.put_parameter(f"{PREFIX}/{side.sandbox}/{other}", "c-y")

    assert side.parameters.in_sandbox(side.sandbox) == {f"n{number}": f"c-{number}" for number in range(count)}
