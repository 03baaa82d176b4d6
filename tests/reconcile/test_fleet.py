"""Reconcile runs: what ends one, when the circuit breaker stops it, how much it does, and how it continues."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.domain.errors import ConnectionFailure, InvalidRequest
from local.simulators.faults import Fault
from tests.support.calls import Calls
from tests.support.keeper import LATER, Keeper, reason_of
from tests.support.log import Log
from tests.support.world import REQUEST, SECRET_ID, STOPPED, World

HTML = "<html><body>Access denied</body></html>"
LIST = ".*/connections"


def ask_for(world: World, *names: str, sandbox: str = "dev") -> None:
    """Create connections for these names, with a secret of the sandbox."""
    secret_id = SECRET_ID.replace("/dev/", f"/{sandbox}/")
    if sandbox != "dev":
        world.put_secret(secret_id)
    for name in names:
        assert world.request({"name": name, "sandbox": sandbox, "databricksSecretId": secret_id})


def delete(world: World, *names: str) -> None:
    for item in world.connections():
        if item["name"] in names:
            world.adobe.records[item["id"]].deleted_at = world.clock.now()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=LIST, status=403, body=HTML),
        Fault(path=LIST, status=200, body=HTML),
        Fault(path=LIST, status=404, body='{"errorMessage": "sandbox not found"}'),
        Fault(path=LIST, times=3, status=503),
        Fault(path=LIST, times=3, drop=True),
    ],
    ids=["403", "HTML", "404", "503", "reset"],
)
def test_a_list_that_fails_reports_nothing_as_missing_and_stops_no_other_sandbox(
    world: World, keeper: Keeper, log: Log, fault: Fault
) -> None:
    ask_for(world, "a", "b", "c")
    ask_for(world, "d", sandbox="prod")
    delete(world, "d")
    world.clock.advance(LATER)
    world.adobe.faults.add(fault)
    keeper.pending_events()

    result = keeper.wake({})

    assert (result["ended"], result["FailedSandboxes"], result["Drifted"]) == (True, 1, 1)
    assert [detail["sandbox"] for detail in keeper.drifts()] == ["prod"]
    (line,) = [line for line in log.lines() if line["message"] == "sandbox not reconciled"]
    assert (line["sandbox"], line["level"]) == ("dev", "WARNING")


def test_a_second_page_that_fails_reports_nothing_as_missing(world: World, keeper: Keeper) -> None:
    ask_for(world, "a", "b")
    for number in range(100):
        world.add_foreign(f"foreign-{number}", age=10_000)
    world.adobe.faults.add(Fault(path=LIST, skip=1, status=403, body=HTML))

    result = keeper.reconcile()

    assert (result["FailedSandboxes"], keeper.drifts(), keeper.rechecks()) == (1, [], [])


def test_a_rejected_credential_ends_the_run_with_an_error(world: World, keeper: Keeper) -> None:
    ask_for(world, "a")
    world.put_values(world.template.values["AdobeSecretArn"], {"clientId": "x"})

    with pytest.raises(ConnectionFailure) as raised:
        keeper.reconcile()

    assert raised.value.code == "SecretInvalid"
    assert keeper.drifts() == []


def test_a_credential_of_another_organization_finds_nothing(world: World, keeper: Keeper) -> None:
    ask_for(world, "a")
    world.edit(("dev", "a"), org_id="other@AdobeOrg")

    result = keeper.reconcile()

    assert (result["FailedSandboxes"], keeper.drifts(), keeper.rechecks()) == (1, [], [])


def test_a_sandbox_with_too_many_missing_connections_is_stopped(world: World, keeper: Keeper, log: Log) -> None:
    ask_for(world, "a", "b", "c")
    ask_for(world, "d", sandbox="prod")
    delete(world, "a", "b", "d")
    world.unpublish("c")

    result = keeper.reconcile()

    assert (result["StoppedSandboxes"], result["Drifted"]) == (1, 1)
    assert [detail["sandbox"] for detail in keeper.drifts()] == ["prod"]
    assert [json.loads(sent.body)["recheck"]["sandbox"] for sent in keeper.rechecks()] == ["prod"]
    (line,) = [line for line in log.lines() if line["message"] == "sandbox stopped"]
    assert (line["sandbox"], line["missing"], line["connections"]) == ("dev", 2, 3)


def test_below_the_limit_of_the_circuit_breaker_missing_connections_are_recreated(world: World, keeper: Keeper) -> None:
    ask_for(world, "a", "b", "c", "d")
    delete(world, "a", "b")

    assert keeper.reconcile()["StoppedSandboxes"] == 0

    assert keeper.deliver_rechecks() == ["drift", "drift"]
    assert len(world.connections()) == 4


def test_with_the_policy_report_drift_is_announced_but_not_repaired(world: World, keeper: Keeper) -> None:
    ask_for(world, "a", "b", "c")
    delete(world, "a")
    keeper.service = keeper.new_service(REPAIR_POLICY="report")

    result = keeper.reconcile(10**6)

    assert (result["Unrepaired"], result["Verifications"], keeper.rechecks()) == (1, 0, [])
    (detail,) = keeper.drifts()
    assert (detail["action"], detail["because"]) == ("none", "policy")


def test_a_run_sends_no_more_rechecks_than_its_limit_and_drift_comes_first(world: World, keeper: Keeper) -> None:
    for name in ("a", "b", "c", "d", "e"):
        ask_for(world, name)
    delete(world, "d", "e")
    keeper.service = keeper.new_service(CHECKS_PER_RUN="3")

    result = keeper.reconcile(10**6)

    assert (result["Rechecks"], result["Verifications"]) == (2, 1)
    sent = keeper.rechecks()
    assert [reason_of(one) for one in sent] == ["drift", "drift", "due"]
    assert json.loads(sent[-1].body)["recheck"]["name"] == "a"  # tested before b and c


def test_drift_in_a_later_sandbox_comes_before_due_tests(world: World, keeper: Keeper) -> None:
    ask_for(world, "a", sandbox="s1")
    ask_for(world, "b", sandbox="s2")
    delete(world, "b")
    keeper.service = keeper.new_service(CHECKS_PER_RUN="1")

    result = keeper.reconcile(10**6)

    assert (result["Rechecks"], result["Verifications"]) == (1, 0)
    assert [reason_of(sent) for sent in keeper.rechecks()] == ["drift"]


def test_drift_beyond_the_budget_is_announced_as_left_for_the_next_run(world: World, keeper: Keeper) -> None:
    for name in ("a", "b", "c", "d", "e"):
        ask_for(world, name)
    delete(world, "d", "b")
    keeper.service = keeper.new_service(CHECKS_PER_RUN="1")

    keeper.reconcile()

    assert [(detail["name"], detail["because"]) for detail in keeper.drifts()] == [("b", None), ("d", "budget")]
    keeper.deliver_rechecks()
    keeper.reconcile()
    keeper.deliver_rechecks()
    assert len(world.connections()) == 5


def test_due_connections_of_all_sandboxes_are_tested_with_the_oldest_test_first(world: World, keeper: Keeper) -> None:
    ask_for(world, "old", sandbox="prod")
    world.clock.advance(3600)
    ask_for(world, "new")
    world.clock.advance(80_000)
    ask_for(world, "newest")
    keeper.service = keeper.new_service(CHECKS_PER_RUN="1")
    tests = len(world.calls("GET", "/test"))

    keeper.reconcile()

    (sent,) = keeper.rechecks()
    assert json.loads(sent.body)["recheck"] == {"sandbox": "prod", "name": "old", "reason": "due"}
    assert world.deliver(sent)
    assert len(world.calls("GET", "/test")) == tests + 1
    assert [end for end, _ in world.announced()] == ["Ready"] * 3


def test_rechecks_whose_send_failed_still_count_as_sent(
    world: World, keeper: Keeper, refuse: Callable[..., None]
) -> None:
    for sandbox in ("s1", "s2"):
        ask_for(world, "a", sandbox=sandbox)
    delete(world, "a")
    keeper.service = keeper.new_service(CHECKS_PER_RUN="1")
    refuse("send rechecks")

    assert keeper.reconcile()["FailedSandboxes"] == 1

    assert [detail["because"] for detail in keeper.drifts()] == [None, "budget"]


def test_a_connection_with_a_foreign_one_of_the_same_name_is_still_verified(world: World, keeper: Keeper) -> None:
    ask_for(world, "sales")
    world.add_foreign("sales")

    result = keeper.reconcile(10**6)

    assert (result["Drifted"], result["Verifications"]) == (1, 1)


def test_a_run_that_reaches_its_deadline_continues_where_it_stopped(world: World, keeper: Keeper) -> None:
    for sandbox in ("s1", "s2", "s3"):
        ask_for(world, "a", sandbox=sandbox)
    delete(world, "a")
    world.clock.advance(LATER)
    listed = len(world.calls("GET", "/connections"))
    keeper.pending_events()

    first = keeper.wake({}, seconds=130)
    (event,) = keeper.pending_events()
    second = keeper.wake(event, seconds=130)
    (event,) = keeper.pending_events()
    third = keeper.wake(event, seconds=130)

    assert [result["ended"] for result in (first, second, third)] == [False, False, True]
    assert third["Drifted"] == third["Rechecks"] == 3
    assert len(world.calls("GET", "/connections")) == listed + 3
    assert keeper.pending_events() == []
    assert sorted(json.loads(sent.body)["recheck"]["sandbox"] for sent in keeper.rechecks()) == ["s1", "s2", "s3"]


def test_a_run_that_continues_keeps_its_budget_and_its_due_tests(world: World, keeper: Keeper) -> None:
    for sandbox in ("s1", "s2"):
        ask_for(world, "a", sandbox=sandbox)
        world.clock.advance(60)
    keeper.service = keeper.new_service(CHECKS_PER_RUN="1")
    world.clock.advance(10**6)
    keeper.pending_events()

    keeper.wake({}, seconds=130)
    (event,) = keeper.pending_events()
    result = keeper.wake(json.loads(json.dumps(event)), seconds=130)

    assert result["Verifications"] == 1
    (sent,) = keeper.rechecks()
    assert json.loads(sent.body)["recheck"]["sandbox"] == "s1"


def test_scheduled_work_starts_no_cluster_and_tests_nothing_while_the_cluster_is_stopped(
    world: World, keeper: Keeper
) -> None:
    assert world.request(REQUEST | {"readiness": "start"})
    world.databricks.settings.clusters = dict(STOPPED)
    tests = len(world.calls("GET", "/test"))

    assert keeper.reconcile(10**6)["Verifications"] == 1
    assert keeper.deliver_rechecks() == ["due"]

    assert len(world.calls("GET", "/test")) == tests
    assert [call for call in world.databricks.calls if call.request.path.endswith("/start")] == []
    assert (world.status(), world.announced()) == ("ready", [("Ready", "created")])


def test_scheduled_work_that_is_retried_still_starts_no_cluster(world: World, keeper: Keeper) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    assert world.request(REQUEST | {"readiness": "start"})
    world.databricks.settings.clusters = dict(STOPPED)
    keeper.reconcile()
    (sent,) = keeper.rechecks()
    world.adobe.faults.add(Fault(times=3, status=503))

    assert not world.deliver(sent)
    assert world.status() == "failed"
    world.until_done(sent)

    assert [call for call in world.databricks.calls if call.request.path.endswith("/start")] == []
    assert world.announced()[-1] == ("Failed", "NotReady")


def test_a_failed_connection_does_not_become_ready_while_its_cluster_is_stopped(world: World, keeper: Keeper) -> None:
    assert world.request()
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    assert world.request(REQUEST | {"description": "changed"})
    world.databricks.settings.clusters = dict(STOPPED)

    keeper.reconcile()
    keeper.deliver_rechecks()

    assert (world.status(), world.announced()[-1]) == ("failed", ("Failed", "NotReady"))


def test_the_number_of_calls_grows_with_pages_not_with_connections(world: World, keeper: Keeper) -> None:
    ask_for(world, *(f"k{number}" for number in range(12)))
    world.clock.advance(LATER)
    before = len(world.calls())

    keeper.wake({})

    assert len(world.calls()) == before + 1


@pytest.mark.parametrize(
    "event",
    [{"detail-type": "Something", "detail": {}}, {"what": "ever"}, [], {"detail-type": "Secret Label Updated"}],
)
def test_an_unrecognized_event_is_refused_with_its_faults(keeper: Keeper, event: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        keeper.wake(event)

    assert raised.value.faults


@pytest.mark.parametrize(
    "call", ["keys of a sandbox", "list parameters", "secret's version", "read entries again", "announce"]
)
def test_a_sandbox_that_aws_refuses_to_read_is_counted_as_failed_and_nothing_is_sent(
    world: World, keeper: Keeper, calls: Calls, refuse: Callable[..., None], call: str
) -> None:
    ask_for(world, "a", "b", "c")
    delete(world, "a")
    calls.made.clear()
    refuse(call)

    result = keeper.reconcile()

    assert (result["FailedSandboxes"], keeper.rechecks()) == (1, [])
    assert call in calls.made


def test_metrics_show_the_state_of_the_fleet(world: World, keeper: Keeper, log: Log) -> None:
    ask_for(world, "a", "b", "c")
    delete(world, "a")

    keeper.reconcile()
    metrics = values(log)

    assert metrics["Connections"] == [0, 0, 0, 3, 0, 0]
    assert sum(metrics["Drift"]) == 1
    assert metrics["Drifted"] == metrics["Rechecks"] == [1]
    assert metrics["OldestVerification"][0] >= LATER
    assert len(metrics["SecretVersionAge"]) == 1
    keeper.deliver_rechecks()
    assert values(log)["Repaired"] == [1]


def values(log: Log) -> dict[str, list[float]]:
    """All values of each metric so far."""
    found: dict[str, list[float]] = defaultdict(list)
    for document in log.metrics():
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            found[metric["Name"]] += document[metric["Name"]]
    return found
