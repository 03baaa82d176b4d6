"""Cold start: what is deployed, beside a handler that only makes the same clients, in Lambda's runtime client."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from bench.stubs import environment
from local.runtime import PYTHON, BuiltFunction, Environment, Written, find_python
from local.stack import ROOT
from tests.support.build import install_runtime, sam_build

ROUNDS = 11
NOTHING: dict[str, list[Any]] = {"Records": []}
"""The trivial invocation: a batch without a message."""


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Start ours and the floor in turn; a first round is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("building, as `make build` does, for this machine's architecture")
        sam_build(folder / "built", ARCHITECTURE=platform.machine().replace("arm64", "aarch64"))
        install_runtime(folder / "runtime")
        shutil.copytree(ROOT / "bench" / "floor", folder / "floor", ignore=shutil.ignore_patterns("__pycache__"))
        layer = folder / "built" / "CoreLayer"
        if not any(layer.rglob("*.pyc")):
            raise RuntimeError("The layer was built without bytecode.")
        folders = {"ours": folder / "built" / "ProvisionFunction", "floor": folder / "floor"}
        taken: dict[str, list[tuple[float, float]]] = {which: [] for which in folders}
        for number in range(ROUNDS + 1):
            for which, code in folders.items():
                once = _start(code, layer, folder / "runtime", folder / "logs")
                if number:
                    taken[which].append(once)
            if number:
                say(f"round {number}: " + ", ".join(f"{w} {1000 * taken[w][-1][0]:.0f} ms" for w in folders))
    variants = {which: _summary(rounds) for which, rounds in taken.items()}
    return {
        "rounds": ROUNDS,
        "runtimePython": ".".join(map(str, PYTHON)),
        "variants": variants,
        "ratio": variants["ours"]["initMedianMs"] / variants["floor"]["initMedianMs"],
    }


def _start(code: Path, layer: Path, runtime: Path, logs: Path) -> tuple[float, float]:
    """Seconds until ready for an invocation, and until the first one was answered."""
    nowhere = "http://localhost:9"
    function = BuiltFunction(
        "bench", code, layer, "app.handler", 60.0, 512, environment(nowhere, nowhere, nowhere, nowhere)
    )
    logs.mkdir(exist_ok=True)
    started = Environment(function, find_python(), runtime, Written(logs))
    try:
        answer = started(NOTHING)
        if answer != {"batchItemFailures": []}:
            raise RuntimeError(f"The function answered {answer}.")
        return started.init_seconds, started.first_seconds
    finally:
        started.stop()


def _summary(rounds: list[tuple[float, float]]) -> dict[str, float]:
    init, first = ([1000 * one[place] for one in rounds] for place in (0, 1))
    return {
        "initMedianMs": median(init),
        "initMinMs": min(init),
        "firstAnswerMedianMs": median(first),
        "firstAnswerMinMs": min(first),
    }
