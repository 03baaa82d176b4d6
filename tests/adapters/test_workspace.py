"""A workspace: what is read of it, how its cluster is started, and how calls fail, in memory and over sockets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aep_connections.domain.errors import ConnectionFailure, DatabricksRefused, OutOfTime, Unavailable
from aep_connections.domain.readiness import Phase, Verdict
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from local.stack import DATABRICKS_SECRET
from tests.adapters.platforms import SHORT, Platform
from tests.support.call_faults import HTML
from tests.support.world import STOPPED

CLUSTER, TOKEN = DATABRICKS_SECRET["clusterId"], DATABRICKS_SECRET["accessToken"]
BASIC = ["GET /api/2.0/preview/scim/v2/Me", "GET /api/2.0/token/list", "GET /api/2.1/clusters/get"]
CATALOG = [
    *BASIC,
    "GET /api/2.1/unity-catalog/catalogs/ma%20in%2F",
    "GET /api/2.1/unity-catalog/schemas/ma%20in%2F.acme_db",
    "GET /api/2.1/unity-catalog/tables",
]
START = "POST /api/2.1/clusters/start"
LOST = "No reply from Databricks: "
RETURNED = "Databricks returned HTTP "
SLOW = Fault(status=429, body='{"error_code": "X", "message": "Slow down"}')


def sent(platform: Platform) -> list[Request]:
    return [call.request for call in platform.databricks.calls]


def paths(platform: Platform) -> list[str]:
    """The method and the path of each call to Databricks, sorted."""
    return sorted(f"{request.method} {request.path}" for request in sent(platform))


def phase(platform: Platform) -> Phase:
    cluster = platform.workspace().report().cluster
    assert cluster
    return cluster.phase


# ------------------------------------------------------------ reading


@pytest.mark.parametrize(("params", "expected"), [({}, BASIC), ({"catalog": "ma in/"}, CATALOG)], ids=["hive", "unity"])
def test_a_report_reads_everything_once_with_the_token(
    platform: Platform, params: dict[str, Any], expected: list[str]
) -> None:
    report = platform.workspace(**params).report()

    assert (report.status, report.failed()) == ("pass", [])
    assert report.cluster
    assert (report.cluster.id, report.cluster.phase) == (CLUSTER, Phase.RUNNING)
    assert report.checked_at == "2026-11-18T11:06:40.000Z"
    assert paths(platform) == expected
    for request in sent(platform):
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["x-databricks-workspace-id"] == "1234567890123456"
    queries = {request.path.rpartition("/")[2]: dict(request.query) for request in sent(platform)}
    assert queries["get"] == {"cluster_id": CLUSTER}
    assert queries.get("tables", {}).get("catalog_name") == params.get("catalog")


@pytest.mark.parametrize(
    ("settings", "failed"),
    [
        ({"revoked_tokens": [TOKEN]}, "TOKEN_VALID"),
        ({"clusters": STOPPED}, "CLUSTER_STATE"),
        ({"missing_clusters": [CLUSTER]}, "CLUSTER_EXISTS"),
        ({"missing_schemas": ["main.acme_db"]}, "DATABASE"),
        ({"refusal": "ip"}, "NETWORK_ALLOWED"),
        ({"refusal": "private-link"}, "HOST_REACHABLE"),
        ({"refusal": "login-page"}, "HOST_REACHABLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_flaw_of_the_workspace_fails_its_check(platform: Platform, settings: dict[str, Any], failed: str) -> None:
    for name, value in settings.items():
        setattr(platform.databricks.settings, name, value)

    report = platform.workspace(catalog="main").report()

    assert [check.id for check in report.checks if check.verdict is Verdict.FAIL] == [failed]


@pytest.mark.parametrize(
    ("fault", "tries", "words", "options"),
    [
        (Fault(drop=True), 2, f"{LOST}the connection was reset.", {}),
        (Fault(truncate=True), 2, f"{LOST}the connection was reset.", {}),
        (Fault(hang=True), 2, f"{LOST}it did not respond in time.", {"timeouts": SHORT}),
        (Fault(status=503), 2, f"{RETURNED}503: no readable message.", {}),
        (SLOW, 2, f"{RETURNED}429: Slow down.", {}),
        (Fault(status=200, body=HTML), 1, f"{RETURNED}200: no readable message.", {}),
        (Fault(status=303, headers={"Location": "/login.html"}), 1, f"{RETURNED}303: no readable message.", {}),
    ],
    ids=["reset", "cut short", "no response in time", "503", "429", "page", "redirect"],
)
def test_what_cannot_be_read_is_unknown_and_everything_else_is_still_checked(
    platform: Platform, fault: Fault, tries: int, words: str, options: dict[str, Any]
) -> None:
    platform.databricks.faults.add(replace(fault, path=".*/clusters/get", times=0))

    report = platform.workspace(**options).report()

    found = {check.id: check for check in report.checks}
    assert found["CLUSTER_EXISTS"].verdict is Verdict.UNKNOWN
    assert words in found["CLUSTER_EXISTS"].message
    assert found["TOKEN_VALID"].verdict is Verdict.PASS
    assert found["CLUSTER_STATE"].verdict is Verdict.SKIPPED
    assert report.cluster is None
    assert (report.status, report.failed()) == ("warn", [])
    assert len([request for request in sent(platform) if request.path.endswith("/clusters/get")]) == tries


def test_a_read_that_failed_once_is_repeated(platform: Platform) -> None:
    platform.databricks.faults.add(*(Fault(path=f".*/{end}", drop=True) for end in ("Me", "list", "get")))

    assert platform.workspace().report().status == "pass"

    assert paths(platform) == sorted(BASIC * 2)


def test_a_workspace_that_cannot_be_reached_fails_one_check(platform: Platform) -> None:
    report = platform.workspace(reached=False).report()

    (failed,) = [check for check in report.checks if check.verdict is Verdict.FAIL]
    assert failed.id == "HOST_REACHABLE"
    assert f"{LOST}it refused the connection." in failed.message


def test_a_report_without_time_left_is_not_begun(platform: Platform) -> None:
    with pytest.raises(OutOfTime):
        platform.workspace(seconds=20.5).report()

    assert sent(platform) == []


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"revoked_tokens": [TOKEN]}, False),
        ({"token_days": -1.0}, False),
        ({"refusal": "other-workspace"}, False),
        ({"refusal": "login-page"}, False),
        (Fault(status=403, body='{"error_code": "PERMISSION_DENIED", "message": "No required scopes: x"}'), True),
        (Fault(status=503, times=0), False),
        (Fault(drop=True, times=0), False),
        (Fault(drop=True), True),
    ],
    ids=["fine", "revoked", "expired", "other workspace", "page", "scope", "503", "reset", "reset once"],
)
def test_a_token_is_accepted_only_if_databricks_accepts_it(
    platform: Platform, change: dict[str, Any] | Fault, accepted: bool
) -> None:
    if isinstance(change, Fault):
        platform.databricks.faults.add(change)
    else:
        for name, value in change.items():
            setattr(platform.databricks.settings, name, value)

    assert platform.workspace().accepts_token() is accepted

    assert set(paths(platform)) == {BASIC[0]}


# ------------------------------------------------------------ starting


def test_a_stopped_cluster_is_started_once(platform: Platform) -> None:
    platform.databricks.settings.clusters = dict(STOPPED)
    assert phase(platform) is Phase.STOPPED

    platform.workspace().start()
    platform.workspace().start()

    assert phase(platform) is Phase.STARTING
    assert sent(platform)[-4].json() == {"cluster_id": CLUSTER}
    platform.clock.advance(150)
    assert phase(platform) is Phase.RUNNING
    platform.workspace().start()  # it runs already
    assert paths(platform).count(START) == 3


NO_TOKEN = Fault(status=403, body='{"error_code": 403, "message": "Invalid access token."}')
NO_GRANT = Fault(status=403, body='{"error_code": "PERMISSION_DENIED", "message": "No"}')


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (SLOW, "Throttled", f"{RETURNED}429: Slow down."),
        (Fault(status=503), "Unavailable", f"{RETURNED}503: no readable message."),
        (Fault(status=200, body=HTML), "Unavailable", f"{RETURNED}200: no readable message."),
        (Fault(status=303), "Unavailable", f"{RETURNED}303: no readable message."),
        (Fault(drop=True), "Unavailable", f"{LOST}the connection was reset."),
        (Fault(drop=True, when="after"), "Unavailable", f"{LOST}the connection was reset."),
        (NO_TOKEN, "NotReady", f"{RETURNED}403: Invalid access token."),
        (NO_GRANT, "NotReady", f"{RETURNED}403: No."),
    ],
    ids=["429", "503", "page", "redirect", "reset", "reset after the effect", "token", "permission"],
)
def test_a_start_that_failed_is_not_repeated(platform: Platform, fault: Fault, code: str, words: str) -> None:
    platform.databricks.settings.clusters = dict(STOPPED)
    platform.databricks.faults.add(fault)

    with pytest.raises(ConnectionFailure) as refused:
        platform.workspace().start()

    assert refused.value.code == code
    assert refused.value.message.startswith(f"Cluster {CLUSTER} could not be started. ")
    assert words in refused.value.message
    assert ("CAN RESTART" in refused.value.remedy) == (code == "NotReady")
    assert paths(platform) == [START]
    assert phase(platform) is (Phase.STARTING if fault.when == "after" else Phase.STOPPED)


def test_a_start_without_a_connection_or_time_is_an_error(platform: Platform) -> None:
    with pytest.raises(Unavailable, match="it refused the connection"):
        platform.workspace(reached=False).start()
    with pytest.raises(OutOfTime):
        platform.workspace(seconds=20.5).start()

    assert sent(platform) == []


def test_a_refusal_of_adobe_is_explained_by_the_report(platform: Platform) -> None:
    refusal = DatabricksRefused("Adobe says no.", request_id="r-1")
    workspace = platform.workspace()
    assert workspace.diagnose(refusal, workspace.report()) is refusal
    platform.databricks.settings.clusters = dict(STOPPED)

    explained = workspace.diagnose(refusal, workspace.report())

    assert [fault.field for fault in explained.faults] == ["CLUSTER_STATE"]
    assert explained.message.startswith("Adobe says no. Cluster ")
    assert explained.request_id == "r-1"


@pytest.mark.parametrize(
    "domain",
    ["https://adb-1.1.azuredatabricks.net.evil.example", "http://adb-1.1.azuredatabricks.net"],
    ids=["lookalike", "plain HTTP"],
)
def test_the_token_goes_to_no_other_host(platform: Platform, domain: str) -> None:
    with pytest.raises(Unavailable, match="is not the URL of a Databricks workspace"):
        platform.workspace(domain=domain)

    assert sent(platform) == []
