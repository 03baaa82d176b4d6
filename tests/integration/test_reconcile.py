"""The schedule: everything that can be otherwise with a connection is found, announced, and mended by a recheck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.connections import patched
from local.faults import Fault
from tests.support.keeper import Keeper
from tests.support.world import ABSENT, REQUEST, SECRET_ID, World


def edit(world: World, path: str, value: Any) -> None:
    """Somebody edits the only connection in Adobe."""
    (item,) = world.connections("sales")
    record = world.stack.adobe.records[item["id"]]
    record.item = patched(record.item, [{"op": "replace", "path": path, "value": value}], "somebody", world.clock.now())


def edit_param(world: World, name: str, value: str) -> None:
    (item,) = world.connections("sales")
    edit(world, "/auth/params", item["auth"]["params"] | {name: value})


def delete(world: World) -> None:
    (item,) = world.connections("sales")
    world.stack.adobe.records[item["id"]].deleted_at = world.clock.now()


def copy(world: World) -> None:
    (item,) = world.connections("sales")
    copied = world.add_foreign("sales")
    world.stack.adobe.records[copied].item["description"] = item["description"]


def fail(world: World) -> None:
    world.stack.adobe.faults.add(Fault(path=".*/test", body=b'{"result": false}', status=200))
    world.ask(REQUEST | {"description": "again"})


def lose_answer(world: World) -> None:
    world.stack.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=100))
    delete(world)
    world.deliver(world.send(REQUEST), seconds=100)


EDITS: dict[str, Callable[[World], object]] = {
    "missing": delete,
    "renamed": lambda world: edit(world, "/name", "sales.renamed"),
    "moved": lambda world: edit_param(world, "database", "elsewhere"),
    "surplus": copy,
    "failed": fail,
    "parameterMissing": lambda world: world.unpublish(),
    "parameterDiffers": lambda world: world.publish("11111111-1111-4111-8111-111111111111"),
    "staleSecret": lambda world: world.put_secret(accessToken="rotated-token-of-some-length"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_what_is_otherwise_is_announced_and_then_mended(world: World, keeper: Keeper, kind: str) -> None:
    world.ask()
    EDITS[kind](world)
    keeper.told()  # and nobody heard of it

    keeper.reconcile()

    (detail,) = keeper.drifts()
    assert [one["kind"] for one in detail["drift"]] == [kind]
    assert (detail["sandbox"], detail["name"], detail["action"], detail["because"]) == ("dev", "sales", "recheck", None)
    assert detail["requestedAt"]
    assert keeper.mend() == ["surplus" if kind == "surplus" else "drift"]
    (item,) = world.connections()
    assert (world.status(), world.parameter()) == ("ready", item["id"])
    assert (item["name"], item["auth"]["params"]["database"]) == ("sales", "acme_db")
    assert keeper.reconcile()["Drifted"] == 0


def test_a_fleet_that_is_as_it_should_be_is_left_alone(world: World, keeper: Keeper) -> None:
    world.ask()
    world.ask({**REQUEST, "name": "gone"})
    world.ask({**ABSENT, "name": "gone"})

    said = keeper.reconcile()

    assert (said["ended"], said["Drifted"], said["Rechecks"], said["Verifications"]) == (True, 0, 0, 0)
    assert keeper.rechecks() == []
    assert keeper.drifts() == []
    assert SECRET_ID
