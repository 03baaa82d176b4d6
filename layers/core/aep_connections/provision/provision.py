"""Brings a base connection to its requested state: exactly one, tested before it is published.

    credentials → open attempt? → unchanged? → readiness → find → create | adopt | update → test → publish

`process` accepts the request before this, and announces it afterwards. Any step may be the last one of an
invocation: the next delivery continues from what the registry entry records.
"""

import contextlib
import uuid
from dataclasses import dataclass

from aep_connections.domain.concurrency import concurrently
from aep_connections.domain.entry import Attempt, SecretVersion
from aep_connections.domain.errors import ConnectionFailure, DatabricksRefused, NotReady, TestFailed, Unavailable
from aep_connections.domain.model import Connection, Desired, Outcome, Result, Source, Status
from aep_connections.provision.find import Found, check_usable, find, settle, without_duplicates
from aep_connections.provision.job import WRITE_SECONDS, Job
from aep_connections.provision.readiness import diagnose, ensure_ready, token_refused
from aep_connections.provision.update import restore_former_secret, update

SLOW_RECORD_SECONDS = 5.0
"""If recording an attempt took longer, nothing is sent: the settle time counts from the recorded time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What was done at Adobe: the key's connection, and whether it was patched or has already passed Adobe's test."""

    found: Found
    connection: Connection
    patched: bool
    passed: bool


def provision(job: Job, source: Source, secret_id: str) -> Result:
    """Bring the key's connection to its requested state, and publish its id.

    Raises:
        ConnectionFailure: with the code of the cause. All steps completed so far are recorded.
    """
    job.entry = job.entry.of_source(source)
    ports, key = job.ports, job.lease.key
    job.flow, secret, job.published = concurrently(
        lambda: ports.adobe.open(key.sandbox),
        lambda: ports.secrets.read(secret_id),
        lambda: ports.parameters.get(key),
    )
    desired = job.desired(source, secret_id, secret)
    job.entry.check_organization(job.flow.org_id)
    if job.entry.attempt:
        settle(job, source, job.entry.attempt)
    known = _known(job, source)
    effect = _unchanged(job, desired, known) or _make_and_test(job, desired, known)
    job.entry = job.entry.with_(params=dict(desired.auth.public))
    if effect.passed:
        job.entry = job.entry.with_(secret_version=SecretVersion(secret.version_id, secret.created_at))
    return _publish(job, effect)


def _known(job: Job, source: Source) -> Found | None:
    """The connection that the entry names, if Adobe has it."""
    connection = job.flow.get(job.entry.connection_id) if job.entry.connection_id else None
    if connection is None:
        return None
    check_usable(job, connection)
    return without_duplicates(job, source, connection) if job.deletes_duplicates else Found(connection=connection)


def _unchanged(job: Job, desired: Desired, known: Found | None) -> Effect | None:
    """An effect without changes; None unless the connection is as desired, passed its test and needs no new test."""
    tested = job.entry.tested
    passed = job.before.status is Status.READY and tested is not None and tested.passed
    if known is None or known.connection is None or not passed or job.verifies:
        return None
    if not _is_as_desired(job, desired, known.connection):
        return None
    return Effect(found=known, connection=known.connection, patched=False, passed=True)


def _is_as_desired(job: Job, desired: Desired, connection: Connection) -> bool:
    return job.entry.fingerprint == desired.fingerprint and desired.shown_by(connection)


def _make_and_test(job: Job, desired: Desired, known: Found | None) -> Effect:
    """Make the necessary calls to Adobe, once the workspace is ready. Refusals are diagnosed.

    If the source refuses the token of a published connection, Adobe gets the former token again.
    """
    workspace = job.ports.workspaces.open(desired.source, desired.auth)
    if workspace is None:
        return _make(job, desired, known, tests=True)
    holder = known.connection if known and known.connection and known.connection.id == job.published else None
    try:
        worked = holder is not None and job.before.status is Status.READY
        tests = ensure_ready(job, workspace, worked=worked)
        return _make(job, desired, known, tests=tests)
    except (NotReady, TestFailed, DatabricksRefused) as refused:
        refusal = refused if isinstance(refused, NotReady) else diagnose(job, workspace, refused)
        if holder and token_refused(job) and restore_former_secret(job, holder, desired):
            accepting = desired.source.name.capitalize()
            refusal.message += f" Adobe uses the former version of the secret again. {accepting} accepts its token."
        raise refusal from None


def _make(job: Job, desired: Desired, known: Found | None, *, tests: bool) -> Effect:
    found = known or find(job, desired)
    connection, patched = found.connection, False
    if connection is None:
        connection = _create(job, desired, Outcome.RECREATED if found.gone else Outcome.CREATED)
    elif not _is_as_desired(job, desired, connection):
        connection, patched = update(job, connection, desired), True
    if tests:
        _test(job, connection)
    return Effect(found=found, connection=connection, patched=patched, passed=tests)


def _create(job: Job, desired: Desired, outcome: Outcome) -> Connection:
    """POST once, with the attempt recorded before it and the id right after it."""
    clock = job.ports.clock
    job.deadline.require(WRITE_SECONDS, "creating the connection")
    attempt = Attempt(uuid.uuid4().hex, clock.now(), desired.fingerprint)
    job.save(job.entry.attempting(attempt, job.flow.org_id))
    if clock.now() - attempt.sent_at > SLOW_RECORD_SECONDS:
        raise Unavailable("Recording the attempt took too long. Nothing was sent.")
    try:
        connection = job.flow.create(desired, attempt.id)
    except ConnectionFailure as lost:
        if not lost.may_have_happened:
            with contextlib.suppress(ConnectionFailure):  # the attempt then stays open, which is safe
                job.save(job.entry.refused())
            raise
        made = settle(job, desired.source, attempt)
        if made is None:  # one POST per delivery: the next delivery starts again
            raise
        return made
    job.record_connection(connection, desired.fingerprint, outcome)
    return connection


def _test(job: Job, connection: Connection) -> None:
    """Raise TestFailed or DatabricksRefused."""
    clock, passed = job.ports.clock, False
    try:
        passed = job.flow.test(connection.id)
    except DatabricksRefused:
        job.entry = job.entry.tested_at(clock.now(), passed=False)
        raise
    job.entry = job.entry.tested_at(clock.now(), passed=passed)
    if not passed:
        raise TestFailed(f"Adobe's test of connection {connection.id} failed. The SSM parameter was not changed.")


def _publish(job: Job, effect: Effect) -> Result:
    """Write the id to the parameter, unless it is there already."""
    parameters, key, connection = job.ports.parameters, job.lease.key, effect.connection
    publishes = job.published != connection.id
    if publishes:
        job.deadline.require(0, "publishing the connection id")
        parameters.put(key, connection.id)
    return Result(
        key=key,
        outcome=job.outcome(patched=effect.patched),
        parameter_name=parameters.name_of(key),
        connection_id=connection.id,
        etag=connection.etag,
        readiness=str((job.entry.readiness or {}).get("status", "unknown")),
        duplicates=effect.found.duplicates,
        duplicates_deleted=effect.found.duplicates_deleted,
        published=publishes,
    )
