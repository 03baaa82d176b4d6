"""Simulated Unity Catalog: the metastore, catalogs, schemas and tables, over plain HTTP and with the Databricks SDK."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk import errors as sdk_errors

from local.simulators.databricks import WORKSPACE
from tests.support.workspace import METASTORE, Workspace, tables


def uc(kind: str, name: str) -> str:
    return f"/api/2.1/unity-catalog/{kind}/{name}"


def test_without_unity_catalog_there_is_no_metastore(workspace: Workspace, sdk: WorkspaceClient) -> None:
    assignment = sdk.metastores.current()
    assert (assignment.workspace_id, assignment.default_catalog_name) == (int(WORKSPACE), "main")

    workspace.order(unityCatalog=False)

    words = "No metastore assigned for the current workspace."
    for path in (METASTORE, uc("catalogs", "main"), uc("schemas", "main.sales"), tables()):
        assert workspace.refusal(path) == (404, "METASTORE_DOES_NOT_EXIST", words)
    with pytest.raises(sdk_errors.NotFound, match=words):
        sdk.metastores.current()


def test_catalogs_schemas_and_tables_are_found_by_names_in_any_case(workspace: Workspace, sdk: WorkspaceClient) -> None:
    assert sdk.catalogs.get("Main").name == "main"
    assert sdk.schemas.get("Main.Sales").full_name == "main.sales"
    assert [table.full_name for table in sdk.tables.list("Main", "Sales")] == ["main.sales.orders"]
    assert workspace.call("GET", uc("catalogs", "a%20b")).json()["name"] == "a b"
    assert workspace.call("GET", uc("schemas", "a%2Fb.c")).json()["catalog_name"] == "a/b"


def test_catalogs_and_schemas_that_do_not_exist_get_a_404(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(missingCatalogs=["Gone"], missingSchemas=["main.Gone"], emptySchemas=["Main.empty"])

    missing = (404, "CATALOG_DOES_NOT_EXIST", "Catalog 'gone' does not exist.")
    assert workspace.refusal(uc("catalogs", "GONE")) == workspace.refusal(uc("schemas", "gone.sales")) == missing
    missing = (404, "SCHEMA_DOES_NOT_EXIST", "Schema 'main.gone' does not exist.")
    assert workspace.refusal(uc("schemas", "main.gone")) == workspace.refusal(tables("main", "gone")) == missing
    with pytest.raises(sdk_errors.NotFound, match="Catalog 'gone' does not exist"):
        sdk.catalogs.get("gone")
    with pytest.raises(sdk_errors.NotFound, match=r"Schema 'main\.gone' does not exist"):
        sdk.schemas.get("main.gone")
    assert list(sdk.tables.list("main", "EMPTY")) == []


@pytest.mark.parametrize(
    ("grant", "path", "words"),
    [
        ("USE CATALOG", uc("catalogs", "main"), "User does not have USE CATALOG on Catalog 'main'."),
        ("USE CATALOG", uc("schemas", "main.sales"), "User does not have USE CATALOG on Catalog 'main'."),
        ("USE SCHEMA", uc("schemas", "main.sales"), "User does not have USE SCHEMA on Schema 'main.sales'."),
        ("USE SCHEMA", tables(), "User does not have USE SCHEMA on Schema 'main.sales'."),
    ],
)
def test_a_read_without_its_grant_is_refused(workspace: Workspace, grant: str, path: str, words: str) -> None:
    assert workspace.call("GET", path).status_code == 200

    workspace.order(missingGrants=[grant])

    assert workspace.refusal(path) == (403, "PERMISSION_DENIED", words)


def test_an_identity_without_select_sees_no_tables(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(missingGrants=["SELECT"])

    assert list(sdk.tables.list("main", "sales")) == []
    assert sdk.schemas.get("main.sales").name == "sales"
