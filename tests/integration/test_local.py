"""The local stack as a person starts it: `python -m local`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local.aws.account import Aws, Resources
from local.aws.template import Template
from local.log_lines import ShortLines, event, reconciled
from tests.support.log import Log
from tests.support.world import World

ROOT = Path(__file__).resolve().parent.parent.parent


def local(*arguments: str) -> subprocess.Popen[str]:
    """Start a command in its own process group."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", *arguments], cwd=ROOT, env=environment, process_group=0,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def shown(*arguments: str) -> str:
    """What a command prints. It must succeed and write nothing to stderr."""
    process = local(*arguments)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out


def test_the_demo_shows_the_main_use_case_and_succeeds() -> None:
    out = shown("demo")

    assert "→ created in" in out
    assert "→ unchanged in" in out
    assert "POST /connections → 201" in out
    assert "/aep-connections/dev/lakehouse/connection-id" in out
    assert "dapi0123456789abcdef0123456789abcdef" not in out


def test_the_scenario_of_a_stopped_cluster_shows_the_whole_wait() -> None:
    out = shown("demo", "--scenario", "cluster-terminated")

    assert "POST /api/2.1/clusters/start → 200" in out
    assert "Waiting: Cluster 0923-164208-meows279 was TERMINATED and is being started." in out
    assert "Registry status: waiting, for cluster 0923-164208-meows279 to run, until " in out
    assert "Waiting: Cluster 0923-164208-meows279 is starting (PENDING)." in out
    assert "→ created in" in out
    assert "150 s after the request." in out


def test_the_scenario_of_drift_shows_the_drift_and_its_repair() -> None:
    out = shown("demo", "--scenario", "drift")

    assert '"AEP Base Connection Drifted"' in out
    assert "→ 1 connection drifted (moved 1, parameterMissing 1), 1 recheck sent (in " in out
    assert "lists the sandbox's connections" in out
    assert "→ No drift (in " in out
    assert '"labelUpdated": "AWSCURRENT"' in out
    assert out.count("→ updated in") == 2
    assert "dapi" not in out


def test_the_stack_prints_its_urls_processes_requests_and_stops_on_a_signal_even_during_a_call() -> None:
    process = local("up", "--json")
    assert process.stdout is not None
    try:
        urls: dict[str, Any] = json.loads(process.stdout.readline())
        assert {"aws", "ims", "adobe", "databricks", "api"} <= set(urls)
        for name in ("ims", "adobe", "databricks"):
            assert requests.get(f"{urls[name]}/_simulator/settings", timeout=5).status_code == 200
        hang = {"method": "POST", "hang": True}
        requests.post(f"{urls['adobe']}/_simulator/faults", json=hang, timeout=5).raise_for_status()
        queue_url = _outcome_queue(urls)

        _send_request(urls, "hangs")
        while not _posts(urls):
            pass
        _send_request(urls, "requested")

        (message,) = _client(urls, "sqs").receive_message(QueueUrl=queue_url, WaitTimeSeconds=15)["Messages"]
        detail = json.loads(message["Body"])["detail"]
        assert (detail["name"], detail["outcome"]) == ("requested", "created")
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_http_api_responds_and_no_process_is_left_after_a_signal_to_the_whole_group(number: signal.Signals) -> None:
    process = local("up", "--json")
    assert process.stdout is not None
    try:
        urls: dict[str, Any] = json.loads(process.stdout.readline())
        response = requests.get(f"{urls['api']}/connections", timeout=30)
        forged = {"Authorization": "AWS4-HMAC-SHA256 forged"}
        refused = requests.get(f"{urls['api']}/connections", headers=forged, timeout=30)
    finally:
        os.killpg(process.pid, number)
        out, _ = process.communicate(timeout=20)

    assert response.headers["Apigw-Requestid"]
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    assert (process.returncode, out) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_stack_for_a_person_has_fixed_ports_and_writes_its_names_to_a_file(tmp_path: Path) -> None:
    base, file = _free_ports(), tmp_path / "local.env"
    process = local("up", "--port", str(base), "--env", str(file))
    assert process.stdout is not None
    try:
        text = "".join(iter(process.stdout.readline, "Requests and outcome events follow.\n"))
        names = dict(line.removeprefix("export ").split("=") for line in file.read_text().splitlines())
        second = local("up", "--port", str(base))
        _, refusal = second.communicate(timeout=20)
        url = f"{names['API']}/connections/dev/lakehouse"
        body = {"databricksSecretId": "aep/dev/databricks/lakehouse"}
        requests.put(url, json=body, headers={"Prefer": "wait=20"}, timeout=30).raise_for_status()
        shown = [process.stdout.readline() for _ in range(4)]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert [names[name].rpartition(":")[2] for name in ("AWS_ENDPOINT_URL", "IMS", "ADOBE", "DATABRICKS", "API")] == [
        str(base + number) for number in range(5)
    ]
    assert (names["BUS"], names["FUNCTION"], names["DATABRICKS_URL"]) == (
        "local", "local-ProvisionFunction", names["DATABRICKS"],
    )  # fmt: skip
    assert f"  . examples/names.sh local {file}\n" in text
    assert (second.returncode, "--port" in refusal, str(base) in refusal) == (2, True, True)
    assert {line.split()[0] for line in shown if line.strip()} == {"created", "event", "HTTP"}
    assert "  event       AEP Base Connection Ready  dev/lakehouse  created\n" in shown
    assert not file.exists()


