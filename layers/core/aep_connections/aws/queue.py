"""The request queue's messages: kept hidden while they are worked on, or parked in the dead-letter queue."""

from __future__ import annotations

import json
from typing import Any

from aep_connections.aws.calls import attempt, call
from aep_connections.domain.errors import ConnectionFailure
from aep_connections.domain.model import Message, Order

LONGEST_VISIBILITY_SECONDS = 43_200
LONGEST_BODY_BYTES = 240_000
REQUESTED = "AEP Base Connection Requested"


class Requests:
    """The `Requests` port on SQS."""

    def __init__(self, sqs: Any, queue_url: str, dead_letter_queue_url: str) -> None:
        self._sqs, self._queue_url, self._dead_letter_queue_url = sqs, queue_url, dead_letter_queue_url
        self.unheld = 0

    def hold(self, message: Message, seconds: float) -> None:
        try:
            _, refused = attempt(
                self._sqs.change_message_visibility,
                QueueUrl=self._queue_url,
                ReceiptHandle=message.receipt_handle,
                VisibilityTimeout=min(LONGEST_VISIBILITY_SECONDS, max(0, round(seconds))),
            )
        except ConnectionFailure:
            self.unheld += 1
        else:
            self.unheld += refused is not None

    def park(self, order: Order, detail: object, code: str, reason: str) -> None:
        shown = detail if isinstance(detail, dict) else {"unreadable": detail}
        try:
            body = json.dumps(_envelope(order, shown))
        except RecursionError:
            body = json.dumps(_envelope(order, {"unreadable": "nested too deeply to be written"}))
        if len(body) > LONGEST_BODY_BYTES:
            body = json.dumps(_envelope(order, {"unreadable": json.dumps(shown)[: LONGEST_BODY_BYTES // 4]}))
        call(
            self._sqs.send_message,
            QueueUrl=self._dead_letter_queue_url,
            MessageBody=body,
            MessageAttributes={
                "code": {"DataType": "String", "StringValue": code},
                "reason": {"DataType": "String", "StringValue": reason[:1000] or code},
            },
        )


def _envelope(order: Order, detail: object) -> dict[str, Any]:
    """The EventBridge envelope, so that a redriven message keeps its order."""
    return {
        "version": "0",
        "id": order.id,
        "detail-type": REQUESTED,
        "source": "aep.connections.parked",
        "time": order.time,
        "resources": [],
        "detail": detail,
    }
