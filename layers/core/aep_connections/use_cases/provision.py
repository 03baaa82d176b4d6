"""Makes a base connection as its request says: exactly one, tested before it is published.

    credentials → open attempt? → unchanged? → readiness → find → create | adopt | update → test → publish

Accepting the request comes before this and announcing it after (`answer`). Any step may be the last one of an
invocation: the registry entry tells the next delivery where to go on.
"""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass

from aep_connections.domain.entry import Attempt, SecretVersion, Tested
from aep_connections.domain.errors import ConnectionFailure, DatabricksRefused, NotReady, TestFailed, Unavailable
from aep_connections.domain.model import Connection, Desired, Outcome, Result, Source, Status
from aep_connections.domain.ports import FlowService
from aep_connections.use_cases.find import Found, check_usable, cleared, find
from aep_connections.use_cases.readiness import ensure_ready, token_refused, told_apart
from aep_connections.use_cases.settle import settle
from aep_connections.use_cases.update import put_back, update
from aep_connections.use_cases.work import WRITE_SECONDS, Work, beside

SLOW_RECORD_SECONDS = 5.0
"""An attempt whose record took longer is not sent: settling counts from the recorded time."""


@dataclass(frozen=True, slots=True)
class Made:
    """The key's connection, how it was come by, and whether it passed Adobe's test as it is."""

    found: Found
    connection: Connection
    patched: bool
    passed: bool


def provision(work: Work, source: Source, secret_id: str) -> Result:
    """Bring the key's connection to what the request says, and publish its id.

    Raises:
        ConnectionFailure: with the code of whatever stands in the way; what was done so far is recorded.
    """
    ports, key = work.ports, work.lease.key
    work.entry = work.entry.of_source(source)
    flow, (secret, published) = beside(
        lambda: ports.adobe.open(key.sandbox),
        lambda: beside(lambda: ports.secrets.read(secret_id), lambda: ports.parameters.get(key)),
    )
    desired = work.desired(source, secret_id, secret)
    work.check_organization(flow)
    if work.entry.attempt:
        settle(work, flow, source, work.entry.attempt)
    known = flow.get(work.entry.connection_id) if work.entry.connection_id else None
    found = None
    if known:
        check_usable(work, known)
        found = cleared(work, flow, source, known, published) if work.clears else Found(known)
    if found and known and _stays(work, desired, known):
        made = Made(found, known, patched=False, passed=True)
    else:
        made = _make_and_test(work, flow, desired, found, published)
    connection = made.connection
    work.entry = work.entry.with_(params=dict(desired.auth.public))
    if made.passed:
        work.entry = work.entry.with_(secret_version=SecretVersion(secret.version_id, secret.created_at))
    publishes = published != connection.id
    if publishes:
        work.deadline.require(0, "publishing the connection id")
        ports.parameters.put(key, connection.id)
    return Result(
        key,
        work.outcome_after(patched=made.patched),
        ports.parameters.name_of(key),
        connection.id,
        connection.etag,
        readiness=str((work.entry.readiness or {}).get("status", "unknown")),
        duplicates=made.found.duplicates,
        surplus_deleted=made.found.surplus_deleted,
        published=publishes,
    )


def _stays(work: Work, desired: Desired, known: Connection) -> bool:
    """Whether nothing is to be done: it is as desired, passed its test so, and nobody wants to know more."""
    tested = work.entry.tested
    passed = work.before.status is Status.READY and tested is not None and tested.passed
    return passed and not work.verifies and _is_as_desired(work, desired, known)


def _is_as_desired(work: Work, desired: Desired, connection: Connection) -> bool:
    return work.entry.fingerprint == desired.fingerprint and desired.shown_by(connection)


def _make_and_test(work: Work, flow: FlowService, desired: Desired, known: Found | None, published: str | None) -> Made:
    """What has to be done with Adobe, once the workspace is ready; its refusals are told apart.

    Where the source refuses the token of a published connection, Adobe gets the former one back.
    """
    workspace = work.ports.workspaces.open(desired.source, desired.auth)
    if workspace is None:
        return _made(work, flow, desired, known, published, tests=True)
    holder = known.connection if known and known.connection and known.connection.id == published else None
    try:
        worked = holder is not None and work.before.status is Status.READY
        tests = ensure_ready(work, workspace, worked=worked)
        return _made(work, flow, desired, known, published, tests=tests)
    except (NotReady, TestFailed, DatabricksRefused) as refused:
        refusal = refused if isinstance(refused, NotReady) else told_apart(work, workspace, refused)
        if holder and token_refused(work) and put_back(work, flow, holder, desired):
            refusal.message += " Adobe has the former version of the secret again, whose token Databricks accepts."
        raise refusal from None


def _made(
    work: Work, flow: FlowService, desired: Desired, known: Found | None, published: str | None, *, tests: bool
) -> Made:
    found = known or find(work, flow, desired, published)
    connection, patched = found.connection, False
    if connection is None:
        connection = _create(work, flow, desired, Outcome.RECREATED if found.gone else Outcome.CREATED)
    elif not _is_as_desired(work, desired, connection):
        connection, patched = update(work, flow, connection, desired), True
    if tests:
        _test(work, flow, connection)
    return Made(found, connection, patched, passed=tests)


def _create(work: Work, flow: FlowService, desired: Desired, outcome: Outcome) -> Connection:
    """POST once, with the attempt recorded before it and the id right after it."""
    clock = work.ports.clock
    work.deadline.require(WRITE_SECONDS, "creating the connection")
    attempt = Attempt(uuid.uuid4().hex, clock.now(), desired.fingerprint)
    work.save(work.entry.attempting(attempt, flow.org_id))
    if clock.now() - attempt.sent_at > SLOW_RECORD_SECONDS:
        raise Unavailable("Recording the attempt took too long; nothing was sent.")
    try:
        connection = flow.create(desired, attempt.id)
    except ConnectionFailure as lost:
        if not lost.may_have_happened:
            with contextlib.suppress(ConnectionFailure):  # the attempt then stays open, which is safe
                work.save(work.entry.refused())
            raise
        made = settle(work, flow, desired.source, attempt)
        if made is None:  # one POST per delivery: the next one starts afresh
            raise
        return made
    work.record_connection(
        connection_id=connection.id,
        etag=connection.etag,
        fingerprint=desired.fingerprint,
        outcome=outcome,
        outcome_order=work.order,
        org_id=flow.org_id,
    )
    return connection


def _test(work: Work, flow: FlowService, connection: Connection) -> None:
    """Raise TestFailed or DatabricksRefused; then what Adobe holds is in doubt, and is given to it again next time."""
    passed = False
    try:
        passed = flow.test(connection.id)
    except DatabricksRefused:
        _failed(work)
        raise
    if not passed:
        _failed(work)
        raise TestFailed(f"Adobe's test of connection {connection.id} failed; its id was not published.")
    work.entry = work.entry.with_(tested=Tested(work.ports.clock.now(), passed=True))


def _failed(work: Work) -> None:
    work.entry = work.entry.with_(tested=Tested(work.ports.clock.now(), passed=False), fingerprint=None)
