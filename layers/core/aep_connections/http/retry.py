"""Decides, by status or failure, whether an HTTP exchange is repeated in this invocation, and after which pause.

Other levels retry other things: docs/explanation/provisioning.md, "What is retried", lists each with its limit. A
create is never repeated: a search in Adobe shows whether it happened.
"""

import random
from dataclasses import dataclass

TRIES = 3
FIRST_PAUSE_SECONDS = 0.3
RETRY_AFTER_CAP_SECONDS = 10.0
"""A longer `Retry-After` is left to the queue."""

_STATUSES = {
    408: "request timeout",
    429: "throttled",
    500: "internal error upstream",
    502: "bad gateway",
    503: "unavailable",
    504: "gateway timeout",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one exchange ended: a status, or the text of a transport failure. `retry_after` is in seconds."""

    status: int | None
    failure: str | None = None
    retry_after: float | None = None


def reason_to_retry(
    ended: Ended, *, repeatable: bool, tries: int, seconds_left: float, at_most: int = TRIES
) -> str | None:
    """Why this exchange should be repeated, for the log; None if it should not.

    Args:
        ended: how it ended.
        repeatable: whether sending it twice has the same effect as sending it once.
        tries: exchanges so far.
        seconds_left: the seconds that the invocation can still spend on calls.
        at_most: the most exchanges that this call may take.
    """
    reason = ended.failure or _STATUSES.get(ended.status or 0)
    if reason is None or not repeatable or tries >= at_most:
        return None
    if (ended.retry_after or 0.0) > RETRY_AFTER_CAP_SECONDS or pause_before_retry(ended, tries) >= seconds_left:
        return None
    return reason


def pause_before_retry(ended: Ended, tries: int) -> float:
    """Seconds to wait: a pause that grows with the tries, with jitter, but at least `retry_after`."""
    grown = FIRST_PAUSE_SECONDS * float(2 ** (tries - 1))
    return max(ended.retry_after or 0.0, grown * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not secrecy
