"""The report: the weight of each check, what is skipped, and responses that no simulator gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_connections.domain.readiness import CheckResult, Report, Severity, Verdict
from aep_connections.sources.databricks.access import ACCESS_CHECKS, HIVE, data_checks
from aep_connections.sources.databricks.cluster import CLUSTER_CHECKS, cluster_of
from aep_connections.sources.databricks.observation import Observation, run_checks
from aep_connections.sources.databricks.replies import ApiReply
from tests.support.hostile import MANY, json_values

ODD_SHARD = "https://adb-1234567890123456.7.azuredatabricks.net"
PERSON = {"userName": "someone@example.com"}
PARAMS = {
    "domain": "https://adb-1234567890123456.16.azuredatabricks.net",
    "clusterId": "0923-164208-meows279",
    "database": "sales",
    "catalog": "main",
}
RUNNING: dict[str, Any] = {
    "state": "RUNNING",
    "cluster_source": "UI",
    "data_security_mode": "SINGLE_USER",
    "single_user_name": "app",
    "autotermination_minutes": 60,
    "spark_conf": {"fs.azure.sas.c.account.blob.core.windows.net": "{{secrets/aep/sas}}"},
}
NOW = 1_800_000_000.0
LATER = round((NOW + 100 * 86_400) * 1000)
GOOD: dict[str, Mapping[str, Any]] = {
    "me": {"userName": "app", "active": True},
    "cluster": RUNNING,
    "tokens": {"token_infos": [{"expiry_time": LATER}]},
    "catalog": {},
    "schema": {},
    "tables": {"tables": [{"name": "t"}]},
}
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def report(params: Mapping[str, str] = PARAMS, odd: str = "", **replies: Any) -> dict[str, CheckResult]:
    """The checks of a healthy workspace, except for some responses."""
    given_replies = {name: ApiReply(error=None, document=document) for name, document in (GOOD | replies).items()}
    seen = Observation(params=params, workspace_id="1234567890123456", token_form=odd, now=NOW, replies=given_replies)
    return {check.id: check for check in run_checks((*ACCESS_CHECKS, *CLUSTER_CHECKS, *data_checks(params)), seen)}


def odd_ones(checks: Mapping[str, CheckResult]) -> dict[str, tuple[str, str]]:
    return {c.id: (c.severity.value, c.verdict.value) for c in checks.values() if c.verdict is not Verdict.PASS}


def test_a_healthy_workspace_passes_every_check() -> None:
    assert odd_ones(report()) == {}


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"params": PARAMS | {"domain": ODD_SHARD}}, "DOMAIN_SHARD warning fail"),
        ({"odd": "It looks odd."}, "TOKEN_FORMAT warning fail"),
        ({"me": PERSON, "cluster": RUNNING | {"single_user_name": "SOMEONE@example.com"}},
         "IDENTITY_KIND info fail"),
        ({"tokens": {"token_infos": []}}, "TOKEN_EXPIRY warning unknown"),
        ({"tokens": {}}, "TOKEN_EXPIRY warning unknown"),
        ({"tokens": {"token_infos": [{"expiry_time": -1}]}}, ""),
        ({"tokens": {"token_infos": [{"expiry_time": 10**30}]}}, ""),
        ({"tokens": {"token_infos": [{"expiry_time": LATER}, {"expiry_time": round(NOW * 1000)}]}},
         "TOKEN_EXPIRY warning fail"),
        ({"cluster": RUNNING | {"cluster_source": None}}, "CLUSTER_INTERACTIVE warning unknown"),
        ({"cluster": RUNNING | {"cluster_source": "SQL"}}, "CLUSTER_INTERACTIVE error fail"),
        ({"cluster": RUNNING | {"state": None}}, "CLUSTER_STATE error unknown"),
        ({"cluster": RUNNING | {"state": "RESIZING"}}, ""),
        ({"cluster": RUNNING | {"state": "ERROR"}}, "CLUSTER_STATE error fail"),
        ({"params": PARAMS | {"catalog": HIVE},
          "cluster": RUNNING | {"data_security_mode": "LEGACY_SINGLE_USER_STANDARD", "single_user_name": "other"}},
         "SINGLE_USER error fail"),
        ({"cluster": RUNNING | {"single_user_name": None}}, "SINGLE_USER warning unknown"),
        ({"cluster": RUNNING | {"data_security_mode": "DATA_SECURITY_MODE_STANDARD"}}, "ACCESS_MODE warning fail"),
        ({"cluster": RUNNING | {"autotermination_minutes": 0}}, "AUTOTERMINATION warning fail"),
        ({"cluster": RUNNING | {"workload_type": {"clients": {"notebooks": False}}}}, "WORKLOAD_TYPE warning fail"),
        ({"cluster": RUNNING | {"policy_id": "p-1"}}, "POLICY info fail"),
        ({"cluster": RUNNING | {"spark_conf": {"fs.azure.sas.c.account.blob.core.windows.net": "sv=1&sig=x"}}},
         "SAS_AS_SECRET warning fail"),
        ({"cluster": RUNNING | {"spark_conf": {"fs.azure.sas.c.account.dfs.core.windows.net": "{{secrets/a/b}}"}}},
         "SAS_KEY_TYPO warning fail"),
        ({"params": PARAMS | {"catalog": "HIVE_METASTORE"}}, "DATABASE_HMS info unknown"),
        ({"params": PARAMS | {"clusterId": "0103-084159-k6zx2i2q-v2n"}}, "CLUSTER_ID_FORMAT error fail"),
    ],
)  # fmt: skip
def test_each_problem_has_its_check_and_severity(changes: dict[str, Any], odd: str) -> None:
    found = odd_ones(report(**changes))

    expected = odd.split()
    if expected:
        assert found.pop(expected[0]) == (expected[1], expected[2])
    found.pop("DATABASE_HMS", None)
    assert {finding for _, finding in found.values()} <= {"skipped"}


def test_a_check_that_depends_on_one_that_did_not_pass_is_skipped_and_names_it() -> None:
    checks = report(PARAMS | {"clusterId": "-"})

    assert checks["CLUSTER_VISIBLE"].verdict is Verdict.SKIPPED
    assert checks["CLUSTER_VISIBLE"].evidence == {"waitsFor": "CLUSTER_ID_FORMAT"}
    assert checks["CLUSTER_STATE"].evidence == {"waitsFor": "CLUSTER_EXISTS"}


def test_a_secret_in_a_field_that_names_something_is_not_shown() -> None:
    canary = "dapi0123456789abcdef0123456789abcdef"
    names = ("state", "cluster_source", "data_security_mode", "single_user_name", "policy_id", "cluster_name")
    ended = {"termination_reason": {"code": canary, "type": canary}, "spark_conf": {f"fs.azure.sas.{canary}": canary}}

    for name in names:
        checks = report(cluster=RUNNING | ended | {name: canary}, me={"userName": canary, "active": True})
        assert canary not in str([check.document() for check in checks.values()]), name
    stopped = report(cluster=RUNNING | ended | {"state": "TERMINATED"})
    assert canary not in str([check.document() for check in stopped.values()])


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ([(ERROR, Verdict.PASS), (INFO, Verdict.FAIL), (INFO, Verdict.UNKNOWN)], "pass"),
        ([(WARNING, Verdict.FAIL)], "warn"),
        ([(ERROR, Verdict.UNKNOWN)], "warn"),
        ([(WARNING, Verdict.UNKNOWN), (ERROR, Verdict.SKIPPED)], "warn"),
        ([(ERROR, Verdict.FAIL), (WARNING, Verdict.FAIL)], "fail"),
        ([(ERROR, Verdict.SKIPPED)], "pass"),
    ],
)
def test_the_verdict_is_that_of_the_check_with_the_highest_severity_and_unknown_is_never_a_pass(
    checks: list[tuple[Severity, Verdict]], status: str
) -> None:
    made = [CheckResult(id=str(n), severity=severity, verdict=finding) for n, (severity, finding) in enumerate(checks)]

    assert Report(made, None, "").status == status


@MANY
@given(st.dictionaries(st.sampled_from([*GOOD]), json_values))
def test_no_response_breaks_the_report_whatever_it_contains(replies: dict[str, Any]) -> None:
    documents = {name: value if isinstance(value, dict) else {} for name, value in replies.items()}

    for check in report(PARAMS, "", **documents).values():
        assert check.verdict in Verdict
        assert all(isinstance(value, str) for value in check.evidence.values())


@MANY
@given(
    st.dictionaries(st.sampled_from([*RUNNING, "termination_reason", "terminated_time", "workload_type"]), json_values)
)
def test_no_cluster_breaks_the_report_whatever_it_contains(changes: dict[str, Any]) -> None:
    cluster = RUNNING | changes

    assert report(cluster=cluster)["CLUSTER_EXISTS"].verdict is Verdict.PASS
    seen = Observation(
        params=PARAMS,
        workspace_id="1",
        token_form="",
        now=NOW,
        replies={"cluster": ApiReply(error=None, document=cluster)},
    )
    seen_cluster = cluster_of(seen)
    assert seen_cluster is None or re.fullmatch("[A-Z][A-Z0-9_]*", seen_cluster.state)
    assert (seen_cluster is None) is (re.fullmatch("[A-Z][A-Z0-9_]{0,63}", str(cluster["state"])) is None)
