"""Before it calls Adobe, the function checks the workspace, reports exactly what is wrong, and waits for a start."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from local.simulators.faults import Fault
from local.stack import DATABRICKS_SECRET
from tests.support.log import Log
from tests.support.world import REQUEST, STOPPED, UNCHECKED, World

TOKEN, CLUSTER = DATABRICKS_SECRET["accessToken"], DATABRICKS_SECRET["clusterId"]
START = REQUEST | {"readiness": "start"}
STARTS = "/api/2.1/clusters/start"


def paths_called(world: World, method: str = "GET") -> list[str]:
    """The paths that the service itself has called at Databricks so far."""
    calls = [call.request for call in world.databricks.calls]
    return [c.path for c in calls if c.method == method and c.headers["user-agent"].startswith("aep-connections")]


def checks(world: World) -> dict[str, dict[str, Any]]:
    """The checks of the last report in the registry, by id."""
    report = world.item()["readiness"]["M"]["checks"]["L"]
    return {check["M"]["id"]["S"]: check["M"] for check in report}


def results(world: World) -> dict[str, str]:
    return {name: check["result"]["S"] for name, check in checks(world).items()}


def stop(world: World) -> None:
    world.databricks.settings.clusters = dict(STOPPED)


def test_a_workspace_in_order_passes_every_check_with_three_reads(world: World) -> None:
    assert world.invoke(REQUEST)["readiness"] == "pass"

    assert sorted(paths_called(world)) == [
        "/api/2.0/preview/scim/v2/Me",
        "/api/2.0/token/list",
        "/api/2.1/clusters/get",
    ]
    assert set(results(world).values()) == {"pass", "unknown"}
    assert [name for name, result in results(world).items() if result != "pass"] == ["DATABASE_HMS"]
    assert world.item()["readiness"]["M"]["status"]["S"] == "pass"


def test_with_a_catalog_the_data_that_the_connection_reads_is_checked_too(world: World) -> None:
    assert world.invoke(REQUEST | {"catalog": "main"})["readiness"] == "pass"

    assert len(paths_called(world)) == 6 <= 8
    assert paths_called(world, "POST") == []
    assert set(results(world).values()) == {"pass"}
    assert {"CATALOG", "DATABASE", "TABLES"} <= set(results(world))


def test_a_failed_check_is_in_the_event_the_registry_and_the_log_and_adobe_is_not_called(
    world: World, log: Log
) -> None:
    stop(world)

    assert world.request()

    assert world.calls() == []
    assert world.announced() == [("Failed", "NotReady")]
    (event,) = world.events()
    detail, (line,) = event["detail"], log.lines()
    assert [fault["field"] for fault in detail["faults"]] == ["CLUSTER_STATE"]
    assert f"Cluster {CLUSTER} is TERMINATED" in detail["message"]
    assert "Start the cluster" in detail["remedy"]
    assert detail["readiness"] == line["readiness"] == world.item()["readiness"]["M"]["status"]["S"] == "fail"
    assert detail["requestId"] == line["request_id"]
    for reported in (detail["checks"], line["checks"]):
        (failed,) = [check for check in reported if check["result"] == "fail"]
        assert (failed["id"], failed["severity"], failed["evidence"]["state"]) == (
            "CLUSTER_STATE",
            "error",
            "TERMINATED",
        )
        assert {check["id"] for check in reported} == set(checks(world))


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"revoked_tokens": [TOKEN]}, "TOKEN_VALID"),
        ({"refusal": "other-workspace"}, "TOKEN_VALID"),
        ({"org_id": "999"}, "WORKSPACE_MATCH"),
        ({"missing_scopes": ["clusters"]}, "TOKEN_SCOPE"),
        ({"user_active": False}, "IDENTITY_ACTIVE"),
        ({"missing_clusters": [CLUSTER]}, "CLUSTER_EXISTS"),
        ({"hidden_clusters": [CLUSTER]}, "CLUSTER_VISIBLE"),
        ({"cluster_sources": {CLUSTER: "JOB"}}, "CLUSTER_INTERACTIVE"),
        ({"security_modes": {CLUSTER: "LEGACY_PASSTHROUGH"}}, "ACCESS_MODE UC_VS_MODE"),
        ({"single_users": {CLUSTER: "someone@example.com"}}, "SINGLE_USER"),
        ({"security_modes": {CLUSTER: "NONE"}}, "UC_VS_MODE"),
        ({"unity_catalog": False}, "CATALOG"),
        ({"missing_catalogs": ["main"]}, "CATALOG"),
        ({"missing_grants": ["USE CATALOG"]}, "CATALOG"),
        ({"missing_schemas": ["main.acme_db"]}, "DATABASE"),
        ({"missing_grants": ["USE SCHEMA"]}, "DATABASE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_each_error_in_the_workspace_fails_its_check_and_stops_the_request(
    world: World, settings: dict[str, Any], wrong: str
) -> None:
    for name, value in settings.items():
        setattr(world.databricks.settings, name, value)

    refusal = world.refused(REQUEST | {"catalog": "main"})

    assert (refusal.code, [fault.field for fault in refusal.faults]) == ("NotReady", wrong.split())
    assert world.calls() == []
    assert all(checks(world)[check]["remedy"]["S"] in refusal.remedy for check in wrong.split())


@pytest.mark.parametrize(
    ("settings", "doubtful", "result"),
    [
        ({"refusal": "ip"}, "NETWORK_ALLOWED", "fail"),
        ({"refusal": "private-link"}, "HOST_REACHABLE", "fail"),
        ({"refusal": "login-page"}, "HOST_REACHABLE", "fail"),
        ({"token_days": 5.0}, "TOKEN_EXPIRY", "fail"),
        ({"missing_scopes": ["tokens"]}, "TOKEN_EXPIRY", "unknown"),
        ({"security_modes": {CLUSTER: "USER_ISOLATION"}}, "ACCESS_MODE", "fail"),
        ({"autotermination_minutes": 10}, "AUTOTERMINATION", "fail"),
        ({"spark_conf": {}}, "SAS_PRESENT", "fail"),
        ({"empty_schemas": ["main.acme_db"]}, "TABLES", "fail"),
        ({"missing_grants": ["SELECT"]}, "TABLES", "fail"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_an_uncertain_problem_is_a_warning_and_adobe_decides(
    world: World, settings: dict[str, Any], doubtful: str, result: str
) -> None:
    path_is_closed_to_us_only = "refusal" in settings
    databricks = world.databricks
    for name, value in settings.items():
        setattr(databricks.settings, name, value)
    if path_is_closed_to_us_only:
        respond = databricks.respond

        def open_to_adobe(request: Any, now: float) -> Any:
            ours = request.headers["user-agent"].startswith("aep-connections")
            databricks.settings.refusal = settings["refusal"] if ours else ""
            return respond(request, now)

        databricks.respond = open_to_adobe  # type: ignore[method-assign]

    done = world.invoke(REQUEST | {"catalog": "main"})

    assert (done["outcome"], done["readiness"]) == ("created", "warn")
    assert not [path for path in paths_called(world) if "login" in path]
    assert results(world)[doubtful] == result


@pytest.mark.parametrize("fault", [Fault(drop=True, times=0), Fault(status=503, times=0), Fault(status=429, times=0)])
def test_a_check_without_a_reply_from_databricks_is_never_a_pass(world: World, fault: Fault) -> None:
    world.databricks.faults.add(fault)
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", status=400, body="{}"))

    world.refused(REQUEST)

    assert world.item()["readiness"]["M"]["status"]["S"] == "warn"
    assert results(world)["TOKEN_VALID"] != "pass"
    assert results(world)["CLUSTER_STATE"] == "skipped"
    assert len(world.calls("POST")) == 1


def test_a_read_that_gets_no_reply_is_retried_only_once(world: World) -> None:
    world.databricks.faults.add(Fault(drop=True, times=0))

    world.refused(REQUEST)

    assert {paths_called(world).count(path) for path in paths_called(world)} == {2}


def test_no_check_outlives_its_delivery(world: World) -> None:
    before = set(threading.enumerate())

    world.request(REQUEST | {"catalog": "main"})

    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert [name for name in left if name.startswith(("ThreadPool", "Timer"))] == []


def test_one_missing_reply_does_not_hide_the_other_results(world: World) -> None:
    stop(world)
    world.databricks.faults.add(Fault(path=".*/Me", status=503, times=2))

    assert world.refused(REQUEST).code == "NotReady"

    assert results(world)["CLUSTER_STATE"] == "fail"


def test_all_problems_are_named_at_once(world: World) -> None:
    stop(world)
    databricks = world.databricks.settings
    databricks.single_users, databricks.missing_schemas = {CLUSTER: "group"}, ["main.acme_db"]

    refusal = world.refused(REQUEST | {"catalog": "main"})

    assert [fault.field for fault in refusal.faults] == ["CLUSTER_STATE", "SINGLE_USER", "DATABASE"]


def test_readiness_off_makes_no_calls_and_reports_unknown(world: World) -> None:
    world.request()
    before = paths_called(world)

    assert world.invoke(UNCHECKED | {"database": "other"})["readiness"] == "unknown"

    assert paths_called(world) == before
    assert "readiness" not in world.item()


def test_an_unchanged_connection_is_not_checked_again_and_keeps_its_verdict(world: World) -> None:
    world.request()
    before = paths_called(world)

    done = world.invoke(REQUEST)

    assert (done["outcome"], done["readiness"]) == ("unchanged", "pass")
    assert paths_called(world) == before


@pytest.mark.parametrize("group", ["5f0c3a52-7a53-4f5f-9d5e-2f1b6a3f7c11", "aep-connectors"])
def test_a_cluster_dedicated_to_the_tokens_identity_or_its_group_is_fine(world: World, group: str) -> None:
    world.databricks.settings.groups = ["aep-connectors"]
    world.databricks.settings.single_users = {CLUSTER: group}

    assert world.invoke(REQUEST)["readiness"] == "pass"


def test_the_token_goes_to_the_workspace_named_in_the_secret_and_is_shown_nowhere(world: World) -> None:
    stop(world)

    refusal = world.refused(REQUEST)

    ours = [c.request for c in world.databricks.calls]
    assert {c.headers["authorization"] for c in ours} == {f"Bearer {TOKEN}"}
    assert {c.headers["x-databricks-workspace-id"] for c in ours} == {"1234567890123456"}
    assert TOKEN not in str(refusal) + str(world.events()) + str(world.item())
