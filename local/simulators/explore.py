"""Flow Service's view of a source's tables: their names, and the columns of one. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.simulators.connections import Refused
from local.simulators.lists import Query

Tables = Mapping[str, Mapping[str, str]]

_COLUMNS: dict[str, dict[str, Any]] = {
    "string": {"type": "string", "xdm": {"type": "string"}},
    "boolean": {"type": "boolean", "xdm": {"type": "boolean"}},
    "int": {"type": "integer", "xdm": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}},
    "bigint": {"type": "long", "xdm": {"type": "integer", "minimum": -(2**53), "maximum": 2**53 - 1}},
    "double": {"type": "double", "xdm": {"type": "number"}},
    "date": {"type": "string", "meta:xdmType": "date", "xdm": {"type": "string", "format": "date"}},
    "timestamp": {"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}},
}


def sample_tables() -> dict[str, dict[str, str]]:
    """The tables of a shop: path -> column -> its type in Databricks."""
    return {
        "acme_db.customers": {
            "customer_id": "string",
            "email": "string",
            "birthday": "date",
            "updated_at": "timestamp",
        },
        "acme_db.orders": {"order_id": "bigint", "customer_id": "string", "total": "double", "ordered_at": "timestamp"},
        "acme_db.stores": {"store_id": "int", "city": "string", "open": "boolean"},
    }


def requested_table(query: Query) -> str | None:
    """The table whose columns a query requests; None if it requests all tables. Raises Refused."""
    given = dict(query)
    kind = given.get("objectType", "").lower()
    if kind not in ("root", "table"):
        detail = f"The objectType {given.get('objectType', '')!r} is not valid; this source has root and table."
        raise Refused(400, 1358, detail, prefix="CONNECTOR")
    if kind == "root":
        return None
    if not given.get("object"):
        raise Refused(400, 1337, "The object may not be empty for the objectType table.", prefix="CONNECTOR")
    return given["object"]


def explored(tables: Tables, table: str | None) -> Any:
    """All tables, or the columns of one. Raises Refused."""
    if table is None:
        return [
            {"type": "table", "name": path, "path": path, "canPreview": True, "canFetchSchema": True} for path in tables
        ]
    columns = tables.get(table)
    if not columns:
        raise Refused(400, 1330, f"No columns were found for table {table}.", prefix="CONNECTOR")
    shown = [{"name": name, **_COLUMNS.get(kind.lower(), _COLUMNS["string"])} for name, kind in columns.items()]
    return {"format": "flat", "schema": {"columns": shown}}
