"""Makes a base connection as its request says: exactly one, tested before it is published.

    credentials → open attempt? → unchanged? → readiness → find → create | adopt | patch → test → publish

Accepting the request comes before this and announcing it after (`answer`). Any step may be the last one of an
invocation: the registry entry tells the next delivery where to go on.
"""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass, replace

from aep_connections.domain.entry import Attempt, SecretVersion, Tested
from aep_connections.domain.errors import AdobeRefused, ConnectionFailure, DatabricksRefused, TestFailed, Unavailable
from aep_connections.domain.model import Connection, Desired, Outcome, Result, Secret, Source, Status, mark_of
from aep_connections.domain.ports import FlowService
from aep_connections.use_cases.find import Found, check_usable, find
from aep_connections.use_cases.readiness import ensure_ready, told_apart
from aep_connections.use_cases.settle import settle
from aep_connections.use_cases.work import WRITE_SECONDS, Work, beside

STALE_ETAG_REREADS = 3
SLOW_RECORD_SECONDS = 5.0
"""An attempt whose record took longer is not sent: settling counts from the recorded time."""


@dataclass(frozen=True, slots=True)
class Made:
    """The key's connection, tested or known to be as it was, and how it was come by."""

    connection: Connection
    found: Found
    patched: bool


def provision(work: Work, source: Source, secret_id: str) -> Result:
    """Bring the key's connection to what the request says, and publish its id.

    Raises:
        ConnectionFailure: with the code of whatever stands in the way; what was done so far is recorded.
    """
    ports, key = work.ports, work.lease.key
    flow, (secret, published) = beside(
        lambda: ports.adobe.open(key.sandbox),
        lambda: beside(lambda: ports.secrets.read(secret_id), lambda: ports.parameters.get(key)),
    )
    desired = _desired(work, source, secret_id, secret)
    for value in desired.auth.secret.values():
        ports.secret_values.remember(value)
    work.entry = work.entry.with_(secret_version=SecretVersion(secret.version_id, secret.created_at))
    work.check_organization(flow)
    if work.entry.attempt:
        settle(work, flow, source, work.entry.attempt)
    known = flow.get(work.entry.connection_id) if work.entry.connection_id else None
    if known:
        check_usable(work, known)
    as_tested = work.entry.status is Status.READY and not work.verifies
    if known and as_tested and _is_as_desired(work, desired, known):
        made = Made(known, Found(known), patched=False)
    else:
        made = _make_and_test(work, flow, desired, known, published)
    connection = made.connection
    if published != connection.id:
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
    )


def _desired(work: Work, source: Source, secret_id: str, secret: Secret) -> Desired:
    request = work.request
    return Desired(
        source=source,
        name=request.display_name,
        description=request.description,
        auth=source.read_secret(secret_id, secret.values, request.overrides),
        secret_arn=secret.arn,
        secret_version_id=secret.version_id,
    )


def _is_as_desired(work: Work, desired: Desired, connection: Connection) -> bool:
    return work.entry.fingerprint == desired.fingerprint and desired.shown_by(connection)


def _make_and_test(
    work: Work, flow: FlowService, desired: Desired, known: Connection | None, published: str | None
) -> Made:
    """What has to be done with Adobe, once the workspace is ready; its refusals are told apart."""
    if not desired.source.in_a_workspace:
        return _made(work, flow, desired, known, published)
    workspace = work.ports.databricks.open(desired.auth)
    ensure_ready(work, workspace)
    refusal: TestFailed | DatabricksRefused
    try:
        return _made(work, flow, desired, known, published)
    except (TestFailed, DatabricksRefused) as refused:
        refusal = refused
    raise told_apart(work, workspace, refusal)


def _made(work: Work, flow: FlowService, desired: Desired, known: Connection | None, published: str | None) -> Made:
    found = Found(known) if known else find(work, flow, desired, published)
    connection, patched = found.connection, False
    if connection is None:
        connection = _create(work, flow, desired, Outcome.RECREATED if found.gone else Outcome.CREATED)
    elif not _is_as_desired(work, desired, connection):
        connection, patched = _patch(work, flow, connection, desired), True
    _test(work, flow, connection)
    return Made(connection, found, patched)


def _create(work: Work, flow: FlowService, desired: Desired, outcome: Outcome) -> Connection:
    """POST once, with the attempt recorded before it and the id right after it."""
    registry, clock = work.ports.registry, work.ports.clock
    work.deadline.require(WRITE_SECONDS, "creating the connection")
    attempt = Attempt(uuid.uuid4().hex, clock.now(), desired.fingerprint)
    earlier = work.entry.marks
    marks = (*earlier, attempt.id)
    registry.record_attempt(work.lease, attempt, marks, flow.org_id)
    work.entry = work.entry.with_(attempt=attempt, marks=marks)
    if clock.now() - attempt.sent_at > SLOW_RECORD_SECONDS:
        raise Unavailable("Recording the attempt took too long; nothing was sent.")
    lost: ConnectionFailure | None = None
    try:
        connection = flow.create(desired, attempt.id)
    except ConnectionFailure as failure:
        lost = failure
    if lost is None:
        work.record_connection(
            connection_id=connection.id,
            etag=connection.etag,
            fingerprint=desired.fingerprint,
            outcome=outcome,
            outcome_order=work.order,
            org_id=flow.org_id,
        )
        return connection
    if not lost.may_have_happened:
        with contextlib.suppress(ConnectionFailure):  # the attempt then stays open, which is safe
            registry.forget_attempt(work.lease, earlier)
        raise lost
    made = settle(work, flow, desired.source, attempt)
    if made is None:  # one POST per delivery: the next one starts afresh
        raise lost
    return made


def _patch(work: Work, flow: FlowService, connection: Connection, desired: Desired) -> Connection:
    """PATCH name, description and all params under the etag; a stale etag is read again."""
    marks = work.entry.marks or (work.lease.owner,)
    shown = mark_of(connection)
    mark = shown if shown in marks else marks[-1]
    for _ in range(1 + STALE_ETAG_REREADS):
        work.deadline.require(WRITE_SECONDS, "updating the connection")
        etag = flow.patch(connection, desired, mark)
        if etag is not None:
            work.record_connection(
                connection_id=connection.id,
                etag=etag,
                fingerprint=desired.fingerprint,
                outcome=work.outcome_after(patched=True),
                outcome_order=work.order,
                org_id=flow.org_id,
                marks=marks,
            )
            return replace(connection, etag=etag)
        reread = flow.get(connection.id)
        if reread is None:
            raise Unavailable(f"Connection {connection.id} disappeared while it was updated.")
        check_usable(work, reread)
        connection = reread
    raise AdobeRefused(
        f"Connection {connection.id} changed each time it was about to be updated (412).",
        remedy="Something else edits this connection all the time: find and stop it, then send the request again.",
    )


def _test(work: Work, flow: FlowService, connection: Connection) -> None:
    passed = False
    try:
        passed = flow.test(connection.id)
    except DatabricksRefused:
        work.entry = work.entry.with_(tested=Tested(work.ports.clock.now(), passed))
        raise
    work.entry = work.entry.with_(tested=Tested(work.ports.clock.now(), passed))
    if not passed:
        raise TestFailed(f"Adobe's test of connection {connection.id} failed; its id was not published.")
