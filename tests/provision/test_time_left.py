"""No effect starts unless there is time to receive its result and to record it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.simulators.simulator import Request
from tests.support.world import ABSENT, REQUEST, World


def late(world: World, monkeypatch: pytest.MonkeyPatch, method: str, path: str, seconds: float) -> None:
    """Delay Adobe's replies to one kind of call by `seconds`."""

    def act(request: Request, reply: Callable[[], Any]) -> Any:
        response = reply()
        if (request.method, request.path.endswith(path)) == (method, True):
            world.clock.advance(seconds)
        return response

    world.on_replies(monkeypatch, act)


def test_nothing_is_published_without_time_to_announce_and_close(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    late(world, monkeypatch, "GET", "/test", 165)

    assert world.refused(REQUEST).code == "OutOfTime"

    assert world.parameter() is None


def test_no_parameter_is_deleted_without_time_to_announce_and_close(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    late(world, monkeypatch, "GET", f"/{world.parameter()}", 165)

    assert world.refused(ABSENT).code == "OutOfTime"

    assert world.parameter() is not None


def test_no_duplicate_is_deleted_without_time_for_the_reply(world: World) -> None:
    world.request()
    (kept,) = world.connections()
    duplicate = world.add_foreign()
    world.adobe.records[duplicate].item["description"] = kept["description"]
    world.edit(connection_id=None)

    assert world.refused(REQUEST, seconds=39).code == "OutOfTime"

    assert world.calls("DELETE") == []


def test_a_deletion_that_does_not_end_is_left_to_the_next_delivery(world: World) -> None:
    world.request()
    world.adobe.settings.delete_lag_seconds = 1000
    began = world.clock.now()

    refused = world.refused(ABSENT)

    assert refused.code == "Unavailable"
    assert "still shows it" in refused.message
    assert world.clock.now() - began <= 140
    assert json.dumps(world.parameter()) != "null"
