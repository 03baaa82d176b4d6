"""Invariants 8 and 9: the most recent request wins, and connections of other systems are not touched."""

from __future__ import annotations

import itertools
import json

import pytest

from local.simulators.faults import Fault
from tests.support.log import Log
from tests.support.world import ABSENT, REQUEST, World


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("last", ["present", "absent"])
def test_the_latest_request_wins_whatever_order_requests_arrive_in(
    world: World, arrival: tuple[int, ...], last: str
) -> None:
    world, name = world, f"{last}-{''.join(map(str, arrival))}"
    began = world.clock.now() + 10
    world.clock.advance(100)
    first, second = REQUEST | {"name": name}, REQUEST | {"name": name, "database": "second"}
    requested = (
        [second, ABSENT | {"name": name}, first] if last == "present" else [first, second, ABSENT | {"name": name}]
    )

    for position in arrival:
        assert world.request(requested[position], at=began + position, order_id=f"id-{position}")
        world.request(requested[arrival[0]], at=began + arrival[0], order_id=f"id-{arrival[0]}")  # the first one again

    connections = world.connections(name)
    if last == "present":
        assert [item["auth"]["params"]["database"] for item in connections] == ["acme_db"]
        assert world.parameter(name) == connections[0]["id"]
    else:
        assert connections == []
        assert world.parameter(name) is None


def test_a_superseded_request_is_acknowledged_and_counted_but_not_announced(world: World, log: Log) -> None:
    now = world.clock.now()
    world.request(at=now + 5)

    assert world.request(REQUEST | {"database": "old"}, at=now)

    assert world.announced() == [("Ready", "created")]
    assert log.metrics()[-1]["Superseded"] == [1.0]


def test_a_superseded_direct_invoke_returns_superseded_with_nulls(world: World) -> None:
    world.clock.advance(1000)
    world.request()
    world.clock.advance(-900)

    result = world.invoke(REQUEST | {"database": "old"})

    assert result["outcome"] == "superseded"
    assert (result["connectionId"], result["etag"], result["parameterName"]) == (None, None, None)


def test_the_same_order_is_not_processed_twice(world: World) -> None:
    sent = world.send(REQUEST)
    assert world.deliver(sent)
    before = len(world.calls())

    assert world.deliver(sent)

    assert len(world.calls()) == before
    assert world.announced() == [("Ready", "created")]


def test_an_order_cannot_claim_to_come_from_the_future(world: World) -> None:
    world.request(REQUEST | {"database": "future"}, at=world.clock.now() + 1_000_000)

    assert world.request(REQUEST)

    assert world.connections()[0]["auth"]["params"]["database"] == "acme_db"


def test_a_parked_and_redriven_request_loses_to_a_newer_one(world: World) -> None:
    old = world.send(REQUEST | {"database": "old"}, order_id="old-1")
    world.adobe.faults.add(Fault(path=".*/connections", times=0, status=503))
    world.deliver(old)
    world.clock.advance(4000)
    assert world.deliver(old)
    (letter,) = world.dead_letters()
    world.adobe.faults.clear()
    world.request(REQUEST | {"database": "new"})

    assert world.deliver(world.send_body(letter["Body"]))

    assert json.loads(letter["Body"])["id"] == "old-1"
    assert world.connections()[0]["auth"]["params"]["database"] == "new"


def test_a_foreign_connection_of_the_name_is_a_conflict_and_stays_as_it_was(world: World) -> None:
    foreign = world.add_foreign("sales")
    before = json.dumps(world.adobe.records[foreign].item)

    refusal = world.refused(REQUEST)

    assert refusal.code == "Conflict"
    assert foreign in refusal.message
    assert json.dumps(world.adobe.records[foreign].item) == before
    assert len(world.connections()) == 1


def test_absence_deletes_nothing_foreign(world: World) -> None:
    foreign = world.add_foreign("sales")

    assert world.invoke(ABSENT)["outcome"] == "unchanged"

    assert [item["id"] for item in world.connections()] == [foreign]


