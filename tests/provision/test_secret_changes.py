"""A secret has a new version: each of its connections is updated in place and tested. Only then is it recorded."""

from __future__ import annotations

from typing import Any

import pytest

from aep_connections.adobe.flow_service import FlowService
from local.simulators.faults import Fault
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.keeper import Keeper, reason_of
from tests.support.world import REQUEST, SECRET_ID, STOPPED, UNCHECKED, Killed, Sent, World

NEW = "dapi11111111111111111111111111111111"
NEWER = "dapi22222222222222222222222222222222"
OLD = DATABRICKS_SECRET["accessToken"]


def token(world: World, name: str = "sales") -> str:
    """The access token that Adobe has."""
    (item,) = world.connections(name)
    return str(item["auth"]["params"]["accessToken"])


def current(world: World) -> str:
    """The id of the secret's current version."""
    return world.service.environment.secrets.read(SECRET_ID).version_id


def recorded(world: World, name: str = "sales") -> str:
    return str(world.item(name)["secretVersion"]["M"]["id"]["S"])


def rotated(world: World, keeper: Keeper) -> Sent:
    """Rotate the secret, and return the recheck that this causes."""
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    keeper.listen()
    (sent,) = keeper.rechecks()
    return sent


def follow(keeper: Keeper) -> list[str]:
    """Let the function process the event of the new version, then all rechecks."""
    keeper.listen()
    return keeper.deliver_rechecks()


def test_every_connection_of_the_secret_is_updated_and_tested_and_no_other(world: World, keeper: Keeper) -> None:
    world.put_secret("aep/dev/databricks/other")
    world.request()
    world.request(REQUEST | {"name": "second", "database": "second_db"})
    world.request(REQUEST | {"name": "third", "databricksSecretId": "aep/dev/databricks/other"})
    keeper.pending_events()
    tests = len(world.calls("GET", "/test"))
    world.put_secret(accessToken=NEW)

    assert follow(keeper) == ["secret", "secret"]

    assert [token(world, name) for name in ("sales", "second", "third")] == [NEW, NEW, OLD]
    assert recorded(world) == recorded(world, "second") == current(world)
    assert len(world.calls("GET", "/test")) == tests + 2
    assert [patch.json()[0]["value"].keys() for patch in world.calls("PATCH")] == [DATABRICKS_SECRET.keys()] * 2
    assert world.announced()[3:] == [("Ready", "updated")] * 2
    assert keeper.drifts() == []


def test_processing_the_event_of_a_secret_makes_no_call_to_adobe(world: World, keeper: Keeper) -> None:
    world.request()
    keeper.pending_events()
    before = len(world.calls())
    world.put_secret(accessToken=NEW)

    keeper.listen()

    assert len(world.calls()) == before


@pytest.mark.parametrize(
    "name", [SECRET_ID, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" + SECRET_ID + "-AbCdEf"]
)
def test_the_event_may_name_the_secret_or_its_arn(world: World, keeper: Keeper, name: str) -> None:
    world.request()

    keeper.wake({"detail-type": "Secret Label Updated", "detail": {"name": name, "labelUpdated": "AWSCURRENT"}})

    assert [reason_of(sent) for sent in keeper.rechecks()] == ["secret"]


def test_a_change_of_the_adobe_secret_updates_nothing(world: World, keeper: Keeper) -> None:
    world.request()
    keeper.pending_events()
    world.put_values(world.template.values["AdobeSecretArn"], ADOBE_SECRET | {"scopes": "openid"})

    assert follow(keeper) == []

    assert world.calls("PATCH") == []


def test_two_changes_in_a_row_end_with_the_newest_version(world: World, keeper: Keeper) -> None:
    world.request()
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    world.put_secret(accessToken=NEWER)

    assert follow(keeper) == ["secret", "secret"]

    assert (token(world), recorded(world)) == (NEWER, current(world))
    assert len(world.calls("PATCH")) == 1


def test_a_change_during_an_update_ends_with_the_newest_version(
    world: World, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    sent = rotated(world, keeper)
    patch = FlowService.patch
    other: list[bool] = []

    def change_first(*arguments: Any) -> str | None:
        monkeypatch.setattr(FlowService, "patch", patch)
        world.put_secret(accessToken=NEWER)
        keeper.listen()
        other.extend(world.deliver(one) for one in keeper.rechecks())
        return patch(*arguments)

    monkeypatch.setattr(FlowService, "patch", change_first)
    assert world.deliver(sent)
    assert (other, token(world)) == ([False], NEW)  # this recheck found the key busy: it is delivered again
    world.clock.advance(300)
    keeper.reconcile()
    keeper.deliver_rechecks()

    assert (token(world), recorded(world)) == (NEWER, current(world))


def test_a_token_that_databricks_refuses_is_not_sent_to_adobe(world: World, keeper: Keeper) -> None:
    world.request()
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    world.databricks.settings.revoked_tokens = [NEW]
    published = world.parameter()

    follow(keeper)

    assert (token(world), world.calls("PATCH")) == (OLD, [])
    assert (world.status(), world.announced()[-1]) == ("failed", ("Failed", "NotReady"))
    assert (world.parameter(), recorded(world) == current(world)) == (published, False)


def refuse_at_the_test(world: World, *refused: str) -> None:
    """Databricks refuses the tokens only from Adobe's test on, so the readiness checks pass."""
    respond = world.adobe.reply

    def reply(request: Any) -> Any:
        if request.path.endswith("/test"):
            world.databricks.settings.revoked_tokens = list(refused)
        return respond(request)

    world.adobe.reply = reply  # type: ignore[method-assign]


@pytest.mark.parametrize("request_", [REQUEST, UNCHECKED], ids=["check", "off"])
def test_a_token_refused_after_the_update_is_replaced_by_the_former_one_if_that_is_accepted(
    world: World, keeper: Keeper, request_: dict[str, Any]
) -> None:
    world.request(request_)
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    refuse_at_the_test(world, NEW)
    published = world.parameter()

    follow(keeper)

    assert [patch.json()[0]["value"]["accessToken"] for patch in world.calls("PATCH")] == [NEW, OLD]
    assert token(world) == OLD
    event = world.events()[-1]["detail"]
    assert event["code"] == "DatabricksRefused"
    assert "former version of the secret" in event["message"]
    assert (world.status(), world.parameter(), recorded(world) == current(world)) == ("failed", published, False)


def test_a_token_refused_after_the_update_stays_if_the_former_one_is_refused_too(world: World, keeper: Keeper) -> None:
    world.request()
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    refuse_at_the_test(world, NEW, OLD)

    follow(keeper)

    assert (token(world), len(world.calls("PATCH"))) == (NEW, 1)
    assert world.announced()[-1] == ("Failed", "DatabricksRefused")


def test_a_test_that_fails_for_another_reason_leaves_the_new_version_and_the_parameter(
    world: World, keeper: Keeper
) -> None:
    world.request()
    keeper.pending_events()
    published = world.parameter()
    world.put_secret(accessToken=NEW)
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))

    follow(keeper)

    assert (token(world), world.parameter(), world.status()) == (NEW, published, "failed")
    assert world.announced()[-1] == ("Failed", "TestFailed")
    assert (world.item()["tested"]["M"]["passed"]["BOOL"], recorded(world) == current(world)) == (False, False)
    keeper.reconcile()
    keeper.deliver_rechecks()
    assert (world.status(), recorded(world)) == ("ready", current(world))


