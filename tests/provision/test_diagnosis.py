"""The cause of a failed test or a refused create at Adobe is diagnosed with the help of Databricks' own replies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import DATABRICKS_SECRET
from tests.provision.test_readiness import CLUSTER, START, TOKEN, paths_called, stop
from tests.provision.test_waiting import starts
from tests.support.world import REQUEST, UNCHECKED, World

TEST = ".*/test"


def test_a_failed_test_is_diagnosed_by_databricks_verdict_on_the_token(world: World) -> None:
    world.adobe.faults.add(Fault(path=TEST, status=200, body="false"))
    world.databricks.settings.revoked_tokens = [TOKEN]

    refusal = world.refused(UNCHECKED)

    assert refusal.code == "DatabricksRefused"
    assert "Invalid access token" in refusal.message
    assert world.parameter() is None


@pytest.mark.parametrize(
    ("state", "readiness", "code"),
    [
        ("RUNNING", "check", "TestFailed"),
        ("PENDING", "check", "Waiting"),
        ("PENDING", "off", "Waiting"),
        ("TERMINATED", "start", "Waiting"),
        ("TERMINATED", "check", "TestFailed"),
        ("TERMINATED", "off", "TestFailed"),
    ],
)
def test_a_failed_test_is_diagnosed_by_the_clusters_state(world: World, state: str, readiness: str, code: str) -> None:
    def verdict(request: Request, go: Callable[[], object]) -> object:
        if request.path.endswith("/test"):
            world.databricks.settings.clusters = {CLUSTER: state}
            world.adobe.faults.add(Fault(path=TEST, status=200, body="false"))
        return go()

    with pytest.MonkeyPatch.context() as patch:
        world.on_replies(patch, verdict)
        refusal = world.refused(REQUEST | {"readiness": readiness})

    assert refusal.code == code
    if state == "TERMINATED":
        assert "TERMINATED" in refusal.message
    assert world.parameter() is None
    world.databricks.settings.clusters = {}
    world.adobe.faults.clear()
    assert world.invoke(REQUEST)["outcome"] in ("created", "updated")
    assert len(world.connections()) == 1


def test_a_failed_test_without_time_for_a_diagnosis_is_reported_as_adobe_states_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.adobe.faults.add(Fault(path=TEST, status=200, body="false"))
    ends_at = world.clock.now() + 180

    def slowly(request: Request, go: Callable[[], object]) -> object:
        if request.path.endswith("/test"):
            world.clock.advance(ends_at - world.clock.now() - 20)
        return go()

    world.on_replies(monkeypatch, slowly)

    assert world.refused(REQUEST).code == "TestFailed"
    assert len(paths_called(world)) == 3


def test_no_cluster_is_started_after_a_failed_test_while_another_check_fails(world: World) -> None:
    world.adobe.faults.add(Fault(path=TEST, status=200, body="false"))

    def change(request: Request, go: Callable[[], object]) -> object:
        if request.path.endswith("/test"):
            stop(world)
            world.databricks.settings.single_users = {CLUSTER: "someone@example.com"}
        return go()

    with pytest.MonkeyPatch.context() as patch:
        world.on_replies(patch, change)
        refusal = world.refused(START)

    assert (refusal.code, [fault.field for fault in refusal.faults]) == ("TestFailed", ["CLUSTER_STATE", "SINGLE_USER"])
    assert starts(world) == 0


def test_a_failed_test_that_databricks_cannot_explain_is_reported_as_adobe_states_it(world: World) -> None:
    world.adobe.faults.add(Fault(path=TEST, status=200, body="false"))

    refusal = world.refused(REQUEST)

    assert (refusal.code, refusal.faults) == ("TestFailed", ())


def test_a_create_that_adobe_refuses_is_diagnosed_too(world: World) -> None:
    stop(world)

    refusal = world.refused(UNCHECKED)

    assert refusal.code == "DatabricksRefused"
    assert f"Cluster {CLUSTER} is TERMINATED. Adobe needs it running." in refusal.message
    assert [fault.field for fault in refusal.faults] == ["CLUSTER_STATE"]
    assert DATABRICKS_SECRET["accessToken"] not in str(refusal)
