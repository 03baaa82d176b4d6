"""What replies of Flow Service mean for a request. How each is understood: `tests/adapters/test_flow_service.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.simulators.connections import DATABRICKS_SPEC
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from tests.support.world import ABSENT, REQUEST, World

LIST = "/connections"


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


def test_the_connection_in_the_parameter_is_read_by_its_id_not_only_found_in_a_list(world: World) -> None:
    held = world.add_foreign("made by an older installation", age=0)
    world.publish(held)
    world.adobe.settings.list_lag_seconds = 1000

    assert world.invoke(REQUEST)["connectionId"] == held


def test_an_html_404_in_reply_to_a_delete_does_not_count_as_deleted(world: World) -> None:
    world.request()
    world.adobe.records.clear()
    world.adobe.faults.add(Fault(method="DELETE", status=404, body="<html>Not found</html>"))

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


def test_the_oldest_connection_is_adopted_whatever_the_order_of_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    younger, oldest = sorted(world.add_foreign("sales") for _ in range(2))
    world.adobe.records[oldest].item["createdAt"] -= 1000
    on_lists(world, monkeypatch, lambda page: page["items"].reverse())

    result = world.invoke(REQUEST | {"adopt": True})

    assert (result["connectionId"], result["duplicates"]) == (oldest, [younger])


def test_an_html_page_in_reply_to_a_patch_does_not_count_as_done(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.adobe.faults.add(Fault(method="PATCH", status=200, body="<html>Sign in</html>"))

    assert world.refused(REQUEST).code == "Unavailable"

    assert world.invoke(REQUEST)["outcome"] == "updated"
    assert world.connections()[0]["auth"]["params"]["accessToken"] == "rotated"


def test_a_patch_that_failed_is_left_to_the_next_delivery(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    world.adobe.faults.add(Fault(method="PATCH", status=503))
    sent = world.send(REQUEST)

    assert not world.deliver(sent)
    assert len(world.calls("PATCH")) == 1
    assert world.deliver(sent)

    assert world.announced()[-1] == ("Ready", "updated")


@pytest.mark.parametrize(("field", "value"), [("id", 7), ("description", ["x"]), ("name", {}), ("state", 1)])
def test_a_listing_with_an_unreadable_item_proves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, field: str, value: object
) -> None:
    world.adobe.faults.add(Fault(method="POST", when="after", drop=True))
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
