"""Unity Catalog's view of a workspace: its metastore, catalogs, schemas and tables. No HTTP here.

Without settings every catalog and schema exists. Replies show names in lower case, whatever case the request had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.simulators.clusters import Declined

METASTORE = "7d9a1f06-2c54-4c0b-9f0e-3b8f5a2d1c77"


@dataclass(frozen=True, slots=True)
class Catalogs:
    """Whether there is a metastore, what is missing or empty, and which privileges the caller lacks."""

    assigned: bool
    missing: Sequence[str]
    missing_schemas: Sequence[str]
    empty_schemas: Sequence[str]
    missing_grants: Sequence[str]

    def metastore(self, workspace: str) -> dict[str, Any]:
        """The workspace's metastore assignment. Raises Declined if there is none."""
        if not self.assigned:
            raise Declined("METASTORE_DOES_NOT_EXIST", "No metastore assigned for the current workspace.")
        number = int(workspace) if workspace.isdecimal() else 0
        return {"metastore_id": METASTORE, "workspace_id": number, "default_catalog_name": "main"}

    def catalog(self, name: str) -> dict[str, Any]:
        """A catalog. Raises Declined if it does not exist or the caller may not use it."""
        self.metastore("")
        name = name.lower()
        if _among(name, self.missing):
            raise Declined("CATALOG_DOES_NOT_EXIST", f"Catalog '{name}' does not exist.")
        self._grant("USE CATALOG", f"Catalog '{name}'")
        return {
            "name": name,
            "full_name": name,
            "catalog_type": "MANAGED_CATALOG",
            "isolation_mode": "OPEN",
            "browse_only": False,
            "metastore_id": METASTORE,
        }

    def schema(self, full_name: str) -> dict[str, Any]:
        """A schema, named as `catalog.schema`. Raises Declined as `catalog` does."""
        catalog, _, name = full_name.lower().partition(".")
        self.catalog(catalog)
        full_name = f"{catalog}.{name}"
        if not name or _among(full_name, self.missing_schemas):
            raise Declined("SCHEMA_DOES_NOT_EXIST", f"Schema '{full_name}' does not exist.")
        self._grant("USE SCHEMA", f"Schema '{full_name}'")
        return {
            "name": name,
            "catalog_name": catalog,
            "full_name": full_name,
            "catalog_type": "MANAGED_CATALOG",
            "metastore_id": METASTORE,
        }

    def tables(self, catalog: str, schema: str) -> dict[str, Any]:
        """The tables that the caller may read: one or none; an empty page has no list. Raises Declined as `schema`."""
        found = self.schema(f"{catalog}.{schema}")
        if _among(found["full_name"], self.empty_schemas) or "SELECT" in self.missing_grants:
            return {}
        table = {
            "name": "orders",
            "catalog_name": found["catalog_name"],
            "schema_name": found["name"],
            "full_name": f"{found['full_name']}.orders",
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
        }
        return {"tables": [table]}

    def _grant(self, privilege: str, on: str) -> None:
        if privilege in self.missing_grants:
            raise Declined("PERMISSION_DENIED", f"User does not have {privilege} on {on}.")


def _among(name: str, names: Sequence[str]) -> bool:
    return name in (one.lower() for one in names)
