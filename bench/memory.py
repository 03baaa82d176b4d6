"""The peak memory of a process."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_kib() -> int:
    """The peak memory of this process in KiB (VmHWM; on systems other than Linux, what the system reports)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
