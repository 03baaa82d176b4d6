"""The event source mapping of the local stack works as Lambda's does."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local.aws.account import Aws
from local.aws.invocation import EventSource, FunctionFailed

Mapped = Callable[..., EventSource]


@pytest.fixture
def mapped(aws: Aws) -> Mapped:
    """Makes a mapping from a new queue with two messages to a handler."""
    sqs, name = aws.client("sqs"), f"q{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    def made(handler: Callable[[Any, Any], Any], **properties: Any) -> EventSource:
        arn = f"arn:aws:sqs:eu-west-1:123456789012:{name}"
        return EventSource(sqs, url, {"EventSourceArn": arn, "BatchSize": 1, **properties}, handler, 3.0)

    return made


def left(source: EventSource) -> int:
    response = source.sqs.get_queue_attributes(
        QueueUrl=source.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(response["Attributes"]["ApproximateNumberOfMessages"])


def failing(event: Any, _context: Any) -> Any:
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]}


def done(_event: Any, _context: Any) -> Any:
    return {"batchItemFailures": []}


def test_processed_messages_are_deleted(mapped: Mapped) -> None:
    source = mapped(done)

    assert (source.poll(), left(source)) == (True, 1)
    assert (source.poll(), left(source)) == (True, 0)
    assert source.poll() is False


def test_a_disabled_mapping_takes_no_messages(mapped: Mapped) -> None:
    source = mapped(done, Enabled=False)

    assert (source.poll(), left(source)) == (False, 2)


def test_failed_messages_stay_only_if_the_mapping_reports_batch_item_failures(mapped: Mapped) -> None:
    hearing = mapped(failing, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert (hearing.poll(), left(hearing)) == (True, 2)

    deaf = mapped(failing)
    assert (deaf.poll(), left(deaf)) == (True, 1)


def test_all_messages_stay_when_the_function_fails(mapped: Mapped) -> None:
    def fail(_event: Any, _context: Any) -> Any:
        raise FunctionFailed({"errorType": "Sandbox.Timedout"})

    source = mapped(fail)

    assert (source.poll(), left(source)) == (True, 2)


@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_has_the_size_of_its_mapping_and_the_format_of_lambda(mapped: Mapped, size: int) -> None:
    seen: list[Any] = []

    def see(event: Any, context: Any) -> Any:
        seen.append((event, context.get_remaining_time_in_millis()))
        return {"batchItemFailures": []}

    source = mapped(see, BatchSize=size)
    source.poll()

    ((event, left_ms),) = seen
    assert [record["body"] for record in event["Records"]] == ["one", "two"][:size]
    assert 0 < left_ms <= 3000
    for record in event["Records"]:
        assert record["eventSourceARN"] == source.mapping["EventSourceArn"]
        assert record["attributes"]["ApproximateReceiveCount"] == "1"
        assert {"SentTimestamp", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
        assert {"messageId", "receiptHandle", "messageAttributes", "awsRegion"} <= set(record)
