"""Follows what others tell: a secret has a new version, or a dataflow of Adobe's failed. The keys are rechecked."""

from __future__ import annotations

from aep_connections.domain.model import FLOW_RUN, SECRET, Recheck, Status
from aep_connections.domain.ports import Adobe, Fleet, Inbox


def follow_secret(secret_id: str, fleet: Fleet, inbox: Inbox) -> list[Recheck]:
    """Have every key of a secret rechecked, which brings it to the newest version. Raises Throttled, Unavailable."""
    rechecks = [Recheck(key, SECRET) for key in fleet.of_secret(secret_id)]
    inbox.recheck(*rechecks)
    return rechecks


def follow_flow_run(sandbox: str, flow_id: str, adobe: Adobe, fleet: Fleet, inbox: Inbox) -> list[Recheck]:
    """Have the keys rechecked whose connections a failed dataflow reads from.

    Raises:
        ConnectionFailure: Adobe or AWS does not tell.
    """
    entries = [entry for entry in fleet.of(sandbox) if entry.status is not Status.RETIRED]
    if not entries:
        return []
    read_from = adobe.open(sandbox).connections_of(flow_id)
    rechecks = [Recheck(entry.key, FLOW_RUN) for entry in entries if entry.connection_id in read_from]
    inbox.recheck(*rechecks)
    return rechecks
