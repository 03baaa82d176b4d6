"""Simulated Adobe checks the workspace before it creates, tests or explores a connection."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import BODY, CUSTOMERS, ROOT, Adobes, number
from tests.support.workspace import CLUSTER, Workspace

EXPLORED = (ROOT, CUSTOMERS, CUSTOMERS | {"object": "acme_db.nothing"})
TOKEN = DATABRICKS_SECRET["accessToken"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clusters": {CLUSTER: "TERMINATED"}}, "is in state TERMINATED"),
        ({"revokedTokens": [TOKEN]}, "Invalid access token"),
        ({"clusterSources": {CLUSTER: "JOB"}}, "not an interactive one but of JOB"),
        ({"singleUsers": {CLUSTER: "other"}}, "dedicated to other"),
        ({"hiddenClusters": [CLUSTER]}, "is not authorized to access cluster"),
        ({"missingScopes": ["clusters"]}, "required scopes: clusters"),
        ({"refusal": "ip"}, "blocked by Databricks IP ACL"),
        ({"refusal": "private-link"}, "status code 303"),
        ({"refusal": "login-page"}, "status code 200"),
        ({"unityCatalog": False}, "No metastore assigned"),
        ({"missingCatalogs": ["main"]}, "Catalog 'main' does not exist"),
        ({"missingSchemas": ["main.acme_db"]}, "Schema 'main.acme_db' does not exist"),
        ({"missingGrants": ["USE SCHEMA"]}, "does not have USE SCHEMA"),
        ({"entitled": False}, "Not entitled"),
    ],
)
def test_create_test_and_explore_fail_with_a_workspace_that_adobe_cannot_use(
    adobe: Adobes, settings: dict[str, Any], message: str
) -> None:
    params = DATABRICKS_SECRET | {"catalog": "main"}
    auth = {"specName": "Access Token Authentication", "params": params}
    connection_id = adobe.create(auth=auth)
    assert adobe.call("GET", f"/connections/{connection_id}/test").json() == {"result": True}

    simulator = adobe.adobe if "entitled" in settings else adobe.databricks
    assert adobe.session.patch(f"{simulator.url}/_simulator/settings", json=settings).status_code == 200

    refused = adobe.call("POST", "/connections", json=BODY | {"auth": auth})
    assert (refused.status_code, number(refused)) == (400, "FLOW-1100-400")
    assert message in refused.json()["errorMessage"]
    assert adobe.call("GET", f"/connections/{connection_id}/test").json() == {"result": False}
    for wanted in EXPLORED:
        response = adobe.explore(connection_id, wanted)
        assert (response.status_code, number(response)) == (400, "FLOW-1100-400")
        assert response.json()["errorMessage"] == refused.json()["errorMessage"]


@pytest.mark.parametrize(
    "settings",
    [
        {"singleUsers": {CLUSTER: "analysts"}, "groups": ["analysts"]},
        {"singleUsers": {CLUSTER: "other"}, "securityModes": {CLUSTER: "NONE"}},
        {"clusterSources": {CLUSTER: "API"}},
        {"unityCatalog": False},
    ],
)
def test_adobe_accepts_group_and_shared_clusters_and_checks_only_a_named_catalog(
    workspace: Workspace, settings: dict[str, Any]
) -> None:
    workspace.order(**settings)

    workspace.adobe.create()

    calls = [call.request for call in workspace.adobe.databricks.calls]
    assert [call.path for call in calls] == ["/api/2.0/preview/scim/v2/Me", "/api/2.1/clusters/get"]
    assert {call.headers["user-agent"] for call in calls} == {"adobe"}


def test_adobe_looks_for_no_schema_of_the_hive_metastore(workspace: Workspace) -> None:
    workspace.order(unityCatalog=False)
    params = DATABRICKS_SECRET | {"catalog": "hive_metastore"}

    workspace.adobe.create(auth={"specName": "Access Token Authentication", "params": params})

    calls = [call.request.path for call in workspace.adobe.databricks.calls]
    assert calls == ["/api/2.0/preview/scim/v2/Me", "/api/2.1/clusters/get"]


@pytest.mark.parametrize(
    ("fault", "code", "test"),
    [
        (Fault(drop=True), "FLOW-1103-503", 503),
        (Fault(truncate=True), "FLOW-1103-503", 503),
        (Fault(status=503, body="<html>"), "FLOW-1100-400", 200),
        (Fault(status=403, body="<pre>Invalid access token.</pre>"), "FLOW-1100-400", 200),
        (Fault(status=302, headers={"Location": "/login.html"}), "FLOW-1100-400", 200),
        (Fault(status=200, body="<html>"), "FLOW-1100-400", 200),
        (Fault(path=".*/clusters/get", status=200, body="{}"), "FLOW-1100-400", 200),
    ],
    ids=["drop", "truncate", "503", "403-html", "302", "200-html", "cluster-without-state"],
)
def test_adobe_reports_failures_of_databricks(adobe: Adobes, fault: Fault, code: str, test: int) -> None:
    connection_id = adobe.create()
    adobe.databricks.faults.add(fault, fault, fault)

    assert number(adobe.call("POST", "/connections", json=BODY)) == code
    response = adobe.call("GET", f"/connections/{connection_id}/test")
    assert response.status_code == test
    assert response.json() == {"result": False} or test == 503
    explored = adobe.explore(connection_id, ROOT)
    assert (f"-{explored.status_code}", number(explored)) == (code[-4:], code)
