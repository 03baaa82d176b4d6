"""Finds a key's connection in Adobe, separates ours from others, and decides when one is certainly gone."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from aep_connections.domain.entry import Attempt
from aep_connections.domain.errors import AdobeRefused, Conflict, InUse, Unavailable, Unsettled
from aep_connections.domain.model import Connection, Desired, Outcome, Source, mark_of, usable_id
from aep_connections.provision.job import READ_SECONDS, Job

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
"""Names that a `property` filter takes literally. A comma, for example, would mean IN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found: the key's connection, others with its name, and whether the known one is certainly gone."""

    connection: Connection | None
    duplicates: tuple[str, ...] = ()
    gone: bool = False
    duplicates_deleted: int = 0


def settle(job: Job, source: Source, attempt: Attempt) -> Connection | None:
    """The connection that the open attempt created, now recorded; None once it is certain that it created none.

    Only a listing that begins `settle_seconds` after the POST was sent can prove that nothing was created.

    Raises:
        Unsettled: the invocation ends before the outcome is certain.
    """
    clock, until = job.ports.clock, attempt.sent_at + job.limits.settle_seconds
    pauses = _pauses()
    while True:
        conclusive = clock.now() >= until
        made = next((c for c in job.flow.listing(source) if mark_of(c) == attempt.id), None)
        if made is not None:
            job.record_connection(made, attempt.fingerprint, Outcome.ADOPTED)
            return made
        if conclusive:
            job.save(job.entry.settled())
            return None
        left = until - clock.now()
        pause = max(0.01, min(next(pauses), left))
        if job.deadline.usable() < pause + READ_SECONDS:
            raise Unsettled(
                "A POST to Adobe got no reply and may still take effect. Nothing is sent until its outcome is certain.",
                retry_after=left,
            )
        clock.sleep(pause)


def find(job: Job, desired: Desired) -> Found:
    """Find and record the connection by mark, parameter or (with `adopt`) name. Its recorded id, if any, was not found.

    Raises:
        Conflict: a foreign connection has the display name.
        AdobeRefused: the connection is disabled or a draft.
        Unavailable: Adobe's replies contradict each other, or Adobe is still processing the connection.
        OutOfTime: too little time is left to delete a duplicate.
    """
    known = job.entry.connection_id
    listed = _listing(job, desired)
    if known:
        assert_gone(known, listed)
    own, published_gone = own_connections(job, desired.source, listed)
    namesakes = [c for c in listed if c.name == desired.name and c not in own]
    if own:
        kept = next((c for c in own if c.id == job.published), own[0])
        deleted, undeleted = _delete_duplicates(job, [c for c in own if c is not kept])
        return _record(job, kept, [*namesakes, *undeleted], deleted)
    foreign = _foreign(job, namesakes)
    if not foreign:
        return Found(connection=None, duplicates=_ids(namesakes), gone=bool(known) or published_gone)
    if not job.request.adopt:
        raise _conflict(desired, foreign)
    return _record(job, foreign[0], [c for c in namesakes if c is not foreign[0]], 0)


def without_duplicates(job: Job, source: Source, known: Connection) -> Found:
    """Delete the key's other connections, except one that may be published. Returns the known connection."""
    marks, kept = set(job.entry.marks), {known.id, job.published}
    others = [c for c in job.flow.listing(source) if mark_of(c) in marks and c.id not in kept]
    deleted, undeleted = _delete_duplicates(job, others)
    return Found(connection=known, duplicates=_ids(undeleted), duplicates_deleted=deleted)


def own_connections(job: Job, source: Source, listed: list[Connection]) -> tuple[list[Connection], bool]:
    """Connections of this key other than the known one, oldest first: found by mark, else by its parameter.

    The second value is whether the connection in the parameter is certainly gone.
    """
    marks = set(job.entry.marks)
    own = [c for c in listed if mark_of(c) in marks]
    published = None if job.entry.connection_id else job.published
    if own or not published or not usable_id(published) or published in _held_by_others(job):
        return own, False
    connection = job.flow.get(published)
    if connection is None:
        assert_gone(published, listed)
        return [], True
    return [connection] if connection.spec_id in (None, source.connection_spec_id) else [], False


def assert_gone(connection_id: str, listed: list[Connection]) -> None:
    """Raise Unavailable if a listing by connection spec still shows the connection, which may have been renamed."""
    if any(c.id == connection_id for c in listed):
        raise Unavailable(f"Adobe reports that connection {connection_id} does not exist, but still lists it.")


def check_usable(job: Job, connection: Connection) -> None:
    """Refuse a connection that someone disabled; wait for one that Adobe is still processing."""
    if connection.state in ("disabled", "draft"):
        raise AdobeRefused(
            f"Connection {connection.id} is {connection.state} in Adobe.",
            remedy="Enable it in Adobe, or delete it there. Then send the request again.",
        )
    if connection.state not in ("enabled", None):
        state = job.ports.redactor.printable(connection.state, 40)
        raise Unavailable(f"Adobe is still processing connection {connection.id} (state {state}).")


def _listing(job: Job, desired: Desired) -> list[Connection]:
    """Connections of the spec; if nothing is recorded for the key, only those of its display name."""
    if job.entry.connection_id or job.published or job.entry.marks:
        return job.flow.listing(desired.source)
    return job.flow.listing(desired.source, desired.name if _PLAIN.fullmatch(desired.name) else None)


def _foreign(job: Job, namesakes: list[Connection]) -> list[Connection]:
    """Connections that no other key of ours holds."""
    held = set(_held_by_others(job)) if namesakes else set()
    return [c for c in namesakes if not held & {c.id, mark_of(c)}]


def _held_by_others(job: Job) -> Collection[str]:
    return job.ports.registry.held_by_others(job.lease.key)


def _record(job: Job, kept: Connection, others: list[Connection], deleted: int) -> Found:
    job.record_connection(kept, None, Outcome.ADOPTED)
    check_usable(job, kept)
    return Found(connection=kept, duplicates=_ids(others), duplicates_deleted=deleted)


def _delete_duplicates(job: Job, duplicates: list[Connection]) -> tuple[int, list[Connection]]:
    """Returns how many were deleted, and those that dataflows use. These are not deleted but reported."""
    undeleted = []
    for connection in duplicates:
        job.deadline.require(READ_SECONDS, "deleting a duplicate connection")
        try:
            job.flow.delete(connection.id)
        except InUse:
            undeleted.append(connection)
    return len(duplicates) - len(undeleted), undeleted


def _conflict(desired: Desired, foreign: list[Connection]) -> Conflict:
    shown = ", ".join(c.id for c in foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
    return Conflict(
        f"A connection named {desired.name!r} exists in the sandbox and does not belong to this stack: {shown}.",
        remedy='Choose another displayName, delete that connection, or send "adopt": true to take over the oldest.',
    )


def _ids(connections: list[Connection]) -> tuple[str, ...]:
    return tuple(connection.id for connection in connections)


def _pauses() -> Iterator[float]:
    """Seconds between listings: growing, then constant."""
    yield from (1.0, 2.0, 4.0, 8.0)
    while True:
        yield 15.0
