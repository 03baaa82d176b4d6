"""Requests, messages and secrets with arbitrary content: each fault is named and announced; Adobe is not called."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_connections.domain.errors import ConnectionFailure
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.calls import Calls, Refuse
from tests.support.hostile import FEW, bodies, json_values, nested, not_texts
from tests.support.log import Log
from tests.support.world import REQUEST, Sent, World

NUMBERS = itertools.count()
WRONG = not_texts | nested | st.sampled_from(["", " blank ", "two\nlines", "nul\x00", "\ud800", "x" * 5_000])


@pytest.fixture
def settled(world: World) -> Iterator[World]:
    """A world with one ready key that no test here requests again. It must be unchanged at the end."""
    world.invoke(REQUEST)
    new_events(world)
    before = (world.item(), world.parameter(), world.connections())
    yield world
    assert (world.item(), world.parameter(), world.connections()) == before


def looks_like_a_trace(text: str) -> bool:
    return re.search(r'Traceback|File "|\.py\b|This is a defect', text) is not None


@contextmanager
def without_calls(world: World) -> Iterator[None]:
    """Assert that no call goes to Adobe or IMS."""
    calls, exchanges = len(world.calls()), world.exchanges()
    yield
    assert (len(world.calls()), world.exchanges()) == (calls, exchanges)


def new_events(world: World) -> list[dict[str, Any]]:
    """The outcome events since the last call of this function."""
    events = world.events()
    fresh = list(events)
    events.clear()
    return fresh


def check_failed(event: dict[str, Any], *codes: str) -> None:
    """Assert that the event lists faults with their rules and contains no stack trace."""
    detail = event["detail"]
    assert event["detail-type"] == "AEP Base Connection Failed"
    assert detail["code"] in codes
    assert detail["faults"]
    assert all(fault["rule"] for fault in detail["faults"])
    assert not looks_like_a_trace(json.dumps(detail))


@FEW
@given(json_values | nested | st.dictionaries(st.sampled_from([*REQUEST, "tf", "adopt"]), json_values | nested))
def test_any_json_as_a_direct_invoke_is_refused_and_announced(settled: World, log: Log, event: Any) -> None:
    with without_calls(settled):
        refused = settled.refused(event)

    (announced,) = new_events(settled)
    check_failed(announced, "InvalidRequest")
    assert refused.code == "InvalidRequest"
    assert [fault["field"] for fault in announced["detail"]["faults"]] == [fault.field for fault in refused.faults]
    assert not looks_like_a_trace(str(refused) + log.text)
    assert settled.dead_letters() == []


@FEW
@given(st.lists(st.sampled_from(["name", "sandbox", "databricksSecretId"]), unique=True), WRONG)
def test_a_queued_request_with_broken_fields_is_acknowledged_once_it_is_announced(
    settled: World, log: Log, broken: list[str], value: Any
) -> None:
    detail = {**REQUEST, "name": f"bad-{next(NUMBERS)}", **dict.fromkeys(broken, value), "colour": "red"}

    with without_calls(settled):
        assert settled.request(json.loads(json.dumps(detail)))

    (announced,) = new_events(settled)
    check_failed(announced, "InvalidRequest")
    assert {fault["field"] for fault in announced["detail"]["faults"]} - {"request"} == {*broken, "colour"}
    assert len(settled.dead_letters()) == (1 if {"name", "sandbox"} & set(broken) else 0)
    assert not looks_like_a_trace(log.text)


@FEW
@given(bodies(json_values | nested))
def test_any_body_on_the_queue_is_announced_and_parked_or_is_a_recheck_without_effect(
    settled: World, log: Log, body: str
) -> None:
    settled.clock.advance(1)
    sent = Sent(f"m-{next(NUMBERS)}", "no-receipt", body, settled.clock.now())

    with without_calls(settled):
        assert settled.deliver(sent)

    events, letters = new_events(settled), settled.dead_letters()
    assert not looks_like_a_trace(log.text)
    if events:
        check_failed(events[0], "InvalidRequest")
        (letter,) = letters
        parked = json.loads(letter["Body"])
        assert parked["detail-type"] == "AEP Base Connection Requested"
        assert parked["time"] == events[0]["detail"]["requestedAt"]
        assert datetime.fromisoformat(parked["time"]).timestamp() <= sent.sent_at
        assert letter["MessageAttributes"]["code"]["StringValue"] == "InvalidRequest"
    else:
        assert set(json.loads(body)) == {"recheck"}
        assert letters == []


@FEW
@given(
    wrong=st.fixed_dictionaries({}, optional=dict.fromkeys([*DATABRICKS_SECRET, "catalog"], WRONG)).filter(bool),
    missing=st.sets(st.sampled_from(sorted(DATABRICKS_SECRET)), max_size=2),
)
def test_a_databricks_secret_with_broken_fields_is_refused_before_adobe_is_called(
    settled: World, log: Log, wrong: dict[str, Any], missing: set[str]
) -> None:
    name = f"secret-{next(NUMBERS)}"
    secret_id = f"aep/dev/databricks/{name}"
    values = {field: value for field, value in (DATABRICKS_SECRET | wrong).items() if field not in missing}
    settled.put_values(secret_id, values)

    with without_calls(settled):
        refused = settled.refused({"name": name, "sandbox": "dev", "databricksSecretId": secret_id})

    (announced,) = new_events(settled)
    check_failed(announced, "SecretInvalid")
    assert {fault.field for fault in refused.faults} == (set(wrong) | missing)
    assert settled.status(name) == "failed"
    assert not looks_like_a_trace(str(refused) + log.text)


TEXTS = ("x", "null", "[]", '"x"', "NaN", "[" * 50_000, "\ufeff{}", "1" * 5_000, "{'a': 1}", "{}", '{"domain": 1}')


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("whose", ["adobe", "databricks"])
def test_any_text_as_a_secret_is_refused_before_adobe_is_called(
    settled: World, log: Log, whose: str, text: str
) -> None:
    name, adobe = f"text-{next(NUMBERS)}", settled.environment["ADOBE_SECRET_ID"]
    secret_id = f"aep/dev/databricks/{name}"
    settled.put_values(secret_id, DATABRICKS_SECRET)
    bad = adobe if whose == "adobe" else secret_id
    settled.put_text(bad, text)

    with without_calls(settled):
        refused = settled.refused({"name": name, "sandbox": "dev", "databricksSecretId": secret_id})

    settled.put_values(adobe, ADOBE_SECRET)
    (announced,) = new_events(settled)
    check_failed(announced, "SecretInvalid")
    assert bad in refused.message
    assert not looks_like_a_trace(str(refused) + log.text)


def test_a_binary_secret_is_refused_before_adobe_is_called(settled: World) -> None:
    secret_id = "aep/dev/databricks/bytes"
    settled.put_text(secret_id, None)

    with without_calls(settled):
        refused = settled.refused({"name": "bytes", "sandbox": "dev", "databricksSecretId": secret_id})

    assert [str(fault) for fault in refused.faults] == ["secret: must be a JSON object, stored as text"]
    new_events(settled)


def test_in_a_batch_bad_records_are_parked_and_good_ones_are_processed(settled: World) -> None:
    good = settled.send(REQUEST | {"name": "in-a-batch"})
    records = [
        {"messageId": f"m-{number}", "receiptHandle": "x", "body": body}
        for number, body in enumerate(["{not json", good.body, '{"name": 1}'])
    ]

    context = type("Context", (), {"get_remaining_time_in_millis": lambda _: 180_000, "aws_request_id": "i-1"})()
    response = settled.service.provision({"Records": records}, context)

    assert response == {"batchItemFailures": []}
    assert settled.parameter("in-a-batch")
    assert len(settled.dead_letters()) == 2
    settled.invoke({"name": "in-a-batch", "sandbox": "dev", "desiredState": "absent"})
    assert {event["detail"].get("code") for event in new_events(settled)} == {"InvalidRequest", None}


@pytest.mark.parametrize("step", ["announce", "park"])
def test_a_refusal_that_could_not_be_announced_or_parked_is_delivered_again(
    settled: World, calls: Calls, refuse: Refuse, step: str
) -> None:
    sent = Sent("m-lost", "no-receipt", "{not json", settled.clock.now())

    with without_calls(settled):
        refuse(step)
        assert not settled.deliver(sent)
        calls.act = None
        assert settled.deliver(sent)

    assert {event["detail"]["code"] for event in new_events(settled)} == {"InvalidRequest"}
    assert len(settled.dead_letters()) == 1


@pytest.mark.parametrize("event", [None, [], "x", 7, {}, {"Records": [{}]}, {"tf": {"action": "delete"}}])
def test_a_direct_invoke_without_a_request_is_refused_with_a_code_and_a_remedy(settled: World, event: Any) -> None:
    with without_calls(settled):
        error: ConnectionFailure = settled.refused(event)

    assert error.code == "InvalidRequest"
    assert error.remedy
    new_events(settled)
