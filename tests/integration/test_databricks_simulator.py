"""The Databricks simulator behaves as Databricks documents it, over plain HTTP and with the Databricks SDK."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk import errors as sdk_errors
from databricks.sdk.errors.private_link import PrivateLinkValidationError
from databricks.sdk.service.compute import State

from local.simulators.databricks import WORKSPACE
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import BODY, Adobes, number
from tests.support.workspace import CLUSTER, Workspace, client

ME = "/api/2.0/preview/scim/v2/Me"
TOKENS = "/api/2.0/token/list"
METASTORE = "/api/2.1/unity-catalog/current-metastore-assignment"
SOON = timedelta(seconds=2)


@pytest.fixture
def workspace(adobe: Adobes) -> Workspace:
    return Workspace(adobe)


@pytest.fixture
def sdk(workspace: Workspace) -> WorkspaceClient:
    return client(workspace)


def uc(kind: str, name: str) -> str:
    return f"/api/2.1/unity-catalog/{kind}/{name}"


def tables(catalog: str = "main", schema: str = "sales") -> str:
    return f"/api/2.1/unity-catalog/tables?catalog_name={catalog}&schema_name={schema}&max_results=1"


def test_every_reply_names_the_workspace(workspace: Workspace) -> None:
    headers = {"X-Databricks-Workspace-Id": "42"}
    assert workspace.call("GET", ME).headers["x-databricks-org-id"] == WORKSPACE
    assert workspace.call("GET", ME, headers=headers).headers["x-databricks-org-id"] == "42"

    workspace.order(orgId="7", revokedTokens=["bad"], missingClusters=[CLUSTER])

    responses = [
        workspace.call("GET", ME, headers=headers),
        workspace.call("GET", ME, "bad"),
        workspace.call("GET", "/api/2.0/nothing"),
        workspace.call("GET", f"/api/2.0/clusters/get?cluster_id={CLUSTER}"),
        workspace.adobe.session.get(workspace.url + ME),
    ]
    assert [response.status_code for response in responses] == [200, 403, 404, 400, 401]
    assert {response.headers["x-databricks-org-id"] for response in responses} == {"7"}


def test_me_is_a_service_principal_unless_the_settings_change_it(workspace: Workspace, sdk: WorkspaceClient) -> None:
    assert "@" not in (sdk.current_user.me().user_name or "")

    workspace.order(userName="jane@acme.example", userActive=False, groups=["analysts"])
    me = sdk.current_user.me()

    assert (me.user_name, me.active) == ("jane@acme.example", False)
    assert [group.display for group in me.groups or []] == ["analysts"]


def test_tokens_are_listed_with_the_day_they_expire(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(tokenDays=1.5, otherTokens=2)
    first, *others = sdk.tokens.list()
    assert first.expiry_time == (workspace.clock.now() + 1.5 * 86_400) * 1000
    assert len({first.token_id, *(one.token_id for one in others)}) == 3

    workspace.order(tokenDays=0, otherTokens=0)
    assert [one.expiry_time for one in sdk.tokens.list()] == [-1]


def test_an_expired_token_is_refused_like_a_revoked_one(workspace: Workspace) -> None:
    workspace.order(tokenDays=-0.5)

    for path in (ME, TOKENS):
        response = workspace.call("GET", path)
        assert (response.status_code, response.json()["message"]) == (403, "Invalid access token.")


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("clusters", f"/api/2.1/clusters/get?cluster_id={CLUSTER}"),
        ("clusters", "/api/2.1/clusters/list"),
        ("unity-catalog", METASTORE),
        ("unity-catalog", tables()),
        ("tokens", TOKENS),
    ],
)
def test_a_token_without_the_scope_of_a_call_is_refused_there_but_still_valid(
    workspace: Workspace, scope: str, path: str
) -> None:
    workspace.order(missingScopes=[scope])

    words = f"Provided OAuth token does not have required scopes: {scope}"
    assert workspace.refusal(path) == (403, "PERMISSION_DENIED", words)
    assert workspace.call("GET", ME).status_code == 200


@pytest.mark.parametrize("path", [ME, TOKENS, f"/api/2.1/clusters/get?cluster_id={CLUSTER}", METASTORE])
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("ip", "Source IP address: 203.0.113.7 is blocked by Databricks IP ACL for workspace: 7"),
        ("other-workspace", "Invalid access to Org: 7"),
    ],
)
def test_a_refusal_by_ip_or_workspace_has_a_number_as_its_error_code(
    workspace: Workspace, path: str, refusal: str, words: str
) -> None:
    workspace.order(refusal=refusal, orgId="7")

    response = workspace.call("GET", path)

    assert (response.status_code, response.json()) == (403, {"error_code": 403, "message": words})
    with pytest.raises(sdk_errors.PermissionDenied, match=words):
        client(workspace).current_user.me()


def test_a_private_link_redirects_every_call(workspace: Workspace) -> None:
    workspace.order(refusal="private-link")

    response = workspace.call("GET", ME)

    assert response.status_code == 303
    assert response.headers["Location"] == "/login.html?error=private-link-validation-error"
    with pytest.raises(PrivateLinkValidationError):
        client(workspace).clusters.get(CLUSTER)


def test_another_host_replies_with_a_login_page(workspace: Workspace) -> None:
    workspace.order(refusal="login-page")

    response = workspace.call("GET", ME)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        client(workspace).current_user.me()


def test_a_revoked_token_gets_a_403_with_a_numeric_error_code_and_a_reason(workspace: Workspace) -> None:
    workspace.order(revokedTokens=["bad"])

    for path in (ME, TOKENS, METASTORE):
        response = workspace.call("GET", path, "bad")
        assert response.json() == {"error_code": 403, "message": "Invalid access token."}
        assert response.headers["X-Databricks-Reason-Phrase"] == "Invalid access token."
    with pytest.raises(sdk_errors.PermissionDenied, match=r"Invalid access token\."):
        client(workspace, "bad").current_user.me()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/.well-known/databricks-config"),
        ("GET", "/api/2.1/clusters/start"),
        ("POST", "/api/2.1/clusters/edit"),
        ("GET", "/api/2.0/unity-catalog/catalogs/main"),
        ("GET", "/"),
    ],
)
def test_an_unknown_endpoint_gets_a_404_in_json(workspace: Workspace, method: str, path: str) -> None:
    response = workspace.call(method, path, json={"cluster_id": CLUSTER})

    assert (response.status_code, response.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


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


def test_an_identity_without_can_restart_sees_a_cluster_but_cannot_start_or_stop_it(
    workspace: Workspace, sdk: WorkspaceClient
) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, missingGrants=["CAN RESTART"])

    assert sdk.clusters.get(CLUSTER).state is State.TERMINATED
    for verb in ("start", "restart", "delete"):
        assert workspace.move(verb)[0] == 403
    with pytest.raises(sdk_errors.PermissionDenied, match="does not have Restart permissions"):
        sdk.clusters.start(CLUSTER)


def test_an_identity_without_can_attach_to_sees_no_cluster(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "RUNNING"}, missingGrants=["CAN ATTACH TO"])

    with pytest.raises(sdk_errors.PermissionDenied, match="is not authorized to access cluster"):
        sdk.clusters.get(CLUSTER)
    assert workspace.move("start")[0] == 403
    assert list(sdk.clusters.list()) == []


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"refusal": "unknown"}, 'refusal must be "" or "ip" or "private-link"'),
        ({"missingScopes": ["sql"]}, "missingScopes must be a list; each item must be"),
        ({"missingGrants": ["MODIFY"]}, "missingGrants must be a list; each item must be"),
        ({"startSeconds": -1}, "startSeconds must be a number"),
        ({"startSeconds": float("inf")}, "startSeconds must be a number"),
        ({"otherTokens": 1.5}, "otherTokens must be a whole number, 0 or more"),
        ({"tokenDays": "1"}, "tokenDays must be a number (0: never expires"),
        ({"clusters": {CLUSTER: "STOPPED"}}, 'clusters must be an object; each value must be "PENDING" or "RUNNING"'),
        ({"missingSchemas": ["acme_db"]}, "each item must be a string of the form `catalog.schema`"),
        ({"emptySchemas": ["a.b.c"]}, "each item must be a string of the form `catalog.schema`"),
    ],
)
def test_an_invalid_setting_is_refused_with_its_rule(workspace: Workspace, wrong: dict[str, Any], rule: str) -> None:
    response = workspace.adobe.session.patch(f"{workspace.url}/_simulator/settings", data=json.dumps(wrong))

    assert response.status_code == 400
    assert rule in response.json()["message"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
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
    ],
)
def test_adobe_refuses_a_workspace_that_it_cannot_use(
    workspace: Workspace, settings: dict[str, Any], message: str
) -> None:
    params = DATABRICKS_SECRET | {"catalog": "main"}
    body = BODY | {"auth": {"specName": "Access Token Authentication", "params": params}}
    assert workspace.adobe.call("POST", "/connections", json=body).status_code == 201

    workspace.order(**settings)
    refused = workspace.adobe.call("POST", "/connections", json=body)

    assert number(refused) == "FLOW-1100-400"
    assert message in refused.text


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

    assert [call.request.path for call in workspace.adobe.databricks.calls] == [ME, "/api/2.1/clusters/get"]
    assert {call.request.headers["user-agent"] for call in workspace.adobe.databricks.calls} == {"adobe"}
