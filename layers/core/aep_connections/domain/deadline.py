"""How much of the invocation is left, so that nothing starts that cannot be heard and recorded."""

from __future__ import annotations

from dataclasses import dataclass

from aep_connections.domain.errors import OutOfTime
from aep_connections.domain.ports import Clock

RECORD_SECONDS = 20.0
"""Kept free at the end to publish, announce and close: the longest that one AWS call may take."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of this invocation on the monotonic clock, and what is kept free before it (seconds)."""

    clock: Clock
    ends_at: float
    kept: float

    @classmethod
    def after(cls, clock: Clock, seconds: float, kept: float = RECORD_SECONDS) -> Deadline:
        return cls(clock, clock.monotonic() + seconds, kept)

    def remaining(self) -> float:
        """Seconds until Lambda ends this invocation."""
        return self.ends_at - self.clock.monotonic()

    def usable(self) -> float:
        """Seconds that calls to others may use: what is left, less what is kept."""
        return self.remaining() - self.kept

    def require(self, seconds: float, doing: str) -> None:
        """Raise `OutOfTime` unless `seconds` are usable."""
        if self.usable() < seconds:
            left = max(0, round(self.usable()))
            raise OutOfTime(f"Too little time left for {doing}: {left} s of the {round(seconds)} s it may take.")
