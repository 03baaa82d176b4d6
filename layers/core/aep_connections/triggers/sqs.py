"""The request queue's records: an EventBridge event, a bare request, or our own recheck."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from aep_connections.domain.model import Delivery, Key, Message, Recheck, usable_id
from aep_connections.domain.moment import order_at
from aep_connections.triggers.eventbridge import is_envelope, order_of
from aep_connections.use_cases.answer import Answer
from aep_connections.use_cases.request import readable_key


def is_batch(event: object) -> bool:
    """Whether this event came from the queue, or is a batch without a message: nothing to do."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and all(isinstance(r, dict) and usable_id(r.get("messageId")) for r in records)


def each_record(event: dict[str, Any], now: float, do: Callable[[Delivery], Answer]) -> dict[str, Any]:
    """Do every record of a batch; the answer names those that are to be delivered again."""
    records: Iterable[dict[str, Any]] = event["Records"]
    undone = [record["messageId"] for record in records if not do(read(record, now)).acknowledged]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone]}


def read(record: dict[str, Any], now: float) -> Delivery:
    """The delivery in one SQS record; `now` (seconds since 1970) stands in for attributes that are missing."""
    given = record.get("attributes")
    attributes = given if isinstance(given, dict) else {}
    sent = _milliseconds(attributes.get("SentTimestamp"), now)
    message = Message(
        id=record["messageId"],
        receipt_handle=record.get("receiptHandle") or "",
        receive_count=max(1, int(_number(attributes.get("ApproximateReceiveCount"), 1))),
        first_received=_milliseconds(attributes.get("ApproximateFirstReceiveTimestamp"), now),
    )
    document = _json(record.get("body"))
    order = order_at(sent, message.id)
    if is_envelope(document):
        order, document = order_of(document, sent, message.id), document["detail"]
    return Delivery(order, _recheck(document) or document, message)


def _recheck(document: object) -> Recheck | None:
    """Our own message, if this is one with a valid key."""
    if not isinstance(document, dict) or set(document) != {"recheck"}:
        return None
    sandbox, name = readable_key(document["recheck"])
    if sandbox is None or name is None:
        return None
    return Recheck(Key(sandbox, name), str(document["recheck"].get("reason") or "")[:100])


def _json(body: object) -> Any:
    """The body's JSON, or the body itself if it is none."""
    try:
        return json.loads(body) if isinstance(body, str) else body
    except (ValueError, RecursionError):
        return body


def _milliseconds(value: object, otherwise: float) -> float:
    return _number(value, otherwise * 1000) / 1000


def _number(value: object, otherwise: float) -> float:
    """A number of at most 14 digits: as milliseconds before the year 5139, which every date can be."""
    return float(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,14}", value) else otherwise
