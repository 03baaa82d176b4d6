"""The Databricks simulator against what is documented of Databricks, through plain HTTP and through Databricks' SDK."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk import errors as sdk_errors
from databricks.sdk.core import Config
from databricks.sdk.errors.private_link import PrivateLinkValidationError
from databricks.sdk.service.compute import DataSecurityMode, State, TerminationReasonType

from local.databricks import WORKSPACE, DatabricksSettings
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import BODY, Adobes, number

ME = "/api/2.0/preview/scim/v2/Me"
TOKENS = "/api/2.0/token/list"
METASTORE = "/api/2.1/unity-catalog/current-metastore-assignment"
SOON = timedelta(seconds=2)
CLUSTER = DATABRICKS_SECRET["clusterId"]


class Workspace:
    """A workspace, its clock, and somebody with a token of it."""

    def __init__(self, adobe: Adobes) -> None:
        self.adobe, self.clock, self.url = adobe, adobe.clock, adobe.databricks.url
        self.settings: DatabricksSettings = adobe.databricks.settings

    def call(self, method: str, path: str, token: str = "good", **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return self.adobe.session.request(method, self.url + path, headers=headers, allow_redirects=False, **options)

    def cluster(self, cluster_id: str = CLUSTER, **headers: str) -> Any:
        answer = self.call("GET", f"/api/2.1/clusters/get?cluster_id={cluster_id}", headers=headers)
        return answer.json()

    def state(self, cluster_id: str = CLUSTER) -> str:
        return str(self.cluster(cluster_id)["state"])

    def move(self, verb: str, cluster_id: str = CLUSTER) -> tuple[int, Any]:
        answer = self.call("POST", f"/api/2.1/clusters/{verb}", json={"cluster_id": cluster_id})
        return answer.status_code, answer.json()

    def order(self, **settings: Any) -> None:
        answer = self.adobe.session.patch(f"{self.url}/_simulator/settings", json=settings)
        assert answer.status_code == 200, answer.text

    def refusal(self, path: str) -> tuple[int, str, str]:
        answer = self.call("GET", path)
        return answer.status_code, answer.json()["error_code"], answer.json()["message"]


@pytest.fixture
def workspace(adobe: Adobes) -> Workspace:
    return Workspace(adobe)


@pytest.fixture
def sdk(workspace: Workspace) -> WorkspaceClient:
    return client(workspace)


def client(workspace: Workspace, token: str = "good") -> WorkspaceClient:
    config = Config(host=workspace.url, token=token, auth_type="pat", retry_timeout_seconds=2)
    return WorkspaceClient(config=config)


def uc(kind: str, name: str) -> str:
    return f"/api/2.1/unity-catalog/{kind}/{name}"


def tables(catalog: str = "main", schema: str = "sales") -> str:
    return f"/api/2.1/unity-catalog/tables?catalog_name={catalog}&schema_name={schema}&max_results=1"


def test_every_answer_names_the_workspace(workspace: Workspace) -> None:
    asked = {"X-Databricks-Workspace-Id": "42"}
    assert workspace.call("GET", ME).headers["x-databricks-org-id"] == WORKSPACE
    assert workspace.call("GET", ME, headers=asked).headers["x-databricks-org-id"] == "42"

    workspace.order(orgId="7", revokedTokens=["bad"], missingClusters=[CLUSTER])

    answers = [
        workspace.call("GET", ME, headers=asked),
        workspace.call("GET", ME, "bad"),
        workspace.call("GET", "/api/2.0/nothing"),
        workspace.call("GET", f"/api/2.0/clusters/get?cluster_id={CLUSTER}"),
        workspace.adobe.session.get(workspace.url + ME),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 404, 400, 401]
    assert {answer.headers["x-databricks-org-id"] for answer in answers} == {"7"}


def test_me_is_a_service_principal_until_told_otherwise(workspace: Workspace, sdk: WorkspaceClient) -> None:
    assert "@" not in (sdk.current_user.me().user_name or "")

    workspace.order(userName="jane@acme.example", userActive=False, groups=["analysts"])
    me = sdk.current_user.me()

    assert (me.user_name, me.active) == ("jane@acme.example", False)
    assert [group.display for group in me.groups or []] == ["analysts"]


def test_tokens_are_listed_with_the_day_they_expire(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(tokenDays=1.5, otherTokens=2)
    first, *others = sdk.tokens.list()
    assert first.expiry_time == (workspace.clock.now() + 1.5 * 86_400) * 1000
    assert len({first.token_id, *(one.token_id for one in others)}) == 3

    workspace.order(tokenDays=0, otherTokens=0)
    assert [one.expiry_time for one in sdk.tokens.list()] == [-1]


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("clusters", f"/api/2.1/clusters/get?cluster_id={CLUSTER}"),
        ("clusters", "/api/2.1/clusters/list"),
        ("unity-catalog", METASTORE),
        ("unity-catalog", tables()),
        ("tokens", TOKENS),
    ],
)
def test_a_token_that_is_not_meant_for_a_call_is_still_valid(workspace: Workspace, scope: str, path: str) -> None:
    workspace.order(missingScopes=[scope])

    words = f"Provided OAuth token does not have required scopes: {scope}"
    assert workspace.refusal(path) == (403, "PERMISSION_DENIED", words)
    assert workspace.call("GET", ME).status_code == 200


@pytest.mark.parametrize("path", [ME, TOKENS, f"/api/2.1/clusters/get?cluster_id={CLUSTER}", METASTORE])
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("ip", "Source IP address: 203.0.113.7 is blocked by Databricks IP ACL for workspace: 7"),
        ("other-workspace", "Invalid access to Org: 7"),
    ],
)
def test_a_refusal_with_a_number_for_a_code(workspace: Workspace, path: str, refusal: str, words: str) -> None:
    workspace.order(refusal=refusal, orgId="7")

    answer = workspace.call("GET", path)

    assert (answer.status_code, answer.json()) == (403, {"error_code": 403, "message": words})
    with pytest.raises(sdk_errors.PermissionDenied, match=words):
        client(workspace).current_user.me()


def test_a_private_link_redirects_whoever_comes(workspace: Workspace) -> None:
    workspace.order(refusal="private-link")

    answer = workspace.call("GET", ME)

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login.html?error=private-link-validation-error"
    with pytest.raises(PrivateLinkValidationError):
        client(workspace).clusters.get(CLUSTER)


def test_another_host_answers_with_a_page_to_log_in_at(workspace: Workspace) -> None:
    workspace.order(refusal="login-page")

    answer = workspace.call("GET", ME)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        client(workspace).current_user.me()


def test_a_revoked_token_is_a_403_with_a_number_and_a_reason(workspace: Workspace) -> None:
    workspace.order(revokedTokens=["bad"])

    for path in (ME, TOKENS, METASTORE):
        answer = workspace.call("GET", path, "bad")
        assert answer.json() == {"error_code": 403, "message": "Invalid access token."}
        assert answer.headers["X-Databricks-Reason-Phrase"] == "Invalid access token."
    with pytest.raises(sdk_errors.PermissionDenied, match=r"Invalid access token\."):
        client(workspace, "bad").current_user.me()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/.well-known/databricks-config"),
        ("GET", "/api/2.1/clusters/start"),
        ("POST", "/api/2.1/clusters/edit"),
        ("GET", "/api/2.0/unity-catalog/catalogs/main"),
        ("GET", "/"),
    ],
)
def test_what_there_is_not_says_so_in_json(workspace: Workspace, method: str, path: str) -> None:
    answer = workspace.call(method, path, json={"cluster_id": CLUSTER})

    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_a_cluster_is_shown_with_all_that_is_worth_reading(workspace: Workspace, sdk: WorkspaceClient) -> None:
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


def test_a_cluster_is_of_the_kind_that_was_ordered(workspace: Workspace) -> None:
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


def test_a_cluster_that_does_not_exist_is_a_400_and_one_that_is_hidden_a_403(
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
def test_a_call_that_names_no_cluster_is_refused(workspace: Workspace, body: Any) -> None:
    answer = workspace.call("POST", "/api/2.1/clusters/start", json=body)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_stopped_cluster_says_since_when_and_why(workspace: Workspace, sdk: WorkspaceClient) -> None:
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
def test_a_cluster_stays_in_the_state_that_was_ordered(workspace: Workspace, state: str) -> None:
    workspace.order(clusters={CLUSTER: state})
    workspace.clock.advance(100_000)

    assert workspace.state() == state
    assert ("termination_reason" in workspace.cluster()) == (state == "TERMINATING")
    assert workspace.move("start") == (
        400,
        {"error_code": "INVALID_STATE", "message": f"Cluster {CLUSTER} is in unexpected state {state.capitalize()}."},
    )


def test_a_start_takes_its_time(workspace: Workspace) -> None:
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


def test_of_two_starts_the_second_is_refused(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    answers: list[tuple[int, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(move_alone(workspace))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]
    words = {answer.get("message") for status, answer in answers if status == 400}
    assert words == {f"Cluster {CLUSTER} is in unexpected state Pending."}


def move_alone(workspace: Workspace) -> tuple[int, Any]:
    """A start over a connection of its own."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{workspace.url}/api/2.1/clusters/start",
            json={"cluster_id": CLUSTER},
            headers={"Authorization": "Bearer good"},
        )
        return answer.status_code, answer.json()


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
def test_a_start_may_end_otherwise(workspace: Workspace, code: str, kind: str, parameter: str, words: str) -> None:
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


