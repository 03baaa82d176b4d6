"""How much memory a process had in use at most."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_kib() -> int:
    """The most memory that this process ever had in use (VmHWM; elsewhere than on Linux what the system counts)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