def test_with_a_stopped_cluster_the_new_version_is_sent_to_adobe_and_tested_once_it_runs(
    world: World, keeper: Keeper
) -> None:
    world.request(REQUEST | {"readiness": "start"})
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    world.databricks.settings.clusters = dict(STOPPED)
    tests = len(world.calls("GET", "/test"))

    follow(keeper)

    assert (token(world), world.status(), "tested" in world.item()) == (NEW, "ready", False)
    assert len(world.calls("GET", "/test")) == tests
    assert recorded(world) != current(world)
    assert keeper.reconcile()["Unverified"] == 1
    assert keeper.kinds() == [["staleSecret"]]
    keeper.deliver_rechecks()
    assert len(world.calls("PATCH")) == 1
    world.databricks.settings.clusters = {}
    keeper.reconcile()
    keeper.deliver_rechecks()
    assert (recorded(world), len(world.calls("GET", "/test"))) == (current(world), tests + 1)
    assert keeper.reconcile()["Drifted"] == 0


def test_a_connection_whose_recheck_was_killed_between_update_and_test_is_tested_by_the_next(
    world: World, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    sent = rotated(world, keeper)

    def kill(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(FlowService, "test", kill)
        with pytest.raises(Killed):
            world.deliver(sent)
    tests = len(world.calls("GET", "/test"))
    world.clock.advance(300)

    assert world.deliver(sent)

    assert len(world.calls("GET", "/test")) == tests + 1
    assert recorded(world) == current(world)


def kill_in_taking_back(world: World, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, where: str) -> Sent:
    """A recheck that is killed right before (`registry`) or right after (`adobe`) Adobe gets the former token back."""
    world.request()
    keeper.pending_events()
    world.put_secret(accessToken=NEW)
    refuse_at_the_test(world, NEW)
    keeper.listen()
    (sent,) = keeper.rechecks()
    patch = FlowService.patch

    def killing(flow: Any, connection: Any, desired: Any, mark: Any) -> str | None:
        former = desired.auth.secret["accessToken"] == OLD
        if former and where == "registry":
            raise Killed
        etag = patch(flow, connection, desired, mark)
        if former:
            raise Killed
        return etag

    with monkeypatch.context() as changed:
        changed.setattr(FlowService, "patch", killing)
        with pytest.raises(Killed):
            world.deliver(sent)
    world.clock.advance(300)
    return sent


@pytest.mark.parametrize("where", ["registry", "adobe"])
def test_restoring_the_former_token_continues_after_a_kill(
    world: World, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    sent = kill_in_taking_back(world, keeper, monkeypatch, where)

    world.until_done(sent)

    assert (token(world), world.status()) == (OLD, "failed")
    patches = len(world.calls("PATCH"))
    keeper.reconcile()
    keeper.deliver_rechecks()
    assert len(world.calls("PATCH")) == patches


def test_a_token_that_a_killed_delivery_took_back_is_sent_to_adobe_again(
    world: World, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = kill_in_taking_back(world, keeper, monkeypatch, "adobe")
    monkeypatch.setattr(world.databricks.settings, "revoked_tokens", [])
    del world.adobe.reply

    world.until_done(sent)

    assert (token(world), recorded(world), world.status()) == (NEW, current(world), "ready")
