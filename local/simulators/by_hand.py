"""`/_simulator/connections`: lists, changes and deletes connections, as a person does in Adobe's UI. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from local.simulators.connections import patched
from local.simulators.control import read_fields

PERSON = "person"


@dataclass(frozen=True, slots=True)
class Change:
    """The body of `PATCH /_simulator/connections/{id}`; omitted fields do not change.

    Attributes:
        name: string, the connection's name.
        description: string, or null for none.
        state: `enabled`, `disabled` or `draft`.
        params: auth param (`domain`, `clusterId`, `accessToken`, `database`, `catalog`) -> string; others are kept.
    """

    name: str = ""
    description: str | None = None
    state: Literal["enabled", "disabled", "draft"] = "enabled"
    params: Mapping[str, str] = field(default_factory=dict)


def summary(item: Mapping[str, Any], state: str) -> dict[str, Any]:
    """A connection as `GET /_simulator/connections` lists it; no auth params."""
    shown = {name: item.get(name) for name in ("id", "name", "description")}
    return {**shown, "sandbox": item["sandboxName"], "state": state}


def changed(item: dict[str, Any], document: object, now: float) -> dict[str, Any]:
    """The connection after a person's change. Raises ValueError; Refused if Adobe refuses the change."""
    given = read_fields(Change, document)
    if not given or given.get("name") == "":
        raise ValueError("The body must have a new name (not empty), description, state or params.")
    operations = [
        {"op": "add", "path": f"/{name}", "value": given[name]}
        for name in ("name", "description")
        if given.get(name) is not None
    ]
    if "description" in given and given["description"] is None:
        operations.append({"op": "remove", "path": "/description"})
    params = {**item["auth"]["params"], **given.get("params", {})}
    operations.append({"op": "replace", "path": "/auth/params", "value": params})
    return {**patched(item, operations, PERSON, now), "state": given.get("state", item["state"])}
