"""The whole life of a connection of the fictitious source. It runs in a copy that has the source's module and line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.openapi.operations import document
from local.simulators.connections import patched
from local.simulators.faults import Fault
from tests.support.keeper import Keeper
from tests.support.web import Web, problem
from tests.support.world import REQUEST as DATABRICKS_REQUEST
from tests.support.world import World

SECRET_ID = "aep/dev/databricks/ledger"
SECRET = {"account": "a-1", "region": "west", "password": "pw-1234567890"}
REQUEST = {"name": "books", "sandbox": "dev", "ledgerSecretId": SECRET_ID}
ABSENT = {"name": "books", "sandbox": "dev", "desiredState": "absent"}
REFUSED = json.dumps(
    {
        "type": "https://ns.adobe.com/aep/errors/FLOW-1100-400",
        "status": 400,
        "report": {"detailed-message": "The ledger is closed."},
    }
)


@pytest.fixture(autouse=True)
def ledger_secret(world: World) -> None:
    world.put_values(SECRET_ID, SECRET)


def params(world: World) -> dict[str, Any]:
    (connection,) = world.connections("books")
    return dict(connection["auth"]["params"])


def lose_the_post(world: World) -> None:
    """A POST takes effect 110 s after it was sent and gets no response. The delivery ends before that."""
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=110))
    assert not world.deliver(world.send(REQUEST), seconds=95)


def test_a_connection_is_created_tested_and_published(world: World) -> None:
    assert world.request(REQUEST)

    (connection,) = world.connections("books")
    assert connection["connectionSpec"]["id"] == "11111111-2222-3333-4444-555555555555"
    assert connection["auth"] == {"specName": "Basic Authentication", "params": SECRET}
    assert world.parameter("books") == connection["id"]
    assert world.item("books")["source"] == {"S": "ledger"}
    assert world.announced() == [("Ready", "created")]


def test_what_a_lost_post_created_is_found_and_used(world: World) -> None:
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, when="after"))

    world.until_done(world.send(REQUEST))

    assert len(world.connections("books")) == 1
    assert world.parameter("books")


def test_a_request_for_absence_finds_what_a_lost_post_created(world: World) -> None:
    lose_the_post(world)
    world.adobe.faults.add(Fault(method="GET", path=".*", times=3, status=503))
    sent = world.send(ABSENT)
    assert not world.deliver(sent, seconds=60)
    world.clock.advance(400)

    world.until_done(sent)

    assert world.connections("books") == []
    assert world.announced() == [("Deleted", "deleted")]
    assert world.item("books")["source"] == {"S": "ledger"}


def test_a_changed_request_updates_in_place(world: World) -> None:
    world.request(REQUEST)

    assert world.invoke(REQUEST | {"region": "east"})["outcome"] == "updated"

    assert params(world)["region"] == "east"


def test_a_new_version_of_the_secret_is_applied(world: World, keeper: Keeper) -> None:
    world.request(REQUEST)
    world.put_values(SECRET_ID, SECRET | {"password": "pw-0987654321"})

    keeper.listen()
    keeper.deliver_rechecks()

    assert params(world)["password"] == "pw-0987654321"


def test_reconciling_finds_changes_and_duplicates(world: World, keeper: Keeper) -> None:
    world.request(REQUEST)
    (made,) = world.connections("books")
    record = world.adobe.records[made["id"]]
    changes = [{"op": "replace", "path": "/auth/params", "value": SECRET | {"region": "north"}}]
    record.item = patched(record.item, changes, "someone", world.clock.now())
    copied = world.adobe.records[world.add_foreign("books")]
    copied.item |= {"description": made["description"], "connectionSpec": made["connectionSpec"]}

    keeper.reconcile()
    keeper.deliver_rechecks()

    assert keeper.kinds() == [["duplicate", "moved"]]
    assert [c["id"] for c in world.connections("books")] == [made["id"]]
    assert params(world)["region"] == "west"
    keeper.reconcile()
    assert len(keeper.kinds()) == 1


def test_tables_are_shown_and_adobes_refusal_is_passed_on(world: World, web: Web) -> None:
    world.request(REQUEST)
    address = "/connections/dev/books/tables"
    assert web("GET", address).status == 200

    world.adobe.faults.add(Fault(path=".*/explore", status=400, body=REFUSED))

    assert "The ledger is closed." in problem(web("GET", address), 424, "DatabricksRefused")["detail"]


def test_a_failed_test_is_reported_as_test_failed(world: World) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))

    assert world.refused(REQUEST).code == "TestFailed"


def test_a_faulty_secret_is_refused_with_its_missing_fields(world: World) -> None:
    world.put_values(SECRET_ID, {"account": "a-1"})

    assert [fault.field for fault in world.refused(REQUEST).faults] == ["region", "password"]


def test_the_api_document_has_its_fields() -> None:
    properties = document()["components"]["schemas"]["ConnectionRequest"]["properties"]

    assert {"ledgerSecretId", "region", "databricksSecretId", "clusterId"} <= set(properties)


def test_two_secrets_are_refused_and_so_are_fields_of_another_source(world: World) -> None:
    both = world.refused(REQUEST | {"databricksSecretId": "aep/dev/databricks/sales"})
    foreign = world.refused(REQUEST | {"clusterId": "0923-164208-meows279", "readiness": "start"})
    none = world.refused({"name": "books", "sandbox": "dev"})

    assert [fault.field for fault in both.faults] == ["databricksSecretId", "ledgerSecretId"]
    assert [fault.field for fault in foreign.faults] == ["clusterId", "readiness"]
    assert [fault.field for fault in none.faults] == ["databricksSecretId or ledgerSecretId"]
    assert world.item("books") == {}


def test_a_key_does_not_change_the_source_of_what_it_made(world: World) -> None:
    world.request(REQUEST)
    before = params(world)

    assert world.refused(DATABRICKS_REQUEST | {"name": "books"}).code == "Conflict"

    assert params(world) == before
    assert world.item("books")["source"] == {"S": "ledger"}
    world.invoke(ABSENT)
    assert world.connections("books") == []


def test_a_key_that_made_nothing_may_change_its_source(world: World) -> None:
    world.put_values(SECRET_ID, {})
    world.refused(REQUEST)

    assert world.invoke(DATABRICKS_REQUEST | {"name": "books"})["outcome"] == "created"

    assert world.item("books")["source"] == {"S": "databricks"}


@pytest.mark.cloud
def test_an_entry_of_version_0_1_0_belongs_to_databricks(world: World) -> None:
    """Its item has no source."""
    world.request()
    world.edit(source=None)
    assert "source" not in world.item("sales")

    assert world.refused(REQUEST | {"name": "sales"}).code == "Conflict"

    assert world.item("sales")["source"] == {"S": "databricks"}
    assert world.invoke(ABSENT | {"name": "sales"})["outcome"] == "deleted"
