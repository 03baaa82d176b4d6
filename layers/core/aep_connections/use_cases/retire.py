"""Makes a key absent: its connection deleted, then its parameter. Nothing that is not ours is touched."""

from __future__ import annotations

from aep_connections.domain.errors import ConnectionFailure, Fault, InUse, Unavailable
from aep_connections.domain.model import Outcome, Result, Source
from aep_connections.domain.ports import FlowService
from aep_connections.sources import source_of
from aep_connections.use_cases.find import assert_gone, ours
from aep_connections.use_cases.settle import settle
from aep_connections.use_cases.work import READ_SECONDS, Work

POLL_SECONDS = 2.0


def retire(work: Work) -> Result:
    """Delete what is ours of this key.

    Raises:
        InUse: flows use the connection; nothing was changed.
        ConnectionFailure: with the code of whatever else stands in the way.
    """
    ports, key, entry = work.ports, work.lease.key, work.entry
    published = ports.parameters.get(key)
    if not (entry.connection_id or entry.marks or entry.attempt or published):
        return Result(key, Outcome.UNCHANGED, ports.parameters.name_of(key))
    ports.secret_values.withhold()
    flow = ports.adobe.open(key.sandbox)
    work.check_organization(flow)
    source = source_of(entry)
    if entry.attempt:
        settle(work, flow, source, entry.attempt)
    doomed = _doomed(work, flow, source, published)
    for connection_id in doomed:
        _delete(work, flow, source, connection_id)
    if published:
        work.deadline.require(0, "deleting the parameter")
        ports.parameters.delete(key)
    outcome = Outcome.DELETED if doomed or published else Outcome.UNCHANGED
    return Result(key, outcome, ports.parameters.name_of(key))


def _doomed(work: Work, flow: FlowService, source: Source, published: str | None) -> list[str]:
    """Ids of every connection of this key, the known one first."""
    known = work.entry.connection_id
    if known and len(work.entry.marks) <= 1 and published in (None, known):
        return [known]
    mine, _ = ours(work, flow, source, None if known else published, flow.listing(source))
    found = [c.id for c in mine]
    return [known, *(i for i in found if i != known)] if known else found


def _delete(work: Work, flow: FlowService, source: Source, connection_id: str) -> None:
    """DELETE, then GET until Adobe says that it does not exist."""
    work.deadline.require(READ_SECONDS, "deleting the connection")
    try:
        deleted = flow.delete(connection_id)
    except InUse as refusal:
        raise _naming_flows(flow, connection_id, refusal) from None
    if not deleted:
        assert_gone(connection_id, flow.listing(source))
        return
    while flow.get(connection_id) is not None:
        if work.deadline.usable() < POLL_SECONDS + READ_SECONDS:
            raise Unavailable(f"Adobe accepted the deletion of connection {connection_id}, but still shows it.")
        work.ports.clock.sleep(POLL_SECONDS)


def _naming_flows(flow: FlowService, connection_id: str, in_use: InUse) -> InUse:
    """The refusal with the dataflows that stand in the way, as far as they are shown to us."""
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
