"""Events: each outcome is put on the bus once, in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.contract.messages import DELETED, DRIFTED, FAILED, READY
from aep_connections.domain.errors import Unavailable
from tests.adapters.sides import Side
from tests.support.aws import instead, noted


def details(side: Side, count: int) -> list[dict[str, Any]]:
    return [{"sandbox": side.sandbox, "number": number, "nested": {"ü": [None, 1.5]}} for number in range(count)]


@pytest.mark.parametrize("detail_type", [READY, FAILED, DELETED, DRIFTED])
def test_an_event_names_its_type_and_its_source(side: Side, detail_type: str) -> None:
    (detail,) = details(side, 1)

    side.events.announce(detail_type, detail)

    (event,) = side.announced()
    assert (event["source"], event["detail-type"], event["detail"]) == ("aep.connections", detail_type, detail)
    assert event["id"]


@pytest.mark.parametrize("count", [0, 10, 11, 23])
def test_each_of_many_events_is_announced_once(side: Side, count: int) -> None:
    many = details(side, count)

    side.events.announce(READY, *many)

    announced = side.announced()
    assert sorted((event["detail"] for event in announced), key=lambda detail: detail["number"]) == many
    assert len({event["id"] for event in announced}) == count


@pytest.mark.parametrize("side", ["adapter"], indirect=True)
def test_a_call_has_at_most_ten_events(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = noted(monkeypatch, "PutEvents")

    side.events.announce(READY, *details(side, 23))

    assert [len(call["Entries"]) for call in calls] == [10, 10, 3]


@pytest.mark.parametrize("side", ["adapter"], indirect=True)
def test_an_event_that_the_bus_does_not_accept_is_an_error(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil_one(call: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        arguments["Entries"][1]["Detail"] = "no JSON"
        return call()

    instead(monkeypatch, "PutEvents", spoil_one)

    with pytest.raises(Unavailable, match=r"put_events failed \(MalformedDetail\)"):
        side.events.announce(READY, *details(side, 3))

    assert [event["detail"]["number"] for event in side.announced()] == [0, 2]
