"""Simulated Flow Service creates, shows, patches, tests and deletes connections as Adobe documents it."""

from __future__ import annotations

import uuid
from typing import Any, Literal

import pytest

from local.simulators.connections import DATABRICKS_SPEC
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import BODY, Adobes, number


def test_a_create_returns_only_the_id_and_a_quoted_etag(adobe: Adobes) -> None:
    response = adobe.call("POST", "/connections", json=BODY)

    assert set(response.json()) == {"id", "etag"}
    assert response.json()["etag"][0] == response.json()["etag"][-1] == '"'
    assert response.headers["Location"].endswith(response.json()["id"])


def test_names_are_not_unique(adobe: Adobes) -> None:
    assert adobe.create() != adobe.create()


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
    shared: Adobes, body: dict[str, Any], status: int, part: str
) -> None:
    refused = shared.call("POST", "/connections", json=body)

    assert refused.status_code == status
    assert part in refused.text


def test_get_returns_a_wrapped_and_masked_item_with_params_that_were_not_sent(adobe: Adobes) -> None:
    (item,) = adobe.call("GET", f"/connections/{adobe.create()}").json()["items"]

    assert item["auth"]["params"]["accessToken"] != DATABRICKS_SECRET["accessToken"]
    assert item["auth"]["params"]["domain"] == DATABRICKS_SECRET["domain"]
    assert "authorizedDate" in item["auth"]["params"]
    assert item["version"] == item["etag"]
    assert "description" not in item
    assert (item["state"], item["sandboxName"]) == ("enabled", "dev")


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
def test_invalid_patches_are_refused_with_adobes_errors(shared: Adobes, operation: dict[str, Any], code: str) -> None:
    connection_id = shared.id_of("a")
    etag = shared.adobe.records[connection_id].item["etag"]

    refused = shared.call("PATCH", f"/connections/{connection_id}", json=[operation], headers={"If-Match": etag})

    assert number(refused) == f"FLOW-{code}-400"
    assert shared.adobe.records[connection_id].item["etag"] == etag


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


def test_a_connection_is_deleted_only_when_no_flow_uses_it(adobe: Adobes) -> None:
    (connection_id,) = adobe.used("a")
    refused = adobe.call("DELETE", f"/connections/{connection_id}")
    assert (refused.status_code, number(refused)) == (400, "FLOW-1418-400")

    adobe.adobe.settings.in_use.clear()

    assert adobe.flows()["items"] == []
    assert adobe.call("DELETE", f"/connections/{connection_id}").status_code == 204


def test_a_connection_that_adobe_is_still_processing_is_neither_patched_nor_deleted(adobe: Adobes) -> None:
    connection_id = adobe.create()
    etag = adobe.adobe.records[connection_id].item["etag"]
    adobe.adobe.settings.states[connection_id] = "enabled-finalizing"

    patch = adobe.call("PATCH", f"/connections/{connection_id}", json=[], headers={"If-Match": etag})
    assert number(patch) == "FLOW-1416-400"
    assert number(adobe.call("DELETE", f"/connections/{connection_id}")) == "FLOW-1420-400"


def test_a_test_returns_an_object_or_a_boolean(adobe: Adobes) -> None:
    test = f"/connections/{adobe.create()}/test"
    assert adobe.call("GET", test).json() == {"result": True}

    adobe.adobe.settings.test_shape = "boolean"
    assert adobe.call("GET", test).json() is True
    adobe.databricks.settings.clusters[DATABRICKS_SECRET["clusterId"]] = "TERMINATED"
    assert adobe.call("GET", test).json() is False


def test_sandboxes_are_separate_and_an_unknown_one_is_not_a_missing_connection(adobe: Adobes) -> None:
    connection_id = adobe.create()
    elsewhere = adobe.call("GET", f"/connections/{connection_id}", headers={"x-sandbox-name": "prod"})
    assert number(elsewhere) == "FLOW-1439-404"

    adobe.adobe.settings.sandboxes.append("prod")
    assert number(adobe.call("GET", f"/connections/{connection_id}")) == "FLOW-2100-404"
    assert number(adobe.call("GET", "/connections", without="x-sandbox-name")) == "FLOW-2105-400"
    assert number(adobe.call("GET", "/connections", headers={"x-sandbox-id": "1"})) == "FLOW-2110-400"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/connectionSpecs/x"),
        ("GET", "/connectionSpecs/x"),
        ("POST", f"/connections/{uuid.UUID(int=1)}/configs"),
        ("GET", f"/connections/{uuid.UUID(int=1)}/configs"),
        ("POST", "/connections/search"),
        ("POST", "/flows"),
        ("PATCH", "/flows/x"),
        ("DELETE", "/flows/x"),
    ],
)
def test_calls_that_are_not_simulated_get_a_501_not_the_error_of_a_gone_connection(
    shared: Adobes, method: str, path: str
) -> None:
    response = shared.call(method, path, json={})

    assert (response.status_code, "simulator has no" in response.json()["message"]) == (501, True)
