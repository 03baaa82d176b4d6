"""Killed after any call: the next delivery still leads to one connection, one parameter and an announced outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.calls import Calls, Go
from tests.support.world import ABSENT, REQUEST, Killed, World

CREATE, UPDATE, DELETE = 17, 15, 10
"""How many calls each of them makes. The last test checks these numbers."""


def killed_then_delivered_again(world: World, request: Mapping[str, Any], number: int) -> None:
    sent, calls = world.send(request), Calls()

    def kill(_name: str, go: Go) -> Any:
        last = len(calls.made) >= number
        response = go()
        if last:
            raise Killed
        return response

    calls.act = kill
    with world.watched(calls), pytest.raises(Killed):
        world.deliver(sent, world.new_service())
    world.clock.advance(180)
    world.until_done(sent)


def ends(world: World, name: str) -> list[tuple[str, str]]:
    """The kind and outcome of each event of the key."""
    details = [(event["detail-type"].rpartition(" ")[2], event["detail"]) for event in world.events()]
    return [(end, detail["outcome"]) for end, detail in details if detail["name"] == name]


@pytest.mark.parametrize("calls", range(1, CREATE + 1))
def test_a_create_killed_after_any_call_is_completed_by_a_later_delivery(world: World, calls: int) -> None:
    name = f"create-{calls}"

    killed_then_delivered_again(world, REQUEST | {"name": name}, calls)

    (connection,) = world.connections(name)
    assert world.parameter(name) == connection["id"]
    assert world.status(name) == "ready"
    (outcome,) = set(ends(world, name))
    assert outcome in {("Ready", "created"), ("Ready", "adopted")}


@pytest.mark.parametrize("calls", range(1, UPDATE + 1))
def test_an_update_killed_after_any_call_is_completed_by_a_later_delivery(world: World, calls: int) -> None:
    request = REQUEST | {"name": f"update-{calls}"}
    world.request(request)
    (before,) = world.connections(request["name"])

    changed = {"displayName": f"update-{calls}-changed", "database": "other"}
    killed_then_delivered_again(world, request | changed, calls)

    (after,) = world.connections(changed["displayName"])
    assert after["id"] == before["id"]
    assert after["auth"]["params"]["database"] == "other"
    assert world.status(request["name"]) == "ready"
    assert set(ends(world, request["name"])) == {("Ready", "created"), ("Ready", "updated")}


@pytest.mark.parametrize("calls", range(1, DELETE + 1))
def test_a_delete_killed_after_any_call_is_completed_by_a_later_delivery(world: World, calls: int) -> None:
    name = f"delete-{calls}"
    world.request(REQUEST | {"name": name})

    killed_then_delivered_again(world, ABSENT | {"name": name}, calls)

    assert world.connections(name) == []
    assert world.parameter(name) is None
    assert world.status(name) == "retired"
    assert {end for end, _ in ends(world, name)} == {"Ready", "Deleted"}


def test_the_tests_above_kill_after_every_call_from_the_first_to_the_last(world: World) -> None:
    made = []

    for request in (REQUEST | {"name": "all"}, REQUEST | {"name": "all", "database": "b"}, ABSENT | {"name": "all"}):
        service = world.new_service()
        with world.watched(Calls()) as seen:
            assert world.deliver(world.send(request), service)
        made.append(seen.made)

    assert [len(calls) for calls in made] == [CREATE, UPDATE, DELETE], made
