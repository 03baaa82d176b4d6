"""Lists the tables that a key's connection reaches, or the columns of one. Changes nothing and starts nothing."""

import contextlib
from dataclasses import asdict, dataclass
from typing import Any

from aep_connections.domain.concurrency import concurrently
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import ConnectionFailure, DatabricksRefused, OutOfTime
from aep_connections.domain.model import AuthParams, Column, Key, Table
from aep_connections.domain.ports import Adobe, FlowService, Registry, Secrets, Workspaces
from aep_connections.domain.redaction import Redactor
from aep_connections.sources import secret_id_of, source_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorePorts:
    """All external dependencies, bound to one call. `redactor` redacts the text of other systems."""

    redactor: Redactor
    secrets: Secrets
    adobe: Adobe
    workspaces: Workspaces
    registry: Registry


def explore(key: Key, path: str | None, ports: ExplorePorts) -> dict[str, Any]:
    """`tables`, or with a path `columns`, as lists of JSON objects; or `notFound` with what does not exist.

    Raises:
        DatabricksRefused: the workspace refuses Adobe. It has Databricks' own message if Databricks can be reached.
        ConnectionFailure: with the code of any other cause.
    """
    entry = ports.registry.get(key)
    if entry is None:
        return {"notFound": f"There is no connection {key}."}
    if entry.connection_id is None:
        return {"notFound": f"{key} has no base connection now."}
    flow, auth = concurrently(lambda: ports.adobe.open(key.sandbox), lambda: _auth(entry, ports))
    for value in auth.secret.values() if auth else ():
        ports.redactor.remember(value)
    entry.check_organization(flow.org_id)
    try:
        return _explored(flow, entry.connection_id, path, ports.redactor)
    except DatabricksRefused as refusal:
        workspace = ports.workspaces.open(source_of(entry), auth) if auth else None
        if workspace is None:
            raise
        try:
            report = workspace.report()
        except OutOfTime:
            raise refusal from None
        raise workspace.diagnose(refusal, report) from None


def _explored(flow: FlowService, connection_id: str, path: str | None, redactor: Redactor) -> dict[str, Any]:
    def redacted(shown: Table | Column) -> dict[str, str | None]:
        return {name: value and redactor.redact(value) for name, value in asdict(shown).items()}

    if path is None:
        tables = flow.tables(connection_id)
        if tables is None:
            return {"notFound": "Adobe no longer has this connection. Request it again to recreate it."}
        return {"tables": [redacted(table) for table in tables]}
    columns = flow.columns(connection_id, path)
    if columns is None:
        return {"notFound": "Adobe shows no columns for a table with this path. The list of tables has every path."}
    return {"columns": [redacted(column) for column in columns]}


def _auth(entry: Entry, ports: ExplorePorts) -> AuthParams | None:
    """The auth params of the key's last request. Without them, no text from Adobe is shown."""
    source, secret_id = source_of(entry), secret_id_of(entry)
    if secret_id is not None:
        overrides = source.overrides_in(entry.request or {})
        with contextlib.suppress(ConnectionFailure):
            return source.read_secret(secret_id, ports.secrets.read(secret_id).values, overrides)
    ports.redactor.silence()
    return None
