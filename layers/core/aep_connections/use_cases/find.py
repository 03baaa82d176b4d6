"""Finds a key's connection in Adobe, tells ours from others', and knows when one is certainly gone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aep_connections.domain.errors import AdobeRefused, Conflict, InUse, Unavailable
from aep_connections.domain.model import Connection, Desired, Outcome, Source, mark_of, usable_id
from aep_connections.domain.ports import FlowService
from aep_connections.use_cases.work import READ_SECONDS, Work

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
"""Names that a `property` filter takes literally: a comma, for one, would mean IN."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is: the key's connection, others of its name, and whether a known one is certainly gone."""

    connection: Connection | None
    duplicates: tuple[str, ...] = ()
    gone: bool = False
    surplus_deleted: int = 0


def find(work: Work, flow: FlowService, desired: Desired, published: str | None) -> Found:
    """The key's connection, whose known id (if any) is not found: by mark, parameter or (with `adopt`) name.

    It is recorded before this returns.

    Raises:
        Conflict: a foreign connection has the display name.
        Unavailable: Adobe's answers contradict each other.
    """
    known = work.entry.connection_id
    if known or published or work.entry.marks:
        listed = flow.listing(desired.source)
    else:
        listed = flow.listing(desired.source, desired.name if _PLAIN.fullmatch(desired.name) else None)
    if known:
        assert_gone(known, listed)
    mine, published_gone = ours(work, flow, desired.source, None if known else published, listed)
    gone = (bool(known) or published_gone) and not mine
    same_name = [c for c in listed if c.name == desired.name and c not in mine]
    foreign = [c for c in same_name if not {c.id, mark_of(c)} & _held_by_others(work)] if same_name else []
    deleted = 0
    if mine:
        kept = next((c for c in mine if c.id == published), mine[0])
        deleted, undeleted = _delete_surplus(work, flow, [c for c in mine if c is not kept])
        same_name += undeleted
    elif not foreign:
        return Found(None, tuple(c.id for c in same_name), gone)
    elif work.request.adopt:
        kept = foreign[0]
        same_name.remove(kept)
    else:
        raise _conflict(desired, foreign)
    work.record_connection(
        connection_id=kept.id,
        etag=kept.etag,
        fingerprint=None,
        outcome=Outcome.ADOPTED,
        outcome_order=work.order,
        org_id=flow.org_id,
        marks=work.entry.marks or (work.lease.owner,),
    )
    check_usable(work, kept)
    return Found(kept, tuple(c.id for c in same_name), surplus_deleted=deleted)


def cleared(work: Work, flow: FlowService, source: Source, known: Connection, published: str | None) -> Found:
    """The known connection, once every other one of this key is deleted; what may be published stays."""
    listed = flow.listing(source)
    marks, kept = set(work.entry.marks), {known.id, published}
    deleted, undeleted = _delete_surplus(work, flow, [c for c in listed if mark_of(c) in marks and c.id not in kept])
    return Found(known, tuple(c.id for c in undeleted), surplus_deleted=deleted)


def ours(
    work: Work, flow: FlowService, source: Source, published: str | None, listed: list[Connection]
) -> tuple[list[Connection], bool]:
    """Connections of this key without a known id, oldest first: by mark, else the one its parameter names.

    And whether the one that the parameter names is certainly gone.
    """
    marks = set(work.entry.marks)
    mine = [c for c in listed if mark_of(c) in marks]
    if mine or not published or not usable_id(published) or published in _held_by_others(work):
        return mine, False
    connection = flow.get(published)
    if connection is None:
        assert_gone(published, listed)
        return [], True
    return [connection] if connection.spec_id in (None, source.connection_spec_id) else [], False


def assert_gone(connection_id: str, listed: list[Connection]) -> None:
    """Gone is only what a listing by connection spec alone does not show either (it may have been renamed)."""
    if any(c.id == connection_id for c in listed):
        raise Unavailable(f"Adobe says that connection {connection_id} does not exist, but still lists it.")


def check_usable(work: Work, connection: Connection) -> None:
    """Refuse a connection that somebody disabled; wait for one that Adobe still works on."""
    if connection.state in ("disabled", "draft"):
        raise AdobeRefused(
            f"Connection {connection.id} is {connection.state} in Adobe.",
            remedy="Enable it in Adobe, or delete it there; then send the request again.",
        )
    if connection.state not in ("enabled", None):
        state = work.ports.secret_values.clean(connection.state, 40)
        raise Unavailable(f"Adobe still works on connection {connection.id} (state {state}).")


def _held_by_others(work: Work) -> set[str | None]:
    return set(work.ports.registry.held_by_others(work.lease.key))


def _delete_surplus(work: Work, flow: FlowService, surplus: list[Connection]) -> tuple[int, list[Connection]]:
    """How many were deleted, and those that flows already use: they are reported instead."""
    undeleted = []
    for connection in surplus:
        work.deadline.require(READ_SECONDS, "deleting a surplus connection")
        try:
            flow.delete(connection.id)
        except InUse:
            undeleted.append(connection)
    return len(surplus) - len(undeleted), undeleted


def _conflict(desired: Desired, foreign: list[Connection]) -> Conflict:
    shown = ", ".join(c.id for c in foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
    return Conflict(
        f"A connection named {desired.name!r} exists in the sandbox and is not ours: {shown}.",
        remedy='Choose another displayName, delete that connection, or send "adopt": true to take the oldest over.',
    )
