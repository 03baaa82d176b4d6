"""How requests and rechecks end: recorded, announced, parked, or returned to the queue with the lease released."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.adobe.flow_service import FlowService
from aep_connections.domain.errors import Throttled
from local.simulators.faults import Fault
from tests.support.calls import Calls, Go, Refuse
from tests.support.log import Log
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, World


def test_a_message_for_a_busy_key_is_delivered_again_when_the_lease_ends(world: World) -> None:
    world.request()
    world.take_lease("another delivery", world.clock.now() + 151)

    assert not world.request()

    assert world.hidden()[1:] == [270, 150]


def test_a_write_that_aws_throttles_is_not_reported_as_a_lost_lease(world: World, refuse: Refuse) -> None:
    refuse("record attempt", Throttled)

    assert world.refused(REQUEST).code == "Throttled"

    assert world.calls("POST") == []


def test_an_unexpected_error_is_recorded_and_announced_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(FlowService, "listing", fail)

    refused = world.refused(REQUEST)

    assert refused.code == "Unavailable"
    assert "Unexpected KeyError at test_" in refused.message
    assert world.announced() == [("Failed", "Unavailable")]
    assert world.status() == "failed"
    assert "canary" not in str(refused) + repr(world.events()) + repr(world.item()) + log.text


def test_an_unexpected_error_before_acceptance_returns_the_message_and_does_not_show_its_text(
    world: World, calls: Calls, log: Log
) -> None:
    def fail(name: str, go: Go) -> Any:
        if name == "accept":
            raise KeyError("canary")
        return go()

    calls.act = fail

    assert not world.request()

    (line,) = log.lines()
    assert (line["outcome"], line["code"]) == ("retried", "Unavailable")
    assert "canary" not in log.text


def test_a_failure_that_cannot_be_announced_releases_the_lease(world: World, calls: Calls, refuse: Refuse) -> None:
    world.add_foreign("sales")
    sent = world.send(REQUEST)

    refuse("announce")
    assert not world.deliver(sent)
    calls.act = None

    assert "leaseUntil" not in world.item()
    assert world.deliver(sent)
    assert world.announced() == [("Failed", "Conflict")]


def test_giving_up_does_not_report_the_reason_of_an_earlier_request(world: World) -> None:
    world.add_foreign("sales")
    world.request()
    sent = world.send(REQUEST)
    sent.first_received = world.clock.now() - 3601

    assert world.deliver(sent)

    assert world.announced() == [("Failed", "Conflict"), ("Failed", "OutOfTime")]


def test_a_request_that_only_its_caller_can_correct_is_not_parked(world: World) -> None:
    world.add_foreign("sales")

    assert world.request()
    assert world.request(REQUEST | {"colour": "red"})

    assert world.announced() == [("Failed", "Conflict"), ("Failed", "InvalidRequest")]
    assert world.dead_letters() == []


@pytest.mark.parametrize("changes", [{"sandbox": "PROD"}, {"name": "no/name"}])
def test_an_invalid_request_is_parked_if_half_of_its_key_is_invalid(world: World, changes: dict[str, str]) -> None:
    assert world.request(REQUEST | changes)

    (letter,) = world.dead_letters()
    assert json.loads(letter["Body"])["detail"] == REQUEST | changes


def test_a_direct_invoke_that_fails_is_not_parked(world: World) -> None:
    world.adobe.faults.add(Fault(path=".*/connections", times=0, status=503))

    assert world.refused(REQUEST).code == "Unavailable"
    assert world.refused({"no": "key"}).code == "InvalidRequest"

    assert world.dead_letters() == []


def test_a_failure_that_left_the_connection_unchanged_causes_no_patch_later(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    world.adobe.settings.in_use.append(connection["id"])
    assert world.refused(ABSENT).code == "InUse"

    assert world.invoke(REQUEST)["outcome"] == "unchanged"

    assert world.calls("PATCH") == []


def test_a_parked_recheck_keeps_its_form_and_the_accepted_order(world: World) -> None:
    world.request(order_id="order-1")
    world.adobe.faults.add(Fault(path=".*/connections.*", times=0, status=503))
    world.until_done(world.send_body(RECHECK), world.new_service(GIVE_UP_AFTER_SECONDS="300"))
    world.adobe.faults.clear()
    world.put_secret(accessToken="rotated")

    (letter,) = world.dead_letters()
    assert world.deliver(world.send_body(letter["Body"]))

    assert json.loads(letter["Body"])["id"] == "order-1"
    assert json.loads(letter["Body"])["detail"] == json.loads(RECHECK)
    assert world.announced() == [("Ready", "created"), ("Failed", "Unavailable"), ("Ready", "updated")]


def test_the_event_of_a_recheck_names_the_request_that_it_rechecks(world: World) -> None:
    world.request(order_id="order-1")
    world.put_secret(accessToken="rotated")

    world.deliver(world.send_body(RECHECK))

    made, repaired = world.events()
    for name in ("requestedAt", "requestEventId"):
        assert repaired["detail"][name] == made["detail"][name]


def test_a_recheck_that_completes_an_open_request_announces_it(world: World) -> None:
    world.request()
    world.adobe.faults.add(Fault(path=".*/connections.*", times=3, status=503))
    sent = world.send(REQUEST)
    assert not world.deliver(sent)

    assert world.deliver(world.send_body(RECHECK))
    assert world.deliver(sent)

    assert world.announced() == [("Ready", "created"), ("Ready", "unchanged")]


def test_a_recheck_that_fails_as_before_is_silent_and_one_that_fails_differently_is_announced(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    states = world.adobe.settings.states
    states[connection["id"]] = "disabled"

    world.deliver(world.send_body(RECHECK))
    world.deliver(world.send_body(RECHECK))
    assert world.announced()[1:] == [("Failed", "AdobeRefused")]

    states.clear()
    world.databricks.settings.clusters.update(STOPPED)
    world.deliver(world.send_body(RECHECK))
    assert world.announced()[2:] == [("Failed", "NotReady")]


def test_every_request_that_fails_is_announced_even_if_it_fails_like_the_one_before(world: World) -> None:
    world.add_foreign("sales")

    world.request()
    world.request()

    assert world.announced() == [("Failed", "Conflict")] * 2


def test_a_recheck_fails_if_new_rules_refuse_its_request(world: World) -> None:
    world.request()

    assert world.deliver(world.send_body(RECHECK), world.new_service(DATABRICKS_SECRET_PREFIX="other/"))

    assert world.announced()[-1] == ("Failed", "InvalidRequest")
    assert world.status() == "failed"
    assert "leaseUntil" not in world.item()


def test_a_recheck_of_a_retired_key_releases_the_lease(world: World) -> None:
    world.request()
    world.request(ABSENT)

    assert world.deliver(world.send_body(RECHECK))

    assert "leaseUntil" not in world.item()


def test_a_failure_is_announced_and_recorded_with_adobes_request_id(world: World) -> None:
    world.adobe.faults.add(Fault(status=400, body='{"message": "no"}', headers={"x-request-id": "r-1"}))

    assert world.request()

    (event,) = world.events()
    assert event["detail"]["requestId"] == world.item()["failure"]["M"]["requestId"]["S"] == "r-1"
