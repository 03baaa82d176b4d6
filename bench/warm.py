"""Compares a warm delivery with the calls that it must make one after the other, each with a known delay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.chain import Recorded, is_as_stated, longest_chain, name_of
from bench.processes import run_service
from bench.stubs import Stubs, canned
from local.simulators.simulator import Call

REPETITIONS = 21
AWS_MS, OTHERS_MS = 10.0, 100.0
ACCEPT = ("ChangeMessageVisibility", "UpdateItem", "GetSecretValue ‖ GetParameter")
ANSWER = ("PutEvents", "UpdateItem")
LOOK = "GET …/Me ‖ GET …/clusters/get ‖ GET …/token/list"
CREATE = (
    "GET /connections",
    "UpdateItem",
    "POST /connections",
    "UpdateItem",
    "GET /connections/{id}/test",
    "PutParameter",
)
UNCHECKED = "created, readiness off"
STATED = {
    "created": (*ACCEPT, LOOK, *CREATE, *ANSWER),
    UNCHECKED: (*ACCEPT, *CREATE, *ANSWER),
    "unchanged": (*ACCEPT, "GET /connections/{id}", *ANSWER),
}
"""The chain of calls, from docs/explanation/provisioning.md; the recorded calls must agree with it."""


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Deliver to the real service in a separate process; the stubs run in this one."""
    say(f"{REPETITIONS} deliveries of each kind, {OTHERS_MS:.0f} ms for each response, {AWS_MS:.0f} ms if of AWS")
    with canned(AWS_MS / 1000, OTHERS_MS / 1000) as stubs:
        timed = run_service("warm", stubs.environment(), repetitions=REPETITIONS)
        scenarios = {name: _scenario(name, timed, stubs) for name in STATED}
    for name, found in scenarios.items():
        say(f"{name}: {found['medianMs']:.1f} ms, its chain of calls {found['chainMs']:.1f} ms, {found['ratio']:.3f} x")
    read = _reads(timed, stubs)
    say(f"readiness adds {read['addedMs']:.1f} ms, its slowest check {read['slowestMs']:.1f} ms: {read['ratio']:.3f} x")
    return {
        "repetitions": REPETITIONS,
        "awsMs": AWS_MS,
        "othersMs": OTHERS_MS,
        "scenarios": scenarios,
        "readiness": read,
    }


def _reads(timed: list[dict[str, Any]], stubs: Stubs) -> dict[str, float]:
    """What a check of the workspace adds to a create, and what the slowest of its reads takes inside the stub."""
    by_scenario = {name: [one for one in timed if one["scenario"] == name] for name in ("created", UNCHECKED)}
    checked, unchecked = (median(1000 * one["seconds"] for one in by_scenario[name]) for name in by_scenario)
    slowest = [
        max(1000 * call.seconds for call in stubs.databricks.calls if one["began"] <= call.at <= one["ended"])
        for one in by_scenario["created"]
    ]
    added = checked - unchecked
    return {"addedMs": added, "slowestMs": median(slowest), "ratio": added / median(slowest)}


def _scenario(name: str, timed: list[dict[str, Any]], stubs: Stubs) -> dict[str, Any]:
    """Summarize one kind of delivery. Raises RuntimeError if one failed, or if most chains are not as stated."""
    mine = [one for one in timed if one["scenario"] == name]
    if not all(one["done"] for one in mine):
        raise RuntimeError(f"A delivery that should end as {name} was not done.")
    windows = [_recorded(stubs, one["began"], one["ended"]) for one in mine]
    chains = [longest_chain(window) for window in windows]
    agreeing = sum(is_as_stated(chain, STATED[name]) for chain in chains)
    if agreeing <= len(chains) / 2:
        usual = Counter(" → ".join(call.name for call in chain) for chain in chains).most_common(1)[0][0]
        raise RuntimeError(f"{name}: the recorded chain differs from the stated one: {usual}")
    injected = sum(OTHERS_MS if "/" in step else AWS_MS for step in STATED[name])
    taken = median(1000 * one["seconds"] for one in mine)
    recorded = median(1000 * sum(call.ended - call.began for call in chain) for chain in chains)
    return {
        "medianMs": taken,
        "minMs": min(1000 * one["seconds"] for one in mine),
        "chainMs": recorded,
        "ratio": taken / recorded,
        "injectedMs": injected,
        "ratioToInjected": taken / injected,
        "calls": round(median(map(len, windows))),
        "agreeing": agreeing,
        "chain": list(STATED[name]),
    }


def _recorded(stubs: Stubs, began: float, ended: float) -> list[Recorded]:
    """Every call between two points in time."""

    def read(call: Call) -> Recorded:
        return Recorded(name_of(call.request.method, call.request.path), call.at, call.at + call.seconds)

    return [
        read(call)
        for stub in (stubs.aws, stubs.adobe, stubs.databricks)
        for call in stub.calls
        if began <= call.at <= ended
    ]
