"""Measures the cold start of each deployed function, and of a handler that only makes the same clients, in Lambda's
runtime client."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.stubs import environment
from local.aws.invocation import FunctionFailed, failure
from local.aws.runtime import PYTHON, BuiltFunction, Environment, Written, find_python
from local.stack import ROOT
from tests.support.build import install_runtime, sam_build

ROUNDS = 21


@dataclass(frozen=True, slots=True)
class Trivial:
    """An invocation that makes no outside call: its event, and the part of its response that proves this."""

    event: Any
    shown: Callable[[Any], Any]
    expected: Any


def _refused(name: str) -> Any:
    """A sample event that is refused before any outside call."""
    return json.loads((ROOT / "events" / "invalid" / f"{name}.json").read_text())


TRIVIAL = {
    "provision": Trivial({"Records": []}, lambda response: response["batchItemFailures"], []),
    "api": Trivial(_refused("api-list-no-limit"), lambda response: response["statusCode"], 422),
    "explore": Trivial(_refused("explore-no-name"), lambda response: response["failure"]["code"], "InvalidRequest"),
    "reconcile": Trivial(_refused("reconcile-unknown-event"), lambda response: response["errorType"], "InvalidRequest"),
}
"""By the function's folder."""


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Start each function and its floor in turn. The first round is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("building, as `make build` does, for this machine's architecture")
        sam_build(folder / "built", ARCHITECTURE=platform.machine().replace("arm64", "aarch64"))
        install_runtime(folder / "runtime")
        shutil.copytree(ROOT / "bench" / "floor", folder / "floor", ignore=shutil.ignore_patterns("__pycache__"))
        layer = folder / "built" / "CoreLayer"
        if not any(layer.rglob("*.pyc")):
            raise RuntimeError("The layer was built without bytecode.")
        codes = {
            (function, which): code
            for function in TRIVIAL
            for which, code in (
                ("ours", folder / "built" / f"{function.capitalize()}Function"),
                ("floor", folder / "floor" / function),
            )
        }
        taken: dict[tuple[str, str], list[tuple[float, float]]] = {one: [] for one in codes}
        for number in range(ROUNDS + 1):
            for one, code in codes.items():
                once = _start(TRIVIAL[one[0]], code, layer, folder / "runtime", folder / "logs")
                if number:
                    taken[one].append(once)
            if number:
                shown = (
                    f"{function} {which} {1000 * taken[function, which][-1][0]:.0f} ms" for function, which in codes
                )
                say(f"round {number}: " + ", ".join(shown))
    return {
        "rounds": ROUNDS,
        "runtimePython": ".".join(map(str, PYTHON)),
        "functions": {function: _compared(taken[function, "ours"], taken[function, "floor"]) for function in TRIVIAL},
    }


def outcome_of(handler: Callable[..., Any], event: Any, *context: Any) -> Any:
    """What an invocation returns; if it fails, the document that Lambda makes of the error."""
    try:
        return handler(event, *context)
    except FunctionFailed as failed:
        return failed.payload
    except Exception as error:  # noqa: BLE001 - every error, as Lambda does
        return failure(error)


def _start(trivial: Trivial, code: Path, layer: Path, runtime: Path, logs: Path) -> tuple[float, float]:
    """Seconds until the process is ready for an invocation, and until its first response."""
    nowhere = "http://localhost:9"
    function = BuiltFunction(
        "bench", code, layer, "app.handler", 60.0, 512, environment(nowhere, nowhere, nowhere, nowhere)
    )
    logs.mkdir(exist_ok=True)
    started = Environment(function, find_python(), runtime, Written(logs))
    try:
        response = outcome_of(started, trivial.event)
        if trivial.shown(response) != trivial.expected:
            raise RuntimeError(f"Unexpected response: {response}")
        return started.init_seconds, started.first_seconds
    finally:
        started.stop()


def _compared(ours: list[tuple[float, float]], floor: list[tuple[float, float]]) -> dict[str, Any]:
    variants = {"ours": _summary(ours), "floor": _summary(floor)}
    return {"variants": variants, "ratio": variants["ours"]["initMedianMs"] / variants["floor"]["initMedianMs"]}


def _summary(rounds: list[tuple[float, float]]) -> dict[str, float]:
    init, first = ([1000 * one[place] for one in rounds] for place in (0, 1))
    return {
        "initMedianMs": median(init),
        "initMinMs": min(init),
        "firstAnswerMedianMs": median(first),
        "firstAnswerMinMs": min(first),
    }
