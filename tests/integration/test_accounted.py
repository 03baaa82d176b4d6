"""Invariant 4, Accounted: every accepted request ends in a place that an operator can see."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from aep_connections.aws.queue import Queue
from aep_connections.domain.model import Order
from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.aws import instead
from tests.support.log import Log
from tests.support.world import ABSENT, REQUEST, STOPPED, World

DOWN = Fault(path=".*/connections.*", times=0, status=503, body="<html>")


def aws_refuses(monkeypatch: pytest.MonkeyPatch, operation: str, code: str = "AccessDeniedException") -> None:
    """Make AWS refuse one operation to the service."""
    api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refuse(self: Any, operation_name: str, arguments: Any) -> Any:
        if operation_name == operation and self.meta.config.user_agent_extra == "aep-connections":
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation_name)
        return api_call(self, operation_name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)


def test_a_retryable_failure_returns_to_the_queue_with_its_reason_recorded_and_no_event(world: World) -> None:
    world.stack.adobe.faults.add(DOWN)

    assert not world.request()

    assert world.announced() == []
    item = world.item()
    assert item["status"]["S"] == "provisioning"
    assert item["failure"]["M"]["code"]["S"] == "Unavailable"
    assert "leaseUntil" not in item


def test_pauses_between_deliveries_grow_from_one_to_three_minutes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.stack.adobe.faults.add(DOWN)
    held: list[int] = []
    api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def note(self: Any, operation_name: str, arguments: Any) -> Any:
        if operation_name == "ChangeMessageVisibility":
            held.append(arguments["VisibilityTimeout"])
        return api_call(self, operation_name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    sent = world.send(REQUEST)
    for _ in range(6):
        world.deliver(sent)

    assert held[0::2] == [270] * 6  # the remaining time of the invocation plus 90 s
    assert held[1::2] == [60, 90, 120, 150, 180, 180]


def test_a_request_that_keeps_failing_is_announced_as_failed_recorded_and_parked(world: World) -> None:
    world.stack.adobe.faults.add(DOWN)
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
    world.stack.adobe.faults.add(DOWN)
    sent = world.send(REQUEST, order_id="order-1")
    world.until_done(sent, world.new_service(GIVE_UP_AFTER_SECONDS="300"))
    (letter,) = world.dead_letters()
    world.stack.adobe.faults.clear()

    assert world.deliver(world.send_body(letter["Body"]))

    assert world.events()[-1]["detail"]["requestEventId"] == "order-1"
    assert world.announced()[-1] == ("Ready", "created")


def test_a_delivery_after_the_time_limit_fails_with_the_last_reason_and_does_not_call_adobe(world: World) -> None:
    world.stack.adobe.faults.add(DOWN)
    sent = world.send(REQUEST)
    world.deliver(sent)
    before = len(world.stack.adobe.calls)
    world.clock.advance(3601)

    assert world.deliver(sent)

    assert len(world.stack.adobe.calls) == before
    assert world.announced() == [("Failed", "Unavailable")]


@pytest.mark.parametrize("operation", ["UpdateItem", "PutEvents", "PutParameter", "GetParameter"])
def test_a_message_is_not_acknowledged_if_its_result_cannot_be_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    sent = world.send(REQUEST)
    with monkeypatch.context() as patch:
        aws_refuses(patch, operation)
        assert not world.deliver(sent)
    world.clock.advance(300)

    world.until_done(sent)

    assert len(world.connections()) == 1
    assert world.status() == "ready"
    assert world.announced()[-1][0] == "Ready"


def test_a_failure_that_cannot_be_announced_or_parked_is_not_acknowledged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = world.send_body("{not json")
    with monkeypatch.context() as patch:
        aws_refuses(patch, "SendMessage")
        assert not world.deliver(bad)

    assert world.deliver(bad)
    assert len(world.dead_letters()) == 1


def test_a_request_that_cannot_be_parked_is_not_recorded_as_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.stack.adobe.faults.add(DOWN)
    sent = world.send(REQUEST)
    world.deliver(sent)
    world.clock.advance(3601)
    with monkeypatch.context() as patch:
        aws_refuses(patch, "SendMessage")
        assert not world.deliver(sent)
    assert world.status() == "provisioning"

    assert world.deliver(sent)

    assert world.status() == "failed"
    assert len(world.dead_letters()) == 1


def test_throttling_by_aws_is_retried_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        aws_refuses(patch, "UpdateItem", "ThrottlingException")
        assert world.refused(REQUEST).code == "Throttled"


def test_a_write_that_the_sdk_repeats_after_a_lost_reply_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def twice(self: Any, operation_name: str, arguments: Any) -> Any:
        if operation_name == "UpdateItem":
            api_call(self, operation_name, arguments)
        return api_call(self, operation_name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", twice)

    outcomes = [world.invoke(request)["outcome"] for request in (REQUEST, REQUEST, REQUEST | {"database": "b"}, ABSENT)]

    assert outcomes == ["created", "unchanged", "updated", "deleted"]


@pytest.mark.parametrize("request_", [REQUEST, ABSENT], ids=["present", "absent"])
def test_a_close_whose_reply_was_lost_is_not_undone(
    world: World, monkeypatch: pytest.MonkeyPatch, request_: dict[str, str]
) -> None:
    sent = world.send(request_)

    def lost(call: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        response = call()
        if "#answered =" in arguments["UpdateExpression"]:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return response

    with monkeypatch.context() as patch:
        instead(patch, "UpdateItem", lost)
        assert not world.deliver(sent)
    closed = world.item()

    assert world.deliver(sent)

    assert world.status() == ("ready" if request_ is REQUEST else "retired")
    assert world.item() == closed
    assert "failure" not in closed


@pytest.mark.parametrize("operation", ["PutParameter", "UpdateItem"])
def test_the_remedy_of_a_direct_invoke_says_to_send_the_request_again(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    with monkeypatch.context() as patch:
        aws_refuses(patch, operation)
        refusal = world.refused(REQUEST)

    assert refusal.retryable
    assert refusal.remedy == "Send the request again. If this persists, check the function's role and AWS Health."


def test_a_request_nested_too_deeply_to_be_written_is_still_parked(world: World) -> None:
    nested: list[object] = []
    for _ in range(20_000):
        nested = [nested]
    queues = (world.stack.queue_url, world.stack.environment["DEAD_LETTER_QUEUE_URL"])

    Queue(world.stack.aws.client("sqs"), *queues).park(Order("2026-11-18T10:00:00.000Z", "1"), nested, "c", "r")

    (letter,) = world.dead_letters()
    assert json.loads(letter["Body"])["detail"] == {"unreadable": "nested too deeply to be written"}


def test_a_message_whose_visibility_cannot_be_changed_is_still_processed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = world.send(REQUEST)
    with monkeypatch.context() as patch:
        aws_refuses(patch, "ChangeMessageVisibility")
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
    world.stack.adobe.faults.add(Fault(path=".*/connections", times=2, status=503))
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
        (lambda w: w.stack.databricks.settings.revoked_tokens.append(DATABRICKS_SECRET["accessToken"]), "NotReady"),
        (lambda w: w.stack.databricks.settings.clusters.update(STOPPED), "NotReady"),
        (lambda w: setattr(w.stack.adobe.settings, "entitled", False), "NotEntitled"),
        (lambda w: w.stack.adobe.settings.sandboxes.append("prod"), "SandboxUnknown"),
        (lambda w: w.stack.adobe.settings.forbidden_sandboxes.append("dev"), "AdobeForbidden"),
        (lambda w: w.add_foreign("sales"), "Conflict"),
        (lambda w: w.stack.ims.settings.clients.update({"someone": ["else"]}), "AdobeCredentialRejected"),
        (lambda w: w.put_secret(accessToken="eyJhbGciOi"), "SecretInvalid"),
        (lambda w: w.stack.adobe.faults.add(Fault(times=0, status=429)), "Throttled"),
        (lambda w: w.stack.adobe.faults.add(Fault(times=0, status=400, body='{"message": "no"}')), "AdobeRefused"),
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
