"""The control API of the simulators: faults, settings and calls over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.stack import DATABRICKS_SECRET
from tests.support.adobes import Adobes
from tests.support.workspace import CLUSTER


def test_faults_and_settings_can_be_given_over_http_and_calls_are_shown_without_secrets(adobe: Adobes) -> None:
    control, session = adobe.adobe.url + "/_simulator", adobe.session
    session.post(f"{control}/faults", json=[{"method": "GET", "status": 503, "headers": {"Retry-After": "1"}}])
    session.patch(f"{control}/settings", json={"testShape": "boolean", "inUse": ["x"]})

    assert adobe.call("GET", "/connections").headers["Retry-After"] == "1"
    assert adobe.call("GET", "/connections").status_code == 200
    assert adobe.adobe.settings.in_use == ["x"]
    assert session.get(f"{control}/settings").json()["testShape"] == "boolean"
    adobe.create()
    shown = session.get(f"{control}/calls").text
    assert [call["status"] for call in session.get(f"{control}/calls").json()["calls"]] == [503, 200, 201]
    assert DATABRICKS_SECRET["accessToken"] not in shown
    assert "Bearer" not in shown


def test_pending_faults_are_shown_and_can_be_removed(adobe: Adobes) -> None:
    control, session = adobe.adobe.url + "/_simulator/faults", adobe.session
    session.post(control, json={"method": "get", "times": 3, "status": 503, "body": {"message": "no"}})

    assert adobe.call("GET", "/connections").json() == {"message": "no"}
    (fault,) = session.get(control).json()["faults"]
    assert (fault["method"], fault["times"], fault["seen"]) == ("GET", 3, 1)
    assert session.delete(control).json() == {"faults": []}
    assert adobe.call("GET", "/connections").status_code == 200


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("faults", {"colour": "red"}),
        ("faults", {"when": "never"}),
        ("faults", {"status": "503"}),
        ("faults", {"status": 9}),
        ("faults", {"headers": ["x"]}),
        ("faults", {"times": "1"}),
        ("faults", {"times": True}),
        ("faults", {"delay": -1}),
        ("faults", {"drop": "false"}),
        ("faults", {"path": "("}),
        ("faults", None),
        ("faults", [{"drop": True}, {"drop": 1}]),
        ("settings", {"colour": 1}),
        ("settings", {"testShape": "bool"}),
        ("settings", {"deleteStatus": 200}),
        ("settings", {"sandboxes": "prod"}),
        ("settings", {"states": {"id": 1}}),
        ("settings", {"hiddenFlows": "true"}),
        ("settings", {"tables": {"acme_db.customers": ["email"]}}),
        ("settings", {"tables": {"acme_db.customers": {"email": 1}}}),
        ("settings", []),
        ("nothing", {}),
    ],
    ids=str,
)
def test_an_invalid_control_call_is_refused_with_a_message(shared: Adobes, path: str, document: Any) -> None:
    method = "PATCH" if path == "settings" else "POST"

    refused = shared.session.request(method, f"{shared.adobe.url}/_simulator/{path}", json=document)

    assert refused.status_code in (400, 404)
    assert refused.json()["message"]
    assert shared.call("GET", "/connections").status_code == 200


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
    ids=str,
)
def test_an_invalid_setting_is_refused_with_its_rule(shared: Adobes, wrong: dict[str, Any], rule: str) -> None:
    response = shared.session.patch(f"{shared.databricks.url}/_simulator/settings", data=json.dumps(wrong))

    assert response.status_code == 400
    assert rule in response.json()["message"]
