"""Calls to Flow Service, and how each of its replies is understood."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aep_connections.adobe import flow_service
from local.simulators.adobe import BASE
from local.simulators.connections import DATABRICKS_SPEC
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from tests.support.world import ABSENT, REQUEST, World

LIST, ONE = "/connections", ".*/connections/[^/]+"


def on_lists(world: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]) -> None:
    """Let `change` edit each page of connections."""

    def act(request: Request, reply: Callable[..., Any]) -> Any:
        response, fault = reply()
        if (request.method, request.path.endswith(LIST)) != ("GET", True):
            return response, fault
        document = json.loads(response.body)
        change(document)
        return replace(response, body=json.dumps(document).encode()), fault

    world.on_replies(monkeypatch, act)


def test_a_reply_about_another_connection_is_not_used(world: World) -> None:
    world.request()
    other = {"items": [{"id": "other", "name": "sales", "state": "enabled", "auth": {"params": {}}}]}
    world.stack.adobe.faults.add(Fault(method="GET", path=ONE, times=0, status=200, body=json.dumps(other)))

    assert world.refused(REQUEST).code == "Unavailable"

    assert world.parameter() == world.connections()[0]["id"]


@pytest.mark.parametrize("request_", [REQUEST, ABSENT], ids=["present", "absent"])
def test_an_invalid_id_is_never_put_into_a_path(world: World, request_: dict[str, str]) -> None:
    world.request()
    world.edit_item("SET connectionId = :id", values={":id": {"S": "../flows"}})
    before = len(world.calls())

    assert world.refused(request_).code == "Unavailable"

    assert {request.path.removeprefix(BASE) for request in world.calls()[before:]} <= {LIST}


def test_a_connection_without_its_items_wrapper_is_understood(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.request()

    def unwrap(request: Request, reply: Callable[..., Any]) -> Any:
        response, fault = reply()
        return replace(response, body=json.dumps(json.loads(response.body)["items"][0]).encode()), fault

    world.on_replies(monkeypatch, unwrap)

    assert world.invoke(REQUEST)["outcome"] == "unchanged"


def test_the_connection_in_the_parameter_is_read_by_its_id_not_only_found_in_a_list(world: World) -> None:
    held = world.add_foreign("made by an older installation", age=0)
    world.publish(held)
    world.stack.adobe.settings.list_lag_seconds = 1000

    assert world.invoke(REQUEST)["connectionId"] == held


def test_an_html_404_in_reply_to_a_delete_does_not_count_as_deleted(world: World) -> None:
    world.request()
    world.stack.adobe.records.clear()
    world.stack.adobe.faults.add(Fault(method="DELETE", status=404, body="<html>Not found</html>"))

    assert world.refused(ABSENT).code == "AdobeRefused"

    assert world.parameter() is not None


def test_a_listing_filters_by_type_and_plain_name_with_the_oldest_first(world: World) -> None:
    world.request()
    world.request(REQUEST | {"name": "other", "displayName": "Sales, all"})

    spec = ("property", f"connectionSpec.id=={DATABRICKS_SPEC}")
    rest = (("limit", "100"), ("orderby", "createdAt"))
    assert [request.query for request in world.calls("GET", LIST)] == [
        (spec, ("property", "name==sales"), *rest),
        (spec, *rest),
    ]


def test_a_listing_with_too_many_pages_is_an_error_not_a_complete_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_service, "MAX_PAGES", 2)
    for number in range(250):
        world.add_foreign(f"other-{number}")

    assert world.refused(REQUEST | {"displayName": "Sales, all"}).code == "Unavailable"

    assert world.calls("POST") == []


def test_results_are_filtered_again_by_the_client_in_case_a_filter_is_ignored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = world.add_foreign("sales")
    world.stack.adobe.records[foreign].item["connectionSpec"] = {"id": "another-spec", "version": "1.0"}

    def without_filters(request: Request, reply: Callable[..., Any]) -> Any:
        query = tuple((name, value) for name, value in request.query if name != "property")
        return reply(replace(request, query=query))

    world.on_replies(monkeypatch, without_filters)

    assert world.invoke(REQUEST)["outcome"] == "created"


def test_a_listed_connection_that_does_not_show_its_type_still_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_foreign("sales")

    def hide(page: dict[str, Any]) -> None:
        for item in page["items"]:
            del item["connectionSpec"]

    on_lists(world, monkeypatch, hide)

    assert world.refused(REQUEST).code == "Conflict"


def test_the_oldest_connection_is_adopted_whatever_the_order_of_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    younger, oldest = sorted(world.add_foreign("sales") for _ in range(2))
    world.stack.adobe.records[oldest].item["createdAt"] -= 1000
    on_lists(world, monkeypatch, lambda page: page["items"].reverse())

    result = world.invoke(REQUEST | {"adopt": True})

    assert (result["connectionId"], result["duplicates"]) == (oldest, [younger])


def test_the_etag_is_read_if_the_reply_to_a_patch_lacks_it(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.stack.adobe.faults.add(Fault(method="PATCH", when="after", status=200, body="{}"))

    result = world.invoke(REQUEST)

    assert (result["outcome"], result["etag"]) == ("updated", world.connections()[0]["etag"])


def test_an_html_page_in_reply_to_a_patch_does_not_count_as_done(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.stack.adobe.faults.add(Fault(method="PATCH", status=200, body="<html>Sign in</html>"))

    assert world.refused(REQUEST).code == "Unavailable"

    assert world.invoke(REQUEST)["outcome"] == "updated"
    assert world.connections()[0]["auth"]["params"]["accessToken"] == "rotated"


def test_a_patch_that_failed_is_left_to_the_next_delivery(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.stack.adobe.faults.add(Fault(method="PATCH", status=503))
    sent = world.send(REQUEST)

    assert not world.deliver(sent)
    assert len(world.calls("PATCH")) == 1
    assert world.deliver(sent)

    assert world.announced()[-1] == ("Ready", "updated")


def test_a_delete_that_failed_is_repeated(world: World) -> None:
    world.request()
    world.stack.adobe.faults.add(Fault(method="DELETE", status=503))

    assert world.request(ABSENT)

    assert len(world.calls("DELETE")) == 2


@pytest.mark.parametrize(("field", "value"), [("id", 7), ("description", ["x"]), ("name", {}), ("state", 1)])
def test_a_listing_with_an_unreadable_item_proves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, field: str, value: object
) -> None:
    world.stack.adobe.faults.add(Fault(method="POST", when="after", drop=True))
    sent = world.send(REQUEST)

    def garble(page: dict[str, Any]) -> None:
        for item in page["items"]:
            item[field] = value

    with monkeypatch.context() as patch:
        on_lists(world, patch, garble)
        for _ in range(3):
            assert not world.deliver(sent)
            world.clock.advance(180)

    assert world.deliver(sent)
    assert len(world.calls("POST")) == len(world.connections()) == 1
    assert world.announced() == [("Ready", "adopted")]


@pytest.mark.parametrize("links", [7, "x", {"next": 7}, {"next": ["x"]}, {"next": {"href": 7}}])
def test_an_unreadable_link_to_the_next_page_is_an_error_not_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch, links: object
) -> None:
    on_lists(world, monkeypatch, lambda page: page.update({"_links": links}))

    refusal = world.refused(REQUEST)

    assert refusal.code == "Unavailable"
    assert world.calls("POST") == []


@pytest.mark.parametrize("links", [None, {}, {"next": None}, {"next": {}}, {"next": {"href": None}}])
def test_the_last_page_may_have_an_empty_next_link_in_any_form(
    world: World, monkeypatch: pytest.MonkeyPatch, links: object
) -> None:
    on_lists(world, monkeypatch, lambda page: page.update({"_links": links}))

    assert world.invoke(REQUEST)["outcome"] == "created"
