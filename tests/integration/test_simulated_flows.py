"""The simulated dataflows, over plain HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local.simulators.connections import DATABRICKS_SPEC
from tests.support.adobes import Adobes, number

BASE_ID = "inheritedAttributes.sourceConnections[].baseConnection.id"


def flows(adobe: Adobes, **params: Any) -> Any:
    return adobe.call("GET", "/flows", params=params).json()


def used(adobe: Adobes, *names: str) -> list[str]:
    """Create connections that are used by one flow each, and return their ids."""
    made = [adobe.create(name=name) for name in names]
    adobe.adobe.settings.in_use += made
    return made


def test_a_connection_in_use_has_a_flow_that_names_it_as_its_base(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")

    (flow,) = flows(adobe)["items"]

    spec = {"id": DATABRICKS_SPEC, "version": "1.0"}
    (source,) = flow["inheritedAttributes"]["sourceConnections"]
    assert source["baseConnection"] == {"id": connection_id, "connectionSpec": spec}
    assert source["connectionSpec"] == spec
    assert flow["sourceConnectionIds"] == [source["id"]]
    assert (flow["name"], flow["state"], flow["sandboxName"]) == ("Daily load 1", "enabled", "dev")
    assert isinstance(flow["createdAt"], int)
    assert flow["version"] == flow["etag"]


def test_without_a_connection_in_use_the_list_of_flows_is_empty(adobe: Adobes) -> None:
    adobe.create()

    assert flows(adobe) == {"items": [], "_links": {}}


def test_a_connection_listed_twice_has_two_flows_which_stay_the_same(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")
    (first,) = flows(adobe)["items"]
    adobe.adobe.settings.in_use[:] = ["unknown", connection_id, connection_id]

    both = flows(adobe, orderby="name")["items"]

    assert [flow["name"] for flow in both] == ["Daily load 1", "Daily load 2"]
    assert both[0] == first
    assert both[0]["id"] != both[1]["id"]
    assert all(str(uuid.UUID(flow["id"])) == flow["id"] for flow in both)


def test_flows_are_filtered_by_their_base_connection(adobe: Adobes) -> None:
    a, b, _ = used(adobe, "a", "b", "c")

    def bases(*filters: str) -> set[str]:
        items = flows(adobe, property=filters)["items"]
        return {item["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"] for item in items}

    assert bases(f"{BASE_ID}=={a}") == {a}
    assert bases(f"{BASE_ID}=={a},{b}") == {a, b}
    assert bases(f"{BASE_ID}=={a}", f"{BASE_ID}=={b}") == set()
    assert bases(f"{BASE_ID}=={a}", "state==enabled") == {a}
    assert bases(f"{BASE_ID}=={uuid.uuid4()}") == set()


def test_a_filter_enters_an_array_by_its_brackets_only(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")
    (flow,) = flows(adobe)["items"]

    def found(query: str) -> int:
        return len(flows(adobe, property=query)["items"])

    assert found(f"sourceConnectionIds[]=={flow['sourceConnectionIds'][0]}") == 1
    assert found(f"sourceConnectionIds=={flow['sourceConnectionIds'][0]}") == 0
    assert found(f"{BASE_ID.replace('[]', '')}=={connection_id}") == 0
    assert found(f"inheritedAttributes[].sourceConnections[].baseConnection.id=={connection_id}") == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("auth.params.domain==a", "1449"),
        ("sourceConnectionIds[0]==a", "1449"),
        ("a[", "1449"),
        (f"{BASE_ID}==", "1453"),
    ],
)
def test_a_faulty_filter_of_flows_is_refused(adobe: Adobes, query: str, code: str) -> None:
    assert number(adobe.call("GET", "/flows", params={"property": query})) == f"FLOW-{code}-400"


def test_flows_are_paged_by_a_relative_link_that_keeps_the_filter(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")
    used(adobe, "other")
    adobe.adobe.settings.in_use += [connection_id] * 2
    wanted = f"{BASE_ID}=={connection_id}"

    first = flows(adobe, property=wanted, limit=2, orderby="name")
    href = first["_links"]["next"]["href"]
    second = adobe.call("GET", href).json()

    assert href.startswith("/flows?continuationToken=")
    names = [flow["name"] for flow in first["items"] + second["items"]]
    assert names == ["Daily load 1", "Daily load 2", "Daily load 3"]
    assert second["_links"] == {}
    assert flows(adobe, property=wanted, count="true") == {"count": 3}


def test_flows_are_seen_in_their_own_sandbox_and_organization_only(adobe: Adobes) -> None:
    used(adobe, "a")

    for header, value in (("x-sandbox-name", "prod"), ("x-gw-ims-org-id", "A@AdobeOrg")):
        assert adobe.call("GET", "/flows", headers={header: value}).json()["items"] == []
    assert len(flows(adobe)["items"]) == 1
    assert number(adobe.call("GET", "/flows", without="x-sandbox-name")) == "FLOW-2105-400"


def test_one_flow_is_shown_by_its_id_as_the_list_shows_it(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")
    used(adobe, "other")
    (flow,) = flows(adobe, property=f"{BASE_ID}=={connection_id}")["items"]

    response = adobe.call("GET", f"/flows/{flow['id']}")

    assert (response.status_code, response.json()) == (200, {"items": [flow]})


def test_a_flow_that_does_not_exist_is_not_found(adobe: Adobes) -> None:
    used(adobe, "a")
    path = f"/flows/{flows(adobe)['items'][0]['id']}"

    assert number(adobe.call("GET", f"/flows/{uuid.uuid4()}")) == "FLOW-1439-404"
    assert number(adobe.call("GET", path, headers={"x-sandbox-name": "prod"})) == "FLOW-1439-404"
    adobe.adobe.settings.hidden_flows = True
    assert number(adobe.call("GET", path)) == "FLOW-1439-404"


def test_hidden_flows_are_in_no_list_but_still_block_the_delete_of_their_connection(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")
    control = f"{adobe.adobe.url}/_simulator/settings"
    assert adobe.session.patch(control, json={"hiddenFlows": True}).json()["hiddenFlows"] is True

    assert flows(adobe, property=f"{BASE_ID}=={connection_id}") == {"items": [], "_links": {}}
    assert flows(adobe, count="true") == {"count": 0}
    assert number(adobe.call("DELETE", f"/connections/{connection_id}")) == "FLOW-1418-400"


def test_a_connection_that_no_flow_uses_anymore_can_be_deleted(adobe: Adobes) -> None:
    (connection_id,) = used(adobe, "a")
    assert number(adobe.call("DELETE", f"/connections/{connection_id}")) == "FLOW-1418-400"

    adobe.adobe.settings.in_use.clear()

    assert flows(adobe)["items"] == []
    assert adobe.call("DELETE", f"/connections/{connection_id}").status_code == 204


def test_a_connection_that_was_deleted_has_no_flows(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.call("DELETE", f"/connections/{connection_id}")
    adobe.adobe.settings.in_use.append(connection_id)

    assert flows(adobe)["items"] == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/flows"), ("PATCH", "/flows/x"), ("DELETE", "/flows/x")])
def test_other_calls_on_flows_are_not_simulated_and_get_a_501(adobe: Adobes, method: str, path: str) -> None:
    response = adobe.call(method, path, json={})

    assert (response.status_code, "simulator has no" in response.json()["message"]) == (501, True)
