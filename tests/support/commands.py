"""`python -m local` in a process of its own, and what a test waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from local.stack import ROOT


def started(*arguments: str) -> subprocess.Popen[str]:
    """Start a command in its own process group, without the AWS settings of the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", *arguments], cwd=ROOT, env=environment, process_group=0,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(happened: Callable[[], object]) -> None:
    """Wait until something has happened, at most 20 seconds."""
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.002)
