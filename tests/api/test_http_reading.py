"""Reading over HTTP: one connection, lists, and addresses that do not exist."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from aep_connections.domain.entry import Entry
from aep_connections.domain.model import Key, Page
from tests.support.calls import Calls
from tests.support.keeper import Keeper
from tests.support.web import BODY, KEY, Web, problem, work
from tests.support.world import ABSENT, REQUEST, STOPPED, World


def test_a_key_that_was_never_requested_is_not_found(web: Web) -> None:
    for method, path in (("GET", KEY), ("DELETE", KEY), ("POST", KEY + "/verify"), ("GET", KEY + "/tables")):
        problem(web(method, path), 404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", KEY, "PUT, GET, DELETE"),
        ("DELETE", "/connections", "GET, POST"),
        ("GET", KEY + "/verify", "POST"),
        ("HEAD", "/connections", "GET, POST"),
        ("POST", KEY + "/tables/a.b", "GET"),
    ],
)
def test_a_method_that_is_not_allowed_gets_the_list_of_allowed_methods(
    web: Web, method: str, path: str, allowed: str
) -> None:
    response = web(method, path)

    problem(response, 405, "MethodNotAllowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/connection", "/connections/dev", KEY + "/x", KEY + "/tables/a/b", "/docs/x"])
def test_an_unknown_path_is_not_found(web: Web, path: str) -> None:
    problem(web("GET", path), 404, "NotFound")


def test_a_path_that_only_looks_like_a_route_is_not_found(world: World, web: Web) -> None:
    world.request()

    problem(web("POST", "/connections/dev/sales%252Fverify"), 404, "NotFound")

    assert world.arrived() == []


@pytest.mark.parametrize("name", ["%C2%84", "a%7Cb", "a%22b", "%CE%BB", "-sales", "x" * 2000, "sales%252Ftables"])
def test_a_name_that_no_connection_can_have_is_not_found_without_a_lookup(
    world: World, web: Web, calls: Calls, name: str
) -> None:
    world.request()
    calls.made.clear()
    address = f"/connections/dev/{name}"

    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/verify"), ("GET", "/tables"), ("GET", "/tables/a.b")):
        problem(web(method, address + path), 404, "NotFound")
    refused = problem(web("PUT", address, BODY), 422, "InvalidRequest")

    assert [fault["field"] for fault in refused["faults"]] == ["name"]
    assert calls.made == []


@pytest.mark.parametrize("table", ["acme_db.größe", 'acme_db."a#b"', "acme_db.a b|c", "acme_db.a/b", "acme_db.50%25"])
def test_the_columns_of_a_table_are_shown_whatever_is_in_its_path(world: World, web: Web, table: str) -> None:
    world.adobe.settings.tables[table] = {"id": "string"}
    world.request()
    shown = [one["path"] for one in web("GET", KEY + "/tables").document["tables"]]

    response = web("GET", f"{KEY}/tables/{quote(quote(table, safe=''))}")

    assert table in shown
    assert (response.status, response.document["path"]) == (200, table)


def test_a_failure_is_shown_with_its_reason_and_remedy_and_can_be_sent_again(world: World, web: Web) -> None:
    world.databricks.settings.clusters = dict(STOPPED)
    world.request()

    shown = web("GET", KEY).document

    assert shown["status"] == "failed"
    assert shown["reason"]["code"] == "NotReady"
    assert {"message", "remedy", "requestId", "retryable", "faults"} <= set(shown["reason"])
    assert shown["readiness"]["status"] == "fail"
    world.databricks.settings.clusters = {}
    assert web("PUT", KEY, shown["request"]).status == 202
    work(world)
    assert web("GET", KEY).document["status"] == "ready"


def test_a_waiting_request_shows_what_it_waits_for_and_until_when(world: World, web: Web) -> None:
    world.databricks.settings.clusters = dict(STOPPED)
    world.request(REQUEST | {"readiness": "start"})

    shown = web("GET", KEY).document

    assert shown["status"] == "waiting"
    assert shown["waitsFor"]["for"].startswith("cluster ")
    assert shown["waitsFor"]["since"] == shown["since"] < shown["waitsFor"]["until"]
    assert shown["reason"]["code"] == "Waiting"


def test_since_is_when_the_status_began_and_not_when_it_was_last_confirmed(world: World, web: Web) -> None:
    world.request()
    first = web("GET", KEY).document["since"]
    world.clock.advance(3600)

    world.request()

    assert web("GET", KEY).document["since"] == first
    world.databricks.settings.clusters = dict(STOPPED)
    world.request(REQUEST | {"displayName": "other"})
    failed = web("GET", KEY).document
    assert (failed["status"], failed["since"] > first) == ("failed", True)


def test_the_age_of_the_secrets_version_is_shown(world: World, web: Web, keeper: Keeper) -> None:
    world.put_secret()
    (new_version,) = keeper.pending_events()
    world.request()

    version = web("GET", KEY).document["secretVersion"]

    assert version["id"] == new_version["detail"]["versionId"]
    assert isinstance(version["ageSeconds"], int)


def test_a_retired_connection_stays_visible(world: World, web: Web) -> None:
    world.request()
    world.request(ABSENT)

    shown = web("GET", KEY).document

    assert (shown["status"], shown["connectionId"], shown["result"]["outcome"]) == ("retired", None, "deleted")


def listed(web: Web, query: str = "") -> list[str]:
    """The sandboxes and names on all pages."""
    names: list[str] = []
    cursor = ""
    while True:
        page = web("GET", f"/connections?limit=2{query}{cursor}").document
        assert len(page["connections"]) <= 2
        names += [f"{one['sandbox']}/{one['name']}" for one in page["connections"]]
        if page["cursor"] is None:
            return names
        cursor = f"&cursor={page['cursor']}"


def test_lists_are_paged_and_filtered_by_sandbox_and_status(world: World, web: Web) -> None:
    world.put_secret("aep/prod/databricks/sales")
    for name in ("c", "a", "b", "e"):
        world.request(REQUEST | {"name": name})
    world.request(REQUEST | {"sandbox": "prod", "databricksSecretId": "aep/prod/databricks/sales"})
    world.add_foreign("d")
    world.request(REQUEST | {"name": "d"})
    web("PUT", "/connections/dev/e", BODY)

    assert listed(web, "&sandbox=dev") == [f"dev/{name}" for name in "abcde"]
    assert listed(web, "&sandbox=prod") == ["prod/sales"]
    assert listed(web, "&sandbox=none") == []
    assert sorted(listed(web)) == [*(f"dev/{name}" for name in "abcde"), "prod/sales"]
    assert listed(web) == listed(web)
    assert sorted(listed(web, "&status=ready")) == ["dev/a", "dev/b", "dev/c", "prod/sales"]
    assert listed(web, "&status=failed&sandbox=dev") == ["dev/d"]
    assert listed(web, "&status=requested") == ["dev/e"]
    assert listed(web, "&status=waiting") == []


def test_a_page_may_be_empty_and_not_the_last_one(world: World, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when DynamoDB has read many items, and none of them has the wanted status."""
    for name in ("a", "b"):
        web("PUT", f"/connections/dev/{name}", BODY)
    page = web.api.dependencies.registry.page

    def nothing_at_first(wanted: Page) -> tuple[list[Entry], Key | None]:
        return page(wanted) if wanted.after else ([], Key("dev", "a"))

    monkeypatch.setattr(web.api.dependencies.registry, "page", nothing_at_first)

    assert listed(web) == ["dev/b"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"),
        ("status=gone", "status"), ("sandbox=A", "sandbox"), ("cursor=x", "cursor"), ("cursor=%C3%A9", "cursor"),
        ("cursor=bnVsbA", "cursor"),
    ],
)  # fmt: skip
def test_an_invalid_list_query_is_refused_and_the_faulty_field_is_named(web: Web, query: str, field: str) -> None:
    refused = problem(web("GET", f"/connections?{query}"), 422, "InvalidRequest")

    assert [fault["field"] for fault in refused["faults"]] == [field]


def test_a_cursor_of_another_sandboxes_list_is_refused(world: World, web: Web) -> None:
    for name in ("a", "b"):
        web("PUT", f"/connections/dev/{name}", BODY)
    cursor = web("GET", "/connections?sandbox=dev&limit=1").document["cursor"]

    problem(web("GET", f"/connections?sandbox=prod&cursor={cursor}"), 422, "InvalidRequest")
