"""Measures a first create in a fresh process by our service, by `aepp` and by a script; then with a lost reply."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.processes import Ran, run
from bench.stubs import CannedAws, environment
from local.simulators.adobe import Adobe
from local.simulators.connections import DATABRICKS_AUTH, DATABRICKS_SPEC
from local.simulators.databricks import Databricks
from local.simulators.faults import Fault
from local.simulators.ims import Ims
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET, ROOT

ROUNDS = 9
CALLS = ("adobeCalls", "databricksCalls", "awsCalls")
SCOPES = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
LOST = Fault(method="POST", path=".*/connections", when="after", drop=True)
PEERS_PYTHON = Path(sys.prefix) / "bench" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Sides:
    """Adobe and Databricks (simulators) and AWS (stub) in this process; each contender runs in its own."""

    aws: CannedAws
    ims: Ims
    adobe: Adobe
    databricks: Databricks

    def counted(self) -> dict[str, int]:
        """The number of calls until now, without the calls that Adobe itself makes to Databricks."""
        reads = [call for call in self.databricks.calls if call.request.headers["user-agent"] != "adobe"]
        adobe = len(self.ims.calls) + len(self.adobe.calls)
        return {"adobeCalls": adobe, "databricksCalls": len(reads), "awsCalls": len(self.aws.calls)}

    def left(self, name: str) -> int:
        """The number of existing connections of that name."""
        return sum(item["name"] == name for item in self.adobe.living("dev"))


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Run all three in turn, in several rounds; the first is not counted. Then run each once with a lost reply."""
    if not PEERS_PYTHON.exists():
        raise RuntimeError("The environment of aepp does not exist yet: run `make bench`, which creates it.")
    with _sides() as sides:
        variables = environment(sides.aws.url, sides.ims.url, sides.adobe.url, sides.databricks.url)
        rounds: dict[str, list[dict[str, Any]]] = {who: [] for who in CONTENDERS}
        for number in range(ROUNDS + 1):
            for who in CONTENDERS:
                found = _create(who, f"{who}-{number}", sides, variables)
                if found["left"] != 1 or found["runs"] != 1:
                    raise RuntimeError(f"{who} left {found['left']} connections after {found['runs']} runs.")
                if number:
                    rounds[who].append(found)
            if number:
                say(
                    f"round {number}: " + ", ".join(f"{w} {1000 * rounds[w][-1]['seconds']:.0f} ms" for w in CONTENDERS)
                )
        lost = {}
        for who in CONTENDERS:
            sides.adobe.faults.add(LOST)
            lost[who] = _create(who, f"{who}-lost", sides, variables)
            sides.adobe.faults.clear()
            say(f"reply lost: {who} left {lost[who]['left']} connections")
    return {
        "rounds": ROUNDS,
        "settleSeconds": float(variables["ADOBE_SETTLE_SECONDS"]),
        "contenders": {who: _summary(rounds[who], lost[who]) for who in CONTENDERS},
    }


def _summary(rounds: list[dict[str, Any]], lost: dict[str, Any]) -> dict[str, Any]:
    taken = [1000 * one["seconds"] for one in rounds]
    calls = {name: round(median(one[name] for one in rounds)) for name in CALLS}
    return {"medianMs": median(taken), "minMs": min(taken), **calls, "afterLostAnswer": lost}


def _create(who: str, name: str, sides: Sides, variables: Mapping[str, str]) -> dict[str, Any]:
    """Run a contender. If it fails, run it once more, as its caller would do."""
    before = sides.counted()
    command = CONTENDERS[who](name)
    tries: list[Ran] = [run(command, variables)]
    if not tries[0].succeeded:
        tries.append(run(command, variables))
    if not tries[-1].succeeded:
        raise RuntimeError(f"{who} failed twice: {tries[-1].output}")
    after = sides.counted()
    return {
        "runs": len(tries),
        "seconds": sum(one.seconds for one in tries),
        **{name: after[name] - before[name] for name in CALLS},
        "left": sides.left(name),
    }


def _ours(name: str) -> Sequence[str]:
    return [sys.executable, "-m", "bench.service", "once", json.dumps({"name": name})]


def _given(name: str) -> str:
    """The arguments of a script, since it reads no secret itself."""
    connection = {
        "name": name,
        "auth": {"specName": DATABRICKS_AUTH, "params": DATABRICKS_SECRET},
        "connectionSpec": {"id": DATABRICKS_SPEC, "version": "1.0"},
    }
    return json.dumps({**ADOBE_SECRET, "scopes": SCOPES, "connection": connection})


def _script(file: str) -> Callable[[str], Sequence[str]]:
    return lambda name: [str(PEERS_PYTHON), str(ROOT / "bench" / "contenders" / file), _given(name)]


CONTENDERS = {"ours": _ours, "aepp": _script("with_aepp.py"), "plain script": _script("plain.py")}


@contextmanager
def _sides() -> Iterator[Sides]:
    aws, ims, databricks = CannedAws(), Ims(), Databricks()
    adobe = Adobe(ims, databricks.url)
    running = (aws, ims, databricks, adobe)
    for one in running:
        one.start()
    try:
        yield Sides(aws, ims, adobe, databricks)
    finally:
        for one in running:
            one.stop()
