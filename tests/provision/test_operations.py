"""The procedures of docs/runbook.md work: redrive, restore, rebuild, move, share a sandbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from local.aws.account import Aws
from local.simulators.faults import Fault
from local.stack import ROOT
from tests.support.memory import MemoryWorld
from tests.support.world import ABSENT, RECHECK, REQUEST, Sent, World

RUNBOOK = ROOT / "docs" / "runbook.md"
OTHER = REQUEST | {"displayName": "Sales, the other stack"}


def redriven(world: World) -> list[Sent]:
    """The dead letters, redriven as SQS does it: the same bodies in new messages."""
    return [world.send_body(letter["Body"]) for letter in world.dead_letters()]


def given_up(world: World, detail: dict[str, Any] = REQUEST) -> Sent:
    """A request that kept failing until it was parked."""
    world.adobe.faults.add(Fault(times=0, status=503))
    sent = world.send(detail)
    world.deliver(sent)
    world.clock.advance(3700)
    assert world.deliver(sent)
    world.adobe.faults.clear()
    return sent


def lose_the_registry(world: World) -> None:
    world.replace_items([])


# ---------------------------------------------------------------- redrive


def test_a_redriven_request_is_processed_with_the_time_of_the_original_request(world: World) -> None:
    sent = given_up(world)
    requested_at = json.loads(sent.body)["time"]

    (again,) = redriven(world)
    assert world.deliver(again)

    assert [item["id"] for item in world.connections()] == [world.parameter()]
    assert world.announced() == [("Failed", "Unavailable"), ("Ready", "created")]
    assert world.events()[-1]["detail"]["requestedAt"] == requested_at.replace("Z", ".000Z")


def test_a_redriven_request_loses_to_a_newer_one(world: World) -> None:
    given_up(world)
    world.request(REQUEST | {"displayName": "Newer"})
    (again,) = redriven(world)
    assert world.deliver(again)

    assert [item["name"] for item in world.connections()] == ["Newer"]
    assert world.announced()[-1] == ("Ready", "created")
    assert world.dead_letters() == []


def test_a_redriven_request_does_not_recreate_a_connection_that_was_deleted_later(world: World) -> None:
    given_up(world)
    world.request(ABSENT)
    (again,) = redriven(world)
    assert world.deliver(again)

    assert (world.connections(), world.parameter(), world.status()) == ([], None, "retired")


def test_redriving_a_request_twice_changes_nothing_the_second_time(world: World) -> None:
    sent = given_up(world)
    body = world.dead_letters()[0]["Body"]
    for _ in range(2):
        assert world.deliver(world.send_body(body))

    assert sent.receive_count == 2
    assert len(world.connections()) == 1
    assert world.announced()[1:] == [("Ready", "created")]


# ---------------------------------------------------------------- a lost registry


def test_a_lost_registry_is_rebuilt_by_sending_the_requests_again(world: World) -> None:
    world.request()
    (before,) = world.connections()
    lose_the_registry(world)
    world.request()
    world.request()

    (after,) = world.connections()
    assert after["id"] == before["id"] == world.parameter()
    assert [outcome for _, outcome in world.announced()] == ["created", "adopted", "unchanged"]
    assert world.item()["connectionId"]["S"] == before["id"]


def test_if_the_parameter_is_lost_too_the_marker_shows_what_was_ours_and_adopt_takes_it_back(world: World) -> None:
    world.request()
    (before,) = world.connections()
    lose_the_registry(world)
    world.unpublish()

    world.request()
    assert world.announced()[-1] == ("Failed", "Conflict")
    assert re.search(r"\[aep-connections [^]]+\]$", before["description"])
    assert [item["id"] for item in world.connections()] == [before["id"]]

    world.request(REQUEST | {"adopt": True})
    assert world.announced()[-1] == ("Ready", "adopted")
    assert [item["id"] for item in world.connections()] == [before["id"]] == [world.parameter()]


def test_absence_after_a_lost_registry_deletes_the_connection_in_the_parameter(world: World) -> None:
    world.request()
    lose_the_registry(world)
    world.request(ABSENT)

    assert (world.connections(), world.parameter()) == ([], None)


def test_a_registry_restored_from_before_a_connection_was_made_finds_it_by_its_parameter(world: World) -> None:
    given_up(world)
    old = world.items()
    world.request()
    (made,) = world.connections()
    world.replace_items(old)
    world.request()

    assert [item["id"] for item in world.connections()] == [made["id"]] == [world.parameter()]


@pytest.fixture
def restore(world: World, aws: Aws) -> Any:
    """Steps 2 and 3 of the runbook's procedure, with its script. `restore.moment()` sets the point in time."""
    return Restore(world, aws)


