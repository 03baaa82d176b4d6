"""The stack's functions: one gets a question and replies, others are invoked later."""

from __future__ import annotations

from typing import Any

import pytest

from aep_connections.domain.errors import Unavailable
from tests.adapters.sides import EXPLORE, RECONCILE, Side

FAILED = "Reading the tables took too long or failed unexpectedly."


def test_the_explore_function_gets_the_question_and_its_reply_is_returned(side: Side) -> None:
    questions: list[Any] = []

    def reply(question: Any, _context: Any) -> Any:
        questions.append(question)
        return {"tables": [{"name": "ü", "path": "a.b"}], "number": 1.5, "none": None}

    side.handle(EXPLORE, reply)

    document = side.functions.explore(EXPLORE, {"sandbox": side.sandbox, "pair": ("a", "b")})

    assert document == {"tables": [{"name": "ü", "path": "a.b"}], "number": 1.5, "none": None}
    assert questions == [{"sandbox": side.sandbox, "pair": ["a", "b"]}]


@pytest.mark.parametrize("reply", [ValueError("inner words"), "text", None, [{}], {"set": {1}}], ids=repr)
def test_a_reply_that_cannot_be_used_is_reported_without_its_text(side: Side, reply: Any) -> None:
    def end(_question: Any, _context: Any) -> Any:
        if isinstance(reply, Exception):
            raise reply
        return reply

    side.handle(EXPLORE, end)

    with pytest.raises(Unavailable) as refused:
        side.functions.explore(EXPLORE, {})

    assert refused.value.message == FAILED
    assert refused.value.remedy == "Try again. If this persists, the explore function's log shows the cause."


def test_a_function_that_does_not_exist_cannot_be_invoked(side: Side) -> None:
    with pytest.raises(Unavailable, match=r"^The AWS call _invoke failed \(ResourceNotFoundException\)\."):
        side.functions.explore(EXPLORE, {})
    with pytest.raises(Unavailable, match=r"^The AWS call invoke failed \(ResourceNotFoundException\)\."):
        side.asynchronous.invoke_later(RECONCILE, {})

    assert side.invoked(RECONCILE) == []


def test_a_function_is_invoked_later_once_for_each_event(side: Side) -> None:
    ran: list[Any] = []
    side.handle(RECONCILE, lambda event, _context: ran.append(event))
    event = {"continue": {"sandboxes": ["a", "b"], "at": 1.5}}

    side.asynchronous.invoke_later(RECONCILE, event)
    side.asynchronous.invoke_later(RECONCILE, {"second": True})
    event["continue"]["sandboxes"] = []

    assert ran == []
    assert side.invoked(RECONCILE) == [{"continue": {"sandboxes": ["a", "b"], "at": 1.5}}, {"second": True}]
    assert side.invoked(RECONCILE) == []
