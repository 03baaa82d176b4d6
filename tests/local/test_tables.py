"""The tables and columns that simulated Adobe shows of a workspace, over plain HTTP.

`test_provider.py` tests the errors of a workspace that Adobe cannot use.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from local.stack import DATABRICKS_SECRET
from tests.support.adobes import CUSTOMERS, ROOT, Adobes, number

CLUSTER = DATABRICKS_SECRET["clusterId"]


def columns(response: requests.Response) -> dict[str, Any]:
    return {column.pop("name"): column for column in response.json()["schema"]["columns"]}


def test_the_root_is_an_array_of_tables(shared: Adobes) -> None:
    tables = shared.explore(shared.id_of("a"), ROOT).json()

    assert [table["path"] for table in tables] == ["acme_db.customers", "acme_db.orders", "acme_db.stores"]
    assert tables[0] == {
        "type": "table",
        "name": "acme_db.customers",
        "path": "acme_db.customers",
        "canPreview": True,
        "canFetchSchema": True,
    }


def test_a_table_shows_its_columns_with_their_types_in_xdm(shared: Adobes) -> None:
    response = shared.explore(shared.id_of("a"), CUSTOMERS)

    moment = {"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}}
    assert response.json()["format"] == "flat"
    assert columns(response) == {
        "customer_id": {"type": "string", "xdm": {"type": "string"}},
        "email": {"type": "string", "xdm": {"type": "string"}},
        "birthday": {"type": "string", "meta:xdmType": "date", "xdm": {"type": "string", "format": "date"}},
        "updated_at": moment,
    }


def test_tables_come_from_the_settings_and_an_unknown_type_is_a_string(adobe: Adobes) -> None:
    connection_id = adobe.create()
    ordered = {"tables": {"main.t": {"a": "BIGINT", "b": "struct<c:int>"}}}
    adobe.session.patch(f"{adobe.adobe.url}/_simulator/settings", json=ordered)

    root = adobe.explore(connection_id, ROOT).json()
    table = columns(adobe.explore(connection_id, {"objectType": "table", "object": "main.t"}))

    assert [one["path"] for one in root] == ["main.t"]
    assert (table["a"]["type"], table["a"]["xdm"]["type"]) == ("long", "integer")
    assert table["b"] == {"type": "string", "xdm": {"type": "string"}}


def test_a_workspace_without_tables_gives_an_empty_array(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.adobe.settings.tables = {}

    assert adobe.explore(connection_id, ROOT).json() == []


def test_the_object_type_may_be_in_capitals_as_the_specification_has_it(shared: Adobes) -> None:
    connection_id = shared.id_of("a")

    for requested in (ROOT, CUSTOMERS):
        capitals = requested | {"objectType": requested["objectType"].upper()}
        assert shared.explore(connection_id, capitals).json() == shared.explore(connection_id, requested).json()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "1358"),
        ({"objectType": ""}, "1358"),
        ({"objectType": "folder"}, "1358"),
        ({"objectType": "table"}, "1337"),
        ({"objectType": "table", "object": ""}, "1337"),
        ({"objectType": "table", "object": "acme_db.nothing"}, "1330"),
    ],
    ids=str,
)
def test_an_invalid_explore_call_is_refused(shared: Adobes, params: dict[str, str], code: str) -> None:
    refused = shared.explore(shared.id_of("a"), params)

    assert (refused.status_code, number(refused)) == (400, f"CONNECTOR-{code}-400")


def test_a_table_without_columns_is_refused(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.adobe.settings.tables["acme_db.empty"] = {}

    for name in ("acme_db.empty", "acme_db.nothing"):
        refused = adobe.explore(connection_id, {"objectType": "table", "object": name})
        assert (refused.status_code, number(refused)) == (400, "CONNECTOR-1330-400")
        assert refused.json()["errorMessage"] == f"No columns were found for table {name}."


def test_an_invalid_explore_call_is_refused_before_databricks_is_called(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.databricks.settings.clusters[CLUSTER] = "TERMINATED"

    refused = adobe.explore(connection_id, {"objectType": "table"})

    assert number(refused) == "CONNECTOR-1337-400"


def test_exploring_starts_no_cluster(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.databricks.settings.clusters[CLUSTER] = "TERMINATED"

    for _ in range(2):
        assert number(adobe.explore(connection_id, ROOT)) == "FLOW-1100-400"

    assert {call.request.method for call in adobe.databricks.calls} == {"GET"}


def test_a_connection_can_be_explored_only_in_its_sandbox_and_while_it_exists(adobe: Adobes) -> None:
    connection_id = adobe.create()
    path = f"/connections/{connection_id}/explore?objectType=root"

    assert number(adobe.call("GET", path, headers={"x-sandbox-name": "prod"})) == "FLOW-1439-404"
    adobe.call("DELETE", f"/connections/{connection_id}")
    assert number(adobe.call("GET", path)) == "FLOW-1439-404"


def test_tables_of_other_sources_are_shown_without_calling_databricks(adobe: Adobes) -> None:
    other = {"id": "3c9b37f8-13a6-43d8-bad3-b863b941fedd", "version": "1.0"}
    connection_id = adobe.create(connectionSpec=other)
    adobe.databricks.settings.refusal = "ip"

    response = adobe.explore(connection_id, ROOT)

    assert response.status_code == 200
    assert response.json()
    assert adobe.databricks.calls == []
