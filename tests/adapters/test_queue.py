"""The request queue and its dead-letter queue: what is sent, what is hidden and what is parked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from aep_connections.domain.delivery import Message, Recheck
from aep_connections.domain.model import Key, Order
from tests.adapters.sides import Side

ORDER = Order("2026-11-18T10:00:00.250Z", "id-1")
MOST_BYTES = 256 * 1024
"""The longest message that SQS accepts."""


def envelope(side: Side, source: str, detail: object) -> dict[str, Any]:
    return {
        "version": "0",
        "id": ORDER.id,
        "detail-type": "AEP Base Connection Requested",
        "source": source,
        "time": ORDER.time,
        "resources": [],
        "detail": detail,
    }


def parked(side: Side) -> tuple[Any, dict[str, str]]:
    """The detail and the attributes of the only message in the dead-letter queue."""
    (letter,) = side.parked()
    body = json.loads(letter["Body"])
    assert body == envelope(side, "aep.connections.parked", body["detail"])
    assert len(letter["Body"].encode()) <= MOST_BYTES
    assert {one["DataType"] for one in letter["MessageAttributes"].values()} == {"String"}
    return body["detail"], {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}


def test_a_request_is_sent_in_an_envelope_with_its_order(side: Side) -> None:
    request = {"sandbox": side.sandbox, "name": "sales", "description": "Ünïcode"}

    side.queue.submit(ORDER, request)

    assert [json.loads(body) for body, _ in side.receive()] == [envelope(side, "aep.connections.api", request)]


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_every_recheck_is_sent_once(side: Side, count: int) -> None:
    rechecks = [Recheck(Key(side.sandbox, f"n{number}"), "due") for number in range(count)]

    side.queue.recheck(*rechecks)

    sent = Counter(body for body, _ in side.receive())
    assert sent == Counter(json.dumps(recheck.document()) for recheck in rechecks)


@pytest.mark.parametrize(("seconds", "hidden"), [(270.4, 270), (-3.0, 0), (43_000.0, 43_000)])
def test_a_message_is_hidden_from_now_on(side: Side, seconds: float, hidden: int) -> None:
    side.queue.submit(ORDER, {"sandbox": side.sandbox})
    ((_, message),) = side.receive()

    side.queue.hide(message, seconds)

    assert side.hidden(message) == hidden


def test_hiding_a_message_that_is_gone_is_no_error(side: Side) -> None:
    side.queue.hide(Message(id="m", receipt_handle="unknown", receive_count=1, first_received=0.0), 1)


def test_a_parked_message_keeps_its_order_and_says_why(side: Side) -> None:
    detail = {"sandbox": side.sandbox, "name": "sales", "extra": [None, 1.5]}

    side.queue.park(ORDER, detail, "InvalidRequest", "The request has one fault.")

    assert parked(side) == (detail, {"code": "InvalidRequest", "reason": "The request has one fault."})


@pytest.mark.parametrize(("reason", "shown"), [("", "Unavailable"), ("é" * 5000, "é" * 1000)], ids=["none", "long"])
def test_a_reason_is_neither_empty_nor_longer_than_a_thousand_characters(side: Side, reason: str, shown: str) -> None:
    side.queue.park(ORDER, {"sandbox": side.sandbox}, "Unavailable", reason)

    assert parked(side)[1] == {"code": "Unavailable", "reason": shown}


@pytest.mark.parametrize("detail", ["text", None, 7, ["a", {}]], ids=repr)
def test_what_is_not_an_object_is_parked_as_unreadable(side: Side, detail: object) -> None:
    order = replace(ORDER, id=side.sandbox)

    side.queue.park(order, detail, "InvalidRequest", "no")

    (letter,) = side.parked()
    assert json.loads(letter["Body"])["detail"] == {"unreadable": detail}


def test_a_detail_that_is_too_long_is_cut(side: Side) -> None:
    detail = {"sandbox": side.sandbox, "x": "é" * 200_000}

    side.queue.park(ORDER, detail, "InvalidRequest", "no")

    shown, _ = parked(side)
    assert json.dumps(detail).startswith(shown["unreadable"])
    assert len(shown["unreadable"]) > 50_000


def test_a_detail_that_is_nested_too_deeply_is_parked_without_it(side: Side) -> None:
    nested: list[object] = []
    for _ in range(20_000):
        nested = [nested]

    side.queue.park(replace(ORDER, id=side.sandbox), nested, "InvalidRequest", "no")

    (letter,) = side.parked()
    assert json.loads(letter["Body"])["detail"] == {"unreadable": "nested too deeply to be written"}
