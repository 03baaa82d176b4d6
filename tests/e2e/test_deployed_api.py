"""HTTP calls to the deployed stack: signed calls, the gateway, the built functions of the API and of exploring."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws.account import REGION
from local.aws.runtime import Environment
from local.gateway.callers import ACCESS_KEY, SECRET_KEY
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.deployed import Deployed
from tests.support.world import SECRET_ID

KEY = "/connections/dev/sales"
BODY = {"databricksSecretId": SECRET_ID}
WAIT = {"Prefer": "wait=20"}
SECRETS = (ADOBE_SECRET["clientSecret"], DATABRICKS_SECRET["accessToken"])

Call = Callable[..., requests.Response]


@pytest.fixture
def api(stack: Deployed) -> Environment:
    """The environment of the API's function."""
    return stack.environment("ApiFunction")


@pytest.fixture
def call(stack: Deployed, api: Environment) -> Call:
    """Makes calls of the HTTP API, signed by botocore."""
    url = stack.serve(api)

    def make(
        method: str, path: str, body: Any = None, secret_key: str = SECRET_KEY, **headers: str
    ) -> requests.Response:
        data = b"" if body is None else json.dumps(body).encode()
        request = AWSRequest(method, url + path, headers, data)
        SigV4Auth(Credentials(ACCESS_KEY, secret_key), "execute-api", REGION).add_auth(request)
        return requests.request(method, url + path, data=data, headers=dict(request.headers), timeout=60)

    return make


@pytest.fixture
def worker(stack: Deployed) -> Environment:
    """The environment of the function that processes the queue."""
    return stack.environment()


@pytest.fixture
def made(stack: Deployed, call: Call, worker: Environment) -> dict[str, Any]:
    """The result of a request whose caller waited for it."""
    with stack.working(worker):
        response = call("PUT", KEY, BODY, **WAIT)
    assert response.status_code == 201, response.text
    return dict(response.json())


