"""Time: the real clock, how much of the invocation is left, and moments as text.

A moment is ISO 8601 in UTC with milliseconds and a fixed width, so that text order is time order.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aep_connections.domain.errors import OutOfTime
from aep_connections.domain.model import Order
from aep_connections.domain.ports import Clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECORD_SECONDS = 20.0
"""Reserved at the end to publish, announce and close: the longest time that one AWS call may take."""
REPLY_SECONDS = 2.0
"""Reserved at the end for a reply, when there is nothing to record."""


class SystemClock:
    """The `Clock` port on the system clock."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of this invocation on the monotonic clock, and the seconds that are reserved before it."""

    clock: Clock
    ends_at: float
    kept: float

    @classmethod
    def after(cls, clock: Clock, seconds: float, *, kept: float) -> Deadline:
        """The deadline of an invocation that has `seconds` left."""
        return cls(clock, clock.monotonic() + seconds, kept)

    def remaining(self) -> float:
        """Seconds until Lambda ends this invocation."""
        return self.ends_at - self.clock.monotonic()

    def usable(self) -> float:
        """Seconds that calls to other systems may use: the time left, minus the reserved time."""
        return self.remaining() - self.kept

    def require(self, seconds: float, doing: str) -> None:
        """Raise `OutOfTime` unless `seconds` are usable."""
        if self.usable() < seconds:
            left = max(0, round(self.usable()))
            raise OutOfTime(f"Too little time left for {doing}: {left} s left, it may take {round(seconds)} s.")


def iso(seconds: float) -> str:
    """`seconds` since 1970 as text."""
    moment = EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def order_at(seconds: float, order_id: str) -> Order:
    """The order of a request that was made at `seconds` since 1970."""
    return Order(iso(seconds), order_id)
