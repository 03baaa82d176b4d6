"""Lambda's part around a function: a context with a deadline, and the event source mapping of its queue."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Handler = Callable[[Any, Any], Any]


class FunctionFailed(Exception):  # noqa: N818 - Lambda's term is "function error"
    """A failed invocation; `payload` is Lambda's reply, with `errorType` and `errorMessage`."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        super().__init__(f"{payload.get('errorType')}: {payload.get('errorMessage')}")
        self.payload = dict(payload)


def failure(error: BaseException) -> dict[str, Any]:
    """Lambda's reply for an error that a handler raised."""
    return {
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


@dataclass(slots=True)
class Context:
    """The context object of one invocation; `ends_at` is on `clock` (seconds)."""

    ends_at: float
    clock: Callable[[], float] = time.monotonic
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = "provision"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:provision"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self.ends_at - self.clock()) * 1000))


def invoke(handler: Handler, event: Any, timeout_seconds: float) -> Any:
    """Call the handler as Lambda does."""
    return handler(event, Context(time.monotonic() + timeout_seconds))


def sqs_event(messages: list[dict[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The event in which Lambda passes received messages."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": queue_arn.split(":")[3],
            }
            for message in messages
        ]
    }


@dataclass(slots=True)
class EventSource:
    """The mapping from a queue to a handler, as the template declares it (`AWS::Lambda::EventSourceMapping`)."""

    sqs: Any
    queue_url: str
    mapping: Mapping[str, Any]
    handler: Handler
    timeout_seconds: float
    undone: list[str] = field(default_factory=list)
    """Receipt handles of the messages of the last batch that remain in the queue."""

    def poll(self, wait_seconds: int = 0) -> bool:
        """Take a batch, if there is one, and invoke. Returns whether there was one. Failed messages remain queued."""
        if not self.mapping.get("Enabled", True):
            return False
        received = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=self.mapping["BatchSize"],
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages:
            return False
        try:
            reply = invoke(self.handler, sqs_event(messages, self.mapping["EventSourceArn"]), self.timeout_seconds)
        except FunctionFailed:
            return True
        partial = "ReportBatchItemFailures" in self.mapping.get("FunctionResponseTypes", [])
        undone = {failure["itemIdentifier"] for failure in reply["batchItemFailures"]} if partial else set()
        self.undone = [message["ReceiptHandle"] for message in messages if message["MessageId"] in undone]
        for message in messages:
            if message["MessageId"] not in undone:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return True
