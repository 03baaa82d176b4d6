"""The request queue's messages: sent, kept hidden while they are worked on, or parked in the dead-letter queue."""

from __future__ import annotations

import json
from typing import Any

from aep_connections.aws.calls import attempt, call, unavailable
from aep_connections.domain.errors import ConnectionFailure
from aep_connections.domain.model import JsonObject, Message, Order, Recheck

LONGEST_VISIBILITY_SECONDS = 43_200
LONGEST_BODY_BYTES = 240_000
MOST_AT_ONCE = 10
REQUESTED = "AEP Base Connection Requested"
ASKED, PARKED = "aep.connections.api", "aep.connections.parked"


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
            body = json.dumps(_envelope(order, shown, PARKED))
        except RecursionError:
            body = json.dumps(_envelope(order, {"unreadable": "nested too deeply to be written"}, PARKED))
        if len(body) > LONGEST_BODY_BYTES:
            body = json.dumps(_envelope(order, {"unreadable": json.dumps(shown)[: LONGEST_BODY_BYTES // 4]}, PARKED))
        call(
            self._sqs.send_message,
            QueueUrl=self._dead_letter_queue_url,
            MessageBody=body,
            MessageAttributes={
                "code": {"DataType": "String", "StringValue": code},
                "reason": {"DataType": "String", "StringValue": reason[:1000] or code},
            },
        )


class Inbox:
    """The `Inbox` port on SQS."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url

    def ask(self, order: Order, request: JsonObject) -> None:
        self._send(_envelope(order, request, ASKED))

    def recheck(self, *rechecks: Recheck) -> None:
        for start in range(0, len(rechecks), MOST_AT_ONCE):
            bodies = [json.dumps(recheck.document()) for recheck in rechecks[start : start + MOST_AT_ONCE]]
            entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
            operation = self._sqs.send_message_batch
            answer = call(operation, QueueUrl=self._queue_url, Entries=entries)
            if failed := answer.get("Failed"):
                raise unavailable(operation, str(failed[0].get("Code", "Unknown")))

    def _send(self, document: JsonObject) -> None:
        call(self._sqs.send_message, QueueUrl=self._queue_url, MessageBody=json.dumps(document))


def _envelope(order: Order, detail: object, source: str) -> dict[str, Any]:
    """The EventBridge envelope, so that a message keeps its order."""
    return {
        "version": "0",
        "id": order.id,
        "detail-type": REQUESTED,
        "source": source,
        "time": order.time,
        "resources": [],
        "detail": detail,
    }
