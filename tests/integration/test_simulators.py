"""The simulators behave as Adobe and Databricks document it, over plain HTTP."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import requests

from local.simulators.connections import DATABRICKS_SPEC
from local.simulators.faults import Fault
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.adobes import BODY, Adobes, number


def test_a_token_reply_has_its_lifetime_in_seconds(adobe: Adobes) -> None:
    response = adobe.token()

    assert response["token_type"] == "bearer"
    assert response["expires_in"] == 86399


def test_ims_refuses_with_the_errors_of_oauth(adobe: Adobes) -> None:
    adobe.ims.settings.clients["local-client"] = ["right"]
    assert adobe.token()["error"] == "invalid_client"
    assert adobe.session.post(f"{adobe.ims.url}/ims/token/v3", data={}).json()["error"] == "invalid_request"


def test_a_create_returns_only_the_id_and_a_quoted_etag(adobe: Adobes) -> None:
    response = adobe.call("POST", "/connections", json=BODY)

    assert set(response.json()) == {"id", "etag"}
    assert response.json()["etag"][0] == response.json()["etag"][-1] == '"'
    assert response.headers["Location"].endswith(response.json()["id"])


def test_get_returns_a_wrapped_and_masked_item_with_params_that_were_not_sent(adobe: Adobes) -> None:
    (item,) = adobe.call("GET", f"/connections/{adobe.create()}").json()["items"]

    assert item["auth"]["params"]["accessToken"] != DATABRICKS_SECRET["accessToken"]
    assert item["auth"]["params"]["domain"] == DATABRICKS_SECRET["domain"]
    assert "authorizedDate" in item["auth"]["params"]
    assert item["version"] == item["etag"]
    assert "description" not in item
    assert (item["state"], item["sandboxName"]) == ("enabled", "dev")


def test_names_are_not_unique(adobe: Adobes) -> None:
    assert adobe.create() != adobe.create()


def test_lists_are_filtered_ordered_and_paged_by_a_relative_link(adobe: Adobes) -> None:
    for position in range(5):
        adobe.clock.advance(1)
        adobe.create(name=f"n{position}")
    spec = f"connectionSpec.id=={DATABRICKS_SPEC}"

    first = adobe.listed(property=spec, limit=2, orderby="createdAt")
    href = first["_links"]["next"]["href"]
    second = adobe.call("GET", href).json()

    assert href.startswith("/connections?continuationToken=")
    assert [item["name"] for item in first["items"] + second["items"]] == ["n0", "n1", "n2", "n3"]
    assert adobe.call("GET", second["_links"]["next"]["href"]).json()["_links"] == {}
    assert [item["name"] for item in adobe.listed(orderby="-name", limit=1)["items"]] == ["n4"]
    assert [item["name"] for item in adobe.listed()["items"]] == ["n4", "n3", "n2", "n1", "n0"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["name==a"], ["a"]),
        (['name=="a"'], ["a"]),
        (["name==a,b"], ["a", "b"]),
        (["name==a", "name==b"], []),
        (["state==enabled", "name==b"], ["b"]),
        (["createdAt>1"], ["a", "b"]),
        (["auth.params.database==acme_db"], ["a", "b"]),
        (["sandboxName==other"], []),
    ],
)
def test_filters_are_anded_and_a_comma_means_in(adobe: Adobes, filters: list[str], names: list[str]) -> None:
    adobe.create(name="a")
    adobe.create(name="b")

    assert sorted(item["name"] for item in adobe.listed(property=filters)["items"]) == names


def test_count_returns_only_a_number_and_is_refused_together_with_limit(adobe: Adobes) -> None:
    adobe.create()

    assert adobe.listed(count="true") == adobe.listed(count="True") == {"count": 1}
    refused = adobe.call("GET", "/connections", params={"count": "true", "limit": 2})
    assert (refused.status_code, number(refused)) == (400, "FLOW-1401-400")


@pytest.mark.parametrize(("query", "code"), [("name~a", "1449"), ("nope==a", "1449"), ("name==", "1453")])
def test_a_faulty_filter_is_refused(adobe: Adobes, query: str, code: str) -> None:
    refused = adobe.call("GET", "/connections", params={"property": query})

    assert number(refused) == f"FLOW-{code}-400"


def test_patch_replaces_all_params_under_the_etag(adobe: Adobes) -> None:
    connection_id = adobe.create()
    etag = adobe.call("GET", f"/connections/{connection_id}").json()["items"][0]["etag"]
    params = {name: DATABRICKS_SECRET[name] for name in ("domain", "clusterId", "accessToken")} | {"database": "b"}
    operations = [
        {"op": "replace", "path": "/auth/params", "value": params},
        {"op": "add", "path": "/description", "value": "d"},
    ]

    response = adobe.call("PATCH", f"/connections/{connection_id}", json=operations, headers={"If-Match": etag})
    stale = adobe.call("PATCH", f"/connections/{connection_id}", json=operations, headers={"If-Match": etag})
    missing = adobe.call("PATCH", f"/connections/{connection_id}", json=operations)

    assert set(response.json()) == {"id", "etag"}
    assert response.json()["etag"] != etag
    assert adobe.adobe.records[connection_id].item["auth"]["params"] == params
    assert (number(stale), "does not match the current version" in stale.text) == ("FLOW-1404-412", True)
    assert (missing.status_code, number(missing)) == (400, "FLOW-1403-400")


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "move", "path": "/name"}, "1434"),
        ({"op": "replace", "path": "/description", "value": "x"}, "1455"),
        ({"op": "replace", "path": "/connectionSpec", "value": {}}, "1414"),
        ({"op": "remove", "path": "/name"}, "1455"),
    ],
)
def test_invalid_patches_are_refused_with_adobes_errors(adobe: Adobes, operation: dict[str, Any], code: str) -> None:
    connection_id = adobe.create()
    etag = adobe.adobe.records[connection_id].item["etag"]

    refused = adobe.call("PATCH", f"/connections/{connection_id}", json=[operation], headers={"If-Match": etag})

    assert number(refused) == f"FLOW-{code}-400"
    assert adobe.adobe.records[connection_id].item["etag"] == etag


@pytest.mark.parametrize("status", [204, 202])
def test_a_deleted_connection_is_not_found_in_either_error_format(adobe: Adobes, status: Literal[204, 202]) -> None:
    adobe.adobe.settings.delete_status = status
    connection_id = adobe.create()

    assert adobe.call("DELETE", f"/connections/{connection_id}").status_code == status

    newer = adobe.call("GET", f"/connections/{connection_id}")
    adobe.adobe.settings.error_shape = "older"
    older = adobe.call("GET", f"/connections/{connection_id}")
    assert (newer.status_code, number(newer)) == (404, "FLOW-1439-404")
    assert newer.json()["report"]["request-id"]
    assert older.json()["errorMessage"].startswith("connections not found with id = [")


def test_a_connection_in_use_is_not_deleted(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.adobe.settings.in_use.append(connection_id)

    refused = adobe.call("DELETE", f"/connections/{connection_id}")

    assert (refused.status_code, number(refused)) == (400, "FLOW-1418-400")


def test_a_connection_that_adobe_is_still_processing_is_neither_patched_nor_deleted(adobe: Adobes) -> None:
    connection_id = adobe.create()
    etag = adobe.adobe.records[connection_id].item["etag"]
    adobe.adobe.settings.states[connection_id] = "enabled-finalizing"

    patch = adobe.call("PATCH", f"/connections/{connection_id}", json=[], headers={"If-Match": etag})
    assert number(patch) == "FLOW-1416-400"
    assert number(adobe.call("DELETE", f"/connections/{connection_id}")) == "FLOW-1420-400"


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_calls_that_are_not_simulated_get_a_501_not_the_error_of_a_gone_connection(adobe: Adobes, method: str) -> None:
    for path in ("/connectionSpecs/x", f"/connections/{adobe.create()}/configs", "/connections/search"):
        response = adobe.call(method, path, json={})
        if (method, path) != ("GET", "/connections/search"):
            assert response.status_code == 501
            assert "simulator has no" in response.json()["message"]


def test_a_revoked_token_or_a_stopped_cluster_fails_create_and_test_as_in_production(adobe: Adobes) -> None:
    connection_id = adobe.create()
    test = f"/connections/{connection_id}/test"
    assert adobe.call("GET", test).json() == {"result": True}
    adobe.adobe.settings.test_shape = "boolean"
    assert adobe.call("GET", test).json() is True

    adobe.databricks.settings.clusters[DATABRICKS_SECRET["clusterId"]] = "TERMINATED"
    assert adobe.call("GET", test).json() is False
    refused = adobe.call("POST", "/connections", json=BODY)
    assert number(refused) == "FLOW-1100-400"
    assert "TERMINATED" in refused.text

    adobe.databricks.settings.clusters.clear()
    adobe.databricks.settings.revoked_tokens.append(DATABRICKS_SECRET["accessToken"])
    assert adobe.call("GET", test).json() is False
    assert "Invalid access token" in adobe.call("POST", "/connections", json=BODY).text


@pytest.mark.parametrize(
    ("fault", "code", "test"),
    [
        (Fault(drop=True), "FLOW-1103-503", 503),
        (Fault(status=503, body="<html>"), "FLOW-1100-400", 200),
        (Fault(status=403, body="<pre>Invalid access token.</pre>"), "FLOW-1100-400", 200),
        (Fault(status=302, headers={"Location": "/login.html"}), "FLOW-1100-400", 200),
        (Fault(status=200, body="<html>"), "FLOW-1100-400", 200),
        (Fault(truncate=True), "FLOW-1103-503", 503),
        (Fault(path=".*/clusters/get", status=200, body="{}"), "FLOW-1100-400", 200),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_adobe_reports_failures_of_databricks(adobe: Adobes, fault: Fault, code: str, test: int) -> None:
    connection_id = adobe.create()
    adobe.databricks.faults.add(fault, fault)

    assert number(adobe.call("POST", "/connections", json=BODY)) == code
    response = adobe.call("GET", f"/connections/{connection_id}/test")
    assert response.status_code == test
    assert response.json() == {"result": False} or test == 503


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("Authorization", 403, "403010"),
        ("x-api-key", 403, "403000"),
        ("x-gw-ims-org-id", 400, "400003"),
    ],
)
def test_the_gateway_requires_its_headers(adobe: Adobes, header: str, status: int, code: str) -> None:
    refused = adobe.call("GET", "/connections", without=header)

    assert (refused.status_code, refused.json()["error_code"]) == (status, code)


def test_the_gateway_refuses_tokens_that_expired_and_keys_and_organizations_of_others(adobe: Adobes) -> None:
    other = adobe.call("GET", "/connections", headers={"x-api-key": "other"})
    assert (other.status_code, other.json()["error_code"]) == (403, "403003")

    adobe.adobe.settings.orgs.append(ADOBE_SECRET["orgId"])
    for org, code in (("A@AdobeOrg", "403025"), ("garbage", "403027")):
        refused = adobe.call("GET", "/connections", headers={"x-gw-ims-org-id": org})
        assert (refused.status_code, refused.json()["error_code"]) == (403, code)

    adobe.clock.advance(90_000)
    expired = adobe.call("GET", "/connections")
    assert (expired.status_code, expired.json()["error_code"]) == (401, "401013")


def test_a_post_without_json_is_refused(adobe: Adobes) -> None:
    assert adobe.call("POST", "/connections", without="Content-Type", data="x").status_code == 400


def test_sandboxes_are_separate_and_an_unknown_one_is_not_a_missing_connection(adobe: Adobes) -> None:
    connection_id = adobe.create()
    elsewhere = adobe.call("GET", f"/connections/{connection_id}", headers={"x-sandbox-name": "prod"})
    assert number(elsewhere) == "FLOW-1439-404"

    adobe.adobe.settings.sandboxes.append("prod")
    assert number(adobe.call("GET", f"/connections/{connection_id}")) == "FLOW-2100-404"
    assert number(adobe.call("GET", "/connections", without="x-sandbox-name")) == "FLOW-2105-400"
    assert number(adobe.call("GET", "/connections", headers={"x-sandbox-id": "1"})) == "FLOW-2110-400"


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({}, 400, "Please provide a valid spec id"),
        (BODY | {"connectionSpec": {"id": DATABRICKS_SPEC}}, 422, "is required for spec info"),
        (BODY | {"connectionSpec": {"id": "nope", "version": "1.0"}}, 400, "FLOW-1413-400"),
        (BODY | {"connectionSpec": {"id": DATABRICKS_SPEC, "version": "9"}}, 400, "FLOW-1413-400"),
        (BODY | {"auth": {"specName": "OAuth2", "params": {}}}, 400, "FLOW-1415-400"),
        (
            BODY | {"auth": {"specName": "Access Token Authentication", "params": {"domain": "x"}}},
            400,
            "CONNECTOR-1304-400",
        ),
    ],
)
def test_invalid_posts_are_refused_with_adobes_errors(
    adobe: Adobes, body: dict[str, Any], status: int, part: str
) -> None:
    refused = adobe.call("POST", "/connections", json=body)

    assert refused.status_code == status
    assert part in refused.text


def test_a_new_connection_may_be_late_in_lists_but_not_by_id(adobe: Adobes) -> None:
    adobe.adobe.settings.list_lag_seconds = 30
    connection_id = adobe.create()

    assert adobe.listed()["items"] == []
    assert adobe.call("GET", f"/connections/{connection_id}").status_code == 200
    adobe.clock.advance(30)
    assert len(adobe.listed()["items"]) == 1


def test_simulated_databricks_replies_as_databricks_does(adobe: Adobes) -> None:
    url, session = adobe.databricks.url, adobe.session
    adobe.databricks.settings.revoked_tokens.append("bad")
    adobe.databricks.settings.missing_clusters.append("none")

    def get(path: str, token: str = "good") -> requests.Response:
        return session.get(url + path, headers={"Authorization": f"Bearer {token}"})

    me = "/api/2.0/preview/scim/v2/Me"
    assert get(me).json()["active"] is True
    assert (get(me, "bad").status_code, get(me, "bad").json()["error_code"]) == (403, 403)
    assert get(me, "bad").headers["X-Databricks-Reason-Phrase"] == "Invalid access token."
    assert get("/api/2.1/clusters/get?cluster_id=a").json()["state"] == "RUNNING"
    missing = get("/api/2.1/clusters/get?cluster_id=none")
    assert (missing.status_code, missing.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert session.get(url + me).status_code == 401
    assert get("/api/2.0/nothing").json()["error_code"] == "ENDPOINT_NOT_FOUND"
