"""The log line and the metrics of a processed request."""

from __future__ import annotations

import logging

import pytest

from local.simulators.faults import Fault
from tests.support.calls import Refuse
from tests.support.log import Log
from tests.support.world import RECHECK, REQUEST, World


def test_a_log_line_and_its_metrics_show_how_a_delivery_went(world: World, log: Log) -> None:
    body = '{"message": "no", "error_code": "429050"}'
    headers = {"Retry-After": "60", "x-request-id": "r-1"}
    sent = world.send(REQUEST, order_id="order-1")
    world.deliver(sent, seconds=20)
    world.adobe.faults.add(Fault(times=2, status=503))
    world.adobe.faults.add(Fault(status=429, body=body, headers=headers))
    world.deliver(sent)
    world.clock.advance(60)
    world.deliver(sent)

    _, failed, created = log.lines()
    assert (failed["level"], failed["outcome"], failed["code"], failed["retryable"]) == (
        "WARNING", "retried", "Throttled", True,
    )  # fmt: skip
    assert failed["request_id"] == "r-1"
    assert "no" in failed["reason"]
    assert failed["receive_count"] == 2
    assert (created["level"], created["outcome"], created["connection_id"]) == ("INFO", "created", world.parameter())
    assert (created["requested_at"], created["request_event_id"]) == ("2026-11-18T11:06:41.000Z", "order-1")
    assert (created["receive_count"], created["parked"]) == (3, False)
    assert created["age_ms"] == round((world.clock.now() - sent.sent_at) * 1000) >= 60_000
    looks_at_the_workspace = 3
    assert created["upstream_calls"] == len(world.calls()) - 3 + looks_at_the_workspace
    assert created["function_request_id"]
    numbers = log.metrics()[1]
    assert numbers["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "AepConnections"
    assert (numbers["Retried"], numbers["UpstreamCalls"], numbers["UpstreamRetries"]) == ([1.0], [7.0], [2.0])
    assert log.metrics()[2]["RequestAge"] == [created["age_ms"] / 1000]
    assert log.metrics()[2]["Duration"] == [created["duration_ms"]]


def test_parked_requests_and_deleted_duplicates_are_counted(world: World, log: Log) -> None:
    world.request()
    (kept,) = world.connections()
    duplicate = world.add_foreign()
    world.adobe.records[duplicate].item["description"] = kept["description"]
    world.edit(connection_id=None)
    world.request()
    world.request({"no": "key"})

    assert [document["DuplicatesDeleted"] for document in log.metrics()] == [[0.0], [1.0], [0.0]]
    assert [document["Parked"] for document in log.metrics()] == [[0.0], [0.0], [1.0]]
    assert [line["parked"] for line in log.lines()] == [False, False, True]
    assert log.lines()[2]["faults"]


def test_an_age_is_never_negative(world: World, log: Log) -> None:
    sent = world.send(REQUEST, bare=True)
    sent.sent_at += 600

    world.deliver(sent)

    assert log.lines()[0]["age_ms"] == 0


def test_the_age_of_a_recheck_counts_from_the_recheck_not_from_the_request(world: World, log: Log) -> None:
    world.request()
    world.clock.advance(86_400)
    sent = world.send_body(RECHECK)
    world.clock.advance(5)
    world.deliver(sent)

    assert log.lines()[1]["age_ms"] == 5_000
    assert log.lines()[1]["requested_at"] == log.lines()[0]["requested_at"]


def test_the_line_of_a_recheck_that_could_not_be_recorded_shows_that_it_is_one(
    world: World, log: Log, refuse: Refuse
) -> None:
    world.request()
    refuse("resume")

    acknowledged = world.deliver(world.send_body(RECHECK))

    line = log.lines()[1]
    assert not acknowledged
    assert (line["outcome"], line["code"], line["recheck"]) == ("retried", "Unavailable", "test")
    assert (line["sandbox"], line["connection_name"]) == ("dev", "sales")


def test_a_superseded_request_has_no_request_age(world: World, log: Log) -> None:
    late = world.send(REQUEST)
    world.clock.advance(86_400)
    world.request()
    world.deliver(late)

    assert [line["outcome"] for line in log.lines()] == ["created", "superseded"]
    assert ["RequestAge" in document for document in log.metrics()] == [True, False]


def test_the_sdk_writes_no_log_lines(world: World, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)  # as a function's log level can be: the SDK would then log secrets
    world.new_service()
    world.request()

    assert [line["message"] for line in log.lines()] == ["request processed"]
    assert not logging.getLogger("botocore").isEnabledFor(logging.INFO)
    assert [record.name for record in caplog.records if record.name.startswith("botocore")] == []
