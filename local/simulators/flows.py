"""Dataflows as Flow Service shows them: one for each time that `inUse` names a connection. No HTTP here."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from local.simulators.connections import Record

FLOW_SPEC = "14518937-270c-4525-bdec-c2ba7cce3860"  # CRMToAEP, which all table sources use
DATA_LAKE_SPEC = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
FIELDS = {
    "id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId",
    "sandboxName", "imsOrgId", "name", "flowSpec", "state", "version", "etag", "sourceConnectionIds",
    "targetConnectionIds", "inheritedAttributes",
}  # fmt: skip

_INHERITED = ("createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId", "sandboxName", "imsOrgId")


def flows(in_use: Iterable[str], records: Mapping[str, Record], org: str, sandbox: str) -> list[dict[str, Any]]:
    """The dataflows of a sandbox. An id that `in_use` lists twice has two dataflows; an unknown id has none."""
    shown, times = [], Counter[str]()
    for connection_id in in_use:
        times[connection_id] += 1
        record = records.get(connection_id)
        if record is not None and record.deleted_at is None and (record.org, record.sandbox) == (org, sandbox):
            shown.append(_flow(record.item, times[connection_id]))
    return shown


def _flow(connection: dict[str, Any], position: int) -> dict[str, Any]:
    """The same dataflow in every call. `position` counts the dataflows of a connection, from 1."""
    flow_id, source_id, target_id = (
        str(uuid.uuid5(uuid.NAMESPACE_URL, f"{connection['id']}/{what}/{position}"))
        for what in ("flow", "source", "target")
    )
    etag = f'"{flow_id[:8]}-0000-0200-0000-{flow_id[-12:]}"'
    spec = dict(connection["connectionSpec"])
    source = {
        "id": source_id,
        "connectionSpec": spec,
        "baseConnection": {"id": connection["id"], "connectionSpec": spec},
    }
    target = {"id": target_id, "connectionSpec": {"id": DATA_LAKE_SPEC, "version": "1.0"}}
    return {
        "id": flow_id,
        "createdAt": connection["createdAt"] + position,
        "updatedAt": connection["createdAt"] + position,
        **{name: connection[name] for name in _INHERITED},
        "name": f"Daily load {position}",
        "flowSpec": {"id": FLOW_SPEC, "version": "1.0"},
        "state": "enabled",
        "version": etag,
        "etag": etag,
        "sourceConnectionIds": [source_id],
        "targetConnectionIds": [target_id],
        "inheritedAttributes": {"sourceConnections": [source], "targetConnections": [target]},
    }
