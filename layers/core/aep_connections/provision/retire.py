"""Makes a key absent: deletes its connection, then its parameter. Changes nothing that is not ours."""

from aep_connections.domain.errors import ConnectionFailure, Fault, InUse, Unavailable
from aep_connections.domain.model import Outcome, Result, Source
from aep_connections.domain.ports import FlowService
from aep_connections.provision.find import assert_gone, own_connections, settle
from aep_connections.provision.job import READ_SECONDS, Job
from aep_connections.sources import source_of

POLL_SECONDS = 2.0


def retire(job: Job) -> Result:
    """Delete everything of ours that belongs to this key.

    Raises:
        InUse: dataflows use the connection. Nothing was changed.
        ConnectionFailure: with the code of any other cause.
    """
    ports, key, entry = job.ports, job.lease.key, job.entry
    job.published = ports.parameters.get(key)
    if not (entry.connection_id or entry.marks or entry.attempt or job.published):
        return Result(key=key, outcome=Outcome.UNCHANGED, parameter_name=ports.parameters.name_of(key))
    ports.redactor.silence()
    job.flow = ports.adobe.open(key.sandbox)
    entry.check_organization(job.flow.org_id)
    source = source_of(entry)
    if entry.attempt:
        settle(job, source, entry.attempt)
    to_delete = _to_delete(job, source)
    for connection_id in to_delete:
        _delete(job, source, connection_id)
    if job.published:
        job.deadline.require(0, "deleting the parameter")
        ports.parameters.delete(key)
    outcome = Outcome.DELETED if to_delete or job.published else Outcome.UNCHANGED
    return Result(key=key, outcome=outcome, parameter_name=ports.parameters.name_of(key))


def _to_delete(job: Job, source: Source) -> list[str]:
    """Ids of every connection of this key, the known one first."""
    known = job.entry.connection_id
    if known and len(job.entry.marks) <= 1 and job.published in (None, known):
        return [known]
    own, _ = own_connections(job, source, job.flow.listing(source))
    found = [c.id for c in own]
    return [known, *(i for i in found if i != known)] if known else found


def _delete(job: Job, source: Source, connection_id: str) -> None:
    """DELETE, then GET until Adobe reports that it does not exist."""
    job.deadline.require(READ_SECONDS, "deleting the connection")
    try:
        deleted = job.flow.delete(connection_id)
    except InUse as refusal:
        raise _naming_flows(job.flow, connection_id, refusal) from None
    if not deleted:
        assert_gone(connection_id, job.flow.listing(source))
        return
    while job.flow.get(connection_id) is not None:
        if job.deadline.usable() < POLL_SECONDS + READ_SECONDS:
            raise Unavailable(f"Adobe accepted the deletion of connection {connection_id}, but still shows it.")
        job.ports.clock.sleep(POLL_SECONDS)


def _naming_flows(flow: FlowService, connection_id: str, in_use: InUse) -> InUse:
    """The refusal with the dataflows that use the connection, as far as Adobe shows them."""
    try:
        flows = flow.flows_of(connection_id)
    except ConnectionFailure:
        return in_use
    if not flows:
        return in_use
    named = ", ".join(f"{one.id} ({one.state})" for one in flows)
    return InUse(
        f"{in_use.message} Dataflows that use it: {named}.",
        request_id=in_use.request_id,
        faults=[Fault(one.id, f"a dataflow ({one.state}) that uses connection {connection_id}") for one in flows],
    )
