"""Lists of simulated Flow Service, the same for connections and dataflows: filters, order, pages and counts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local.simulators.connections import DATABRICKS_SPEC
from tests.support.adobes import Adobes, number

BASE_ID = "inheritedAttributes.sourceConnections[].baseConnection.id"


# ---------------------------------------------------------------- filters


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
        (["auth.params.catalog==None"], []),
    ],
)
def test_filters_are_anded_and_a_comma_means_in(shared: Adobes, filters: list[str], names: list[str]) -> None:
    assert sorted(item["name"] for item in shared.listed(property=filters)["items"]) == names


def test_flows_are_filtered_by_their_base_connection(adobe: Adobes) -> None:
    a, b, _ = adobe.used("a", "b", "c")

    def bases(*filters: str) -> set[str]:
        items = adobe.flows(property=filters)["items"]
        return {item["inheritedAttributes"]["sourceConnections"][0]["baseConnection"]["id"] for item in items}

    assert bases(f"{BASE_ID}=={a}") == {a}
    assert bases(f"{BASE_ID}=={a},{b}") == {a, b}
    assert bases(f"{BASE_ID}=={a}", f"{BASE_ID}=={b}") == set()
    assert bases(f"{BASE_ID}=={a}", "state==enabled") == {a}
    assert bases(f"{BASE_ID}=={uuid.uuid4()}") == set()


def test_a_filter_enters_an_array_by_its_brackets_only(adobe: Adobes) -> None:
    (connection_id,) = adobe.used("a")
    (flow,) = adobe.flows()["items"]

    def found(query: str) -> int:
        return len(adobe.flows(property=query)["items"])

    assert found(f"sourceConnectionIds[]=={flow['sourceConnectionIds'][0]}") == 1
    assert found(f"sourceConnectionIds=={flow['sourceConnectionIds'][0]}") == 0
    assert found(f"{BASE_ID.replace('[]', '')}=={connection_id}") == 0
    assert found(f"inheritedAttributes[].sourceConnections[].baseConnection.id=={connection_id}") == 0


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/connections", "name~a", "1449"),
        ("/connections", "nope==a", "1449"),
        ("/connections", "name==", "1453"),
        ("/flows", "auth.params.domain==a", "1449"),
        ("/flows", "sourceConnectionIds[0]==a", "1449"),
        ("/flows", "a[", "1449"),
        ("/flows", f"{BASE_ID}==", "1453"),
    ],
)
def test_a_faulty_filter_is_refused(shared: Adobes, path: str, query: str, code: str) -> None:
    assert number(shared.call("GET", path, params={"property": query})) == f"FLOW-{code}-400"


# ---------------------------------------------------------------- pages, order and counts


def test_connections_are_ordered_and_paged_by_a_relative_link(adobe: Adobes) -> None:
    _create_one_by_one(adobe)
    spec = f"connectionSpec.id=={DATABRICKS_SPEC}"

    first = adobe.listed(property=spec, limit=2, orderby="createdAt")
    href = first["_links"]["next"]["href"]
    second = adobe.call("GET", href).json()

    assert href.startswith("/connections?continuationToken=")
    assert _names(first, second) == ["n0", "n1", "n2", "n3"]
    assert adobe.call("GET", second["_links"]["next"]["href"]).json()["_links"] == {}
    assert _names(adobe.listed(orderby="-name", limit=1)) == ["n4"]
    assert _names(adobe.listed()) == ["n4", "n3", "n2", "n1", "n0"]


def test_flows_are_paged_by_a_relative_link_that_keeps_the_filter(adobe: Adobes) -> None:
    (connection_id,) = adobe.used("a")
    adobe.used("other")
    adobe.adobe.settings.in_use += [connection_id] * 2
    wanted = f"{BASE_ID}=={connection_id}"

    first = adobe.flows(property=wanted, limit=2, orderby="name")
    href = first["_links"]["next"]["href"]
    second = adobe.call("GET", href).json()

    assert href.startswith("/flows?continuationToken=")
    assert _names(first, second) == ["Daily load 1", "Daily load 2", "Daily load 3"]
    assert second["_links"] == {}
    assert adobe.flows(property=wanted, count="true") == {"count": 3}


@pytest.mark.parametrize(
    ("order", "missed"), [({}, 1), ({"orderby": "createdAt"}, 0)], ids=["by update", "by creation"]
)
def test_a_list_that_reorders_hides_moved_items_unless_it_is_ordered_by_creation(
    adobe: Adobes, order: dict[str, str], missed: int
) -> None:
    made = _create_one_by_one(adobe)
    adobe.adobe.settings.list_reorders = True

    first = adobe.listed(limit=3, **order)
    second = adobe.call("GET", first["_links"]["next"]["href"]).json()

    seen = [item["id"] for item in first["items"] + second["items"]]
    assert len(set(made) - set(seen)) == len(seen) - len(set(seen)) == missed


def test_count_returns_only_a_number_and_is_refused_together_with_limit(shared: Adobes) -> None:
    assert shared.listed(count="true") == shared.listed(count="True") == {"count": 2}
    refused = shared.call("GET", "/connections", params={"count": "true", "limit": 2})
    assert (refused.status_code, number(refused)) == (400, "FLOW-1401-400")


def test_a_new_connection_may_be_late_in_lists_but_not_by_id(adobe: Adobes) -> None:
    adobe.adobe.settings.list_lag_seconds = 30
    connection_id = adobe.create()

    assert adobe.listed()["items"] == []
    assert adobe.call("GET", f"/connections/{connection_id}").status_code == 200
    adobe.clock.advance(30)
    assert len(adobe.listed()["items"]) == 1


def _create_one_by_one(adobe: Adobes) -> list[str]:
    """Create n0 to n4, one each second. Returns their ids."""
    made = []
    for position in range(5):
        adobe.clock.advance(1)
        made.append(adobe.create(name=f"n{position}"))
    return made


def _names(*pages: Any) -> list[str]:
    return [item["name"] for page in pages for item in page["items"]]
