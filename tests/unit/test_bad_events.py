"""Invalid messages and events: each is still a delivery, and none has an order in the future."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aep_connections.contract import messages
from aep_connections.domain.delivery import Delivery, Processed, Recheck
from aep_connections.domain.errors import ConnectionFailure, InvalidRequest
from aep_connections.domain.model import Key, Outcome, Result
from aep_connections.provision.service import reply_to
from aep_connections.reconcile import triggers
from aep_connections.reconcile.run import Run
from tests.support.hostile import MANY, NASTY_TEXTS, RAW_BODIES, TIMES, bodies, json_values

pytestmark = pytest.mark.slow

NOW = 1_795_000_000.0
SENT = "1795000000000"


def record(body: str, **attributes: str) -> dict[str, Any]:
    return {"messageId": "m-1", "receiptHandle": "r", "body": body, "attributes": attributes}


def check(delivery: Delivery) -> None:
    """Check what is true of every delivery, whatever its message contained."""
    order = delivery.order
    assert 0 <= order.seconds <= NOW
    assert len(order.time) == len("2026-11-18T10:00:00.000Z")
    assert order.id
    assert order.id.isascii()
    assert order.id.isprintable()
    if isinstance(delivery.payload, Recheck):
        assert len(delivery.payload.reason) <= 100


@MANY
@given(bodies(json_values))
def test_any_body_is_a_delivery_whose_order_is_no_later_than_when_it_was_sent(body: str) -> None:
    delivery = messages.read_record(record(body, SentTimestamp=SENT), NOW)

    check(delivery)
    assert delivery.message is not None
    assert delivery.message.id == "m-1"


def test_the_last_value_of_a_repeated_json_key_counts() -> None:
    assert messages.read_record(record('{"name": "first", "name": "last"}'), NOW).payload == {"name": "last"}


@pytest.mark.parametrize("body", RAW_BODIES, ids=range(len(RAW_BODIES)))
def test_a_body_that_is_not_json_or_too_large_does_no_harm(body: str) -> None:
    check(messages.read_record(record(body, SentTimestamp=SENT), NOW))


@pytest.mark.parametrize("time", TIMES)
def test_an_impossible_or_future_time_never_makes_the_order_later_than_when_it_was_sent(time: str) -> None:
    event = {"detail-type": "AEP Base Connection Requested", "id": "e-1", "time": time, "detail": {}}

    check(messages.read_record(record(json.dumps(event), SentTimestamp=SENT), NOW))


@MANY
@given(
    st.dictionaries(
        st.sampled_from(["SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"]),
        st.integers(-5, 10**20).map(str) | st.sampled_from(["9" * 15, *NASTY_TEXTS]) | json_values,
    )
    | json_values
)
@example(7)
def test_any_attributes_of_a_record_make_a_delivery(attributes: Any) -> None:
    delivery = messages.read_record({"messageId": "m-1", "body": "{}", "attributes": attributes}, NOW)

    assert delivery.order.seconds >= 0
    assert delivery.message is not None
    assert delivery.message.receive_count >= 1


@MANY
@given(json_values | st.fixed_dictionaries({"tf": json_values}, optional={"name": json_values}))
def test_any_event_of_a_direct_invoke_is_passed_on_for_validation(event: Any) -> None:
    seen: list[Delivery] = []

    def do(delivery: Delivery) -> Processed:
        seen.append(delivery)
        return Processed(sandbox="dev", name="sales", order=delivery.order, error=InvalidRequest("no"))

    with pytest.raises(ConnectionFailure):
        reply_to(event, NOW, "i-1", do)

    (delivery,) = seen
    check(delivery)
    assert delivery.message is None


@MANY
@given(
    json_values
    | st.fixed_dictionaries({"reconcile": json_values})
    | st.fixed_dictionaries({"detail-type": st.sampled_from(["Secret Label Updated", "x"]), "detail": json_values})
)
@example({"reconcile": None})
@example({"reconcile": {}})
@example({"reconcile": {"checks": 1, "after": "", "due": [["x", "dev", "sales"]], "counts": {}, "oldest": None}})
def test_any_event_is_understood_or_refused_by_the_reconciling_function(event: Any) -> None:
    with contextlib.suppress(InvalidRequest):
        assert isinstance(triggers.work_of(event, 7), Run | triggers.SecretRotated | triggers.FlowRunFailed)


@MANY
@given(st.lists(bodies(json_values), min_size=1, max_size=5), st.data())
def test_one_bad_record_leaves_the_others_of_its_batch_untouched(batch: list[str], data: st.DataObject) -> None:
    undone = data.draw(st.sets(st.integers(0, len(batch) - 1)))
    event = {"Records": [record(body) | {"messageId": f"m-{number}"} for number, body in enumerate(batch)]}
    numbers = iter(range(len(batch)))

    def do(delivery: Delivery) -> Processed:
        result = Result(key=Key("dev", "sales"), outcome=Outcome.UNCHANGED, parameter_name=None)
        return Processed(
            sandbox="dev", name="sales", order=delivery.order, result=result, acknowledged=next(numbers) not in undone
        )

    response = reply_to(json.loads(json.dumps(event)), NOW, "i-1", do)

    assert response == {"batchItemFailures": [{"itemIdentifier": f"m-{number}"} for number in sorted(undone)]}
