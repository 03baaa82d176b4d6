"""Runs measurements in fresh processes that get the project's code and an environment, and inherit only PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.stack import ROOT

LIMIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that ended: whether it succeeded, after how many seconds, and what it printed."""

    succeeded: bool
    seconds: float
    output: str


def run(command: Sequence[str], environment: Mapping[str, str]) -> Ran:
    """Run a command until it ends."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "core")])
    began = time.perf_counter()
    ended = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return Ran(ended.returncode == 0, time.perf_counter() - began, ended.stdout + ended.stderr)


def run_service(mode: str, environment: Mapping[str, str], **arguments: Any) -> Any:
    """Run `bench.service` and return what it measured. Raises RuntimeError if it fails."""
    ran = run([sys.executable, "-m", "bench.service", mode, json.dumps(arguments)], environment)
    if not ran.succeeded:
        raise RuntimeError(f"bench.service {mode} failed: {ran.output}")
    return json.loads(ran.output)