class Restore:
    def __init__(self, world: World, aws: Aws) -> None:
        self._dynamodb, self._environment = aws.client("dynamodb"), os.environ | aws.environment()
        self._table, self._prefix = (world.environment[n] for n in ("REGISTRY_TABLE", "PARAMETER_PREFIX"))

    def moment(self) -> None:
        self._dynamodb.restore_table_to_point_in_time(
            SourceTableName=self._table, TargetTableName=f"{self._table}-restored", UseLatestRestorableTime=True
        )

    def back(self) -> str:
        """Run the script and return its output."""
        (script,) = re.findall(r" *```python\n(.+?)```", RUNBOOK.read_text(), re.DOTALL)
        arguments = [f"{self._table}-restored", self._table, self._prefix]
        command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
        return subprocess.run(command, check=True, env=self._environment, capture_output=True, text=True).stdout

    def items(self) -> list[Any]:
        return sorted(self._dynamodb.scan(TableName=self._table)["Items"], key=str)


@pytest.mark.cloud
def test_a_restored_registry_is_as_it_was(world: World, restore: Restore) -> None:
    world.request()
    world.request(REQUEST | {"name": "other"})
    before = restore.items()
    restore.moment()
    lose_the_registry(world)

    assert restore.back() == ""
    assert restore.items() == before
    assert world.deliver(world.send_body(RECHECK))
    assert world.announced()[2:] == []


@pytest.mark.cloud
def test_restoring_leaves_every_key_that_still_exists_unchanged(world: World, restore: Restore) -> None:
    world.request()
    restore.moment()
    world.request(REQUEST | {"displayName": "Newer"})
    before = restore.items()

    assert restore.back() == "left as it is: dev sales\n"
    assert restore.items() == before


@pytest.mark.cloud
def test_a_connection_recreated_after_the_restore_point_is_found_under_any_name(world: World, restore: Restore) -> None:
    world.request()
    restore.moment()
    world.adobe.records.clear()
    world.request(REQUEST | {"displayName": "Newer"})
    (made,) = world.connections()
    assert world.announced()[-1] == ("Ready", "recreated")
    lose_the_registry(world)
    restore.back()
    assert world.deliver(world.send_body(RECHECK))

    assert [item["id"] for item in world.connections()] == [made["id"]] == [world.parameter()]
    assert world.announced()[-1] == ("Ready", "adopted")


@pytest.mark.cloud
@pytest.mark.cloud
def test_an_unpublished_connection_from_before_the_restore_point_is_found_by_its_marker(
    world: World, restore: Restore
) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    world.request()
    (made,) = world.connections()
    restore.moment()
    lose_the_registry(world)
    restore.back()
    assert "connectionId" not in world.item()
    world.request()

    assert [item["id"] for item in world.connections()] == [made["id"]] == [world.parameter()]


@pytest.mark.cloud
@pytest.mark.cloud
def test_an_unpublished_connection_from_after_the_restore_point_is_a_conflict_until_it_is_adopted(
    world: World, restore: Restore
) -> None:
    restore.moment()
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    world.request()
    assert world.announced() == [("Failed", "TestFailed")]
    (made,) = world.connections()
    lose_the_registry(world)
    restore.back()
    world.request()
    assert world.announced()[-1] == ("Failed", "Conflict")
    world.request(REQUEST | {"adopt": True})

    assert [item["id"] for item in world.connections()] == [made["id"]] == [world.parameter()]


# ---------------------------------------------------------------- two stacks, one sandbox


def test_two_stacks_on_one_sandbox_do_not_touch_each_others_connections() -> None:
    world = MemoryWorld()
    other = MemoryWorld(beside=world)
    world.request()
    (first,) = world.connections()

    other.request()
    assert other.announced() == [("Failed", "Conflict")]
    assert world.connections() == [first]

    other.request(OTHER)
    assert other.announced()[-1] == ("Ready", "created")
    assert sorted([world.parameter(), other.parameter()]) == sorted(item["id"] for item in world.connections())  # type: ignore[type-var]

    other.request(ABSENT)
    world.request()
    assert [item["id"] for item in world.connections()] == [first["id"]]
    assert world.announced()[-1] == ("Ready", "unchanged")


def test_a_new_stack_with_the_parameters_of_the_old_stack_takes_over_its_connections() -> None:
    world = MemoryWorld()
    world.request()
    (before,) = world.connections()
    successor = MemoryWorld(beside=world)
    successor.account.parameters = world.account.parameters

    successor.request()

    assert successor.announced() == [("Ready", "adopted")]
    assert [item["id"] for item in world.connections()] == [before["id"]] == [successor.parameter()]
