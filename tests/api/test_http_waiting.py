"""Requests over HTTP that wait: the response is the result, if it comes in time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local.simulators.faults import Fault
from tests.support.calls import Calls
from tests.support.web import BODY, KEY, Web, problem, work
from tests.support.world import REQUEST, STOPPED, World


def test_a_wait_ends_when_the_request_does(world: World, web: Web) -> None:
    world.clock.meanwhile = lambda: work(world)

    response = web("PUT", KEY, BODY, prefer="wait=10")

    assert response.status == 201
    assert response.headers["preference-applied"] == "wait=10"
    assert response.headers["location"] == KEY
    assert response.document["outcome"] == "created"
    assert response.document["connectionId"] == world.parameter()
    assert sum(world.clock.slept) < 1


def test_a_wait_for_an_unchanged_or_updated_connection_returns_200(world: World, web: Web) -> None:
    world.request()
    world.clock.meanwhile = lambda: work(world)
    unchanged = web("PUT", KEY, BODY, prefer="wait=10")
    world.clock.meanwhile = lambda: work(world)

    updated = web("PUT", KEY, BODY | {"displayName": "Sales"}, prefer="respond-async, wait=10")

    assert (unchanged.status, unchanged.document["outcome"]) == (200, "unchanged")
    assert (updated.status, updated.document["outcome"]) == (200, "updated")


def test_a_wait_that_is_too_short_returns_202_like_a_request_without_a_wait(world: World, web: Web) -> None:
    response = web("PUT", KEY, BODY, prefer="wait=3")

    assert response.status == 202
    assert response.headers["preference-applied"] == "wait=3"
    assert sum(world.clock.slept) == pytest.approx(3)
    work(world)
    assert web("GET", KEY).document["status"] == "ready"


@pytest.mark.parametrize(
    ("requested", "left", "applied", "waited"), [("99999", 29, "25", 25), ("20", 12, "20", 10), ("9", 1, "9", 0)]
)
def test_a_wait_is_bounded_by_the_contract_and_by_the_invocation(
    world: World, web: Web, requested: str, left: float, applied: str, waited: float
) -> None:
    response = web("PUT", KEY, BODY, seconds=left, prefer=f"wait={requested}")

    assert response.status == 202
    assert response.headers["preference-applied"] == f"wait={applied}"
    assert sum(world.clock.slept) == pytest.approx(waited)


@pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=-1", "wait=x", "await=5", "return=minimal"])
def test_an_invalid_preference_is_ignored(world: World, web: Web, prefer: str) -> None:
    response = web("PUT", KEY, BODY, prefer=prefer)

    assert response.status == 202
    assert "preference-applied" not in response.headers
    assert world.clock.slept == []


def test_a_wait_returns_the_problem_that_ended_the_request(world: World, web: Web) -> None:
    world.add_foreign("sales")
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("PUT", KEY, BODY, prefer="wait=10"), 409, "Conflict")

    assert refused["retryable"] is False


def test_a_refusal_by_databricks_while_waiting_is_a_failed_dependency(world: World, web: Web) -> None:
    world.databricks.settings.clusters = dict(STOPPED)
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("PUT", KEY, BODY, prefer="wait=10"), 424, "NotReady")

    assert [fault["field"] for fault in refused["faults"]] == ["CLUSTER_STATE"]


def test_a_request_that_is_given_up_during_a_wait_returns_503(world: World, web: Web) -> None:
    def give_up() -> None:
        (sent,) = world.arrived()
        sent.first_received = world.clock.now() - 4000
        world.deliver(sent)

    world.adobe.faults.add(Fault(path=".*/connections.*", times=0, status=503))
    world.clock.meanwhile = give_up

    response = web("PUT", KEY, BODY, prefer="wait=10")

    assert problem(response, 503, "OutOfTime")["retryable"]
    assert response.headers["retry-after"]


def test_a_request_that_is_superseded_during_a_wait_returns_superseded(world: World, web: Web) -> None:
    def overtake() -> None:
        world.request(REQUEST | {"displayName": "later"}, at=world.clock.now() + 60)

    world.clock.meanwhile = overtake

    response = web("PUT", KEY, BODY, prefer="wait=10")

    assert (response.status, response.document["outcome"]) == (200, "superseded")
    assert response.document["connectionId"] is None


def test_a_registry_read_that_fails_during_a_wait_does_not_end_the_wait(
    world: World, web: Web, calls: Calls, refuse: Callable[..., None]
) -> None:
    def repair() -> None:
        calls.act = None
        work(world)

    refuse("read entry")
    world.clock.meanwhile = lambda: setattr(world.clock, "meanwhile", repair)

    assert web("PUT", KEY, BODY, prefer="wait=10").status == 201

    assert calls.made[:3] == ["send request", "note", "read entry"]
