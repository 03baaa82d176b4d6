"""Invariant 4, Accounted: every accepted request ends in a place that an operator can see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.domain.errors import Throttled, Unavailable
from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.calls import Calls, Go, Refuse
from tests.support.log import Log
from tests.support.world import ABSENT, REQUEST, STOPPED, World

DOWN = Fault(path=".*/connections.*", times=0, status=503, body="<html>")


def test_a_retryable_failure_returns_to_the_queue_with_its_reason_recorded_and_no_event(world: World) -> None:
    world.adobe.faults.add(DOWN)

    assert not world.request()

    assert world.announced() == []
    item = world.item()
    assert item["status"]["S"] == "provisioning"
    assert item["failure"]["M"]["code"]["S"] == "Unavailable"
    assert "leaseUntil" not in item


def test_pauses_between_deliveries_grow_from_one_to_three_minutes(world: World) -> None:
    world.adobe.faults.add(DOWN)
    sent = world.send(REQUEST)
    for _ in range(6):
        world.deliver(sent)

    held = world.hidden()
    assert held[0::2] == [270] * 6  # the remaining time of the invocation plus 90 s
    assert held[1::2] == [60, 90, 120, 150, 180, 180]


def test_a_request_that_keeps_failing_is_announced_as_failed_recorded_and_parked(world: World) -> None:
    world.adobe.faults.add(DOWN)
    sent = world.send(REQUEST, order_id="order-1")

    world.until_done(sent)

    assert 3600 <= world.clock.now() - (sent.first_received or 0) < 3600 + 400
    assert world.announced() == [("Failed", "Unavailable")]
    assert world.status() == "failed"
    (letter,) = world.dead_letters()
    body, attributes = json.loads(letter["Body"]), letter["MessageAttributes"]
    assert (body["id"], body["detail"], body["detail-type"]) == ("order-1", REQUEST, "AEP Base Connection Requested")
    assert attributes["code"]["StringValue"] == "Unavailable"
    assert "503" in attributes["reason"]["StringValue"]
    assert "moved the message to the dead-letter queue" in world.events()[0]["detail"]["remedy"]


def test_a_redriven_request_is_processed_with_its_original_order(world: World) -> None:
    world.adobe.faults.add(DOWN)
    sent = world.send(REQUEST, order_id="order-1")
    world.until_done(sent, world.new_service(GIVE_UP_AFTER_SECONDS="300"))
    (letter,) = world.dead_letters()
    world.adobe.faults.clear()

    assert world.deliver(world.send_body(letter["Body"]))

    assert world.events()[-1]["detail"]["requestEventId"] == "order-1"
    assert world.announced()[-1] == ("Ready", "created")


def test_a_delivery_after_the_time_limit_fails_with_the_last_reason_and_does_not_call_adobe(world: World) -> None:
    world.adobe.faults.add(DOWN)
    sent = world.send(REQUEST)
    world.deliver(sent)
    before = len(world.adobe.calls)
    world.clock.advance(3601)

    assert world.deliver(sent)

    assert len(world.adobe.calls) == before
    assert world.announced() == [("Failed", "Unavailable")]


@pytest.mark.parametrize("step", ["accept", "record attempt", "close", "announce", "publish", "read parameter"])
def test_a_message_is_not_acknowledged_if_its_result_cannot_be_recorded(
    world: World, calls: Calls, refuse: Refuse, step: str
) -> None:
    sent = world.send(REQUEST)
    refuse(step)
    assert not world.deliver(sent)
    calls.act = None
    world.clock.advance(300)

    world.until_done(sent)

    assert len(world.connections()) == 1
    assert world.status() == "ready"
    assert world.announced()[-1][0] == "Ready"


def test_a_failure_that_cannot_be_announced_or_parked_is_not_acknowledged(
    world: World, calls: Calls, refuse: Refuse
) -> None:
    bad = world.send_body("{not json")
    refuse("park")
    assert not world.deliver(bad)
    calls.act = None

    assert world.deliver(bad)
    assert len(world.dead_letters()) == 1


def test_a_request_that_cannot_be_parked_is_not_recorded_as_failed(world: World, calls: Calls, refuse: Refuse) -> None:
    world.adobe.faults.add(DOWN)
    sent = world.send(REQUEST)
    world.deliver(sent)
    world.clock.advance(3601)
    refuse("park")
    assert not world.deliver(sent)
    calls.act = None
    assert world.status() == "provisioning"

    assert world.deliver(sent)

    assert world.status() == "failed"
    assert len(world.dead_letters()) == 1


def test_throttling_by_aws_is_retried_later(world: World, refuse: Refuse) -> None:
    refuse("accept", Throttled)

    assert world.refused(REQUEST).code == "Throttled"


def test_a_write_that_the_sdk_repeats_after_a_lost_reply_changes_nothing(world: World, calls: Calls) -> None:
    writes = {"accept", "resume", "record attempt", "record id", "forget attempt", "record failure", "close", "release"}

    def twice(name: str, go: Go) -> Any:
        if name in writes or name.startswith(("record ", "close with ")):
            go()
        return go()

    calls.act = twice

    outcomes = [world.invoke(request)["outcome"] for request in (REQUEST, REQUEST, REQUEST | {"database": "b"}, ABSENT)]

    assert outcomes == ["created", "unchanged", "updated", "deleted"]


@pytest.mark.parametrize("request_", [REQUEST, ABSENT], ids=["present", "absent"])
def test_a_close_whose_reply_was_lost_is_not_undone(world: World, calls: Calls, request_: dict[str, str]) -> None:
    sent = world.send(request_)

    def lost(name: str, go: Go) -> Any:
        response = go()
        if name == "close":
            raise Unavailable("The reply was lost.")
        return response

    calls.act = lost
    assert not world.deliver(sent)
    calls.act = None
    closed = world.item()

    assert world.deliver(sent)

    assert world.status() == ("ready" if request_ is REQUEST else "retired")
    assert world.item() == closed
    assert "failure" not in closed


@pytest.mark.parametrize("step", ["publish", "accept"])
def test_the_remedy_of_a_direct_invoke_says_to_send_the_request_again(world: World, refuse: Refuse, step: str) -> None:
    refuse(step)

    refusal = world.refused(REQUEST)

    assert refusal.retryable
    assert refusal.remedy == "Send the request again. If this persists, check the function's role and AWS Health."


def test_a_message_whose_visibility_cannot_be_changed_is_still_processed(world: World, refuse: Refuse) -> None:
    sent = world.send(REQUEST)
    refuse("visibility")

    assert world.deliver(sent)


def test_every_processed_request_writes_one_log_line_and_one_metric_document(world: World, log: Log) -> None:
    world.request()
    world.request()
    world.request(REQUEST | {"colour": "red"})
    world.request(ABSENT)

    assert [line["outcome"] for line in log.lines()] == ["created", "unchanged", "failed", "deleted"]
    assert [document["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for document in log.metrics()] == [
        "Created",
        "Unchanged",
        "Failed",
        "Deleted",
    ]
    assert log.lines()[2]["code"] == log.metrics()[2]["code"] == "InvalidRequest"


def test_a_log_line_has_allow_listed_fields_only(world: World, log: Log) -> None:
    world.adobe.faults.add(Fault(path=".*/connections", times=2, status=503))
    world.request()
    world.refused(REQUEST | {"database": 3})

    created, failed = log.lines()
    frame = {"level", "location", "message", "timestamp", "service"}
    common = {
        "sandbox", "connection_name", "outcome", "requested_at", "request_event_id", "duration_ms", "age_ms",
        "receive_count", "upstream_calls", "upstream_retries", "parked", "function_request_id",
    }  # fmt: skip
    seen = {"readiness", "checks"}
    assert set(created) == frame | common | seen | {"connection_id", "duplicates"}
    assert set(failed) == frame | common | {"code", "retryable", "reason", "faults"}
    assert created["upstream_retries"] == ["GET: unavailable", "GET: unavailable"]


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda w: w.databricks.settings.revoked_tokens.append(DATABRICKS_SECRET["accessToken"]), "NotReady"),
        (lambda w: w.databricks.settings.clusters.update(STOPPED), "NotReady"),
        (lambda w: setattr(w.adobe.settings, "entitled", False), "NotEntitled"),
        (lambda w: w.adobe.settings.sandboxes.append("prod"), "SandboxUnknown"),
        (lambda w: w.adobe.settings.forbidden_sandboxes.append("dev"), "AdobeForbidden"),
        (lambda w: w.add_foreign("sales"), "Conflict"),
        (lambda w: w.ims.settings.clients.update({"someone": ["else"]}), "AdobeCredentialRejected"),
        (lambda w: w.put_secret(accessToken="eyJhbGciOi"), "SecretInvalid"),
        (lambda w: w.adobe.faults.add(Fault(times=0, status=429)), "Throttled"),
        (lambda w: w.adobe.faults.add(Fault(times=0, status=400, body='{"message": "no"}')), "AdobeRefused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_failure_has_its_code_and_a_remedy_and_leaves_nothing_behind(
    world: World, prepare: Any, code: str
) -> None:
    prepare(world)
    before = len(world.connections())

    refusal = world.refused(REQUEST)

    assert refusal.code == code
    assert refusal.remedy
    assert len(world.connections()) == before
    assert world.parameter() is None
    (event,) = world.events()
    assert event["detail"]["code"] == code
    assert set(event["detail"]) - {"readiness", "checks"} == {
        "name", "sandbox", "code", "message", "remedy", "retryable", "requestId", "faults", "requestedAt",
        "requestEventId",
    }  # fmt: skip
