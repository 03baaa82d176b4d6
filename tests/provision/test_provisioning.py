"""The result of each kind of request, over real HTTP from the queue to Adobe and Parameter Store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.stack import ADOBE_SECRET
from tests.support.world import ABSENT, REQUEST, World


def test_a_first_request_creates_tests_publishes_and_announces(world: World) -> None:
    assert world.request()

    (connection,) = world.connections()
    assert world.parameter() == connection["id"]
    assert world.announced() == [("Ready", "created")]
    assert world.status() == "ready"


def test_the_post_is_exactly_adobes_tutorial(world: World) -> None:
    world.put_secret(catalog="main")

    world.invoke(REQUEST | {"displayName": "Sales lakehouse", "description": "Orders"})

    (post,) = world.calls("POST")
    body = post.json()
    assert body.pop("description").startswith("Orders [aep-connections ")
    assert body == {
        "name": "Sales lakehouse",
        "auth": {
            "specName": "Access Token Authentication",
            "params": {
                "domain": "https://adb-1234567890123456.16.azuredatabricks.net",
                "clusterId": "0923-164208-meows279",
                "accessToken": "dapi0123456789abcdef0123456789abcdef",
                "database": "acme_db",
                "catalog": "main",
            },
        },
        "connectionSpec": {"id": "e9d7ec6b-0873-4e57-ad21-b3a7c65e310b", "version": "1.0"},
    }


def test_every_call_to_flow_service_carries_the_five_headers(world: World) -> None:
    world.request()
    world.put_secret()
    world.request()
    world.request(ABSENT)

    methods = {request.method for request in world.calls()}
    assert methods == {"GET", "POST", "PATCH", "DELETE"}
    for request in world.calls():
        assert request.headers["authorization"].startswith("Bearer token-")
        assert request.headers["x-api-key"] == ADOBE_SECRET["clientId"]
        assert request.headers["x-gw-ims-org-id"] == ADOBE_SECRET["orgId"]
        assert request.headers["x-sandbox-name"] == "dev"
        assert request.headers["content-type"] == "application/json"
        assert "x-sandbox-id" not in request.headers


def test_a_direct_invoke_returns_the_result_of_the_contract(world: World) -> None:
    result = world.invoke(REQUEST)

    (connection,) = world.connections()
    assert result == {
        "name": "sales",
        "sandbox": "dev",
        "connectionId": connection["id"],
        "etag": connection["etag"],
        "outcome": "created",
        "parameterName": f"{world.environment['PARAMETER_PREFIX']}/dev/sales/connection-id",
        "readiness": "pass",
    }


def test_the_event_of_a_result_has_the_time_and_the_id_of_its_request(world: World) -> None:
    requested_at = world.clock.now()
    world.request(at=requested_at, order_id="5d9e7f1a")

    (event,) = world.events()
    assert event["source"] == "aep.connections"
    assert event["detail"]["requestEventId"] == "5d9e7f1a"
    assert event["detail"]["requestedAt"] == "2026-11-18T11:06:40.000Z"
    assert event["detail"]["connectionId"] == world.parameter()


def test_the_same_request_again_is_unchanged_and_costs_one_get(world: World) -> None:
    world.request()
    before = len(world.calls())

    assert world.request()

    assert [request.method for request in world.calls()[before:]] == ["GET"]
    assert world.announced() == [("Ready", "created"), ("Ready", "unchanged")]


def test_a_parameter_that_another_system_changed_is_written_again(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    world.publish("something-else")

    world.request()

    assert world.parameter() == connection["id"]
    assert world.announced()[-1] == ("Ready", "unchanged")


def test_a_new_version_of_the_secret_updates_the_same_connection(world: World) -> None:
    world.request()
    (before,) = world.connections()
    world.put_secret(accessToken="rotated")

    assert world.request()

    (after,) = world.connections()
    assert after["id"] == before["id"]
    assert after["auth"]["params"]["accessToken"] == "rotated"
    assert world.calls("PATCH")[0].headers["if-match"] == before["etag"]
    assert world.announced()[-1] == ("Ready", "updated")
    assert world.calls("GET", "/test")[-1]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"displayName": "Sales 2"}, ("name",), "Sales 2"),
        ({"database": "sales_v2"}, ("auth", "params", "database"), "sales_v2"),
        ({"clusterId": "0924-000000-other"}, ("auth", "params", "clusterId"), "0924-000000-other"),
        ({"catalog": "main"}, ("auth", "params", "catalog"), "main"),
    ],
)
def test_a_changed_request_updates_the_connection_in_place(
    world: World, changes: dict[str, str], field: tuple[str, ...], value: str
) -> None:
    world.request()
    (before,) = world.connections()

    assert world.request(REQUEST | changes)

    (after,) = world.connections()
    shown: Any = after
    for step in field:
        shown = shown[step]
    assert shown == value
    assert after["id"] == before["id"]
    assert world.announced()[-1] == ("Ready", "updated")


def test_a_change_that_was_made_in_adobe_is_reverted(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    connection["auth"]["params"]["database"] = "elsewhere"

    world.request()

    assert world.connections()[0]["auth"]["params"]["database"] == "acme_db"
    assert world.announced()[-1] == ("Ready", "updated")


def test_a_description_can_be_added_and_keeps_our_marker(world: World) -> None:
    world.request()
    marker = world.connections()[0]["description"]

    world.request(REQUEST | {"description": "Orders and customers"})

    assert world.connections()[0]["description"] == f"Orders and customers {marker}"


def test_a_connection_that_is_gone_is_recreated(world: World) -> None:
    world.request()
    (first,) = world.connections()
    world.adobe.records.clear()

    assert world.request()

    (second,) = world.connections()
    assert second["id"] != first["id"]
    assert world.parameter() == second["id"]
    assert world.announced()[-1] == ("Ready", "recreated")


def test_absent_deletes_the_connection_then_the_parameter_and_retires_the_key(world: World) -> None:
    world.request()

    assert world.request(ABSENT)

    assert world.connections() == []
    assert world.parameter() is None
    assert world.announced()[-1] == ("Deleted", "deleted")
    item = world.item()
    assert item["status"]["S"] == "retired"
    assert int(item["expiresAt"]["N"]) == pytest.approx(world.clock.now() + 30 * 86400, abs=5)
    assert "connectionId" not in item


def test_absent_waits_until_adobe_no_longer_shows_the_connection(world: World) -> None:
    world.request()
    world.adobe.settings.delete_status = 202
    world.adobe.settings.delete_lag_seconds = 10

    assert world.request(ABSENT)

    assert sum(world.clock.slept) >= 10
    assert world.parameter() is None


def test_absence_of_a_connection_that_never_existed_is_announced_as_unchanged(world: World) -> None:
    assert world.request(ABSENT)

    assert world.announced() == [("Deleted", "unchanged")]
    assert world.calls() == []


def test_a_retired_key_can_be_requested_again(world: World) -> None:
    world.request()
    world.request(ABSENT)

    assert world.request()

    assert world.announced()[-1] == ("Ready", "created")
    assert "expiresAt" not in world.item()
    assert len(world.connections()) == 1


def test_a_connection_that_flows_use_is_not_deleted(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    world.adobe.settings.in_use.append(connection["id"])

    assert world.request(ABSENT)

    assert world.announced()[-1] == ("Failed", "InUse")
    assert world.parameter() == connection["id"]
    assert len(world.connections()) == 1


def test_a_recheck_of_something_unchanged_is_silent_and_one_that_repairs_is_announced(world: World) -> None:
    world.request()
    recheck = json.dumps({"recheck": {"sandbox": "dev", "name": "sales", "reason": "test"}})

    assert world.deliver(world.send_body(recheck))
    assert world.announced() == [("Ready", "created")]

    world.put_secret(accessToken="rotated")
    assert world.deliver(world.send_body(recheck))
    assert world.announced() == [("Ready", "created"), ("Ready", "updated")]


def test_a_recheck_of_an_unknown_or_retired_key_does_nothing(world: World) -> None:
    world.request()
    world.request(ABSENT)
    before = len(world.calls())

    for name in ("sales", "unknown"):
        recheck = json.dumps({"recheck": {"sandbox": "dev", "name": name, "reason": "test"}})
        assert world.deliver(world.send_body(recheck))

    assert len(world.calls()) == before
    assert world.announced()[-1] == ("Deleted", "deleted")
    assert world.item("unknown") == {}


def test_a_disabled_connection_is_left_alone_and_reported(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    world.adobe.settings.states[connection["id"]] = "disabled"

    refusal = world.refused(REQUEST)

    assert refusal.code == "AdobeRefused"
    assert connection["id"] in refusal.message
    assert world.calls("PATCH") == []


def test_a_connection_that_adobe_is_still_processing_is_waited_for(world: World) -> None:
    world.request()
    (connection,) = world.connections()
    world.adobe.settings.states[connection["id"]] = "updating"

    assert not world.request()
    world.adobe.settings.states.clear()
    assert world.request()

    assert world.announced()[-1] == ("Ready", "unchanged")


def test_an_older_body_of_the_gone_error_and_a_bare_boolean_of_the_test_are_understood(world: World) -> None:
    world.adobe.settings.error_shape = "older"
    world.adobe.settings.test_shape = "boolean"
    world.request()
    world.adobe.records.clear()

    assert world.request()

    assert world.announced()[-1] == ("Ready", "recreated")


def test_two_sandboxes_may_have_the_same_name(world: World) -> None:
    world.put_secret("aep/prod/databricks/sales")
    world.request()
    world.request(REQUEST | {"sandbox": "prod", "databricksSecretId": "aep/prod/databricks/sales"})

    assert world.parameter() != world.parameter(sandbox="prod")
    assert len(world.connections("sales")) == 2


def test_display_names_that_a_filter_would_misread_are_still_found(world: World) -> None:
    name = 'Sales, "EU" & more == 100%'
    world.add_foreign(name)

    assert world.refused(REQUEST | {"displayName": name}).code == "Conflict"


def test_our_connection_of_another_key_is_neither_taken_nor_a_conflict(world: World) -> None:
    world.request(REQUEST | {"displayName": "Shared"})
    assert world.request(REQUEST | {"name": "other", "displayName": "Shared"})

    assert world.announced() == [("Ready", "created"), ("Ready", "created")]
    assert world.parameter() != world.parameter("other")
