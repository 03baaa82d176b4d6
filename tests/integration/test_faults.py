"""What people order of the simulators: faults and settings, over HTTP."""

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
    """A POST on its way; its answer, if any, does not matter."""

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
def test_a_faulty_control_is_refused_with_what_there_is(adobe: Adobes, path: str, document: Any) -> None:
    method = "PATCH" if path == "settings" else "POST"

    refused = adobe.session.request(method, f"{adobe.adobe.url}/_simulator/{path}", json=document)

    assert refused.status_code in (400, 404)
    assert refused.json()["message"]
    assert adobe.call("GET", "/connections").status_code == 200


def test_faults_still_to_come_are_shown_and_can_be_taken_back(adobe: Adobes) -> None:
    control, session = adobe.adobe.url + "/_simulator/faults", adobe.session
    session.post(control, json={"method": "get", "times": 3, "status": 503, "body": {"message": "no"}})

    assert adobe.call("GET", "/connections").json() == {"message": "no"}
    (fault,) = session.get(control).json()["faults"]
    assert (fault["method"], fault["times"], fault["seen"]) == ("GET", 3, 1)
    assert session.delete(control).json() == {"faults": []}
    assert adobe.call("GET", "/connections").status_code == 200


def test_an_answer_may_be_late_although_its_effect_is_not(adobe: Adobes) -> None:
    adobe.adobe.faults.add(Fault(method="POST", when="after", delay=1))

    post = posting(adobe)
    while not adobe.listed()["items"]:
        pass

    assert post.is_alive()
    post.join()


def test_who_waits_for_databricks_keeps_nobody_else_waiting(adobe: Adobes) -> None:
    adobe.databricks.faults.add(Fault(delay=1))

    post = posting(adobe)
    while adobe.databricks.faults.shown():
        pass
    assert adobe.listed()["items"] == []

    assert post.is_alive()
    post.join()
    assert len(adobe.listed()["items"]) == 1


def test_a_late_effect_happens_when_it_is_due_and_its_failure_harms_nobody(adobe: Adobes) -> None:
    due = adobe.clock.now() + 10
    adobe.adobe.faults.add(*[Fault(method="POST", status=504, late=10)] * 2)
    adobe.databricks.faults.add(Fault(drop=True))
    for _ in range(2):
        assert adobe.call("POST", "/connections", json=BODY).status_code == 504
    assert adobe.listed()["items"] == []

    adobe.clock.advance(60)

    (item,) = adobe.listed()["items"]
    assert item["createdAt"] == round(due * 1000)


def test_a_defect_of_a_simulator_is_an_answer_not_a_broken_connection(
    adobe: Adobes, capsys: pytest.CaptureFixture[str]
) -> None:
    adobe.adobe.records["x"] = None  # type: ignore[assignment]

    answer = adobe.call("GET", "/connections")

    assert (answer.status_code, "AttributeError" in answer.json()["message"]) == (500, True)
    assert "AttributeError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("order", "missed"), [({}, 1), ({"orderby": "createdAt"}, 0)], ids=["by update", "by creation"]
)
def test_a_list_that_reorders_hides_what_moved_unless_it_is_ordered_by_creation(
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