def test_adopt_takes_the_oldest_and_reports_the_others(world: World) -> None:
    younger, oldest = world.add_foreign("sales", age=10), world.add_foreign("sales", age=1000)

    result = world.invoke(REQUEST | {"adopt": True})

    assert (result["outcome"], result["connectionId"], result["duplicates"]) == ("adopted", oldest, [younger])
    assert world.parameter() == oldest
    assert "[aep-connections " in world.adobe.records[oldest].item["description"]
    assert "description" not in world.adobe.records[younger].item


def test_an_adopted_connection_is_ours_from_then_on(world: World) -> None:
    foreign = world.add_foreign("sales")
    world.invoke(REQUEST | {"adopt": True})

    assert world.invoke(REQUEST)["outcome"] == "unchanged"
    assert world.invoke(ABSENT)["outcome"] == "deleted"
    assert world.adobe.records[foreign].deleted_at is not None


def test_the_connection_in_the_parameter_is_ours_while_the_registry_has_no_id(world: World) -> None:
    held = world.add_foreign("made by an older installation")
    world.publish(held)

    result = world.invoke(REQUEST)

    assert (result["outcome"], result["connectionId"]) == ("adopted", held)
    assert [item["name"] for item in world.connections()] == ["sales"]


def test_the_connection_in_the_parameter_is_foreign_once_the_registry_has_an_id(world: World) -> None:
    world.request()
    foreign = world.add_foreign("made by hand")
    world.connections("sales")[0]["name"] = "renamed"  # so that only the parameter leads to the foreign one
    world.adobe.records.pop(str(world.parameter()))
    world.publish(foreign)
    before = json.dumps(world.adobe.records[foreign].item)

    result = world.invoke(REQUEST)

    assert result["outcome"] == "recreated"
    assert result["connectionId"] == world.parameter() != foreign
    assert json.dumps(world.adobe.records[foreign].item) == before


def test_a_parameter_that_names_another_keys_connection_does_not_take_it_over(world: World) -> None:
    world.request(REQUEST | {"name": "first"})
    world.publish(str(world.parameter("first")))

    assert world.request(ABSENT)
    assert len(world.connections()) == 1
    world.publish(str(world.parameter("first")))

    assert world.invoke(REQUEST)["outcome"] == "created"
    assert world.parameter() != world.parameter("first")


@pytest.mark.parametrize("value", ["see wiki", "https://evil.example", "x" * 300, "../../x"])
def test_a_parameter_without_a_valid_id_is_overwritten_or_deleted(world: World, value: str) -> None:
    world.publish(value)
    assert world.invoke(ABSENT)["outcome"] == "deleted"
    assert world.parameter() is None

    world.publish(value)
    assert world.invoke(REQUEST)["outcome"] == "created"
    connection_id = world.connections()[0]["id"]
    assert world.parameter() == connection_id
    paths = {request.path.removeprefix("/data/foundation/flowservice/connections") for request in world.calls()}
    assert paths == {"", f"/{connection_id}/test"}


def test_a_foreign_marker_does_not_make_a_connection_ours(world: World) -> None:
    foreign = world.add_foreign("sales")
    world.adobe.records[foreign].item["description"] = f"[aep-connections {'a' * 32}]"

    assert world.refused(REQUEST).code == "Conflict"


def test_a_patch_with_a_stale_etag_is_repeated_after_the_connection_is_read_again(world: World) -> None:
    world.request()
    stale = '{"errorMessage": "Supplied version does not match"}'
    world.put_secret(accessToken="rotated")
    world.adobe.faults.add(Fault(method="PATCH", status=412, body=stale, times=2))

    assert world.invoke(REQUEST)["outcome"] == "updated"

    assert len(world.calls("PATCH")) == 3


def test_an_etag_that_is_always_stale_ends_after_three_reads(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.adobe.faults.add(Fault(method="PATCH", status=412, times=0))

    refusal = world.refused(REQUEST)

    assert refusal.code == "AdobeRefused"
    assert len(world.calls("PATCH")) == 4


def test_a_patch_that_adobe_does_not_support_is_refused_with_a_remedy(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.adobe.settings.patchable = False

    refusal = world.refused(REQUEST)

    assert refusal.code == "AdobeRefused"
    assert "FLOW-1445" in refusal.message
    assert refusal.request_id
