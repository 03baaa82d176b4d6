"""Compares the registry's entries of a sandbox with what Adobe, Parameter Store and Secrets Manager show. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aep_connections.domain.entry import Summary
from aep_connections.domain.model import Connection, DesiredState, Status, mark_of
from aep_connections.reconcile.drift import Drift, Kind
from aep_connections.sources import secret_id_of, source_of

UNFINISHED_SECONDS = 24 * 3600.0
"""A request that is open for longer, and is not being processed, counts as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What Adobe, Parameter Store and Secrets Manager show of a sandbox.

    Attributes:
        connections: Adobe's connections with the spec of any entry, oldest first.
        published: name of a key -> the id in its parameter.
        versions: name of a secret -> the id of its current version, None if it cannot be read.
    """

    connections: list[Connection]
    published: Mapping[str, str]
    versions: Mapping[str, str | None]
    by_id: dict[str, Connection]
    by_mark: dict[str, list[Connection]]
    by_name: dict[str, list[Connection]]

    @classmethod
    def of(
        cls, connections: list[Connection], published: Mapping[str, str], versions: Mapping[str, str | None]
    ) -> Snapshot:
        """The snapshot, with its connections by id, mark and name."""
        marks: dict[str, list[Connection]] = defaultdict(list)
        names: dict[str, list[Connection]] = defaultdict(list)
        for connection in connections:
            marks[mark_of(connection) or ""].append(connection)
            names[connection.name or ""].append(connection)
        return cls(
            connections=connections,
            published=published,
            versions=versions,
            by_id={connection.id: connection for connection in connections},
            by_mark=marks,
            by_name=names,
        )


def is_changing(entry: Summary, now: float, settle_seconds: float) -> bool:
    """Whether a key is being processed, just was, or soon will be: the snapshot of it may be out of date."""
    recent = now - entry.updated_at < settle_seconds
    waits = entry.is_open and now - entry.updated_at < UNFINISHED_SECONDS
    pending = entry.pending is not None and now - entry.pending.order.seconds < UNFINISHED_SECONDS
    return pending or entry.order is None or entry.lease_until > now or recent or waits


def missing(entries: Iterable[Summary], snapshot: Snapshot) -> list[Summary]:
    """Entries whose connection is not in Adobe's list."""
    return [entry for entry in entries if entry.connection_id and entry.connection_id not in snapshot.by_id]


def compare(
    entries: Iterable[Summary], snapshot: Snapshot, ours: Iterable[Summary], settled_before: float
) -> list[Drift]:
    """The drift of `entries`. The caller leaves out keys that are changing.

    Args:
        entries: what to compare.
        snapshot: what the other services show.
        ours: every entry of the sandbox. A connection that they hold is not foreign.
        settled_before: an attempt that was sent before this (seconds since 1970) is over.
    """
    held = {mark for entry in ours for mark in entry.marks} | {e.connection_id for e in ours if e.connection_id}
    drifts = []
    for entry in entries:
        drift = Drift(entry)
        _compare(drift, snapshot, held, settled_before)
        if drift.deviations:
            drifts.append(drift)
    return drifts


def _compare(drift: Drift, snapshot: Snapshot, held: set[str], settled_before: float) -> None:
    entry = drift.entry
    known = snapshot.by_id.get(entry.connection_id or "")
    for connection in _duplicates(entry, snapshot, known):
        drift.add(Kind.DUPLICATE, entry.connection_id, connection.id)
    if entry.status is Status.RETIRED:
        return
    if entry.attempt and entry.attempt.sent_at < settled_before:
        drift.add(Kind.OPEN_ATTEMPT)
    if entry.status is Status.FAILED:
        drift.add(Kind.FAILED, None, entry.failure.code if entry.failure else None)
    elif entry.is_open:
        drift.add(Kind.UNFINISHED, None, entry.status.value if entry.status else None)
    if (entry.request or {}).get("desiredState") == DesiredState.ABSENT:
        return
    if entry.connection_id and known is None:
        drift.add(Kind.MISSING, entry.connection_id)
    if known:
        _compare_connection(drift, known)
    _compare_surroundings(drift, snapshot, held)


def _duplicates(entry: Summary, snapshot: Snapshot, known: Connection | None) -> list[Connection]:
    """Connections of the key besides the one that it should have."""
    if entry.status is not Status.RETIRED and known is None:
        return []  # the existing one may be the right one
    marked = [c for mark in entry.marks for c in snapshot.by_mark.get(mark, ())]
    return [c for c in marked if c is not known]


def _compare_connection(drift: Drift, known: Connection) -> None:
    if known.state in ("disabled", "draft"):
        drift.add(Kind(known.state), "enabled", known.state)
    if drift.entry.status is not Status.READY:
        return
    name = drift.entry.display_name
    if known.name != name:
        drift.add(Kind.RENAMED, name, known.name)
    for field_, expected, found in _changed_params(drift.entry, known):
        drift.add(Kind.MOVED, f"{field_}: {expected}", f"{field_}: {found}")


def _changed_params(entry: Summary, known: Connection) -> Iterator[tuple[str, str, str]]:
    """Params that Adobe shows and that differ from those that we sent. Ignores those that it hides or adds."""
    if entry.params is None:
        return
    source = source_of(entry)
    for name in sorted({*entry.params, *source.overrides}):
        expected, found = entry.params.get(name), known.params.get(name)
        if found is not None and found != expected:
            yield name, str(expected or "none"), str(found)


def _compare_surroundings(drift: Drift, snapshot: Snapshot, held: set[str]) -> None:
    entry = drift.entry
    for connection in snapshot.by_name.get(entry.display_name, ()):
        if connection.id not in held and mark_of(connection) not in held:
            drift.add(Kind.CONFLICT, None, connection.id)
    secret_id = secret_id_of(entry)
    if secret_id is not None and secret_id in snapshot.versions:
        current = snapshot.versions[secret_id]
        if current is None:
            drift.add(Kind.SECRET_UNREADABLE, secret_id)
        elif entry.status is Status.READY and (entry.secret_version is None or entry.secret_version.id != current):
            drift.add(Kind.STALE_SECRET, current, entry.secret_version.id if entry.secret_version else None)
    published = snapshot.published.get(entry.key.name)
    if entry.status is Status.READY and published is None:
        drift.add(Kind.PARAMETER_MISSING, entry.connection_id)
    elif entry.status is Status.READY and published != entry.connection_id:
        drift.add(Kind.PARAMETER_DIFFERS, entry.connection_id, published)
