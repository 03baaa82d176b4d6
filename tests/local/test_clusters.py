"""The simulated clusters: they are shown, start, stop and fail as Databricks documents it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk import errors as sdk_errors
from databricks.sdk.service.compute import DataSecurityMode, State, TerminationReasonType

from tests.support.adobes import Adobes
from tests.support.workspace import CLUSTER, Workspace

SOON = timedelta(seconds=2)


def test_a_cluster_is_shown_with_its_documented_fields(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(autoterminationMinutes=30)
    cluster = sdk.clusters.get(CLUSTER)

    assert (cluster.cluster_id, cluster.state) == (CLUSTER, State.RUNNING)
    assert cluster.cluster_source is not None
    assert cluster.cluster_source.value == "UI"
    assert cluster.data_security_mode is DataSecurityMode.SINGLE_USER
    assert cluster.single_user_name == cluster.creator_user_name == workspace.settings.user_name
    assert cluster.autotermination_minutes == 30
    assert cluster.spark_conf == {
        "fs.azure.sas.dlz-user-container.adobedlz.blob.core.windows.net": "{{secrets/aep/sas}}"
    }
    assert cluster.last_restarted_time == cluster.start_time == (workspace.clock.now() - 86_400) * 1000
    assert (cluster.terminated_time, cluster.termination_reason) == (None, None)
    assert cluster.workload_type is not None
    assert cluster.workload_type.clients.notebooks is True


def test_a_cluster_is_of_the_kind_in_the_settings(workspace: Workspace) -> None:
    workspace.order(clusterSources={CLUSTER: "JOB"}, securityModes={CLUSTER: "USER_ISOLATION"}, sparkConf={"a": "b"})
    cluster = workspace.cluster()

    assert (cluster["cluster_source"], cluster["cluster_name"]) == ("JOB", "job-1-run-1")
    assert cluster["data_security_mode"] == "USER_ISOLATION"
    assert "single_user_name" not in cluster
    assert cluster["spark_conf"] == {"a": "b"}

    workspace.order(securityModes={CLUSTER: "DATA_SECURITY_MODE_DEDICATED"}, singleUsers={CLUSTER: "other"})
    assert workspace.cluster()["single_user_name"] == "other"


def test_clusters_are_listed_page_by_page(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(
        clusters={"b": "TERMINATED", "c": "RUNNING", "gone": "RUNNING"},
        clusterSources={"a": "API"},
        missingClusters=["gone"],
        hiddenClusters=["c"],
    )
    workspace.cluster("d")

    pages = sdk.clusters.list(page_size=2)
    assert [(one.cluster_id, one.state) for one in pages] == [
        ("a", State.RUNNING),
        ("b", State.TERMINATED),
        ("d", State.RUNNING),
    ]
    first = workspace.call("GET", "/api/2.1/clusters/list?page_size=2").json()
    assert (len(first["clusters"]), first["next_page_token"]) == (2, "2")


def test_a_cluster_that_does_not_exist_gets_a_400_and_a_hidden_cluster_gets_a_403(
    workspace: Workspace, sdk: WorkspaceClient
) -> None:
    workspace.order(missingClusters=["gone"], hiddenClusters=["secret"])

    with pytest.raises(sdk_errors.ResourceDoesNotExist, match="Cluster gone does not exist"):
        sdk.clusters.get("gone")
    with pytest.raises(sdk_errors.InvalidParameterValue, match="Cluster gone does not exist"):
        sdk.clusters.start("gone")
    with pytest.raises(sdk_errors.PermissionDenied, match="is not authorized to access cluster"):
        sdk.clusters.get("secret")


@pytest.mark.parametrize("body", [{}, [], {"cluster_id": 5}, {"cluster_id": ""}])
def test_a_call_that_names_no_cluster_is_refused(shared: Adobes, body: Any) -> None:
    response = Workspace(shared).call("POST", "/api/2.1/clusters/start", json=body)

    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_stopped_cluster_shows_since_when_and_why(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    ordered = workspace.clock.now()
    sdk.clusters.get(CLUSTER)
    workspace.clock.advance(100)

    cluster = sdk.clusters.get(CLUSTER)

    assert cluster.terminated_time == ordered * 1000
    assert cluster.termination_reason is not None
    assert cluster.termination_reason.code is not None
    assert (cluster.termination_reason.code.value, cluster.termination_reason.type) == (
        "INACTIVITY",
        TerminationReasonType.SUCCESS,
    )


@pytest.mark.parametrize("state", ["PENDING", "RESIZING", "RESTARTING", "TERMINATING", "ERROR", "UNKNOWN"])
def test_a_cluster_stays_in_the_state_in_the_settings(workspace: Workspace, state: str) -> None:
    workspace.order(clusters={CLUSTER: state})
    workspace.clock.advance(100_000)

    assert workspace.state() == state
    assert ("termination_reason" in workspace.cluster()) == (state == "TERMINATING")
    assert workspace.move("start") == (
        400,
        {"error_code": "INVALID_STATE", "message": f"Cluster {CLUSTER} is in unexpected state {state.capitalize()}."},
    )


def test_a_cluster_is_pending_until_its_start_time_is_over(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    started = workspace.clock.now()

    assert workspace.move("start") == (200, {})
    assert workspace.state() == "PENDING"
    workspace.clock.advance(149)
    assert workspace.state() == "PENDING"
    workspace.clock.advance(1)
    cluster = workspace.cluster()
    assert (cluster["state"], cluster["last_restarted_time"]) == ("RUNNING", started * 1000)
    assert "terminated_time" not in cluster
    assert "termination_reason" not in cluster


def test_only_one_of_several_simultaneous_starts_is_accepted(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    responses: list[tuple[int, Any]] = []
    threads = [threading.Thread(target=lambda: responses.append(move_alone(workspace))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in responses) == [200, 400, 400, 400]
    words = {response.get("message") for status, response in responses if status == 400}
    assert words == {f"Cluster {CLUSTER} is in unexpected state Pending."}


def move_alone(workspace: Workspace) -> tuple[int, Any]:
    """A start over a new HTTP connection."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(
            f"{workspace.url}/api/2.1/clusters/start",
            json={"cluster_id": CLUSTER},
            headers={"Authorization": "Bearer good"},
        )
        return response.status_code, response.json()


