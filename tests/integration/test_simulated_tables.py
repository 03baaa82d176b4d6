"""The tables and columns that simulated Adobe shows of a workspace, over plain HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import BODY, Adobes, number

CLUSTER = DATABRICKS_SECRET["clusterId"]
ROOT = {"objectType": "root"}
CUSTOMERS = {"objectType": "table", "object": "acme_db.customers"}


def explore(adobe: Adobes, connection_id: str, params: dict[str, str]) -> requests.Response:
    return adobe.call("GET", f"/connections/{connection_id}/explore", params=params)


def columns(response: requests.Response) -> dict[str, Any]:
    return {column.pop("name"): column for column in response.json()["schema"]["columns"]}


def test_the_root_is_an_array_of_tables(adobe: Adobes) -> None:
    connection_id = adobe.create()

    tables = explore(adobe, connection_id, ROOT).json()

    assert [table["path"] for table in tables] == ["acme_db.customers", "acme_db.orders", "acme_db.stores"]
    assert tables[0] == {
        "type": "table",
        "name": "acme_db.customers",
        "path": "acme_db.customers",
        "canPreview": True,
        "canFetchSchema": True,
    }


def test_a_table_shows_its_columns_with_their_types_in_xdm(adobe: Adobes) -> None:
    connection_id = adobe.create()

    response = explore(adobe, connection_id, CUSTOMERS)

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

    root = explore(adobe, connection_id, ROOT).json()
    table = columns(explore(adobe, connection_id, {"objectType": "table", "object": "main.t"}))

    assert [one["path"] for one in root] == ["main.t"]
    assert (table["a"]["type"], table["a"]["xdm"]["type"]) == ("long", "integer")
    assert table["b"] == {"type": "string", "xdm": {"type": "string"}}


def test_a_workspace_without_tables_gives_an_empty_array(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.adobe.settings.tables = {}

    assert explore(adobe, connection_id, ROOT).json() == []


def test_the_object_type_may_be_in_capitals_as_the_specification_has_it(adobe: Adobes) -> None:
    connection_id = adobe.create()

    for requested in (ROOT, CUSTOMERS):
        capitals = requested | {"objectType": requested["objectType"].upper()}
        assert explore(adobe, connection_id, capitals).json() == explore(adobe, connection_id, requested).json()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "1358"),
        ({"objectType": ""}, "1358"),
        ({"objectType": "folder"}, "1358"),
        ({"objectType": "table"}, "1337"),
        ({"objectType": "table", "object": ""}, "1337"),
        ({"objectType": "table", "object": "acme_db.nothing"}, "1330"),
        ({"objectType": "table", "object": "acme_db.empty"}, "1330"),
    ],
    ids=str,
)
def test_an_invalid_explore_call_is_refused(adobe: Adobes, params: dict[str, str], code: str) -> None:
    connection_id = adobe.create()
    adobe.adobe.settings.tables["acme_db.empty"] = {}

    refused = explore(adobe, connection_id, params)

    assert (refused.status_code, number(refused)) == (400, f"CONNECTOR-{code}-400")
    if code == "1330":
        assert refused.json()["errorMessage"] == f"No columns were found for table {params['object']}."


def test_exploring_an_unusable_workspace_gets_the_same_error_as_a_create(adobe: Adobes) -> None:
    connection_id = adobe.create()

    def refused(part: str) -> None:
        created = adobe.call("POST", "/connections", json=BODY)
        for params in (ROOT, CUSTOMERS, CUSTOMERS | {"object": "acme_db.nothing"}):
            response = explore(adobe, connection_id, params)
            assert (response.status_code, number(response)) == (400, "FLOW-1100-400")
            assert response.json()["errorMessage"] == created.json()["errorMessage"]
            assert part in response.text

    adobe.databricks.settings.clusters[CLUSTER] = "TERMINATED"
    refused("TERMINATED")
    adobe.databricks.settings.clusters.clear()
    adobe.databricks.settings.revoked_tokens.append(DATABRICKS_SECRET["accessToken"])
    refused("Invalid access token")
    adobe.adobe.settings.entitled = False
    refused("Not entitled")


def test_an_invalid_explore_call_is_refused_before_databricks_is_called(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.databricks.settings.clusters[CLUSTER] = "TERMINATED"

    refused = explore(adobe, connection_id, {"objectType": "table"})

    assert number(refused) == "CONNECTOR-1337-400"


def test_exploring_starts_no_cluster(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.databricks.settings.clusters[CLUSTER] = "TERMINATED"

    for _ in range(2):
        assert number(explore(adobe, connection_id, ROOT)) == "FLOW-1100-400"

    assert {call.request.method for call in adobe.databricks.calls} == {"GET"}


def test_a_databricks_that_cannot_be_reached_gets_a_503_not_a_refusal(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.databricks.faults.add(Fault(drop=True))

    response = explore(adobe, connection_id, ROOT)

    assert (response.status_code, number(response)) == (503, "FLOW-1103-503")


def test_a_connection_can_be_explored_only_in_its_sandbox_and_while_it_exists(adobe: Adobes) -> None:
    connection_id = adobe.create()
    path = f"/connections/{connection_id}/explore?objectType=root"

    assert number(adobe.call("GET", path, headers={"x-sandbox-name": "prod"})) == "FLOW-1439-404"
    adobe.call("DELETE", f"/connections/{connection_id}")
    assert number(adobe.call("GET", path)) == "FLOW-1439-404"


def test_tables_of_other_sources_are_shown_without_calling_databricks(adobe: Adobes) -> None:
    other = {"id": "3c9b37f8-13a6-43d8-bad3-b863b941fedd", "version": "1.0"}
    connection_id = adobe.create(connectionSpec=other)

    response = explore(adobe, connection_id, ROOT)

    assert response.status_code == 200
    assert response.json()
