"""The benchmark: its published numbers are those of its results, and its stubs and stand-ins serve what it times."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from aep_connections.api import service as api_service
from aep_connections.explore import service as explore_service
from aep_connections.provision import service as provision_service
from aep_connections.reconcile import service as reconcile_service
from bench.chain import Recorded, is_as_stated, longest_chain, name_of
from bench.cold import TRIVIAL, outcome_of
from bench.fleet import SIZES, most_at_once, pages
from bench.picture import draw
from bench.processes import run_service
from bench.report import FLEET_MIB, FLEET_SECONDS, write
from bench.stubs import canned, environment
from local.aws.invocation import Context
from local.simulators.simulator import Call, Request
from local.stack import ROOT

DOCS = ROOT / "docs" / "explanation"
RESULTS = json.loads((DOCS / "performance.json").read_text())


def test_the_published_page_and_picture_are_what_the_results_give() -> None:
    assert write(RESULTS) == (DOCS / "performance.md").read_text()
    assert draw(RESULTS) == (DOCS / "performance.svg").read_text()


def test_every_measurement_was_made() -> None:
    assert list(RESULTS) == ["cold", "warm", "peers", "load", "fleet"]


def test_a_ratio_above_its_aim_is_shown_as_missed() -> None:
    def cold(ratio: float) -> str:
        functions = {name: one | {"ratio": ratio} for name, one in RESULTS["cold"]["functions"].items()}
        return write({"cold": RESULTS["cold"] | {"functions": functions}})

    assert cold(1.251).count("**missed**") == len(TRIVIAL)
    assert "**missed**" not in cold(1.249)


def test_a_measurement_made_beside_other_work_states_the_load() -> None:
    def cold(load: float) -> str:
        return write({"cold": RESULTS["cold"] | {"measured": RESULTS["cold"]["measured"] | {"load": load}}})

    assert "a load of 1.5 before" in cold(1.5)
    assert "a load of" not in cold(0.1)


def test_every_function_is_measured_beside_a_floor_of_its_own() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert set(TRIVIAL) == set(RESULTS["cold"]["functions"]) == functions
    assert {path.parent.name for path in (ROOT / "bench" / "floor").glob("*/app.py")} == functions


def test_nothing_published_names_a_machine_or_its_folders() -> None:
    published = "".join((DOCS / f"performance.{kind}").read_text() for kind in ("json", "md", "svg"))

    assert not re.search(r"/(?:home|root|work|tmp|Users)/|localhost|127\.0\.0\.1", published)


def test_calls_side_by_side_count_once() -> None:
    first, short, long = Recorded("a", 0, 1), Recorded("b", 1.1, 2), Recorded("c", 1.1, 4)
    late = Recorded("d", 4, 5)

    assert longest_chain([late, short, first, long]) == [first, long, late]


def test_a_chain_is_the_longest_by_time_and_not_by_number() -> None:
    long = Recorded("long", 0, 9)

    assert longest_chain([long, Recorded("a", 0, 1), Recorded("b", 1, 2), Recorded("c", 2, 3)]) == [long]


def test_no_calls_make_an_empty_chain() -> None:
    assert longest_chain([]) == []


@pytest.mark.parametrize(
    ("stated", "agrees"), [(("a ‖ x", "b"), True), (("a",), False), (("a", "b", "c"), False), (("b", "a"), False)]
)
def test_a_chain_is_compared_with_the_stated_one(stated: tuple[str, ...], agrees: bool) -> None:
    assert is_as_stated([Recorded("a", 0, 1), Recorded("b", 1, 2)], stated) is agrees


def test_calls_are_named_without_their_ids() -> None:
    base = "/data/foundation/flowservice/connections"

    assert name_of("POST", "/PutEvents") == "PutEvents"
    assert name_of("GET", base) == "GET /connections"
    assert name_of("GET", f"{base}/0-1/test") == "GET /connections/{id}/test"


def test_calls_are_simultaneous_while_they_overlap() -> None:
    request = Request("GET", "/", (), {}, b"")
    calls = [Call(at, seconds, request, 200) for at, seconds in ((0.0, 1.0), (0.5, 1.0), (0.75, 0.5), (1.5, 1.0))]

    assert most_at_once(calls) == 3
    assert most_at_once([]) == 0


@pytest.mark.parametrize(("connections", "expected"), [(100, 20), (1_000, 20), (2_000, 20), (2_001, 21), (10_000, 100)])
def test_a_sandbox_has_a_page_for_each_hundred_connections(connections: int, expected: int) -> None:
    assert pages(connections) == expected


def test_calls_to_adobe_grow_with_the_pages_and_not_with_the_connections() -> None:
    for size in RESULTS["fleet"]["sizes"]:
        assert size["clean"]["adobeCalls"] == 1 + pages(size["connections"])


def test_a_fleet_is_reconciled_within_its_aims_and_repaired() -> None:
    largest = RESULTS["fleet"]["sizes"][-1]

    assert largest["connections"] == 10_000
    assert largest["clean"]["ended"]
    assert largest["clean"]["seconds"] <= FLEET_SECONDS
    assert largest["clean"]["peakMib"] <= FLEET_MIB
    for size in RESULTS["fleet"]["sizes"]:
        repaired = size["repaired"]
        drifted = repaired["drifted"]
        assert drifted == repaired["rechecks"] == sum(repaired["kinds"].values()) == SIZES[size["connections"]]
        assert (repaired["driftedAfter"], repaired["wrongAfter"]) == (0, 0)
        assert repaired["mostAtOnce"] <= size["concurrency"] + 1


@functools.cache
def _session(**options: Any) -> boto3.session.Session:
    """Not the session that all tests share: its clients would keep the address of these tests."""
    return boto3.session.Session(**options)


@pytest.mark.parametrize(
    ("function", "handler"),
    [
        ("provision", lambda: provision_service.build().provision),
        ("api", lambda: api_service.build().respond),
        ("explore", lambda: explore_service.build().explore),
        ("reconcile", lambda: reconcile_service.build().reconcile),
    ],
)
def test_the_trivial_invocation_makes_no_call(
    monkeypatch: pytest.MonkeyPatch, function: str, handler: Callable[[], Callable[[Any, Any], Any]]
) -> None:
    monkeypatch.setattr(boto3, "Session", _session)
    nowhere = "http://localhost:9"
    for name, value in environment(nowhere, nowhere, nowhere, nowhere).items():
        monkeypatch.setenv(name, value)
    trivial = TRIVIAL[function]

    assert trivial.shown(outcome_of(handler(), trivial.event, Context(60.0))) == trivial.expected


def test_the_stubs_serve_each_delivery_that_is_timed() -> None:
    with canned() as stubs:
        timed = run_service("warm", stubs.environment(), repetitions=1)

    assert [one["scenario"] for one in timed if one["done"]] == ["created", "created, readiness off", "unchanged"]
