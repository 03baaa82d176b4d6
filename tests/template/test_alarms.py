"""When each alarm goes off, and what the dashboard shows."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from aep_connections.domain.model import Outcome, Status
from aep_connections.reconcile.drift import Kind
from local.aws.template import Template
from local.simulators.faults import Fault
from local.stack import ROOT
from tests.support.keeper import Keeper
from tests.support.log import Log
from tests.support.templates import BARE, BOTH, of_type, provision
from tests.support.world import REQUEST, STOPPED, World

OUR = ("AepConnections", [{"Name": "service", "Value": "local"}])
FUNCTION, API_FUNCTION, EXPLORE_FUNCTION, RECONCILE_FUNCTION = (
    ("AWS/Lambda", [{"Name": "FunctionName", "Value": f"{name}Function"}])
    for name in ("Provision", "Api", "Explore", "Reconcile")
)
API = ("AWS/ApiGateway", [{"Name": "ApiId", "Value": "Api"}])
DEAD_LETTERS = ("AWS/SQS", [{"Name": "QueueName", "Value": "DeadLetters.QueueName"}])
REQUESTS = ("AWS/SQS", [{"Name": "QueueName", "Value": "Requests.QueueName"}])
ALARMS = {
    "dead-letters": (DEAD_LETTERS, "ApproximateNumberOfMessagesVisible", "Maximum", 60, [0], [1]),
    "oldest-request": (OUR, "RequestAge", "Maximum", 300, [1799], [1800]),
    "backlog": (REQUESTS, "ApproximateNumberOfMessagesVisible", "Minimum", 900, [9, 9, 0], [1, 1, 1]),
    "failed-connections": (OUR, "Failed", "Sum", 300, [0], [1]),
    "errors": (FUNCTION, "Errors", "Sum", 300, [0], [1]),
    "throttles": (FUNCTION, "Throttles", "Sum", 300, [0], [1]),
    "api-errors": (API, "5xx", "Sum", 300, [0], [1]),
    "api-function-errors": (API_FUNCTION, "Errors", "Sum", 300, [0], [1]),
    "api-function-throttles": (API_FUNCTION, "Throttles", "Sum", 300, [0], [1]),
    "explore-function-errors": (EXPLORE_FUNCTION, "Errors", "Sum", 300, [0], [1]),
    "explore-function-throttles": (EXPLORE_FUNCTION, "Throttles", "Sum", 300, [0], [1]),
    "circuit-breaker": (OUR, "StoppedSandboxes", "Sum", 300, [0], [1]),
    "sandboxes-not-reconciled": (OUR, "FailedSandboxes", "Sum", 300, [0], [1]),
    "unrepaired-drift": (OUR, "Unrepaired", "Sum", 300, [0], [1]),
    "oldest-verification": (OUR, "OldestVerification", "Maximum", 300, [604_799], [604_800]),
    "reconcile-errors": (RECONCILE_FUNCTION, "Errors", "Sum", 300, [0], [1]),
    "reconcile-throttles": (RECONCILE_FUNCTION, "Throttles", "Sum", 300, [0], [1]),
}
"""Each alarm's metric with owner and dimensions, name, statistic and seconds; values that do not set it off, and do."""


@BOTH
@pytest.mark.parametrize("name", ALARMS)
def test_when_each_alarm_goes_off(name: str, template: Template) -> None:
    (alarm,) = (a for a in of_type(template, "AWS::CloudWatch::Alarm").values() if a["AlarmName"] == f"local-{name}")
    whose, metric, statistic, seconds, quiet, loud = ALARMS[name]

    assert ((alarm["Namespace"], alarm["Dimensions"]), alarm["MetricName"]) == (whose, metric)
    assert (alarm["Statistic"], alarm["Period"] * alarm["EvaluationPeriods"]) == (statistic, seconds)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert not all(value >= float(alarm["Threshold"]) for value in quiet)
    assert all(value >= float(alarm["Threshold"]) for value in loud)
    assert len(loud) == alarm["EvaluationPeriods"]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert not {"ActionsEnabled", "DatapointsToAlarm", "InsufficientDataActions", "Unit"} & set(alarm)
    entry = re.sub("^(api|explore)-function-|^reconcile-(?=throttles)", "", name)
    assert f"docs/runbook.md, {entry}." in alarm["AlarmDescription"]


