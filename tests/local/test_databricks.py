"""The Databricks simulator: callers, tokens and refusals, over plain HTTP and with the Databricks SDK."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk import errors as sdk_errors
from databricks.sdk.errors.private_link import PrivateLinkValidationError

from local.simulators.databricks import WORKSPACE
from tests.support.adobes import Adobes
from tests.support.workspace import CLUSTER, METASTORE, Workspace, client, tables

ME = "/api/2.0/preview/scim/v2/Me"
TOKENS = "/api/2.0/token/list"


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
    me = sdk.current_user.me()
    assert ("@" in (me.user_name or ""), me.active) == (False, True)

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


@pytest.mark.parametrize("settings", [{"revokedTokens": ["bad"]}, {"tokenDays": -0.5}], ids=["revoked", "expired"])
def test_a_revoked_or_expired_token_gets_a_403_with_a_numeric_error_code_and_a_reason(
    workspace: Workspace, settings: dict[str, Any]
) -> None:
    workspace.order(**settings)

    for path in (ME, TOKENS, METASTORE):
        response = workspace.call("GET", path, "bad")
        assert (response.status_code, response.json()) == (403, {"error_code": 403, "message": "Invalid access token."})
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
def test_an_unknown_endpoint_gets_a_404_in_json(shared: Adobes, method: str, path: str) -> None:
    response = Workspace(shared).call(method, path, json={"cluster_id": CLUSTER})

    assert (response.status_code, response.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