def test_the_sdk_starts_a_cluster_and_finds_one_that_runs(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, startSeconds=0)

    started = sdk.clusters.start(CLUSTER).result(timeout=SOON)

    assert started.state is State.RUNNING
    sdk.clusters.ensure_cluster_is_running(CLUSTER)
    with pytest.raises(sdk_errors.InvalidState, match="is in unexpected state Running"):
        sdk.clusters.start(CLUSTER)


def test_after_a_start_the_old_state_may_still_be_shown(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, startLagSeconds=5)
    before = workspace.cluster()

    with pytest.raises(sdk_errors.OperationFailed, match="failed to reach RUNNING"):
        sdk.clusters.start(CLUSTER).result(timeout=SOON)

    assert workspace.cluster() == before
    assert workspace.move("start")[1]["message"].endswith("unexpected state Pending.")
    workspace.clock.advance(5)
    assert workspace.state() == "PENDING"


@pytest.mark.parametrize(
    ("code", "kind", "parameter", "words"),
    [
        ("AZURE_QUOTA_EXCEEDED_EXCEPTION", "CLIENT_ERROR", "azure_error_message", "exceeding approved"),
        ("SECRET_RESOLUTION_ERROR", "SERVICE_FAULT", "databricks_error_message", "Failed to fetch secrets"),
        ("CLOUD_PROVIDER_RESOURCE_STOCKOUT", "CLOUD_FAILURE", "azure_error_message", "not available"),
        ("SOMETHING_NEW", "SERVICE_FAULT", "databricks_error_message", "terminated"),
    ],
)
def test_a_start_may_fail_for_the_reason_in_the_settings(
    workspace: Workspace, code: str, kind: str, parameter: str, words: str
) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, startEnds=code)
    workspace.move("start")
    started = workspace.clock.now()
    assert workspace.state() == "PENDING"
    workspace.clock.advance(150)

    cluster = workspace.cluster()

    reason = cluster["termination_reason"]
    assert (cluster["state"], cluster["terminated_time"]) == ("TERMINATED", (started + 150) * 1000)
    assert (reason["code"], reason["type"]) == (code, kind)
    assert words in reason["parameters"][parameter]
    assert code in cluster["state_message"]

    workspace.order(startEnds="")
    assert workspace.move("start") == (200, {})
    workspace.clock.advance(150)
    assert workspace.state() == "RUNNING"


def test_a_cluster_is_stopped_in_two_steps_and_only_once(workspace: Workspace, sdk: WorkspaceClient) -> None:
    sdk.clusters.delete(CLUSTER)
    assert workspace.state() == "TERMINATING"
    workspace.clock.advance(5)
    sdk.clusters.delete(CLUSTER)
    workspace.clock.advance(5)

    cluster = workspace.cluster()

    assert cluster["state"] == "TERMINATED"
    assert cluster["termination_reason"] == {
        "code": "USER_REQUEST",
        "type": "SUCCESS",
        "parameters": {"username": workspace.settings.user_name},
    }
    assert workspace.move("delete") == (200, {})
    assert workspace.cluster() == cluster


