"""Shows what a key's connection reaches: its tables, or the columns of one. Changes nothing and starts nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import ConnectionFailure, DatabricksRefused, OutOfTime
from aep_connections.domain.model import AuthParams, Key
from aep_connections.domain.ports import Adobe, FlowService, Overview, Secrets, Workspaces
from aep_connections.domain.secrecy import SecretValues
from aep_connections.sources import secret_id_of, source_of
from aep_connections.use_cases.work import beside, check_organization


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything outside, bound to one question; `secret_values` are struck out of what others say."""

    secret_values: SecretValues
    secrets: Secrets
    adobe: Adobe
    workspaces: Workspaces
    overview: Overview


def explore(key: Key, path: str | None, around: Surroundings) -> dict[str, Any]:
    """`tables`, or with a path `columns`, as lists of JSON objects; or `notFound` with what there is not.

    Raises:
        DatabricksRefused: the workspace does not let Adobe look; in Databricks' own words if it can be asked.
        ConnectionFailure: with the code of whatever else stands in the way.
    """
    entry = around.overview.get(key)
    if entry is None:
        return {"notFound": f"There is no connection {key}."}
    if entry.connection_id is None:
        return {"notFound": f"{key} has no base connection now."}
    flow, auth = beside(lambda: around.adobe.open(key.sandbox), lambda: _auth(entry, around))
    for value in auth.secret.values() if auth else ():
        around.secret_values.remember(value)
    check_organization(entry, flow)
    try:
        return _looked(flow, entry.connection_id, path, around.secret_values)
    except DatabricksRefused as refusal:
        workspace = around.workspaces.open(source_of(entry), auth) if auth else None
        if workspace is None:
            raise
        try:
            report = workspace.report()
        except OutOfTime:
            raise refusal from None
        raise workspace.diagnose(refusal, report) from None


def _looked(flow: FlowService, connection_id: str, path: str | None, secret_values: SecretValues) -> dict[str, Any]:
    def strike(shown: Mapping[str, str | None]) -> dict[str, str | None]:
        return {name: value and secret_values.strike(value) for name, value in shown.items()}

    if path is None:
        tables = flow.tables(connection_id)
        if tables is None:
            return {"notFound": "Adobe no longer has this connection; asked for again, it is made anew."}
        return {"tables": [strike(table.document()) for table in tables]}
    columns = flow.columns(connection_id, path)
    if columns is None:
        return {"notFound": "Adobe shows no columns of a table of this path; the list of tables has every path."}
    return {"columns": [strike(column.document()) for column in columns]}


def _auth(entry: Entry, around: Surroundings) -> AuthParams | None:
    """The params of the key's last request, to ask Databricks with. Without them nothing of Adobe's words is shown."""
    request, source, secret_id = entry.request or {}, source_of(entry), secret_id_of(entry)
    if secret_id is not None:
        overrides = {name: request[name] for name in source.overrides if name in request}
        with contextlib.suppress(ConnectionFailure):
            return source.read_secret(secret_id, around.secrets.read(secret_id).values, overrides)
    around.secret_values.withhold()
    return None