def test_a_start_that_is_stopped_never_runs(workspace: Workspace) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"})
    workspace.move("start")
    workspace.clock.advance(20)
    workspace.move("delete")

    assert workspace.move("start")[1]["message"].endswith("unexpected state Terminating.")
    workspace.clock.advance(1_000)

    assert workspace.state() == "TERMINATED"


def test_a_restart_wants_a_cluster_that_runs(workspace: Workspace) -> None:
    restarted = workspace.clock.now()
    assert workspace.move("restart") == (200, {})
    assert workspace.state() == "RESTARTING"
    assert workspace.move("restart")[1]["message"].endswith("unexpected state Restarting.")
    workspace.clock.advance(150)
    assert (workspace.state(), workspace.cluster()["last_restarted_time"]) == ("RUNNING", restarted * 1000)

    workspace.order(clusters={CLUSTER: "TERMINATED"})
    assert workspace.move("restart")[1]["error_code"] == "INVALID_STATE"


def test_a_state_that_is_ordered_again_is_obeyed_again(workspace: Workspace) -> None:
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

    status, answer = workspace.move("start")

    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert workspace.state() == "TERMINATED"
    workspace.order(clusters={CLUSTER: "RUNNING"})
    assert workspace.move("restart")[0] == 400
    assert workspace.move("delete") == (200, {})
    assert workspace.state() == "TERMINATING"