def _free_ports() -> int:
    """A base port: it and the next four were free a moment ago."""
    for base in range(21_000 + os.getpid() % 9_000, 60_000, 5):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + 5):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return base
    raise AssertionError("no five free ports")


def _client(urls: dict[str, Any], service: Any) -> Any:
    return boto3.session.Session().client(
        service, endpoint_url=urls["aws"], region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def _outcome_queue(urls: dict[str, Any]) -> str:
    """The URL of a queue that receives the outcome events."""
    events, bus = _client(urls, "events"), urls["eventBus"]
    url = _client(urls, "sqs").create_queue(QueueName="outcomes")["QueueUrl"]
    events.put_rule(Name="outcomes", EventBusName=bus, EventPattern=json.dumps({"source": ["aep.connections"]}))
    arn = "arn:aws:sqs:eu-west-1:123456789012:outcomes"
    events.put_targets(Rule="outcomes", EventBusName=bus, Targets=[{"Id": "outcomes", "Arn": arn}])
    return str(url)


def _send_request(urls: dict[str, Any], name: str) -> None:
    detail = {"sandbox": "dev", "name": name, "databricksSecretId": urls["databricksSecretId"]}
    entry = {"Source": "t", "DetailType": "AEP Base Connection Requested", "EventBusName": urls["eventBus"]}
    _client(urls, "events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])


def _posts(urls: dict[str, Any]) -> list[dict[str, Any]]:
    """The POST calls that Adobe has received so far."""
    calls = requests.get(f"{urls['adobe']}/_simulator/calls", timeout=5).json()["calls"]
    return [call for call in calls if call["method"] == "POST"]


def test_the_function_log_is_shown_as_one_short_line_for_each_request(world: World, log: Log) -> None:
    world.request()
    world.request({"name": "sales", "sandbox": "dev", "surprise": 1})
    world.deliver(world.send_body("garbage"))
    shown = io.StringIO()
    lines = ShortLines(shown)
    for piece in (log.text[:50], log.text[50:], "no JSON\n", '{"level": "ERROR"}\n'):
        lines.write(piece)

    created, refused, keyless, other, error = shown.getvalue().splitlines()
    assert re.fullmatch(rf"  created     dev/sales  {world.parameter()}  \(\d+ ms\)", created)
    assert re.match(r"  failed      dev/sales  InvalidRequest: .*surprise: ", refused)
    assert keyless.startswith("  failed      (no key)  InvalidRequest: ")
    assert (other, error) == ("no JSON", '{"level": "ERROR"}')


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {"message": "HTTP request processed", "method": "PUT", "route": "PUT /connections/{sandbox}/{name}",
             "status": 202, "sandbox": "dev", "connection_name": "sales"},
            "HTTP 202    PUT /connections/{sandbox}/{name}  dev/sales",
        ),
        (
            {"message": "HTTP request processed", "method": "GET", "route": "$default", "status": 404, "code": "N"},
            "HTTP 404    GET $default  N",
        ),
        (
            {"message": "explored", "sandbox": "dev", "connection_name": "sales", "columns": 3},
            "explored    dev/sales  3 columns",
        ),
        (
            {"message": "explored", "sandbox": None, "connection_name": None, "code": "C", "reason": "R"},
            "explored    (no key)  C: R",
        ),
        (
            {"message": "rechecks sent", "secret_id": "aep/x", "rechecks": 2},
            "rechecks    New version of the secret aep/x: 2 rechecks sent.",
        ),
        (
            {"message": "rechecks sent", "sandbox": "dev", "flow_id": "f", "rechecks": 1},
            "rechecks    Failed run of the dataflow f in dev: 1 recheck sent.",
        ),
        (
            {"message": "fleet reconciled", "Drifted": 0, "Skipped": 1},
            "reconciled  No drift, 1 skipped: it was changing.",
        ),
        ({"message": "fleet continues", "after": "dev", "Drifted": 0}, "reconciled  Up to sandbox dev: No drift."),
        (
            {"message": "sandbox stopped", "sandbox": "dev", "missing": 3, "connections": 4},
            "stopped     dev  3 of 4 connections are missing, more than MaxMissingPercent: nothing is repaired.",
        ),
        (
            {"message": "sandbox not reconciled", "sandbox": "dev", "code": "C", "reason": "R"},
            "failed      sandbox dev  C: R",
        ),
        ({"level": "ERROR", "message": "broken", "service": "s", "exception": "E"}, "error       broken  exception=E"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_every_other_log_line_is_short_too(line: dict[str, Any], expected: str) -> None:
    shown = io.StringIO()

    ShortLines(shown).write(json.dumps(line) + "\n")

    assert shown.getvalue() == f"  {expected}\n"


def test_a_reconcile_run_is_a_sentence() -> None:
    counts = {"Drifted": 3, "Rechecks": 2, "Unrepaired": 1, "Drift:moved": 2, "Drift:renamed": 1, "StoppedSandboxes": 0}

    sentence = "3 connections drifted (moved 2, renamed 1), 2 rechecks sent, 1 not repaired."
    assert reconciled(counts) == sentence
    assert reconciled({"Drifted": 0, "Unverified": 1}) == "No drift, 1 ready but not tested in its current state."
    assert reconciled({"Drifted": 0, "Unverified": 2}) == "No drift, 2 ready but not tested in their current state."


def test_outcome_events_are_short_lines() -> None:
    key = {"sandbox": "dev", "name": "sales"}
    failed = {"detail-type": "Failed", "detail": {**key, "code": "NotReady", "message": "No."}}
    drift = {**key, "drift": [{"kind": "moved"}, {"kind": "renamed"}], "action": "none", "because": "policy"}

    assert event(failed) == "  event       Failed  dev/sales  NotReady: No."
    assert event({"detail-type": "Drifted", "detail": drift}).endswith("dev/sales  moved, renamed → none (policy)")


def test_an_unsupported_resource_type_is_an_error(aws: Aws) -> None:
    template = Template({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}, {})

    with pytest.raises(ValueError, match="cannot make AWS::SNS::Topic"):
        Resources(aws, template).make()


def test_an_unknown_intrinsic_function_is_refused() -> None:
    template = Template({"Resources": {}}, {})

    with pytest.raises(ValueError, match="Fn::Cidr"):
        template.resolve({"Fn::Cidr": []}, lambda name, attribute: "")


def test_parameters_without_a_default_are_required_and_unknown_ones_are_refused() -> None:
    document = {"Parameters": {"A": {"Type": "String"}}, "Resources": {}}

    with pytest.raises(ValueError, match="no default: A"):
        Template(document, {})
    with pytest.raises(ValueError, match="no parameter B"):
        Template(document, {"A": "1", "B": "2"})


def test_a_condition_on_a_resource_is_refused_as_cloudformation_does() -> None:
    document = {"Resources": {"Queue": {}}, "Conditions": {"Odd": {"Fn::Equals": [{"Ref": "Queue"}, ""]}}}

    with pytest.raises(ValueError, match="cannot use the resource Queue"):
        Template(document, {}).holds("Odd")
