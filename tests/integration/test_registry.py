"""What the registry holds for a key, which delivery may write it, and what other keys hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aep_connections.adobe.flow_service import FlowService
from aep_connections.aws.registry import Registry
from aep_connections.contract.request import read_request
from aep_connections.domain.entry import Lease
from aep_connections.domain.model import Key, Order
from aep_connections.sources import FIRST
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET
from tests.support.aws import instead, noted
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, UNCHECKED, Killed, World

ITEMS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "support" / "items-0.1.0.json").read_text()
)
"""One item per status."""
OTHER_ORG = ADOBE_SECRET | {"orgId": "OTHER@AdobeOrg"}


def use_other_organization(world: World) -> None:
    world.stack.put_secret(world.stack.environment["ADOBE_SECRET_ID"], OTHER_ORG)


def test_an_accept_that_the_sdk_repeats_is_not_mistaken_for_another_delivery(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated: list[Any] = []

    def lose_the_first_response(call: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        if not repeated:
            repeated.append(call())
        return call()

    instead(monkeypatch, "UpdateItem", lose_the_first_response)

    assert world.request()

    assert repeated
    assert world.announced() == [("Ready", "created")]


@pytest.mark.parametrize("document", [REQUEST, ABSENT], ids=["present", "absent"])
@pytest.mark.parametrize("status", ITEMS)
def test_accept_writes_the_result_of_the_entrys_transition(world: World, status: str, document: dict[str, Any]) -> None:
    dynamodb, table = world.stack.aws.client("dynamodb"), world.stack.environment["REGISTRY_TABLE"]
    dynamodb.put_item(TableName=table, Item=ITEMS[status])
    key, order = Key("dev", ITEMS[status]["name"]["S"]), Order("2030-01-01T00:00:00.000Z", "later")
    request = read_request(document | {"name": key.name}, "aep/")
    registry = Registry(dynamodb, table, world.clock)
    lease = Lease(key, "owner", world.clock.now() + 300)
    world.clock.advance(10_000)

    before, after = registry.accept(lease, order, request), registry.get(key)

    assert before is not None
    assert after is not None
    result = before.accepted(order, request)
    source = result.source or FIRST.name  # how an item without a source is read
    assert after == result.with_(source=source, updated_at=after.updated_at, lease_until=after.lease_until)


def test_a_lease_lasts_a_minute_longer_than_its_invocation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    until: list[float] = []
    reply = world.stack.adobe.reply

    def observe(request: Request) -> Any:
        until.append(float(world.item()["leaseUntil"]["N"]))
        return reply(request)

    monkeypatch.setattr(world.stack.adobe, "reply", observe)
    sent = world.send(REQUEST)
    began = world.clock.now()
    world.deliver(sent, seconds=100)

    assert set(until) == {began + 160}


def test_a_recheck_waits_for_the_delivery_that_processes_the_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, recheck = world.send(REQUEST), world.send_body(RECHECK)
    other = world.new_service()
    during: list[bool] = []
    reply = world.stack.adobe.reply

    def meanwhile(request: Request) -> Any:
        if request.method == "POST":
            during.append(world.deliver(recheck, other))
        return reply(request)

    monkeypatch.setattr(world.stack.adobe, "reply", meanwhile)

    assert world.deliver(sent)

    assert during == [False]
    assert len(world.connections()) == 1


def test_a_connection_of_another_keys_open_attempt_is_not_adopted(world: World) -> None:
    world.stack.adobe.faults.add(Fault(method="POST", path=".*/connections", when="after", drop=True))
    world.stack.adobe.settings.list_lag_seconds = 100
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
    world.stack.databricks.settings.clusters.update(STOPPED)

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


def test_the_registry_is_read_consistently_for_the_connections_of_other_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_foreign("sales")
    queries = noted(monkeypatch, "Query")

    world.refused(REQUEST)

    assert [query["ConsistentRead"] for query in queries] == [True]


def test_the_connections_of_other_keys_are_read_to_the_last_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "z"):
        world.request(REQUEST | {"name": name, "displayName": f"Shared by {name}"})

    def one_item_a_page(call: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        arguments["Limit"] = 1
        return call()

    instead(monkeypatch, "Query", one_item_a_page)

    result = world.invoke(REQUEST | {"displayName": "Shared by z", "adopt": True})

    assert result["outcome"] == "created"


def test_an_adopted_connection_carries_a_marker_that_the_registry_has(world: World) -> None:
    foreign = world.add_foreign("sales")

    world.invoke(REQUEST | {"adopt": True})

    (mark,) = world.item()["marks"]["L"]
    assert world.stack.adobe.records[foreign].item["description"] == f"[aep-connections {mark['S']}]"


def test_an_adopted_connection_belongs_to_its_organization(world: World) -> None:
    world.add_foreign("sales")
    world.invoke(REQUEST | {"adopt": True})
    use_other_organization(world)

    assert world.refused(REQUEST).code == "Conflict"


def test_an_open_attempt_is_not_looked_for_in_another_organization(world: World) -> None:
    world.stack.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=100))
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
        world.stack.adobe.faults.add(Fault(path=".*/connections.*", times=3, status=503))
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
    world.stack.databricks.settings.clusters.update(STOPPED)
    world.clock.advance(300)

    assert world.deliver(sent)

    assert world.announced()[-1] == ("Failed", "TestFailed")
    assert world.parameter() == before


@pytest.mark.parametrize(("changes", "outcome"), [({}, "created"), ({"database": "other"}, "updated")])
def test_a_create_that_is_resumed_by_a_patch_is_still_created_but_a_later_request_updates(
    world: World, changes: dict[str, str], outcome: str
) -> None:
    world.stack.adobe.faults.add(Fault(path=".*/test", times=3, status=503))
    sent = world.send(REQUEST)
    assert not world.deliver(sent)
    world.put_secret(accessToken="rotated")

    assert world.request(REQUEST | changes) if changes else world.deliver(sent)

    assert len(world.calls("PATCH")) == 1
    assert world.announced() == [("Ready", outcome)]


def test_the_source_type_is_recorded_when_a_request_is_accepted_and_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    assert world.item()["source"] == {"S": "databricks"}
    world.edit_item("SET #source = :other", {"#source": "source"}, {":other": {"S": "lake"}})

    def kill(_call: Callable[[], Any], _arguments: dict[str, Any]) -> Any:
        raise Killed

    instead(monkeypatch, "PutEvents", kill)
    with pytest.raises(Killed):
        world.deliver(world.send(REQUEST))

    assert world.item()["source"] == {"S": "lake"}
