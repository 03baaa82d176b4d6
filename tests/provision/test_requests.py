"""Requests and secrets: every documented form is accepted, every other one is refused."""

from __future__ import annotations

import json

from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.world import ABSENT, REQUEST, SECRET_ID, World


def test_overrides_let_one_secret_serve_two_databases(world: World) -> None:
    world.request(REQUEST | {"name": "orders", "database": "orders"})
    world.request(REQUEST | {"name": "customers", "database": "customers"})

    databases = {item["name"]: item["auth"]["params"]["database"] for item in world.connections()}
    assert databases == {"orders": "orders", "customers": "customers"}


def test_a_secret_as_aws_manages_it_is_completed_by_the_request(world: World) -> None:
    managed = {"workspaceUrl": "adb-1234567890123456.16.azuredatabricks.net/", "token": "dapi-managed", "tokenId": "x"}
    world.put_values("aep/dev/databricks/managed", managed)

    world.invoke(
        REQUEST
        | {"databricksSecretId": "aep/dev/databricks/managed", "clusterId": "0923-164208-other", "database": "sales"}
    )

    assert world.connections()[0]["auth"]["params"] == {
        "domain": DATABRICKS_SECRET["domain"],
        "clusterId": "0923-164208-other",
        "accessToken": "dapi-managed",
        "database": "sales",
    }


def test_a_refused_request_names_every_fault_and_is_announced(world: World) -> None:
    assert world.request({"name": "sales", "databricksSecretId": 7, "colour": "red"})

    (event,) = world.events()
    detail = event["detail"]
    assert event["detail-type"] == "AEP Base Connection Failed"
    assert detail["code"] == "InvalidRequest"
    assert {fault["field"] for fault in detail["faults"]} == {"sandbox", "databricksSecretId", "colour"}
    assert (detail["name"], detail["sandbox"], detail["retryable"]) == ("sales", None, False)


def test_a_refused_request_does_not_count_in_the_order(world: World) -> None:
    later = world.clock.now() + 1
    world.request(REQUEST | {"colour": "red"}, at=later)

    assert world.request(at=later - 1)

    assert world.announced() == [("Failed", "InvalidRequest"), ("Ready", "created")]


def test_hostile_domains_are_refused_before_any_call_to_adobe(world: World) -> None:
    for domain in (
        "https://evil.example",
        "https://adb-1.7.azuredatabricks.net.evil.example",
        "http://169.254.169.254/",
    ):
        world.put_secret(domain=domain)
        world.request()

    assert set(world.announced()) == {("Failed", "SecretInvalid")}
    assert world.calls() == []
    assert world.ims.calls == []


def test_a_secret_that_lacks_fields_is_refused_and_the_missing_fields_are_named(world: World) -> None:
    world.put_values(SECRET_ID, {"domain": DATABRICKS_SECRET["domain"], "accessToken": "x"})

    refusal = world.refused(REQUEST | {"database": "sales"})

    assert refusal.code == "SecretInvalid"
    assert [fault.field for fault in refusal.faults] == ["clusterId"]
    assert "neither" in refusal.faults[0].rule


def test_a_missing_secret_is_refused_without_touching_adobe(world: World) -> None:
    refusal = world.refused(REQUEST | {"databricksSecretId": "aep/dev/databricks/none"})

    assert refusal.code == "SecretRefused"
    assert world.calls() == []


def test_a_bare_request_and_an_envelope_on_the_queue_are_the_same(world: World) -> None:
    assert world.request(bare=True)
    assert world.request()

    assert world.announced() == [("Ready", "created"), ("Ready", "unchanged")]


def test_terraform_creates_updates_and_destroys(world: World) -> None:
    tf = {"tf": {"action": "create", "prev_input": None}}
    assert world.invoke(REQUEST | tf)["outcome"] == "created"
    assert world.invoke(REQUEST | {"database": "b", "tf": {"action": "update"}})["outcome"] == "updated"
    assert world.invoke(REQUEST | {"tf": {"action": "delete"}})["outcome"] == "deleted"
    assert world.connections() == []


def test_a_request_without_a_key_is_parked(world: World) -> None:
    world.adobe.settings.sandboxes.append("dev")
    bad = world.send({"no": "key"})

    assert world.deliver(bad)

    (letter,) = world.dead_letters()
    assert json.loads(letter["Body"])["detail"] == {"no": "key"}
    assert letter["MessageAttributes"]["code"]["StringValue"] == "InvalidRequest"


def test_a_message_that_is_not_json_is_parked_and_acknowledged(world: World) -> None:
    assert world.deliver(world.send_body("{not json"))

    (letter,) = world.dead_letters()
    assert json.loads(letter["Body"])["detail"] == {"unreadable": "{not json"}
    assert world.announced() == [("Failed", "InvalidRequest")]


def test_another_organization_in_the_adobe_secret_is_refused_not_used(world: World) -> None:
    world.request()
    world.put_values(world.environment["ADOBE_SECRET_ID"], ADOBE_SECRET | {"orgId": "OTHER@AdobeOrg"})

    for request in (REQUEST, ABSENT):
        assert world.refused(request).code == "Conflict"

    assert len(world.connections()) == 1
    assert world.parameter() == world.connections()[0]["id"]


def test_a_secret_in_the_format_of_developer_console_works(world: World) -> None:
    downloaded = {
        "CLIENT_SECRETS": ["s1", "s2"],
        "CLIENT_ID": "downloaded",
        "ORG_ID": ADOBE_SECRET["orgId"],
        "SCOPES": ["openid", "AdobeID"],
        "TECHNICAL_ACCOUNT_ID": "x",
    }
    world.put_values(world.environment["ADOBE_SECRET_ID"], downloaded)

    assert world.request()

    (exchange,) = world.ims.calls
    assert exchange.request.body == (
        b"grant_type=client_credentials&client_id=downloaded&client_secret=s1&scope=openid%2CAdobeID"
    )