def problem(response: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response."""
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    return dict(response.json())


def test_a_caller_who_waits_gets_the_published_id_of_the_connection(
    stack: Deployed, call: Call, made: dict[str, Any]
) -> None:
    shown = call("GET", KEY).json()

    assert (made["outcome"], made["connectionId"]) == ("created", stack.parameter())
    assert [made["connectionId"]] == stack.connections()
    assert (shown["status"], shown["connectionId"], shown["result"]) == ("ready", made["connectionId"], made)
    assert [one["name"] for one in call("GET", "/connections?sandbox=dev&status=ready").json()["connections"]] == [
        "sales"
    ]


def test_tables_and_columns_are_read_through_the_exploring_function(call: Call, made: dict[str, Any]) -> None:
    tables = call("GET", f"{KEY}/tables")
    columns = call("GET", f"{KEY}/tables/{tables.json()['tables'][1]['path']}")
    none = call("GET", f"{KEY}/tables/acme_db.none")

    assert (tables.status_code, columns.status_code) == (200, 200)
    assert [table["path"] for table in tables.json()["tables"]] == [
        "acme_db.customers", "acme_db.orders", "acme_db.stores",
    ]  # fmt: skip
    assert columns.json()["path"] == "acme_db.orders"
    assert {"name": "ordered_at", "type": "string", "format": "date-time"} in columns.json()["columns"]
    assert 400 <= none.status_code < 500


def test_a_revoked_token_is_a_failed_dependency_that_names_the_check(
    stack: Deployed, call: Call, worker: Environment
) -> None:
    stack.stack.databricks.settings.revoked_tokens = [DATABRICKS_SECRET["accessToken"]]

    with stack.working(worker):
        refused = problem(call("PUT", KEY, BODY, **WAIT), 424, "NotReady")

    assert [fault["field"] for fault in refused["faults"]] == ["TOKEN_VALID"]
    assert call("GET", KEY).json()["reason"]["faults"] == refused["faults"]


def test_a_verification_tests_the_connection_again(
    stack: Deployed, call: Call, worker: Environment, made: dict[str, Any]
) -> None:
    before = call("GET", KEY).json()["tested"]

    accepted = call("POST", f"{KEY}/verify")
    stack.work(worker)

    after = call("GET", KEY).json()["tested"]
    assert accepted.status_code == 202
    assert (before["passed"], after["passed"]) == (True, True)
    assert after["at"] > before["at"]


def test_a_caller_who_waits_for_a_deletion_gets_its_result(
    stack: Deployed, call: Call, worker: Environment, made: dict[str, Any]
) -> None:
    with stack.working(worker):
        response = call("DELETE", KEY, **WAIT)

    assert (response.status_code, response.json()["outcome"]) == (200, "deleted")
    assert (stack.connections(), stack.parameter()) == ([], None)
    assert call("GET", KEY).json()["status"] == "retired"
    problem(call("POST", f"{KEY}/verify"), 404, "NotFound")


def test_a_connection_in_use_is_not_retired_and_its_dataflows_are_named(
    stack: Deployed, call: Call, worker: Environment, made: dict[str, Any]
) -> None:
    stack.stack.adobe.settings.in_use += [made["connectionId"]] * 2

    with stack.working(worker):
        refused = problem(call("DELETE", KEY, **WAIT), 409, "InUse")

    assert len(refused["faults"]) == 2
    assert all(fault["field"] in refused["detail"] for fault in refused["faults"])
    assert stack.parameter() == made["connectionId"]


def test_the_api_function_itself_refuses_an_invalid_request(stack: Deployed, call: Call) -> None:
    problem(call("PUT", KEY, BODY | {"description": "x" * 17_000}), 413, "InvalidRequest")
    refused = problem(call("PUT", KEY, {"databricksSecretId": "other/x", "surprise": 1}), 422, "InvalidRequest")

    assert {fault["field"] for fault in refused["faults"]} == {"databricksSecretId", "surprise"}
    problem(call("GET", KEY), 404, "NotFound")
    problem(call("PATCH", KEY), 405, "MethodNotAllowed")


def test_a_call_with_a_wrong_signature_does_not_reach_the_function(api: Environment, call: Call) -> None:
    refused = call("PUT", KEY, BODY, secret_key="another")

    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    assert api.starts == 0


def test_the_roles_in_the_template_allow_exactly_what_the_deployed_functions_need(
    stack: Deployed, call: Call, made: dict[str, Any]
) -> None:
    """Invariant 7, Least, while the queue is not processed: no call needs another role, and nothing is unused."""
    before = len(stack.calls.made)
    accepted = [("PUT", KEY), ("POST", f"{KEY}/verify")]
    reads = [("GET", path) for path in (KEY, f"{KEY}/tables", "/connections", "/connections?sandbox=dev")]

    responses = [call(*one, BODY if one[0] == "PUT" else None) for one in (*accepted, *reads)]

    assert [response.status_code for response in responses] == [202] * 2 + [200] * 4
    calls = stack.calls.made[before:]
    allowed = [*stack.granted("ApiFunction"), *stack.granted("ExploreFunction")]
    assert [one for one in calls if not any(grant.permits(one) for grant in allowed)] == []
    assert [str(grant) for grant in stack.calls.unused(allowed, calls)] == []


def test_each_call_is_logged_on_one_line_without_secrets(stack: Deployed, call: Call, made: dict[str, Any]) -> None:
    call("GET", f"{KEY}/tables")

    lines = [line for line in stack.written.logs() if line.get("message") == "HTTP request processed"]
    assert sorted((line["route"], line["status"]) for line in lines) == [
        ("GET /connections/{sandbox}/{name}/tables", 200), ("PUT /connections/{sandbox}/{name}", 201),
    ]  # fmt: skip
    assert not [secret for secret in SECRETS if secret in "\n".join(stack.written.lines)]
