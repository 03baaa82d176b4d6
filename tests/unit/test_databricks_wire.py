"""What a response of Databricks means. Status, code and text together decide, since none of them is enough."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.domain.redaction import Redactor
from aep_connections.http.transport import Reply
from aep_connections.sources.databricks.replies import ApiError, interpret
from aep_connections.sources.databricks.terminations import benign, termination_of

TOKEN = "dapi0123456789abcdef0123456789abcdef"
HTML = "<html><title>Error 403 Invalid access token.</title><pre>Invalid access token.</pre></html>"


def reply(status: int, body: Any, **headers: str) -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text.encode())


def coded(code: object, message: str) -> dict[str, object]:
    return {"error_code": code, "message": message}


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (200, {}, None),
        (200, {"id": "1"}, None),
        (303, "", ApiError.ELSEWHERE),
        (302, {"error_code": 403}, ApiError.ELSEWHERE),
        (200, "<html>Log in</html>", ApiError.ELSEWHERE),
        (200, [1], ApiError.ELSEWHERE),
        (200, "", ApiError.ELSEWHERE),
        (
            401,
            coded(401, "Credential was not sent or was of an unsupported type for this API."),
            ApiError.NO_CREDENTIAL,
        ),
        (403, coded(403, "Invalid access token."), ApiError.TOKEN_INVALID),
        (403, HTML, ApiError.TOKEN_INVALID),
        (403, coded("PERMISSION_DENIED", "Invalid access token."), ApiError.TOKEN_INVALID),
        (403, coded(403, "Invalid access to Org: 1"), ApiError.OTHER_WORKSPACE),
        (403, coded("PERMISSION_DENIED", "Token does not have required scopes: clusters"), ApiError.SCOPE),
        (403, coded(403, "Source IP address: 203.0.113.7 is blocked by Databricks IP ACL"), ApiError.IP_BLOCKED),
        (403, coded("PERMISSION_DENIED", "Blocked by network access policy"), ApiError.IP_BLOCKED),
        (403, coded(403, "Something new"), ApiError.REFUSED),
        (403, coded("PERMISSION_DENIED", "User does not have USE SCHEMA on Schema 'a.b'."), ApiError.FORBIDDEN),
        (403, {"schemas": [], "detail": "no", "status": "403"}, ApiError.FORBIDDEN),
        (403, "<html>Forbidden by a proxy</html>", ApiError.ELSEWHERE),
        (400, coded("INVALID_PARAMETER_VALUE", "Cluster 0923 does not exist"), ApiError.MISSING),
        (400, coded("INVALID_PARAMETER_VALUE", "page_size is wrong"), ApiError.ODD),
        (400, coded("INVALID_STATE", "Cannot access cluster 0923 that was terminated"), ApiError.MISSING),
        (400, coded("INVALID_STATE", "Cluster 0923 is in unexpected state Running."), ApiError.STATE),
        (404, coded("METASTORE_DOES_NOT_EXIST", "No metastore assigned"), ApiError.NO_CATALOGS),
        (400, coded("FEATURE_DISABLED", "Unity Catalog is disabled"), ApiError.NO_CATALOGS),
        (404, coded("ENDPOINT_NOT_FOUND", "no API found"), ApiError.NO_CATALOGS),
        (400, coded("INVALID", "No metastore assigned for the current workspace."), ApiError.NO_CATALOGS),
        (404, coded("CATALOG_DOES_NOT_EXIST", "Catalog 'x' does not exist."), ApiError.MISSING),
        (404, coded("NOT_FOUND", "no such thing"), ApiError.MISSING),
        (404, {"error": "no such thing"}, ApiError.ODD),
        (404, "<html>Not found</html>", ApiError.ELSEWHERE),
        (429, coded("REQUEST_LIMIT_EXCEEDED", "slow down"), ApiError.THROTTLED),
        (500, coded("INTERNAL_ERROR", "oops"), ApiError.FAULT),
        (503, "", ApiError.FAULT),
        (418, coded("TEAPOT", "no"), ApiError.ODD),
    ],
)
def test_each_response_has_its_meaning(status: int, body: Any, trouble: ApiError | None) -> None:
    assert interpret(reply(status, body), Redactor()).error is trouble


def test_the_reason_phrase_is_used_for_an_empty_body() -> None:
    response = interpret(reply(403, "", x_databricks_reason_phrase="Invalid access token."), Redactor())

    assert response.error is ApiError.TOKEN_INVALID
    assert response.words == "Databricks returned HTTP 403: Invalid access token."


def test_a_sentence_has_the_meaning_and_the_response_once() -> None:
    response = interpret(reply(403, coded(403, "Invalid access token.")), Redactor())

    assert response.sentence == "The token is invalid. Databricks returned HTTP 403: Invalid access token."


def test_messages_are_shown_without_secrets_and_pages_are_not_shown() -> None:
    secrets = Redactor()
    secrets.remember("a-token-of-another-form")

    quoting = interpret(reply(403, coded(403, f"Invalid access token: {TOKEN} a-token-of-another-form")), secrets)
    page = interpret(reply(200, "<html>Log in</html>"), secrets)

    assert TOKEN not in quoting.words
    assert "a-token-of-another-form" not in quoting.words
    assert "<" not in page.words


@pytest.mark.parametrize(("header", "shown"), [("1234", "1234"), ("", None), ("1234; x", None), ("٣", None)])
def test_the_id_of_the_responding_workspace_is_read_if_it_is_a_number(header: str, shown: str | None) -> None:
    assert interpret(reply(200, {}, x_databricks_org_id=header), Redactor()).workspace_id == shown


@pytest.mark.parametrize(
    ("code", "kind", "lasting", "ordinary"),
    [
        ("INACTIVITY", "SUCCESS", False, True),
        ("USER_REQUEST", "SUCCESS", False, True),
        ("SECRET_RESOLUTION_ERROR", "SERVICE_FAULT", True, False),
        ("SPARK_STARTUP_FAILURE", "SERVICE_FAULT", True, False),
        ("TRIAL_EXPIRED", "CLIENT_ERROR", True, False),
        ("AZURE_QUOTA_EXCEEDED_EXCEPTION", "CLIENT_ERROR", False, False),
        ("CLOUD_PROVIDER_RESOURCE_STOCKOUT", "CLOUD_FAILURE", False, False),
        ("NETWORK_CONFIGURATION_FAILURE", "CLOUD_FAILURE", False, False),
        ("A_CODE_OF_NEXT_YEAR", "CLOUD_FAILURE", False, False),
        ("A_GOOD_END_OF_NEXT_YEAR", "SUCCESS", False, True),
    ],
)
def test_each_termination_is_a_sentence(code: str, kind: str, lasting: bool, ordinary: bool) -> None:
    cluster = {"termination_reason": {"code": code, "type": kind}}
    known = termination_of(cluster)

    assert known is not None
    assert (known[0], known[1].lasting, benign(cluster)) == (code, lasting, ordinary)
    assert known[1].sentence[0].islower() or known[1].sentence.startswith(("Azure", "Databricks"))
    assert known[1].remedy.endswith(".")


@pytest.mark.parametrize("reason", [None, {}, {"code": ""}, {"code": 3}, "text"])
def test_a_cluster_without_a_readable_reason_has_none(reason: object) -> None:
    assert termination_of({"termination_reason": reason}) is None
