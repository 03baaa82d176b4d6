"""The request queue: sends messages, hides them while they are processed, parks them in the dead-letter queue."""

import contextlib
import json
from typing import Any

from aep_connections.aws.client import attempt, call, unavailable
from aep_connections.contract.messages import envelope
from aep_connections.domain.delivery import Message, Recheck
from aep_connections.domain.errors import ConnectionFailure
from aep_connections.domain.model import JsonObject, Order

MAX_VISIBILITY_SECONDS = 43_200
MAX_BODY_BYTES = 240_000
BATCH_SIZE = 10
SUBMITTED, PARKED = "aep.connections.api", "aep.connections.parked"
"""The sources of our own envelopes."""


class Queue:
    """The `Queue` port on SQS. A function that never parks has no dead-letter queue."""

    def __init__(self, sqs: Any, queue_url: str, dead_letter_queue_url: str | None) -> None:
        self._sqs, self._queue_url, self._dead_letter_queue_url = sqs, queue_url, dead_letter_queue_url

    def submit(self, order: Order, request: JsonObject) -> None:
        body = json.dumps(envelope(order, request, SUBMITTED))
        call(self._sqs.send_message, QueueUrl=self._queue_url, MessageBody=body)

    def recheck(self, *rechecks: Recheck) -> None:
        for start in range(0, len(rechecks), BATCH_SIZE):
            bodies = [json.dumps(recheck.document()) for recheck in rechecks[start : start + BATCH_SIZE]]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
            operation = self._sqs.send_message_batch
            reply = call(operation, QueueUrl=self._queue_url, Entries=entries)
            if failed := reply.get("Failed"):
                raise unavailable(operation, str(failed[0].get("Code", "Unknown")))

    def hide(self, message: Message, seconds: float) -> None:
        with contextlib.suppress(ConnectionFailure):
            attempt(
                self._sqs.change_message_visibility,
                QueueUrl=self._queue_url,
                ReceiptHandle=message.receipt_handle,
                VisibilityTimeout=min(MAX_VISIBILITY_SECONDS, max(0, round(seconds))),
            )

    def park(self, order: Order, detail: object, code: str, reason: str) -> None:
        call(
            self._sqs.send_message,
            QueueUrl=self._dead_letter_queue_url,
            MessageBody=_body(order, detail),
            MessageAttributes={
                "code": {"DataType": "String", "StringValue": code},
                "reason": {"DataType": "String", "StringValue": reason[:1000] or code},
            },
        )


def _body(order: Order, detail: object) -> str:
    """The envelope of a parked message. A detail that does not fit into a message is cut."""
    shown = detail if isinstance(detail, dict) else {"unreadable": detail}
    try:
        body = json.dumps(envelope(order, shown, PARKED))
    except RecursionError:
        return json.dumps(envelope(order, {"unreadable": "nested too deeply to be written"}, PARKED))
    if len(body) <= MAX_BODY_BYTES:
        return body
    return json.dumps(envelope(order, {"unreadable": json.dumps(shown)[: MAX_BODY_BYTES // 4]}, PARKED))
