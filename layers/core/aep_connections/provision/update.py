"""Updates a connection in place: to its requested state, or back to the former version of its secret."""

from dataclasses import replace

from aep_connections.domain.errors import AdobeRefused, SecretInvalid, SecretRefused, Unavailable
from aep_connections.domain.model import Connection, Desired, mark_of
from aep_connections.provision.find import check_usable
from aep_connections.provision.job import WRITE_SECONDS, Job

STALE_ETAG_REREADS = 3


def update(job: Job, connection: Connection, desired: Desired) -> Connection:
    """PATCH name, description and all params with the etag. A stale etag is read again."""
    marks, shown = job.marks(), mark_of(connection)
    mark = shown if shown in marks else marks[-1]
    for _ in range(1 + STALE_ETAG_REREADS):
        job.deadline.require(WRITE_SECONDS, "updating the connection")
        etag = job.flow.patch(connection, desired, mark)
        if etag is not None:
            patched = replace(connection, etag=etag)
            job.record_connection(patched, desired.fingerprint, job.outcome(patched=True))
            return patched
        reread = job.flow.get(connection.id)
        if reread is None:
            raise Unavailable(f"Connection {connection.id} disappeared while it was being updated.")
        check_usable(job, reread)
        connection = reread
    raise AdobeRefused(
        f"Connection {connection.id} changed before each attempt to update it (HTTP 412).",
        remedy="Another system keeps editing this connection. Find and stop it, then send the request again.",
    )


def restore_former_secret(job: Job, connection: Connection, refused: Desired) -> bool:
    """Send Adobe the former secret version, if Adobe may have the refused one and the source accepts the former.

    Until Adobe has it, the registry has no fingerprint: if the invocation is killed, the next delivery repeats this.
    """
    secret_id = job.request.secret_id
    if secret_id is None or job.entry.fingerprint not in (None, refused.fingerprint):
        return False
    try:
        former = job.desired(refused.source, secret_id, job.ports.secrets.read(secret_id, "AWSPREVIOUS"))
    except (SecretRefused, SecretInvalid):  # there is no former version
        return False
    workspace = job.ports.workspaces.open(refused.source, former.auth)
    if former.fingerprint == refused.fingerprint or workspace is None or not workspace.accepts_token():
        return False
    job.save(job.entry.in_doubt())
    update(job, replace(connection, etag=job.entry.etag), former)
    return True
