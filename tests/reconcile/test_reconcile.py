"""Scheduled reconcile runs: every kind of drift is found, announced, and repaired by a recheck."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.domain.entry import Pending
from aep_connections.domain.model import Order, Status
from aep_connections.domain.time import iso
from local.simulators.connections import patched
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import DATABRICKS_SECRET
from tests.support.calls import Calls
from tests.support.keeper import Keeper
from tests.support.world import ABSENT, REQUEST, World


def edit(world: World, path: str, value: Any) -> None:
    """Edit the only connection in Adobe, as another user."""
    (item,) = world.connections("sales")
    record = world.adobe.records[item["id"]]
    record.item = patched(record.item, [{"op": "replace", "path": path, "value": value}], "someone", world.clock.now())


def edit_param(world: World, name: str, value: str) -> None:
    (item,) = world.connections("sales")
    edit(world, "/auth/params", item["auth"]["params"] | {name: value})


def delete(world: World) -> None:
    (item,) = world.connections("sales")
    world.adobe.records[item["id"]].deleted_at = world.clock.now()


def copy(world: World) -> None:
    (item,) = world.connections("sales")
    copied = world.add_foreign("sales")
    world.adobe.records[copied].item["description"] = item["description"]


def fail(world: World) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    world.request(REQUEST | {"description": "again"})


EDITS: dict[str, Callable[[World], object]] = {
    "missing": delete,
    "renamed": lambda world: edit(world, "/name", "sales.renamed"),
    "moved": lambda world: edit_param(world, "database", "elsewhere"),
    "duplicate": copy,
    "failed": fail,
    "parameterMissing": lambda world: world.unpublish(),
    "parameterDiffers": lambda world: world.publish("11111111-1111-4111-8111-111111111111"),
    "staleSecret": lambda world: world.put_secret(accessToken="rotated-token-of-some-length"),
}


@pytest.mark.parametrize("kind", EDITS)
def test_drift_is_announced_and_then_repaired(world: World, keeper: Keeper, kind: str) -> None:
    world.request()
    EDITS[kind](world)

    keeper.reconcile()

    (detail,) = keeper.drifts()
    assert [one["kind"] for one in detail["drift"]] == [kind]
    assert (detail["sandbox"], detail["name"], detail["action"], detail["because"]) == ("dev", "sales", "recheck", None)
    assert detail["requestedAt"]
    assert keeper.deliver_rechecks() == ["duplicate" if kind == "duplicate" else "drift"]
    (item,) = world.connections()
    assert (world.status(), world.parameter()) == ("ready", item["id"])
    assert (item["name"], item["auth"]["params"]["database"]) == ("sales", "acme_db")
    assert keeper.reconcile()["Drifted"] == 0


@pytest.mark.parametrize("state", ["disabled", "draft"])
def test_a_disabled_or_draft_connection_is_announced_and_fails_until_it_is_enabled(
    world: World, keeper: Keeper, state: str
) -> None:
    world.request()
    (item,) = world.connections()
    world.adobe.settings.states[item["id"]] = state

    keeper.reconcile()

    assert keeper.kinds() == [[state]]
    keeper.deliver_rechecks()
    assert (world.announced()[-1], world.parameter()) == (("Failed", "AdobeRefused"), item["id"])
    world.adobe.settings.states.clear()
    keeper.reconcile()
    keeper.deliver_rechecks()
    assert world.status() == "ready"
    assert world.announced()[-1] == ("Ready", "unchanged")


def test_a_foreign_connection_of_the_same_name_is_announced_and_left_to_an_operator(
    world: World, keeper: Keeper
) -> None:
    world.request()
    foreign = world.add_foreign("sales")

    result = keeper.reconcile()

    assert result["Unrepaired"] == 0  # the connection itself has no drift
    (detail,) = keeper.drifts()
    assert detail["drift"] == [{"kind": "conflict", "expected": None, "shown": foreign}]
    assert (detail["action"], detail["because"]) == ("none", "people")
    assert keeper.rechecks() == []


def test_a_connection_of_another_key_with_the_same_name_is_no_conflict(world: World, keeper: Keeper) -> None:
    world.request()
    world.request(REQUEST | {"name": "twin", "displayName": "sales"})
    world.edit(("dev", "twin"), failure=None, status=Status.READY)

    keeper.reconcile()

    assert ["conflict"] not in keeper.kinds()


def test_an_abandoned_attempt_is_settled(world: World, keeper: Keeper) -> None:
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=100))
    world.deliver(world.send(REQUEST), seconds=100)
    world.clock.advance(25 * 3600)
    world.adobe.reply(Request("GET", "/", (), {}, b""))  # the late POST takes effect now

    keeper.reconcile()

    assert keeper.kinds() == [["openAttempt", "unfinished"]]
    keeper.deliver_rechecks()
    (item,) = world.connections()
    assert (world.status(), world.parameter()) == ("ready", item["id"])


def test_a_request_that_is_being_processed_is_not_drift(world: World, keeper: Keeper) -> None:
    world.adobe.faults.add(Fault(path=".*/connections", times=3, status=503))
    assert not world.request()

    assert keeper.reconcile()["Drifted"] == 0


@pytest.mark.parametrize(("age", "drifted"), [(3600, 0), (90_000, 1)])
def test_a_note_of_a_request_that_never_came_hides_drift_for_a_day_only(
    world: World, keeper: Keeper, age: int, drifted: int
) -> None:
    world.request()
    world.edit(pending=Pending(Order(iso(world.clock.now()), "x"), {}))
    edit(world, "/name", "sales.renamed")

    assert keeper.reconcile(age)["Drifted"] == drifted


def test_a_secret_that_is_gone_is_announced_and_the_connection_is_not_changed(world: World, keeper: Keeper) -> None:
    world.request()
    world.delete_secret()

    result = keeper.reconcile()

    assert keeper.kinds() == [["secretUnreadable"]]
    assert (result["Unrepaired"], keeper.rechecks(), world.status()) == (1, [], "ready")


def test_a_connection_of_a_retired_key_is_deleted(world: World, keeper: Keeper) -> None:
    world.request()
    world.request({**REQUEST, "name": "other"})
    (item,) = world.connections("sales")
    world.request(ABSENT)
    late = world.add_foreign("sales")
    world.adobe.records[late].item["description"] = item["description"]

    keeper.reconcile()

    assert keeper.kinds() == [["duplicate"]]
    keeper.deliver_rechecks()
    assert world.connections("sales") == []
    assert (world.status(), world.announced()[-1]) == ("retired", ("Deleted", "deleted"))


def test_drift_shortly_after_an_update_is_not_reported_yet(world: World, keeper: Keeper) -> None:
    world.request()
    edit(world, "/name", "sales.before")

    runs = [keeper.reconcile(100) for _ in range(2)]

    assert [(result["Skipped"], result["Drifted"]) for result in runs] == [(1, 0), (0, 1)]


def test_only_our_unpublished_connections_are_duplicates(world: World, keeper: Keeper) -> None:
    world.request()
    copy(world)
    (duplicate,) = {item["id"] for item in world.connections()} - {world.parameter()}
    foreign = world.add_foreign("sales")
    world.publish(duplicate)

    keeper.reconcile()
    keeper.deliver_rechecks()

    assert {duplicate, foreign} < {item["id"] for item in world.connections()}
    keeper.reconcile()
    keeper.deliver_rechecks()
    assert {item["id"] for item in world.connections()} == {foreign, world.parameter()}


def test_a_duplicate_that_dataflows_use_is_left_and_announced_again(world: World, keeper: Keeper) -> None:
    world.request()
    copy(world)
    known = world.parameter()
    (duplicate,) = [item["id"] for item in world.connections() if item["id"] != known]
    world.adobe.settings.in_use.append(duplicate)

    keeper.reconcile()
    keeper.deliver_rechecks()

    assert {item["id"] for item in world.connections()} == {known, duplicate}
    keeper.reconcile()
    assert keeper.kinds() == [["duplicate"], ["duplicate"]]


def test_drift_is_announced_before_anything_changes(world: World, keeper: Keeper, calls: Calls) -> None:
    world.request()
    delete(world)
    calls.made.clear()

    keeper.reconcile()

    assert calls.made.index("announce") < calls.made.index("send rechecks")
    assert world.connections() == []


def test_a_connection_that_exists_but_is_not_in_the_list_is_not_missing(world: World, keeper: Keeper) -> None:
    world.request()
    world.adobe.settings.list_lag_seconds = 10_000

    assert keeper.reconcile()["Drifted"] == 0


def test_a_key_that_changes_while_it_is_compared_is_not_announced(
    world: World, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    (item,) = world.connections()

    def act(request: Request, reply: Callable[..., Any]) -> Any:
        response = reply()
        if request.path.endswith("/connections"):
            monkeypatch.undo()
            world.request(ABSENT)
        return response

    world.clock.advance(1000)
    world.adobe.records[item["id"]].item["name"] = "renamed"
    world.on_replies(monkeypatch, act)

    result = keeper.wake({})

    assert (result["Skipped"], keeper.drifts(), keeper.rechecks()) == (1, [], [])


def test_values_from_adobe_are_redacted_before_they_are_announced(world: World, keeper: Keeper) -> None:
    world.request()
    edit(world, "/name", f"sales {DATABRICKS_SECRET['accessToken']}")

    keeper.reconcile()

    assert DATABRICKS_SECRET["accessToken"] not in json.dumps(world.events())
    assert keeper.drifts()[0]["drift"][0]["shown"] == "sales [redacted]"


def test_a_fleet_without_drift_is_left_alone(world: World, keeper: Keeper) -> None:
    world.request()
    world.request({**REQUEST, "name": "gone"})
    world.request({**ABSENT, "name": "gone"})

    result = keeper.reconcile()

    assert (result["ended"], result["Drifted"], result["Rechecks"], result["Verifications"]) == (True, 0, 0, 0)
    assert keeper.rechecks() == []
    assert keeper.drifts() == []