def test_a_cluster_that_is_stopped_while_it_starts_never_runs(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    workspace.move("start")
    workspace.clock.advance(20)
    workspace.move("delete")

    assert workspace.move("start")[1]["message"].endswith("unexpected state Terminating.")
    workspace.clock.advance(1_000)

    assert workspace.state() == "TERMINATED"


def test_a_restart_requires_a_running_cluster(workspace: Workspace) -> None:
    restarted = workspace.clock.now()
    assert workspace.move("restart") == (200, {})
    assert workspace.state() == "RESTARTING"
    assert workspace.move("restart")[1]["message"].endswith("unexpected state Restarting.")
    workspace.clock.advance(150)
    assert (workspace.state(), workspace.cluster()["last_restarted_time"]) == ("RUNNING", restarted * 1000)

    workspace.order(clusters={CLUSTER: "TERMINATED"})
    assert workspace.move("restart")[1]["error_code"] == "INVALID_STATE"


def test_a_state_that_is_set_again_takes_effect_again(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    workspace.move("start")
    workspace.order(userName="other")
    assert workspace.state() == "PENDING"

    workspace.order(clusters={CLUSTER: "TERMINATED"})
    assert workspace.state() == "TERMINATED"

    workspace.order(clusters={})
    assert workspace.state() == "RUNNING"
    assert workspace.cluster()["last_restarted_time"] == workspace.clock.now() * 1000


@pytest.mark.parametrize("source", ["JOB", "PIPELINE"])
def test_a_cluster_that_runs_a_job_can_only_be_stopped(workspace: Workspace, source: str) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, clusterSources={CLUSTER: source})

    status, response = workspace.move("start")

    assert (status, response["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert workspace.state() == "TERMINATED"
    workspace.order(clusters={CLUSTER: "RUNNING"})
    assert workspace.move("restart")[0] == 400
    assert workspace.move("delete") == (200, {})
    assert workspace.state() == "TERMINATING"


def test_a_cluster_that_a_call_started_stops_when_it_is_idle(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, autoterminationMinutes=10)
    workspace.move("start")
    workspace.clock.advance(150 + 599)
    assert workspace.state() == "RUNNING"

    workspace.clock.advance(1)
    assert workspace.state() == "TERMINATING"
    workspace.clock.advance(10)
    cluster = workspace.cluster()

    assert (cluster["state"], cluster["termination_reason"]["code"]) == ("TERMINATED", "INACTIVITY")
    assert cluster["termination_reason"]["parameters"] == {"inactivity_duration_min": "10"}
    assert cluster["terminated_time"] == workspace.clock.now() * 1000


def test_use_by_adobe_keeps_a_cluster_running_and_reading_its_state_does_not(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, autoterminationMinutes=10)
    workspace.move("start")
    workspace.clock.advance(150 + 500)
    connection_id = workspace.adobe.create()
    workspace.clock.advance(500)
    workspace.adobe.call("GET", f"/connections/{connection_id}/test")
    workspace.clock.advance(599)
    assert workspace.state() == "RUNNING"

    workspace.clock.advance(11)

    assert workspace.state() == "TERMINATED"
    assert workspace.adobe.call("GET", f"/connections/{connection_id}/test").json() == {"result": False}


@pytest.mark.parametrize("started", [True, False])
def test_a_cluster_without_autotermination_or_not_started_by_a_call_does_not_stop(
    workspace: Workspace, started: bool
) -> None:
    if started:
        workspace.order(clusters={CLUSTER: "TERMINATED"}, autoterminationMinutes=0)
        workspace.move("start")
    workspace.cluster()

    workspace.clock.advance(1_000_000)

    assert workspace.state() == "RUNNING"


def test_an_identity_without_can_restart_sees_a_cluster_but_cannot_start_or_stop_it(
    workspace: Workspace, sdk: WorkspaceClient
) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, missingGrants=["CAN RESTART"])

    assert sdk.clusters.get(CLUSTER).state is State.TERMINATED
    for verb in ("start", "restart", "delete"):
        assert workspace.move(verb)[0] == 403
    with pytest.raises(sdk_errors.PermissionDenied, match="does not have Restart permissions"):
        sdk.clusters.start(CLUSTER)


def test_an_identity_without_can_attach_to_sees_no_cluster(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "RUNNING"}, missingGrants=["CAN ATTACH TO"])

    with pytest.raises(sdk_errors.PermissionDenied, match="is not authorized to access cluster"):
        sdk.clusters.get(CLUSTER)
    assert workspace.move("start")[0] == 403
    assert list(sdk.clusters.list()) == []
