"""`python -m bench` measures, prints and writes docs/explanation/performance.{json,md,svg}, keeping other results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import cold, fleet, load, peers, warm
from bench.picture import draw
from bench.report import SECTIONS, write
from local.stack import ROOT

MEASUREMENTS: dict[str, Callable[[Callable[[str], None]], dict[str, Any]]] = {
    "cold": cold.measure,
    "warm": warm.measure,
    "peers": peers.measure,
    "load": load.measure,
    "fleet": fleet.measure,
}
RESULTS = ROOT / "docs" / "explanation" / "performance.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS, help="run only this measurement; the others keep their results")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results of this run to FILE, as JSON")
    given = parser.parse_args()
    measured: dict[str, Any] = {}
    for name in [given.only] if given.only else MEASUREMENTS:
        circumstances = _circumstances()
        measured[name] = _rounded({"measured": circumstances, **MEASUREMENTS[name](partial(_say, name))})
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results = {name: (results | measured)[name] for name in MEASUREMENTS if name in results | measured}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    RESULTS.with_suffix(".md").write_text(write(results))
    RESULTS.with_suffix(".svg").write_text(draw(results))
    if given.json:
        given.json.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n")
    for name in measured:
        print(SECTIONS[name](measured[name]))
    return 0


def _say(name: str, text: str) -> None:
    print(f"{name}: {text}", file=sys.stderr)


def _circumstances() -> dict[str, Any]:
    """Date, hardware, software and system load; nothing that names a machine or a person."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "an unknown CPU"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