def test_a_cluster_that_a_call_started_stops_when_nobody_uses_it(workspace: Workspace) -> None:
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


def test_adobe_keeps_a_cluster_awake_and_a_look_at_it_does_not(workspace: Workspace) -> None:
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
def test_a_cluster_without_autotermination_or_that_others_keep_does_not_stop(
    workspace: Workspace, started: bool
) -> None:
    if started:
        workspace.order(clusters={CLUSTER: "TERMINATED"}, autoterminationMinutes=0)
        workspace.move("start")
    workspace.cluster()

    workspace.clock.advance(1_000_000)

    assert workspace.state() == "RUNNING"


def test_without_unity_catalog_there_is_no_metastore(workspace: Workspace, sdk: WorkspaceClient) -> None:
    assignment = sdk.metastores.current()
    assert (assignment.workspace_id, assignment.default_catalog_name) == (int(WORKSPACE), "main")

    workspace.order(unityCatalog=False)

    words = "No metastore assigned for the current workspace."
    for path in (METASTORE, uc("catalogs", "main"), uc("schemas", "main.sales"), tables()):
        assert workspace.refusal(path) == (404, "METASTORE_DOES_NOT_EXIST", words)
    with pytest.raises(sdk_errors.NotFound, match=words):
        sdk.metastores.current()


def test_catalogs_schemas_and_tables_are_found_by_names_in_any_case(workspace: Workspace, sdk: WorkspaceClient) -> None:
    assert sdk.catalogs.get("Main").name == "main"
    assert sdk.schemas.get("Main.Sales").full_name == "main.sales"
    assert [table.full_name for table in sdk.tables.list("Main", "Sales")] == ["main.sales.orders"]
    assert workspace.call("GET", uc("catalogs", "a%20b")).json()["name"] == "a b"
    assert workspace.call("GET", uc("schemas", "a%2Fb.c")).json()["catalog_name"] == "a/b"


