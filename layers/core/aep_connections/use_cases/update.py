"""Updates a connection in place: as its request says, or back to the former version of its secret."""

from __future__ import annotations

from dataclasses import replace

from aep_connections.domain.errors import AdobeRefused, SecretInvalid, SecretRefused, Unavailable
from aep_connections.domain.model import Connection, Desired, mark_of
from aep_connections.domain.ports import FlowService
from aep_connections.use_cases.find import check_usable
from aep_connections.use_cases.work import WRITE_SECONDS, Work

STALE_ETAG_REREADS = 3


def update(work: Work, flow: FlowService, connection: Connection, desired: Desired) -> Connection:
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


def put_back(work: Work, flow: FlowService, connection: Connection, refused: Desired) -> bool:
    """Give Adobe the former version of the secret again, if it may hold the refused one and the source accepts that.

    Until Adobe has it, the registry knows no fingerprint: whoever goes on after a kill does this again.
    """
    secret_id = work.request.secret_id
    if secret_id is None or work.entry.fingerprint not in (None, refused.fingerprint):
        return False
    try:
        former = work.desired(refused.source, secret_id, work.ports.secrets.read(secret_id, "AWSPREVIOUS"))
    except (SecretRefused, SecretInvalid):  # there is none
        return False
    workspace = work.ports.workspaces.open(refused.source, former.auth)
    if former.fingerprint == refused.fingerprint or workspace is None or not workspace.accepts_token():
        return False
    work.record_connection(fingerprint=None)
    update(work, flow, replace(connection, etag=work.entry.etag), former)
    return True
