"""Tables of a connection over HTTP: the API's function invokes the explore function, which calls Adobe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.aws import functions
from local.aws.invocation import FunctionFailed
from local.simulators.faults import Fault
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.canaries import TOKEN
from tests.support.web import KEY, Web
from tests.support.world import ABSENT, SECRET_ID, STOPPED, World

TABLES = KEY + "/tables"


@pytest.fixture
def web(world: World) -> Web:
    world.request()
    return Web(world)


def refusal(web: Web, status: int, code: str, path: str = TABLES) -> dict[str, Any]:
    """The problem document that exploring returns."""
    response = web("GET", path)
    assert (response.status, response.document["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    return dict(response.document)


def test_the_tables_are_listed_and_a_tables_columns_have_types(web: Web) -> None:
    tables = web("GET", TABLES)

    assert tables.status == 200
    path = tables.document["tables"][0]["path"]
    table = web("GET", f"{TABLES}/{path}").document
    assert table["path"] == path
    assert all(column["name"] and column["type"] for column in table["columns"])
    assert "date-time" in {column["format"] for t in tables.document["tables"] for column in columns(web, t["path"])}


def columns(web: Web, path: str) -> list[dict[str, Any]]:
    return list(web("GET", f"{TABLES}/{path}").document["columns"])


def test_a_table_that_does_not_exist_is_not_found(web: Web) -> None:
    assert "path" in refusal(web, 404, "NotFound", TABLES + "/acme_db.nothing")["detail"]


def test_a_connection_that_adobe_no_longer_has_is_not_found(world: World, web: Web) -> None:
    world.adobe.records[str(world.parameter())].deleted_at = world.clock.now()

    assert "no longer" in refusal(web, 404, "NotFound")["detail"]
    refusal(web, 404, "NotFound", TABLES + "/acme_db.orders")


def test_the_remedy_of_a_temporary_failure_is_to_try_again_in_a_moment(world: World, web: Web) -> None:
    world.adobe.faults.add(Fault(path=".*/explore", times=0, status=503))

    assert refusal(web, 503, "Unavailable")["remedy"] == "Try again in a moment."


def test_exploring_changes_nothing(world: World, web: Web) -> None:
    before = world.item()

    web("GET", TABLES)

    assert world.item() == before
    assert [call.method for call in world.calls(path="/explore")] == ["GET"]


def test_a_stopped_cluster_is_reported_with_a_remedy_and_not_started(world: World, web: Web) -> None:
    world.databricks.settings.clusters = dict(STOPPED)

    refused = refusal(web, 424, "DatabricksRefused")

    assert [fault["field"] for fault in refused["faults"]] == ["CLUSTER_STATE"]
    assert "TERMINATED" in refused["detail"]
    assert "tart" in refused["remedy"]
    assert not [c for c in world.databricks.calls if c.request.path.endswith("/start")]


def test_a_revoked_token_is_reported_but_never_shown(world: World, web: Web) -> None:
    token = DATABRICKS_SECRET["accessToken"]
    world.databricks.settings.revoked_tokens.append(token)
    world.adobe.settings.echo_secrets = True

    refused = refusal(web, 424, "DatabricksRefused")

    assert [fault["field"] for fault in refused["faults"]] == ["TOKEN_VALID"]
    assert refused["requestId"]
    assert token not in json.dumps(refused)


def test_without_the_databricks_secret_adobes_message_is_withheld(world: World, web: Web) -> None:
    world.put_secret(accessToken=TOKEN)
    world.request()
    world.delete_secret()
    world.adobe.settings.echo_secrets = True
    world.databricks.settings.clusters = dict(STOPPED)

    refused = refusal(web, 424, "DatabricksRefused")

    assert TOKEN not in refused["detail"]
    assert refused["faults"] == []


def test_another_organizations_credential_explores_nothing(world: World, web: Web) -> None:
    world.put_values(world.environment["ADOBE_SECRET_ID"], ADOBE_SECRET | {"orgId": "X@AdobeOrg"})

    refusal(web, 409, "Conflict")

    assert world.calls(path="/explore") == []


def test_a_key_without_a_connection_has_no_tables(world: World, web: Web) -> None:
    web("PUT", "/connections/dev/other", {"databricksSecretId": SECRET_ID})
    world.request(ABSENT)

    for key in ("other", "sales"):
        refusal(web, 404, "NotFound", f"/connections/dev/{key}/tables")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"status": 429}, 429, "Throttled"),
        ({"status": 503}, 503, "Unavailable"),
        ({"status": 403, "body": '{"error_code": "403025", "message": "Profile is not valid"}'}, 424, "AdobeForbidden"),
        ({"status": 200, "body": "<html>"}, 503, "Unavailable"),
        ({"status": 200, "body": '{"tables": 1}'}, 503, "Unavailable"),
    ],
)
def test_every_error_of_adobe_becomes_a_clear_problem_document(
    world: World, web: Web, fault: dict[str, Any], status: int, code: str
) -> None:
    world.adobe.faults.add(Fault(path=".*/explore", times=0, **fault))

    assert refusal(web, status, code)["remedy"]


@pytest.mark.cloud
def test_an_explore_function_that_fails_or_times_out_becomes_a_clear_problem_document(world: World, web: Web) -> None:
    def fail(_event: Any, _context: Any) -> Any:
        raise FunctionFailed({"errorType": "Sandbox.Timedout", "errorMessage": "inner words"})

    world.functions[web.explore_name] = fail

    assert "inner words" not in json.dumps(refusal(web, 503, "Unavailable"))


@pytest.mark.cloud
def test_a_missing_explore_function_is_reported_as_unavailable_without_details(world: World, web: Web) -> None:
    del world.functions[web.explore_name]

    assert "invoke" not in json.dumps(refusal(web, 503, "Unavailable"))


def test_each_timeout_from_explore_to_the_gateway_is_shorter_than_the_next(world: World, web: Web) -> None:
    declared = world.template.resources()

    explore, api = (declared[f"{name}Function"]["Properties"]["Timeout"] for name in ("Explore", "Api"))

    assert explore < functions.INVOKE_SECONDS < api < web.gateway.timeout_seconds


def test_the_connection_in_the_registry_is_explored_not_the_one_that_the_caller_names(world: World, web: Web) -> None:
    explore = world.functions[web.explore_name]

    assert explore({"sandbox": "dev", "name": "other", "connectionId": world.parameter()}, None) == {
        "notFound": "There is no connection dev/other."
    }
    assert explore({"sandbox": "../x", "name": "sales"}, None)["failure"]["code"] == "InvalidRequest"
    assert "failure" in explore("nonsense", None)
