"""The local stack as people start it: `python -m local`."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local.aws.account import Aws, Resources
from local.aws.template import Template
from local.log_lines import Answers
from tests.support.log import Log
from tests.support.world import World

ROOT = Path(__file__).resolve().parent.parent.parent


def local(*arguments: str) -> subprocess.Popen[str]:
    """A command, in a process group of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", *arguments], cwd=ROOT, env=environment, process_group=0,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def shown(*arguments: str) -> str:
    """What a command prints that ends well and complains of nothing."""
    process = local(*arguments)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out


def test_the_demo_shows_the_main_job_and_ends_well() -> None:
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
    assert "The registry says waiting: for cluster 0923-164208-meows279 to run, until " in out
    assert "Waiting: Cluster 0923-164208-meows279 is starting (PENDING)." in out
    assert "→ created in" in out
    assert "150 s after it was asked for" in out


def test_the_scenario_of_drift_shows_what_is_found_and_how_it_is_made_right() -> None:
    out = shown("demo", "--scenario", "drift")

    assert '"AEP Base Connection Drifted"' in out
    assert "Drift:moved 1, Drift:parameterMissing 1" in out
    assert '"labelUpdated": "AWSCURRENT"' in out
    assert out.count("→ updated in") == 2
    assert "dapi" not in out


def test_the_stack_prints_its_urls_answers_requests_and_stops_on_a_signal_whatever_is_in_work() -> None:
    process = local("up", "--json")
    assert process.stdout is not None
    try:
        urls: dict[str, Any] = json.loads(process.stdout.readline())
        assert {"aws", "ims", "adobe", "databricks", "api"} <= set(urls)
        for name in ("ims", "adobe", "databricks"):
            assert requests.get(f"{urls[name]}/_simulator/settings", timeout=5).status_code == 200
        hang = {"method": "POST", "hang": True}
        requests.post(f"{urls['adobe']}/_simulator/faults", json=hang, timeout=5).raise_for_status()
        answers = _answers(urls)

        _ask(urls, "hangs")
        while not _posts(urls):
            pass
        _ask(urls, "answered")

        (message,) = _client(urls, "sqs").receive_message(QueueUrl=answers, WaitTimeSeconds=15)["Messages"]
        detail = json.loads(message["Body"])["detail"]
        assert (detail["name"], detail["outcome"]) == ("answered", "created")
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_http_api_answers_and_nothing_is_left_after_a_signal_to_the_whole_group(number: signal.Signals) -> None:
    process = local("up", "--json")
    assert process.stdout is not None
    try:
        urls: dict[str, Any] = json.loads(process.stdout.readline())
        answer = requests.get(f"{urls['api']}/connections", timeout=30)
        forged = {"Authorization": "AWS4-HMAC-SHA256 forged"}
        refused = requests.get(f"{urls['api']}/connections", headers=forged, timeout=30)
    finally:
        os.killpg(process.pid, number)
        out, _ = process.communicate(timeout=20)

    assert answer.headers["Apigw-Requestid"]
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    assert (process.returncode, out) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_stack_shows_a_person_where_the_http_api_is_and_how_to_call_it() -> None:
    process = local("up")
    assert process.stdout is not None
    try:
        text = "".join(iter(process.stdout.readline, "Or send a request (the answer is shown here):\n"))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    (url,) = re.findall(r"^  HTTP API      (http://localhost:\d+)$", text, re.MULTILINE)
    body = '{"databricksSecretId": "aep/dev/databricks/lakehouse"}'
    assert f"\n  documentation {url}/docs\n" in text
    assert f"""
  curl --aws-sigv4 "aws:amz:eu-west-1:execute-api" --user local:local \\
    -X PUT {url}/connections/dev/lakehouse -H 'Prefer: wait=20' -d '{body}'
""" in text  # fmt: skip


def _client(urls: dict[str, Any], service: Any) -> Any:
    return boto3.session.Session().client(
        service, endpoint_url=urls["aws"], region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def _answers(urls: dict[str, Any]) -> str:
    """A queue to which the outcome events go; its URL."""
    events, bus = _client(urls, "events"), urls["eventBus"]
    url = _client(urls, "sqs").create_queue(QueueName="answers")["QueueUrl"]
    events.put_rule(Name="answers", EventBusName=bus, EventPattern=json.dumps({"source": ["aep.connections"]}))
    arn = "arn:aws:sqs:eu-west-1:123456789012:answers"
    events.put_targets(Rule="answers", EventBusName=bus, Targets=[{"Id": "answers", "Arn": arn}])
    return str(url)


def _ask(urls: dict[str, Any], name: str) -> None:
    detail = {"sandbox": "dev", "name": name, "databricksSecretId": urls["databricksSecretId"]}
    entry = {"Source": "t", "DetailType": "AEP Base Connection Requested", "EventBusName": urls["eventBus"]}
    _client(urls, "events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])


def _posts(urls: dict[str, Any]) -> list[dict[str, Any]]:
    """The creates that Adobe has got so far."""
    calls = requests.get(f"{urls['adobe']}/_simulator/calls", timeout=5).json()["calls"]
    return [call for call in calls if call["method"] == "POST"]


def test_what_the_function_logs_is_shown_as_one_line_for_each_answer(world: World, log: Log) -> None:
    world.ask()
    world.ask({"name": "sales", "sandbox": "dev", "surprise": 1})
    shown = io.StringIO()
    answers = Answers(shown)
    for piece in (log.text[:50], log.text[50:], "no JSON\n", '{"level": "ERROR"}\n'):
        answers.write(piece)

    created, refused, other, error = shown.getvalue().splitlines()
    assert re.fullmatch(rf"  created     dev/sales  {world.parameter()}  \(\d+ ms\)", created)
    assert re.match(r"  failed      dev/sales  InvalidRequest: .*surprise: ", refused)
    assert (other, error) == ("no JSON", '{"level": "ERROR"}')


def test_a_resource_that_the_local_stack_does_not_know_is_refused_not_left_out(aws: Aws) -> None:
    template = Template({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}, {})

    with pytest.raises(ValueError, match="cannot make AWS::SNS::Topic"):
        Resources(aws, template).make()


def test_a_function_of_cloudformation_that_is_not_known_is_refused() -> None:
    template = Template({"Resources": {}}, {})

    with pytest.raises(ValueError, match="Fn::Cidr"):
        template.resolve({"Fn::Cidr": []}, lambda name, attribute: "")


def test_a_parameter_without_default_must_be_given_and_no_other() -> None:
    document = {"Parameters": {"A": {"Type": "String"}}, "Resources": {}}

    with pytest.raises(ValueError, match="no default: A"):
        Template(document, {})
    with pytest.raises(ValueError, match="no parameter B"):
        Template(document, {"A": "1", "B": "2"})


def test_a_condition_on_a_resource_is_refused_as_cloudformation_does() -> None:
    document = {"Resources": {"Queue": {}}, "Conditions": {"Odd": {"Fn::Equals": [{"Ref": "Queue"}, ""]}}}

    with pytest.raises(ValueError, match="cannot use the resource Queue"):
        Template(document, {}).holds("Odd")