@BOTH
def test_there_is_no_other_alarm(template: Template) -> None:
    names = {alarm["AlarmName"] for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()}

    assert names == {f"local-{name}" for name in ALARMS}


def test_every_watched_metric_is_written_by_the_functions(world: World, keeper: Keeper, log: Log) -> None:
    world.request()
    world.unpublish()
    keeper.reconcile()
    keeper.deliver_rechecks()
    written = {name for document in log.metrics() for name in document if name[0].isupper()}
    watched = {metric for whose, metric, *_ in ALARMS.values() if whose is OUR}
    watched |= {metric for namespace, metric, _ in rows(BARE) if namespace == "AepConnections"}

    outcomes = {outcome.value.capitalize() for outcome in Outcome} | {"Failed", "Retried"}
    assert watched <= written | outcomes
    assert outcomes <= watched
    assert {metric for _, metric, _ in searches(BARE)} <= written


def test_every_searched_metric_has_the_dimensions_that_the_functions_write(
    world: World, keeper: Keeper, log: Log
) -> None:
    world.request()
    keeper.reconcile()
    written = {
        (metric["Name"], frozenset(of["Dimensions"][0]))
        for document in log.metrics()
        for of in document["_aws"]["CloudWatchMetrics"]
        for metric in of["Metrics"]
    }

    assert {(metric, frozenset(dimensions)) for dimensions, metric, _ in searches(BARE)} <= written


@BOTH
def test_searches_find_metrics_of_this_stack_only(template: Template) -> None:
    found = searches(template)

    assert {metric for _, metric, _ in found} == {"Connections", "Drift", "SecretVersionAge"}
    assert {stack for _, _, stack in found} == {template.values["AWS::StackName"]}


def searches(template: Template) -> list[tuple[tuple[str, ...], str, str]]:
    """The dimensions, the metric and the stack of every search of the dashboard."""
    form = r"""SEARCH\('\{AepConnections,([a-z,]+)\} service="(\w+)" MetricName="(\w+)"', '(Sum|Maximum)', 3600\)"""
    found = []
    for widget in dashboard(template)["widgets"]:
        for row in widget["properties"].get("metrics", []):
            if isinstance(row[0], dict):
                parts = re.fullmatch(form, row[0]["expression"])
                assert parts, row
                assert parts[4] == widget["properties"]["stat"]
                found.append((tuple(parts[1].split(",")), parts[3], parts[2]))
    return found


def test_a_metric_is_written_for_every_status_and_every_kind_of_drift(world: World, keeper: Keeper, log: Log) -> None:
    world.request()
    keeper.reconcile()

    documents = log.metrics()
    assert {one["status"] for one in documents if "status" in one} == {status.value for status in Status}
    assert {one["kind"] for one in documents if "kind" in one} == {kind.value for kind in Kind}


@BOTH
def test_the_metrics_of_one_stack_are_not_those_of_another(template: Template) -> None:
    variables = provision(template)["Environment"]["Variables"]

    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "AepConnections"
    assert variables["POWERTOOLS_SERVICE_NAME"] == template.values["AWS::StackName"] == "local"
    for namespace, metric, dimension in rows(template):
        if namespace != "AWS/SQS":
            assert dimension == {
                "AepConnections": ("service", "local"), "AWS/Lambda": ("FunctionName", "ProvisionFunction"),
                "AWS/ApiGateway": ("ApiId", "Api"),
            }[namespace], metric  # fmt: skip


def rows(template: Template) -> list[tuple[str, str, tuple[str, str]]]:
    """Every metric of the dashboard. A `.` is replaced by the value from the row above."""
    found: list[tuple[str, str, tuple[str, str]]] = []
    for widget in dashboard(template)["widgets"]:
        above: list[str] = []
        for row in widget["properties"].get("metrics", []):
            if isinstance(row[0], dict):  # a search
                continue
            above = [above[i] if value == "." else value for i, value in enumerate(row[:4])]
            found.append((above[0], above[1], (above[2], above[3])))
    return found


@BOTH
def test_the_dashboard_shows_every_alarm(template: Template) -> None:
    shown = [w for w in dashboard(template)["widgets"] if w["type"] == "alarm"]

    assert shown[0]["properties"]["alarms"] == [f"{name}.Arn" for name in of_type(template, "AWS::CloudWatch::Alarm")]