def test_catalogs_and_schemas_that_do_not_exist(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(missingCatalogs=["Gone"], missingSchemas=["main.Gone"], emptySchemas=["Main.empty"])

    missing = (404, "CATALOG_DOES_NOT_EXIST", "Catalog 'gone' does not exist.")
    assert workspace.refusal(uc("catalogs", "GONE")) == workspace.refusal(uc("schemas", "gone.sales")) == missing
    missing = (404, "SCHEMA_DOES_NOT_EXIST", "Schema 'main.gone' does not exist.")
    assert workspace.refusal(uc("schemas", "main.gone")) == workspace.refusal(tables("main", "gone")) == missing
    with pytest.raises(sdk_errors.NotFound, match="Catalog 'gone' does not exist"):
        sdk.catalogs.get("gone")
    with pytest.raises(sdk_errors.NotFound, match=r"Schema 'main\.gone' does not exist"):
        sdk.schemas.get("main.gone")
    assert list(sdk.tables.list("main", "EMPTY")) == []


@pytest.mark.parametrize(
    ("grant", "path", "words"),
    [
        ("USE CATALOG", uc("catalogs", "main"), "User does not have USE CATALOG on Catalog 'main'."),
        ("USE CATALOG", uc("schemas", "main.sales"), "User does not have USE CATALOG on Catalog 'main'."),
        ("USE SCHEMA", uc("schemas", "main.sales"), "User does not have USE SCHEMA on Schema 'main.sales'."),
        ("USE SCHEMA", tables(), "User does not have USE SCHEMA on Schema 'main.sales'."),
    ],
)
def test_what_was_not_granted_is_refused(workspace: Workspace, grant: str, path: str, words: str) -> None:
    assert workspace.call("GET", path).status_code == 200

    workspace.order(missingGrants=[grant])

    assert workspace.refusal(path) == (403, "PERMISSION_DENIED", words)


def test_who_may_not_select_sees_no_tables(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(missingGrants=["SELECT"])

    assert list(sdk.tables.list("main", "sales")) == []
    assert sdk.schemas.get("main.sales").name == "sales"


def test_who_may_not_restart_sees_a_cluster_but_does_not_move_it(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "TERMINATED"}, missingGrants=["CAN RESTART"])

    assert sdk.clusters.get(CLUSTER).state is State.TERMINATED
    for verb in ("start", "restart", "delete"):
        assert workspace.move(verb)[0] == 403
    with pytest.raises(sdk_errors.PermissionDenied, match="does not have Restart permissions"):
        sdk.clusters.start(CLUSTER)


def test_who_may_not_attach_sees_no_cluster(workspace: Workspace, sdk: WorkspaceClient) -> None:
    workspace.order(clusters={CLUSTER: "RUNNING"}, missingGrants=["CAN ATTACH TO"])

    with pytest.raises(sdk_errors.PermissionDenied, match="is not authorized to access cluster"):
        sdk.clusters.get(CLUSTER)
    assert workspace.move("start")[0] == 403
    assert list(sdk.clusters.list()) == []


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"refusal": "nobody"}, 'refusal must be "" or "ip" or "private-link"'),
        ({"missingScopes": ["sql"]}, "missingScopes must be a list, each"),
        ({"missingGrants": ["MODIFY"]}, "missingGrants must be a list, each"),
        ({"startSeconds": -1}, "startSeconds must be a number"),
    ],
)
def test_a_setting_that_there_is_not_is_refused_with_its_rule(
    workspace: Workspace, wrong: dict[str, Any], rule: str
) -> None:
    answer = workspace.adobe.session.patch(f"{workspace.url}/_simulator/settings", json=wrong)

    assert answer.status_code == 400
    assert rule in answer.json()["message"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"clusterSources": {CLUSTER: "JOB"}}, "not an interactive one but of JOB"),
        ({"singleUsers": {CLUSTER: "other"}}, "dedicated to other"),
        ({"hiddenClusters": [CLUSTER]}, "is not authorized to access cluster"),
        ({"missingScopes": ["clusters"]}, "required scopes: clusters"),
        ({"refusal": "ip"}, "blocked by Databricks IP ACL"),
        ({"refusal": "private-link"}, "status code 303"),
        ({"refusal": "login-page"}, "status code 200"),
        ({"unityCatalog": False}, "No metastore assigned"),
        ({"missingCatalogs": ["main"]}, "Catalog 'main' does not exist"),
        ({"missingSchemas": ["main.acme_db"]}, "Schema 'main.acme_db' does not exist"),
        ({"missingGrants": ["USE SCHEMA"]}, "does not have USE SCHEMA"),
    ],
)
def test_adobe_refuses_what_it_cannot_use(workspace: Workspace, settings: dict[str, Any], said: str) -> None:
    params = DATABRICKS_SECRET | {"catalog": "main"}
    body = BODY | {"auth": {"specName": "Access Token Authentication", "params": params}}
    assert workspace.adobe.call("POST", "/connections", json=body).status_code == 201

    workspace.order(**settings)
    refused = workspace.adobe.call("POST", "/connections", json=body)

    assert number(refused) == "FLOW-1100-400"
    assert said in refused.text


@pytest.mark.parametrize(
    "settings",
    [
        {"singleUsers": {CLUSTER: "analysts"}, "groups": ["analysts"]},
        {"singleUsers": {CLUSTER: "other"}, "securityModes": {CLUSTER: "NONE"}},
        {"clusterSources": {CLUSTER: "API"}},
        {"unityCatalog": False},
    ],
)
def test_adobe_takes_a_cluster_of_a_group_or_of_everybody_and_asks_for_no_catalog_that_is_not_named(
    workspace: Workspace, settings: dict[str, Any]
) -> None:
    workspace.order(**settings)

    workspace.adobe.create()

    assert [call.request.path for call in workspace.adobe.databricks.calls] == [ME, "/api/2.1/clusters/get"]
    assert {call.request.headers["user-agent"] for call in workspace.adobe.databricks.calls} == {"adobe"}
