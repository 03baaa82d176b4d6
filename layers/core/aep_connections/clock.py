"""The real clock."""

from __future__ import annotations

import time


class SystemClock:
    """The `Clock` port on the machine's own time."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
