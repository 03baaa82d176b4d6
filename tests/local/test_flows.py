"""The simulated dataflows, over plain HTTP. `test_lists.py` tests how they are filtered and paged."""

from __future__ import annotations

import uuid

from local.simulators.connections import DATABRICKS_SPEC
from tests.support.adobes import Adobes, number


def test_a_connection_in_use_has_a_flow_that_names_it_as_its_base(adobe: Adobes) -> None:
    (connection_id,) = adobe.used("a")

    (flow,) = adobe.flows()["items"]

    spec = {"id": DATABRICKS_SPEC, "version": "1.0"}
    (source,) = flow["inheritedAttributes"]["sourceConnections"]
    assert source["baseConnection"] == {"id": connection_id, "connectionSpec": spec}
    assert source["connectionSpec"] == spec
    assert flow["sourceConnectionIds"] == [source["id"]]
    assert (flow["name"], flow["state"], flow["sandboxName"]) == ("Daily load 1", "enabled", "dev")
    assert isinstance(flow["createdAt"], int)
    assert flow["version"] == flow["etag"]


def test_without_a_connection_in_use_the_list_of_flows_is_empty(shared: Adobes) -> None:
    assert shared.flows() == {"items": [], "_links": {}}


def test_a_connection_listed_twice_has_two_flows_which_stay_the_same(adobe: Adobes) -> None:
    (connection_id,) = adobe.used("a")
    (first,) = adobe.flows()["items"]
    adobe.adobe.settings.in_use[:] = ["unknown", connection_id, connection_id]

    both = adobe.flows(orderby="name")["items"]

    assert [flow["name"] for flow in both] == ["Daily load 1", "Daily load 2"]
    assert both[0] == first
    assert both[0]["id"] != both[1]["id"]
    assert all(str(uuid.UUID(flow["id"])) == flow["id"] for flow in both)


def test_flows_are_seen_in_their_own_sandbox_and_organization_only(adobe: Adobes) -> None:
    adobe.used("a")

    for header, value in (("x-sandbox-name", "prod"), ("x-gw-ims-org-id", "A@AdobeOrg")):
        assert adobe.call("GET", "/flows", headers={header: value}).json()["items"] == []
    assert len(adobe.flows()["items"]) == 1
    assert number(adobe.call("GET", "/flows", without="x-sandbox-name")) == "FLOW-2105-400"


def test_one_flow_is_shown_by_its_id_as_the_list_shows_it(adobe: Adobes) -> None:
    (connection_id, _) = adobe.used("a", "other")
    (flow,) = (flow for flow in adobe.flows()["items"] if connection_id in str(flow["inheritedAttributes"]))

    response = adobe.call("GET", f"/flows/{flow['id']}")

    assert (response.status_code, response.json()) == (200, {"items": [flow]})


def test_a_flow_that_does_not_exist_is_not_found(adobe: Adobes) -> None:
    adobe.used("a")
    path = f"/flows/{adobe.flows()['items'][0]['id']}"

    assert number(adobe.call("GET", f"/flows/{uuid.uuid4()}")) == "FLOW-1439-404"
    assert number(adobe.call("GET", path, headers={"x-sandbox-name": "prod"})) == "FLOW-1439-404"
    adobe.adobe.settings.hidden_flows = True
    assert number(adobe.call("GET", path)) == "FLOW-1439-404"


def test_hidden_flows_are_in_no_list_but_still_block_the_delete_of_their_connection(adobe: Adobes) -> None:
    (connection_id,) = adobe.used("a")
    control = f"{adobe.adobe.url}/_simulator/settings"
    assert adobe.session.patch(control, json={"hiddenFlows": True}).json()["hiddenFlows"] is True

    assert adobe.flows() == {"items": [], "_links": {}}
    assert adobe.flows(count="true") == {"count": 0}
    assert number(adobe.call("DELETE", f"/connections/{connection_id}")) == "FLOW-1418-400"


def test_a_connection_that_was_deleted_has_no_flows(adobe: Adobes) -> None:
    connection_id = adobe.create()
    adobe.call("DELETE", f"/connections/{connection_id}")
    adobe.adobe.settings.in_use.append(connection_id)

    assert adobe.flows()["items"] == []
