"""Faults and settings that are given to the simulators over HTTP."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from local.simulators.adobe import BASE
from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import BODY, Adobes


def posting(adobe: Adobes) -> threading.Thread:
    """A POST being sent by a thread. The test ignores its reply."""

    def post() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.post(f"{adobe.adobe.url}{BASE}/connections", json=BODY, headers=adobe.headers, timeout=10)

    thread = threading.Thread(target=post)
    thread.start()
    return thread


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
def test_an_invalid_control_call_is_refused_with_a_message(adobe: Adobes, path: str, document: Any) -> None:
    method = "PATCH" if path == "settings" else "POST"

    refused = adobe.session.request(method, f"{adobe.adobe.url}/_simulator/{path}", json=document)

    assert refused.status_code in (400, 404)
    assert refused.json()["message"]
    assert adobe.call("GET", "/connections").status_code == 200


def test_pending_faults_are_shown_and_can_be_removed(adobe: Adobes) -> None:
    control, session = adobe.adobe.url + "/_simulator/faults", adobe.session
    session.post(control, json={"method": "get", "times": 3, "status": 503, "body": {"message": "no"}})

    assert adobe.call("GET", "/connections").json() == {"message": "no"}
    (fault,) = session.get(control).json()["faults"]
    assert (fault["method"], fault["times"], fault["seen"]) == ("GET", 3, 1)
    assert session.delete(control).json() == {"faults": []}
    assert adobe.call("GET", "/connections").status_code == 200


def test_connections_are_changed_and_deleted_as_by_a_person_in_adobe(adobe: Adobes) -> None:
    control, session = adobe.adobe.url + "/_simulator/connections", adobe.session
    connection_id = adobe.create(description="ours")
    before = dict(adobe.adobe.records[connection_id].item)
    adobe.adobe.settings.states[connection_id] = "draft"

    change = {"name": "renamed", "description": None, "state": "disabled", "params": {"database": "other"}}
    changed = session.patch(f"{control}/{connection_id}", json=change).json()

    assert changed == {
        "id": connection_id, "name": "renamed", "description": None, "sandbox": "dev", "state": "disabled",
    }  # fmt: skip
    assert session.get(control).json() == {"connections": [changed]}
    (item,) = adobe.call("GET", f"/connections/{connection_id}").json()["items"]
    assert (item["name"], item["state"], item["updatedClient"]) == ("renamed", "disabled", "person")
    assert (item["auth"]["params"]["database"], item["auth"]["params"]["domain"]) == (
        "other",
        DATABRICKS_SECRET["domain"],
    )
    assert item["etag"] != before["etag"]

    assert session.delete(f"{control}/{connection_id}").status_code == 204
    assert session.get(control).json() == {"connections": []}
    assert session.patch(f"{control}/{connection_id}", json=change).status_code == 404


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, "The body must have a new name (not empty), description, state or params."),
        ({"name": ""}, "The body must have a new name (not empty), description, state or params."),
        ({"nme": "x"}, "Unknown: nme. The fields are: name, description, state, params."),
        ({"state": "off"}, 'state must be "enabled" or "disabled" or "draft".'),
        ({"params": {"database": 1}}, "params must be an object; each value must be a string."),
    ],
    ids=str,
)
def test_a_faulty_change_of_a_connection_is_refused_with_its_rule(
    adobe: Adobes, change: dict[str, Any], rule: str
) -> None:
    refused = adobe.session.patch(f"{adobe.adobe.url}/_simulator/connections/{adobe.create()}", json=change)

    assert (refused.status_code, refused.json()) == (400, {"message": rule})


def test_a_reply_may_be_late_although_its_effect_is_not(adobe: Adobes) -> None:
    adobe.adobe.faults.add(Fault(method="POST", when="after", delay=1))

    post = posting(adobe)
    while not adobe.listed()["items"]:
        pass

    assert post.is_alive()
    post.join()


def test_a_call_that_waits_for_databricks_does_not_delay_other_calls(adobe: Adobes) -> None:
    adobe.databricks.faults.add(Fault(delay=1))

    post = posting(adobe)
    while adobe.databricks.faults.shown():
        pass
    assert adobe.listed()["items"] == []

    assert post.is_alive()
    post.join()
    assert len(adobe.listed()["items"]) == 1


def test_a_late_effect_happens_when_it_is_due_and_its_failure_does_no_harm(adobe: Adobes) -> None:
    due = adobe.clock.now() + 10
    adobe.adobe.faults.add(*[Fault(method="POST", status=504, late=10)] * 2)
    adobe.databricks.faults.add(Fault(drop=True))
    for _ in range(2):
        assert adobe.call("POST", "/connections", json=BODY).status_code == 504
    assert adobe.listed()["items"] == []

    adobe.clock.advance(60)

    (item,) = adobe.listed()["items"]
    assert item["createdAt"] == round(due * 1000)


def test_a_defect_of_a_simulator_gets_a_500_reply_not_a_broken_connection(
    adobe: Adobes, capsys: pytest.CaptureFixture[str]
) -> None:
    adobe.adobe.records["x"] = None  # type: ignore[assignment]

    response = adobe.call("GET", "/connections")

    assert (response.status_code, "AttributeError" in response.json()["message"]) == (500, True)
    assert "AttributeError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("order", "missed"), [({}, 1), ({"orderby": "createdAt"}, 0)], ids=["by update", "by creation"]
)
def test_a_list_that_reorders_hides_moved_items_unless_it_is_ordered_by_creation(
    adobe: Adobes, order: dict[str, str], missed: int
) -> None:
    made = []
    for number in range(5):
        adobe.clock.advance(1)
        made.append(adobe.create(name=f"n{number}"))
    adobe.adobe.settings.list_reorders = True

    first = adobe.listed(limit=3, **order)
    second = adobe.call("GET", first["_links"]["next"]["href"]).json()

    seen = [item["id"] for item in first["items"] + second["items"]]
    assert len(set(made) - set(seen)) == len(seen) - len(set(seen)) == missed
