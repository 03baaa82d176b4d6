"""Finds out what became of a POST that was not answered, by looking only."""

from __future__ import annotations

from collections.abc import Iterator

from aep_connections.domain.entry import Attempt
from aep_connections.domain.errors import Unsettled
from aep_connections.domain.model import Connection, Outcome, Source, mark_of
from aep_connections.domain.ports import FlowService
from aep_connections.use_cases.work import READ_SECONDS, Work


def settle(work: Work, flow: FlowService, source: Source, attempt: Attempt) -> Connection | None:
    """The connection that the open attempt made, now recorded; None once it is known to have made none.

    Only a look that begins `settle_seconds` after the sending may conclude that nothing was made.

    Raises:
        Unsettled: the invocation ends before that can be known.
    """
    until = attempt.sent_at + work.rules.settle_seconds
    for pause in _pauses():
        conclusive = work.ports.clock.now() >= until
        made = next((c for c in flow.listing(source) if mark_of(c) == attempt.id), None)
        if made is not None:
            work.record_connection(
                connection_id=made.id,
                etag=made.etag,
                fingerprint=attempt.fingerprint,
                outcome=Outcome.ADOPTED,
                outcome_order=work.order,
                org_id=flow.org_id,
            )
            return made
        if conclusive:
            work.save(work.entry.settled())
            return None
        left = until - work.ports.clock.now()
        wait = max(0.01, min(pause, left))
        if work.deadline.usable() < wait + READ_SECONDS:
            raise Unsettled(
                "A POST to Adobe was not answered and may still take effect; nothing is sent before that is known.",
                retry_after=left,
            )
        work.ports.clock.sleep(wait)
    raise AssertionError  # the pauses never end


def _pauses() -> Iterator[float]:
    """Seconds between looks: growing, then steady."""
    yield from (1.0, 2.0, 4.0, 8.0)
    while True:
        yield 15.0
