"""Messages: reads SQS records, EventBridge envelopes and direct invokes, and writes our own messages.

A record's body is an EventBridge event, a plain request or our own recheck. A direct invoke is the request itself.
"""

import json
import re
from datetime import datetime
from typing import Any, TypeGuard

from aep_connections.contract.request import readable_key
from aep_connections.domain.delivery import Delivery, Message, Recheck
from aep_connections.domain.model import DesiredState, Key, Order, usable_id
from aep_connections.domain.time import EPOCH, order_at

EVENT_SOURCE = "aep.connections"
REQUESTED, READY, FAILED, DELETED, DRIFTED = (
    f"AEP Base Connection {what}" for what in ("Requested", "Ready", "Failed", "Deleted", "Drifted")
)
"""The detail-types: of the request event, and of the events that the functions announce."""
_TERRAFORM_ACTIONS = ("create", "update", "delete")


def envelope(order: Order, detail: object, source: str) -> dict[str, Any]:
    """A request in the EventBridge envelope, which preserves its order."""
    return {
        "version": "0",
        "id": order.id,
        "detail-type": REQUESTED,
        "source": source,
        "time": order.time,
        "resources": [],
        "detail": detail,
    }


def is_batch(event: object) -> bool:
    """Whether this event is a batch from the queue. An empty batch counts too: there is nothing to do."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and all(isinstance(r, dict) and usable_id(r.get("messageId")) for r in records)


def batch_reply(undone: list[str]) -> dict[str, Any]:
    """The reply to a batch; the messages with these ids are delivered again."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone]}


def read_record(record: dict[str, Any], now: float) -> Delivery:
    """The delivery in one SQS record; `now` (seconds since 1970) replaces missing attributes."""
    found = record.get("attributes")
    attributes = found if isinstance(found, dict) else {}
    sent = _milliseconds(attributes.get("SentTimestamp"), now)
    message = Message(
        id=record["messageId"],
        receipt_handle=record.get("receiptHandle") or "",
        receive_count=max(1, int(_number(attributes.get("ApproximateReceiveCount"), 1))),
        first_received=_milliseconds(attributes.get("ApproximateFirstReceiveTimestamp"), now),
    )
    document = _json(record.get("body"))
    order = order_at(sent, message.id)
    if _is_envelope(document):
        order, document = order_of(document, sent, message.id), document["detail"]
    return Delivery(order, _recheck(document) or document, message)


def read_invoke(event: object, now: float, invocation_id: str) -> Delivery:
    """The delivery in a direct invoke.

    Terraform's `aws_lambda_invocation` adds `tf` to the request; its `action: delete` requests absence.
    """
    order = order_at(now, invocation_id)
    if not isinstance(event, dict) or "tf" not in event:
        return Delivery(order, event, None)
    tf = event["tf"]
    action = tf.get("action") if isinstance(tf, dict) else None
    if action not in _TERRAFORM_ACTIONS:
        return Delivery(order, event, None)  # not Terraform's field: refused like any unknown field
    request = {name: value for name, value in event.items() if name != "tf"}
    absent = {"desiredState": DesiredState.ABSENT.value} if action == "delete" else {}
    return Delivery(order, request | absent, None)


def order_of(document: dict[str, Any], latest: float, fallback_id: str) -> Order:
    """The order of an envelope: its `time`, but not later than `latest` (seconds since 1970), and its `id`."""
    seconds, order_id = _seconds(document.get("time")), document.get("id")
    time = latest if seconds is None else min(seconds, latest)
    return order_at(time, order_id if _is_order_id(order_id) else fallback_id)


def _is_envelope(document: object) -> bool:
    return isinstance(document, dict) and document.get("detail-type") == REQUESTED and "detail" in document


def _is_order_id(order_id: object) -> TypeGuard[str]:
    return isinstance(order_id, str) and 0 < len(order_id) <= 256 and order_id.isascii() and order_id.isprintable()


def _recheck(document: object) -> Recheck | None:
    """The recheck, if this is our own message with a valid key."""
    if not isinstance(document, dict) or set(document) != {"recheck"}:
        return None
    sandbox, name = readable_key(document["recheck"])
    if sandbox is None or name is None:
        return None
    return Recheck(Key(sandbox, name), str(document["recheck"].get("reason") or "")[:100])


def _json(body: object) -> Any:
    """The body's JSON, or the body itself if it is not JSON."""
    try:
        return json.loads(body) if isinstance(body, str) else body
    except (ValueError, RecursionError):
        return body


def _seconds(text: object) -> float | None:
    """ISO 8601 with a zone as seconds since 1970; None for any other text."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    return max(0.0, (moment - EPOCH).total_seconds())


def _milliseconds(value: object, default: float) -> float:
    return _number(value, default * 1000) / 1000


def _number(value: object, default: float) -> float:
    """A number of at most 14 digits: in milliseconds, a time before the year 5139, which `datetime` can hold."""
    return float(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,14}", value) else default
