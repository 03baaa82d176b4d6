"""Events become deliveries: orders, rechecks, Terraform's extra key, and bodies that are not requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.contract import messages
from aep_connections.contract.messages import order_of
from aep_connections.domain.delivery import Delivery, Processed, Recheck
from aep_connections.domain.errors import Busy
from aep_connections.domain.model import Key, Order, Outcome, Result
from aep_connections.provision.service import reply_to

NOW = 1_795_000_000.0
REQUEST = {"name": "sales", "sandbox": "dev", "databricksSecretId": "x"}


def record(body: object, **attributes: str) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"messageId": "m-1", "receiptHandle": "r", "body": text, "attributes": attributes}


def envelope(**changes: object) -> dict[str, object]:
    return {
        "id": "e-1",
        "detail-type": "AEP Base Connection Requested",
        "source": "any",
        "time": "2026-11-18T10:00:00Z",
        "detail": REQUEST,
    } | changes


def test_an_envelopes_order_is_its_time_and_id() -> None:
    delivery = messages.read_record(record(envelope(), SentTimestamp="1795000000000"), NOW)

    assert delivery.order == Order("2026-11-18T10:00:00.000Z", "e-1")
    assert delivery.payload == REQUEST


def test_a_bare_requests_order_is_when_it_was_sent() -> None:
    delivery = messages.read_record(record(REQUEST, SentTimestamp="1795000000123"), NOW)

    assert delivery.order == Order("2026-11-18T11:06:40.123Z", "m-1")


def test_an_order_is_never_later_than_when_it_was_sent() -> None:
    forged = messages.read_record(record(envelope(time="2099-01-01T00:00:00Z"), SentTimestamp="1795000000000"), NOW)

    assert forged.order.time == "2026-11-18T11:06:40.000Z"


@pytest.mark.parametrize("time", [None, 5, "yesterday", "2026-11-18T10:00:00", "2026-11-18"])
def test_an_unreadable_time_is_replaced_by_the_time_of_sending(time: object) -> None:
    delivery = messages.read_record(record(envelope(time=time), SentTimestamp="1795000000000"), NOW)

    assert delivery.order.time == "2026-11-18T11:06:40.000Z"


def test_milliseconds_and_zones_of_a_time_are_kept_in_utc() -> None:
    delivery = messages.read_record(
        record(envelope(time="2026-11-18T11:00:00.250+01:00"), SentTimestamp="1795000000000"), NOW
    )

    assert delivery.order.time == "2026-11-18T10:00:00.250Z"


def test_orders_sort_as_they_were_requested() -> None:
    assert Order("2026-11-18T09:59:59.999Z", "z") < Order("2026-11-18T10:00:00.000Z", "a")
    assert str(Order.parse("2026-11-18T10:00:00.000Z#a#b")) == "2026-11-18T10:00:00.000Z#a#b"


def test_a_recheck_is_ours_only_with_a_valid_key() -> None:
    good = {"recheck": {"sandbox": "dev", "name": "sales", "reason": "drift"}}
    bad = {"recheck": {"sandbox": "DEV", "name": "sales"}}

    assert messages.read_record(record(good), NOW).payload == Recheck(Key("dev", "sales"), "drift")
    assert messages.read_record(record(bad), NOW).payload == bad


@pytest.mark.parametrize("body", ["", "not json", "[1", '"text"', "[" * 100_000, "NaN"])
def test_a_body_that_is_not_a_request_is_still_a_delivery(body: str) -> None:
    assert isinstance(messages.read_record(record(body), NOW), Delivery)


def test_missing_attributes_are_taken_as_now() -> None:
    delivery = messages.read_record({"messageId": "m", "body": "{}"}, NOW)

    assert delivery.message is not None
    assert (delivery.message.receive_count, delivery.message.first_received) == (1, NOW)


@pytest.mark.parametrize("sent", ["9" * 15, "9" * 40], ids=["after the year 9999", "too large"])
def test_attributes_that_no_queue_would_send_are_taken_as_now(sent: str) -> None:
    delivery = messages.read_record(record("{}", SentTimestamp=sent, ApproximateReceiveCount="x"), NOW)

    assert delivery.message is not None
    assert (delivery.order.seconds, delivery.message.receive_count) == (NOW, 1)


@pytest.mark.parametrize(
    "records",
    [[5], [{}], [{"s3": {}}], [{"messageId": 1}], [{"messageId": ""}], [{"messageId": "no id"}], {}, None],
)
def test_records_of_another_source_are_not_a_batch(records: object) -> None:
    assert not messages.is_batch({"Records": records})


def invoked(event: object) -> object:
    seen: list[object] = []

    def do(delivery: Delivery) -> Processed:
        seen.append(delivery.payload)
        return Processed(
            sandbox="dev",
            name="sales",
            order=delivery.order,
            result=Result(key=Key("dev", "sales"), outcome=Outcome.UNCHANGED, parameter_name=None),
        )

    reply_to(event, NOW, "i-1", do)
    return seen[0]


def test_terraforms_delete_requests_absence() -> None:
    assert invoked({**REQUEST, "tf": {"action": "delete", "prev_input": None}}) == {**REQUEST, "desiredState": "absent"}
    assert invoked({**REQUEST, "tf": {"action": "update"}}) == REQUEST


@pytest.mark.parametrize("tf", [None, 1, {}, {"action": "destroy"}])
def test_any_other_tf_field_is_left_for_validation(tf: object) -> None:
    assert invoked({**REQUEST, "tf": tf}) == {**REQUEST, "tf": tf}


def test_a_direct_invoke_raises_a_retryable_error_at_once() -> None:
    with pytest.raises(Busy):
        reply_to(
            REQUEST,
            NOW,
            "i",
            lambda d: Processed(sandbox="dev", name="sales", order=d.order, error=Busy("x"), acknowledged=False),
        )


@pytest.mark.parametrize("order_id", [None, 7, "", "x" * 257, "é", "line\nbreak"])
def test_a_malformed_id_of_an_envelope_is_replaced_by_the_message_id(order_id: object) -> None:
    assert order_of(envelope(id=order_id), NOW, "m-1").id == "m-1"


def test_a_time_before_1970_is_taken_for_1970() -> None:
    assert order_of(envelope(time="0001-01-01T00:00:00Z"), NOW, "m-1").time == "1970-01-01T00:00:00.000Z"


def test_another_detail_type_is_not_a_request_and_is_left_unchanged() -> None:
    announced = envelope(**{"detail-type": "AEP Base Connection Ready", "detail": {"name": "sales"}})

    assert messages.read_record(record(announced), NOW).payload == announced


def test_a_request_with_a_recheck_beside_it_is_not_a_recheck() -> None:
    both = {"recheck": {"sandbox": "dev", "name": "sales"}, "name": "sales"}

    assert messages.read_record(record(both), NOW).payload == both


def test_a_rechecks_reason_is_kept_short() -> None:
    recheck = messages.read_record(
        record({"recheck": {"sandbox": "dev", "name": "sales", "reason": "x" * 999}}), NOW
    ).payload

    assert recheck.reason == "x" * 100  # type: ignore[attr-defined]


def test_a_receive_count_is_at_least_one() -> None:
    message = messages.read_record(record({}, ApproximateReceiveCount="0"), NOW).message

    assert message is not None
    assert message.receive_count == 1


def test_only_unfinished_messages_of_a_batch_are_delivered_again() -> None:
    def do(delivery: Delivery) -> Processed:
        return Processed(
            sandbox="dev", name="sales", order=delivery.order, acknowledged=delivery.payload != {"number": 1}
        )

    batch = {"Records": [record({"number": number}) | {"messageId": f"m-{number}"} for number in range(3)]}

    assert reply_to(batch, NOW, "i-1", do) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
