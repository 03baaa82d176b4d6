"""What the registry holds for a key, which delivery may write it, and what other keys hold.

How DynamoDB keeps it: `tests/adapters/test_registry.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from aep_connections.adobe.flow_service import FlowService
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET
from tests.support.calls import Calls, Go
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, UNCHECKED, Killed, World

OTHER_ORG = ADOBE_SECRET | {"orgId": "OTHER@AdobeOrg"}


def use_other_organization(world: World) -> None:
    world.put_values(world.environment["ADOBE_SECRET_ID"], OTHER_ORG)


def test_an_accept_that_the_sdk_repeats_is_not_mistaken_for_another_delivery(world: World, calls: Calls) -> None:
    repeated: list[Any] = []

    def lose_the_first_response(name: str, go: Go) -> Any:
        if name == "accept" and not repeated:
            repeated.append(go())
        return go()

    calls.act = lose_the_first_response

    assert world.request()

    assert repeated
    assert world.announced() == [("Ready", "created")]


def test_a_lease_lasts_a_minute_longer_than_its_invocation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    until: list[float] = []
    reply = world.adobe.reply

    def observe(request: Request) -> Any:
        until.append(float(world.item()["leaseUntil"]["N"]))
        return reply(request)

    monkeypatch.setattr(world.adobe, "reply", observe)
    sent = world.send(REQUEST)
    began = world.clock.now()
    world.deliver(sent, seconds=100)

    assert set(until) == {began + 160}


def test_a_recheck_waits_for_the_delivery_that_processes_the_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, recheck = world.send(REQUEST), world.send_body(RECHECK)
    other = world.new_service()
    during: list[bool] = []
    reply = world.adobe.reply

    def meanwhile(request: Request) -> Any:
        if request.method == "POST":
            during.append(world.deliver(recheck, other))
        return reply(request)

    monkeypatch.setattr(world.adobe, "reply", meanwhile)

    assert world.deliver(sent)

    assert during == [False]
    assert len(world.connections()) == 1


def test_a_connection_of_another_keys_open_attempt_is_not_adopted(world: World) -> None:
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", when="after", drop=True))
    world.adobe.settings.list_lag_seconds = 100
    first = world.send(REQUEST | {"displayName": "Shared"})
    assert not world.deliver(first, seconds=100)
    (made,) = world.connections()
    world.clock.advance(100)

    second = world.invoke(REQUEST | {"name": "second", "displayName": "Shared", "adopt": True})

    assert second["outcome"] == "created"
    assert second["connectionId"] != made["id"]
    world.until_done(first)
    assert world.parameter() == made["id"]


def test_a_refused_post_leaves_no_marker(world: World) -> None:
    world.databricks.settings.clusters.update(STOPPED)

    world.refused(UNCHECKED)

    assert world.item()["marks"]["L"] == []


def test_the_same_absence_is_not_processed_twice(world: World) -> None:
    world.request()
    sent = world.send(ABSENT)
    assert world.deliver(sent)
    before = len(world.calls())

    assert world.deliver(sent)

    assert len(world.calls()) == before
    assert world.announced() == [("Ready", "created"), ("Deleted", "deleted")]


def test_an_adopted_connection_carries_a_marker_that_the_registry_has(world: World) -> None:
    foreign = world.add_foreign("sales")

    world.invoke(REQUEST | {"adopt": True})

    (mark,) = world.item()["marks"]["L"]
    assert world.adobe.records[foreign].item["description"] == f"[aep-connections {mark['S']}]"


def test_an_adopted_connection_belongs_to_its_organization(world: World) -> None:
    world.add_foreign("sales")
    world.invoke(REQUEST | {"adopt": True})
    use_other_organization(world)

    assert world.refused(REQUEST).code == "Conflict"


def test_an_open_attempt_is_not_looked_for_in_another_organization(world: World) -> None:
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=100))
    assert not world.deliver(world.send(REQUEST), seconds=100)
    use_other_organization(world)
    world.clock.advance(200)

    assert world.refused(REQUEST).code == "Conflict"

    assert "attempt" in world.item()
    assert len(world.calls("POST")) == 1


def test_a_retired_key_may_be_requested_in_another_organization(world: World) -> None:
    world.request()
    world.request(ABSENT)
    use_other_organization(world)

    assert world.invoke(REQUEST)["outcome"] == "created"


def test_an_item_has_only_attributes_that_are_still_true_of_its_key(world: World) -> None:
    requested = {
        "sandbox",
        "name",
        "owner",
        "order",
        "answered",
        "request",
        "source",
        "status",
        "since",
        "result",
        "updatedAt",
        "marks",
    }
    seen = {"readiness", "tested", "secretVersion"}
    made = {"orgId", "connectionId", "etag", "fingerprint", "params", "databricksSecretId"} | seen
    for request, attributes in ((REQUEST, requested | made), (ABSENT, requested | {"expiresAt"})):
        world.adobe.faults.add(Fault(path=".*/connections.*", times=3, status=503))
        sent = world.send(request)
        assert not world.deliver(sent)
        assert "failure" in world.item()

        world.until_done(sent)

        assert set(world.item()) == attributes


def test_the_registry_records_an_etag_that_others_changed(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    connection["etag"] = '"changed-by-others"'

    result = world.invoke(REQUEST)

    assert result["outcome"] == "unchanged"
    assert result["etag"] == world.item()["etag"]["S"] == '"changed-by-others"'


@pytest.mark.parametrize("published", [False, True], ids=["create", "update"])
def test_a_connection_whose_delivery_was_killed_before_the_test_is_tested_by_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    if published:
        world.request()
        world.put_secret(accessToken="rotated")
    before = world.parameter()
    sent = world.send(UNCHECKED)

    def kill(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(FlowService, "test", kill)
        with pytest.raises(Killed):
            world.deliver(sent)
    world.databricks.settings.clusters.update(STOPPED)
    world.clock.advance(300)

    assert world.deliver(sent)

    assert world.announced()[-1] == ("Failed", "TestFailed")
    assert world.parameter() == before


@pytest.mark.parametrize(("changes", "outcome"), [({}, "created"), ({"database": "other"}, "updated")])
def test_a_create_that_is_resumed_by_a_patch_is_still_created_but_a_later_request_updates(
    world: World, changes: dict[str, str], outcome: str
) -> None:
    world.adobe.faults.add(Fault(path=".*/test", times=3, status=503))
    sent = world.send(REQUEST)
    assert not world.deliver(sent)
    world.put_secret(accessToken="rotated")

    assert world.request(REQUEST | changes) if changes else world.deliver(sent)

    assert len(world.calls("PATCH")) == 1
    assert world.announced() == [("Ready", outcome)]


def test_the_source_type_is_recorded_when_a_request_is_accepted_and_stays(world: World, calls: Calls) -> None:
    world.request()
    assert world.item()["source"] == {"S": "databricks"}
    world.edit(source="lake")

    def kill(name: str, go: Go) -> Any:
        if name == "announce":
            raise Killed
        return go()

    calls.act = kill
    with pytest.raises(Killed):
        world.deliver(world.send(REQUEST))

    assert world.item()["source"] == {"S": "lake"}