def test_what_the_dashboard_shows() -> None:
    widgets = dashboard(BARE)["widgets"]
    places = [
        (x, y) for w in widgets for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])
    ]
    shown = {metric for _, metric, _ in rows(BARE)}
    (log,) = (widget["properties"]["query"] for widget in widgets if widget["type"] == "log")

    assert [widget["type"] for widget in widgets] == ["alarm", *["metric"] * 9, "log"]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert shown == {outcome.value.capitalize() for outcome in Outcome} | {
        "Failed", "Retried", "RequestAge", "Duration", "UpstreamCalls", "UpstreamRetries", "Invocations", "Errors",
        "Throttles", "ConcurrentExecutions", "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible", "Count", "4xx", "5xx", "Latency",
        "Unverified", "Repaired", "Unrepaired", "FailedSandboxes", "StoppedSandboxes", "OldestVerification",
    }  # fmt: skip
    assert log.startswith("SOURCE 'ProvisionLogs' | SOURCE 'ReconcileLogs' | filter ispresent(code) | ")
    assert log.endswith(" | sort @timestamp desc | limit 20")


def test_the_statistics_of_the_dashboard() -> None:
    seen: dict[tuple[str, str], str] = {}
    for widget in dashboard(BARE)["widgets"]:
        properties = widget["properties"]
        for row in properties.get("metrics", []):
            if isinstance(row[0], dict):  # a search
                continue
            options = row[-1] if isinstance(row[-1], dict) else {}
            label = options.get("label", row[1])
            seen[(properties["title"], label)] = options.get("stat") or properties["stat"]

    maxima = {label for (_, label), stat in seen.items() if stat == "Maximum"}
    assert maxima == {
        "oldest request (s)", "waiting", "being processed, or waiting for a retry", "dead letters",
        "ConcurrentExecutions", "Unverified", "OldestVerification",
    }  # fmt: skip
    assert {label: stat for (_, label), stat in seen.items() if stat not in ("Sum", "Maximum")} == {
        "duration p90 (ms)": "p90",
        "latency p90 (ms)": "p90",
    }
    queues = [(metric, value) for namespace, metric, (_, value) in rows(BARE) if namespace == "AWS/SQS"]
    assert queues == [
        ("ApproximateNumberOfMessagesVisible", "Requests.QueueName"),
        ("ApproximateNumberOfMessagesNotVisible", "Requests.QueueName"),
        ("ApproximateNumberOfMessagesVisible", "DeadLetters.QueueName"),
    ]


def test_the_queries_of_the_dashboard_and_the_runbook_use_fields_of_a_failures_log_line(world: World, log: Log) -> None:
    world.databricks.settings.clusters = dict(STOPPED)
    world.request()
    (line,) = log.lines()
    queries = [w["properties"]["query"] for w in dashboard(BARE)["widgets"] if w["type"] == "log"]
    queries += re.findall(r"--query-string '(filter ispresent.+?)'", (ROOT / "docs/runbook.md").read_text())

    assert len(queries) == 2
    for query in queries:
        (fields_,) = re.findall(r"fields ([^|]+)", query)
        assert {name.strip() for name in fields_.split(",")} - {"@timestamp"} <= set(line), query


def test_the_runbooks_query_for_the_fleet_uses_fields_of_its_log_lines(world: World, keeper: Keeper, log: Log) -> None:
    for name in ("a", "b"):
        world.request(REQUEST | {"name": name})
    for record in world.adobe.records.values():
        record.deleted_at = world.clock.now()
    keeper.reconcile()
    named = {"x-request-id": str(uuid.uuid4())}
    world.adobe.faults.add(Fault(path=".*/connections", status=403, body="<html></html>", headers=named))
    keeper.reconcile()
    (query,) = re.findall(r"--query-string '(filter message = .+?)'", (ROOT / "docs/runbook.md").read_text())
    messages = re.findall(r'message = "([^"]+)"', query)
    lines = [line for line in log.lines() if line["message"] in messages]

    assert {line["message"] for line in lines} == set(messages)
    (fields_,) = re.findall(r"fields ([^|]+)", query)
    assert {name.strip() for name in fields_.split(",")} - {"@timestamp"} == {
        name
        for line in lines
        for name in line
        if name in ("sandbox", "missing", "connections", "code", "reason", "request_id")
    }


def dashboard(template: Template) -> dict[str, Any]:
    (board,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    assert board["DashboardName"] == "local"
    document: dict[str, Any] = json.loads(board["DashboardBody"])
    return document
