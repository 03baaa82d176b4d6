"""A request needs a stopped cluster: it is started if the request allows it. No invocation sleeps until it runs."""

from __future__ import annotations

import json

import pytest

from local.simulators.faults import Fault
from tests.provision.test_readiness import CLUSTER, START, STARTS, paths_called, stop
from tests.support.world import ABSENT, REQUEST, World

QUOTA, SECRETS = "AZURE_QUOTA_EXCEEDED_EXCEPTION", "SECRET_RESOLUTION_ERROR"
TEST = ".*/test"


def starts(world: World) -> int:
    """How often the service has called the start of a cluster."""
    return paths_called(world, "POST").count(STARTS)


def test_a_stopped_cluster_is_started_and_the_request_continues_when_it_runs(world: World) -> None:
    stop(world)
    sent = world.send(START)

    assert not world.deliver(sent)

    assert (starts(world), world.calls()) == (1, [])
    item = world.item()
    assert item["status"]["S"] == "waiting"
    assert item["failure"]["M"]["code"]["S"] == "Waiting"
    wait = item["wait"]["M"]
    assert wait["for"]["S"] == f"cluster {CLUSTER} to run"
    assert float(wait["until"]["N"]) - float(wait["since"]["N"]) == 1200
    assert "leaseUntil" not in item
    assert world.hidden()[-1] == 60
    assert world.announced() == []
    world.clock.advance(60)
    assert not world.deliver(sent)
    world.clock.advance(100)
    assert world.deliver(sent)
    assert (starts(world), world.announced()) == (1, [("Ready", "created")])
    assert {"wait", "failure"} & set(world.item()) == set()


@pytest.mark.parametrize("state", ["PENDING", "RESTARTING"])
@pytest.mark.parametrize("request_", [REQUEST, START], ids=["check", "start"])
def test_a_cluster_that_is_already_starting_is_waited_for(world: World, request_: dict[str, str], state: str) -> None:
    world.databricks.settings.clusters = {CLUSTER: state}
    sent = world.send(request_)

    assert not world.deliver(sent)

    assert (world.status(), starts(world)) == ("waiting", 0)
    world.databricks.settings.clusters = {}
    assert world.deliver(sent)
    assert world.announced() == [("Ready", "created")]


def test_a_cluster_that_is_stopping_is_started_when_it_has_stopped(world: World) -> None:
    world.databricks.settings.clusters = {CLUSTER: "TERMINATING"}
    sent = world.send(START)

    assert not world.deliver(sent)
    assert starts(world) == 0
    stop(world)
    world.until_done(sent)

    assert (starts(world), world.announced()) == (1, [("Ready", "created")])


def test_a_cluster_that_is_stopping_is_not_ready_for_a_request_that_may_not_start_it(world: World) -> None:
    world.databricks.settings.clusters = {CLUSTER: "TERMINATING"}

    assert world.refused(REQUEST).code == "NotReady"


def test_every_waiting_request_may_start_the_cluster(world: World) -> None:
    stop(world)
    world.databricks.settings.start_lag_seconds = 100
    first, second = world.send(START), world.send(START | {"name": "other"})

    assert not world.deliver(first)
    assert not world.deliver(second)
    world.clock.advance(200)
    assert world.deliver(first)
    assert world.deliver(second)

    assert starts(world) == 2
    assert [outcome for _, outcome in world.announced()] == ["created", "created"]


def test_a_direct_invoke_starts_the_cluster_and_reports_at_once_that_it_waits(world: World) -> None:
    stop(world)

    refusal = world.refused(START)

    assert (refusal.code, refusal.retryable) == ("Waiting", True)
    assert refusal.remedy.startswith("Send the request again.")
    assert starts(world) == 1
    world.clock.advance(200)
    assert world.invoke(START)["outcome"] == "created"


def test_a_start_that_fails_for_a_temporary_reason_is_repeated_until_the_limit_then_parked(
    world: World,
) -> None:
    stop(world)
    world.databricks.settings.start_ends = QUOTA
    sent = world.send(START)
    began = world.clock.now()

    world.until_done(sent)

    calls_before = paths_called(world).count("/api/2.1/clusters/get")
    assert starts(world) == calls_before - 1 > 1  # the delivery that gives up starts nothing
    assert 1200 <= world.clock.now() - began <= 1200 + 180
    assert world.announced() == [("Failed", "Waiting")]
    (event,) = world.events()
    assert f"Cluster {CLUSTER} did not run within 1200 s." in event["detail"]["message"]
    assert (
        "the Azure quota for its machine type is used up (AZURE_QUOTA_EXCEEDED_EXCEPTION)" in event["detail"]["message"]
    )
    (parked,) = world.dead_letters()
    assert parked["MessageAttributes"]["code"]["StringValue"] == "Waiting"
    assert world.status() == "failed"


def test_a_start_that_fails_for_a_permanent_reason_is_not_repeated(world: World) -> None:
    stop(world)
    world.databricks.settings.start_ends = SECRETS
    sent = world.send(START)

    world.until_done(sent)

    assert starts(world) == 1
    assert world.announced() == [("Failed", "NotReady")]
    (event,) = world.events()
    assert "a secret that its Spark configuration refers to could not be read" in event["detail"]["message"]
    assert event["detail"]["remedy"].startswith(
        "Create that secret, or give the cluster's owner READ on its scope. Start"
    )
    assert world.dead_letters() == []


def test_a_cluster_that_failed_before_this_request_is_started_once_more(world: World) -> None:
    stop(world)
    world.databricks.settings.start_ends = SECRETS
    world.until_done(world.send(START))
    world.databricks.settings.start_ends = ""

    world.until_done(world.send(START))

    assert world.announced()[-1] == ("Ready", "created")


