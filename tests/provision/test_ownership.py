"""Which connections are ours, by id, marker and parameter, while other systems edit and publish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response
from tests.support.world import ABSENT, GONE, REQUEST, World

PATH = ".*/connections/[^/]+"


def other_spec(world: World, connection_id: str) -> None:
    """Change the source type of a connection."""
    world.adobe.records[connection_id].item["connectionSpec"] = {"id": "another-spec", "version": "1.0"}


def test_the_connection_in_the_parameter_is_gone_only_if_the_listing_confirms_it(world: World) -> None:
    held = world.add_foreign("made by an older installation")
    world.publish(held)
    world.adobe.faults.add(Fault(method="GET", path=PATH, times=0, status=404, body=GONE))

    for request in (REQUEST, ABSENT):
        assert world.refused(request).code == "Unavailable"

    assert world.calls("POST") == []
    assert world.parameter() == held


def test_the_connection_in_the_parameter_is_recreated_if_it_is_gone(world: World) -> None:
    world.publish("00000000-0000-0000-0000-000000000000")

    assert world.invoke(REQUEST)["outcome"] == "recreated"

    assert world.parameter() == world.connections()[0]["id"]


def test_absence_removes_a_parameter_whose_connection_does_not_exist(world: World) -> None:
    world.publish("00000000-0000-0000-0000-000000000000")

    assert world.invoke(ABSENT)["outcome"] == "deleted"

    assert world.parameter() is None


def test_the_connection_in_the_parameter_is_not_ours_if_it_is_of_another_type(world: World) -> None:
    foreign = world.add_foreign("something else")
    other_spec(world, foreign)
    world.publish(foreign)

    assert world.request(REQUEST)

    assert world.adobe.records[foreign].item["name"] == "something else"
    assert world.parameter() != foreign


def test_absence_deletes_a_connection_that_only_the_parameter_names(world: World) -> None:
    world.publish(world.add_foreign("made by an older installation"))

    assert world.invoke(ABSENT)["outcome"] == "deleted"

    assert world.connections() == []


def test_absence_deletes_by_the_recorded_id_not_by_an_id_that_another_system_published(world: World) -> None:
    world.request()
    world.adobe.records.clear()  # another system deleted ours
    foreign = world.add_foreign("foreign")
    world.publish(foreign)

    assert world.invoke(ABSENT)["outcome"] == "deleted"

    assert [item["id"] for item in world.connections()] == [foreign]
    assert world.parameter() is None


def test_absence_also_deletes_the_connection_of_a_post_that_took_effect_late(world: World) -> None:
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=1000))
    world.until_done(world.send(REQUEST))
    world.clock.advance(1000)
    world.request()
    assert len(world.connections()) == 2

    assert world.request(ABSENT)

    assert world.connections() == []


def test_absence_deletes_a_connection_that_only_its_marker_shows_to_be_ours(world: World) -> None:
    world.request()
    world.edit(connection_id=None)
    world.unpublish()

    assert world.invoke(ABSENT)["outcome"] == "deleted"

    assert world.connections() == []


def test_absence_of_an_absent_connection_is_unchanged(world: World) -> None:
    world.request()
    world.request(ABSENT)

    assert world.invoke(ABSENT)["outcome"] == "unchanged"


def test_a_connection_that_another_key_is_about_to_adopt_is_no_conflict(world: World) -> None:
    foreign = world.add_foreign("Shared")
    world.adobe.faults.add(Fault(method="PATCH", status=503))
    first = world.send(REQUEST | {"displayName": "Shared", "adopt": True})
    assert not world.deliver(first)

    assert world.invoke(REQUEST | {"name": "second", "displayName": "Shared"})["outcome"] == "created"

    assert world.deliver(first)
    assert world.parameter() == foreign


def test_a_draft_is_left_alone_and_reported(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    world.adobe.settings.states[connection["id"]] = "draft"

    assert world.refused(REQUEST).code == "AdobeRefused"


def test_a_connection_that_others_changed_is_read_again_and_patched_with_its_new_etag(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    (connection,) = world.connections()

    def change_meanwhile(request: Request, reply: Callable[[], Any]) -> Any:
        if request.method == "PATCH" and len(world.calls("PATCH")) == 0:
            connection["etag"] = connection["version"] = '"changed-meanwhile"'
        return reply()

    world.on_replies(monkeypatch, change_meanwhile)

    result = world.invoke(REQUEST)

    assert [patch.headers["if-match"] for patch in world.calls("PATCH")][1:] == ['"changed-meanwhile"']
    assert result["outcome"] == "updated"
    assert result["etag"] == world.connections()[0]["etag"]


def test_a_connection_that_is_disabled_while_it_is_updated_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    world.put_secret(accessToken="rotated")
    (connection,) = world.connections()

    def disable_meanwhile(request: Request, reply: Callable[[], Any]) -> Any:
        if request.method == "PATCH":
            connection["etag"] = '"changed-meanwhile"'
            world.adobe.settings.states[connection["id"]] = "disabled"
        return reply()

    world.on_replies(monkeypatch, disable_meanwhile)

    refused = world.refused(REQUEST)

    assert (refused.code, len(world.calls("PATCH"))) == ("AdobeRefused", 1)
    assert "is disabled" in refused.message


def test_a_connection_that_disappears_while_it_is_updated_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    world.put_secret(accessToken="rotated")

    def delete_meanwhile(request: Request, reply: Callable[[], Any]) -> Any:
        if request.method == "PATCH":
            world.adobe.records.clear()
            return Response(412), None
        return reply()

    world.on_replies(monkeypatch, delete_meanwhile)

    refused = world.refused(REQUEST)

    assert refused.code == "Unavailable"
    assert "disappeared" in refused.message


def test_a_patch_keeps_the_marker_that_the_connection_carries(world: World) -> None:
    world.request()
    (before,) = world.connections()
    marks = tuple(mark["S"] for mark in world.item()["marks"]["L"])
    world.edit(marks=(*marks, "f" * 32))

    world.request(REQUEST | {"database": "other"})

    assert world.connections()[0]["description"] == before["description"]
