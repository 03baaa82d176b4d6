"""A clock that moves only when the code sleeps or a test advances it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class FakeClock:
    """Starts at a whole second of 2026. `sleep` moves it at once and records how long."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] | None = None
        """What happens during the next sleep."""

    def now(self) -> float:
        return self._now

    monotonic = now

    def sleep(self, seconds: float) -> None:
        act, self.meanwhile = self.meanwhile, None
        if act:
            act()
        self.advance(seconds)
        self.slept.append(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
