"""The text of an error, for those who see nothing else of it."""

from __future__ import annotations

from aep_connections.domain.errors import Fault, NotReady


def test_the_text_of_an_error_has_each_fault_once() -> None:
    faults = [Fault("cluster", "The cluster is stopped."), Fault("catalog", "It does not exist.")]

    error = NotReady("Not ready: The cluster is stopped.", faults=faults, remedy="Start it.", request_id="r-1")

    assert str(error) == (
        "Not ready: The cluster is stopped. [catalog: It does not exist.] Start it. (upstream request id r-1)"
    )