def test_a_start_whose_reply_was_lost_counts_and_its_permanent_failure_ends_the_request(world: World) -> None:
    stop(world)
    world.databricks.settings.start_ends = SECRETS
    world.databricks.faults.add(Fault(path=f".*{STARTS}", drop=True, when="after"))
    sent = world.send(START)

    assert not world.deliver(sent)
    assert world.item()["wait"]["M"]["for"]["S"] == f"cluster {CLUSTER} to run"
    world.until_done(sent)

    assert starts(world) == 1
    assert world.announced() == [("Failed", "NotReady")]


def test_a_termination_that_began_before_our_start_does_not_count_as_its_failure(world: World) -> None:
    databricks = world.databricks.settings
    stop(world)
    databricks.start_ends = SECRETS
    world.until_done(world.send(START))
    ended = {"cluster_source": "UI", "termination_reason": {"code": SECRETS, "type": "SERVICE_FAULT"}}
    for state, at in (("TERMINATING", None), ("TERMINATED", 2)):
        body = json.dumps({**ended, "state": state, "terminated_time": at})
        world.databricks.faults.add(Fault(path=".*/clusters/get", status=200, body=body))
    databricks.start_ends = ""
    before, sent = starts(world), world.send(START)

    assert not world.deliver(sent)
    assert starts(world) == before
    world.until_done(sent)

    assert starts(world) == before + 1
    assert world.announced()[-1] == ("Ready", "created")


@pytest.mark.parametrize("request_", [REQUEST, START], ids=["check", "start"])
def test_a_wait_has_its_own_limit_not_the_general_one(world: World, request_: dict[str, str]) -> None:
    world.databricks.settings.clusters = {CLUSTER: "PENDING"}
    service = world.new_service(GIVE_UP_AFTER_SECONDS="300", CLUSTER_START_LIMIT_SECONDS="900")
    sent = world.send(request_)

    assert not world.deliver(sent, service)
    world.clock.advance(600)
    assert not world.deliver(sent, service)
    world.clock.advance(200)
    world.databricks.settings.clusters = {}

    assert world.deliver(sent, service)
    assert world.announced() == [("Ready", "created")]


def test_a_request_that_fails_after_the_wait_has_the_general_limit(world: World) -> None:
    world.databricks.settings.clusters = {CLUSTER: "PENDING"}
    service = world.new_service(GIVE_UP_AFTER_SECONDS="300")
    sent = world.send(START)
    assert not world.deliver(sent, service)
    world.clock.advance(400)
    world.databricks.settings.clusters = {}
    world.adobe.faults.add(Fault(times=0, status=503))

    assert world.deliver(sent, service)

    assert world.announced() == [("Failed", "Unavailable")]
    assert len(world.dead_letters()) == 1


def test_a_later_request_starts_a_new_wait(world: World) -> None:
    world.databricks.settings.clusters = {CLUSTER: "PENDING"}
    first = world.send(START)
    assert not world.deliver(first)
    world.clock.advance(1100)

    second = world.send(START)
    assert not world.deliver(second)
    world.clock.advance(200)

    assert not world.deliver(second)
    assert world.status() == "waiting"
    assert world.deliver(first)


def test_the_wait_of_an_earlier_request_is_not_shown_for_a_later_one(world: World) -> None:
    world.databricks.settings.clusters = {CLUSTER: "PENDING"}
    assert not world.deliver(world.send(START))
    world.databricks.settings.clusters = {}
    world.adobe.faults.add(Fault(times=0, status=503))

    assert not world.deliver(world.send(START))

    assert world.status() == "provisioning"
    assert "wait" not in world.item()


def test_absence_can_be_requested_while_a_request_waits(world: World) -> None:
    world.databricks.settings.clusters = {CLUSTER: "PENDING"}
    assert not world.deliver(world.send(START))

    assert world.request(ABSENT)

    assert world.status() == "retired"
    assert "wait" not in world.item()


def test_no_cluster_is_started_without_time_for_the_reply(world: World) -> None:
    stop(world)

    assert world.refused(START, seconds=38).code == "OutOfTime"

    assert len(paths_called(world)) == 3
    assert starts(world) == 0


def test_a_start_that_is_not_allowed_names_the_missing_grant(world: World) -> None:
    stop(world)
    world.databricks.settings.missing_grants = ["CAN RESTART"]

    refusal = world.refused(START)

    assert refusal.code == "NotReady"
    assert "CAN RESTART" in refusal.remedy
    assert refusal.request_id


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(path=f".*{STARTS}", status=429, times=2), "Throttled"),
        (Fault(path=f".*{STARTS}", status=503, times=2), "Unavailable"),
        (Fault(path=f".*{STARTS}", drop=True, when="after"), "Unavailable"),
        (Fault(path=f".*{STARTS}", status=200, body="<html>", when="after"), "Unavailable"),
    ],
)
def test_a_start_without_a_clear_reply_is_checked_by_the_next_delivery(world: World, fault: Fault, code: str) -> None:
    stop(world)
    world.databricks.faults.add(fault)
    sent = world.send(START)

    assert not world.deliver(sent)
    assert world.item()["failure"]["M"]["code"]["S"] == code
    world.until_done(sent)

    assert world.announced() == [("Ready", "created")]


def test_no_cluster_is_started_while_another_check_fails(world: World) -> None:
    stop(world)
    world.databricks.settings.single_users = {CLUSTER: "someone@example.com"}

    assert world.refused(START).code == "NotReady"

    assert starts(world) == 0
