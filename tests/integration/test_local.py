"""The local stack as people start it: `python -m local`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from local.aws import Aws, Resources
from local.template import Template

ROOT = Path(__file__).resolve().parent.parent.parent


def local(*arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_demo_shows_the_main_job_and_ends_well() -> None:
    process = local("demo")
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert "→ created in" in out
    assert "→ unchanged in" in out
    assert "POST /connections → 201" in out
    assert "/aep-connections/dev/lakehouse/connection-id" in out
    assert "local-access-token" not in out
    assert err == ""


def test_the_stack_prints_its_urls_answers_requests_and_stops_on_a_signal() -> None:
    process = local("up", "--json")
    assert process.stdout is not None
    try:
        urls: dict[str, Any] = json.loads(process.stdout.readline())
        assert {"aws", "ims", "adobe", "databricks", "api"} <= set(urls)
        for name in ("ims", "adobe", "databricks"):
            assert requests.get(f"{urls[name]}/_simulator/settings", timeout=5).status_code == 200
        _ask_and_wait(urls)
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == ""


def _ask_and_wait(urls: dict[str, Any]) -> None:
    """Put a request on the bus, and wait for its answer on a queue."""

    def client(service: Any) -> Any:
        return boto3.session.Session().client(
            service, endpoint_url=urls["aws"], region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )

    events, sqs, bus = client("events"), client("sqs"), urls["eventBus"]
    url = sqs.create_queue(QueueName="answers")["QueueUrl"]
    events.put_rule(Name="answers", EventBusName=bus, EventPattern=json.dumps({"source": ["aep.connections"]}))
    arn = "arn:aws:sqs:eu-west-1:123456789012:answers"
    events.put_targets(Rule="answers", EventBusName=bus, Targets=[{"Id": "answers", "Arn": arn}])
    detail = {"sandbox": "dev", "name": "a", "databricksSecretId": urls["databricksSecretId"]}
    entry = {"Source": "t", "DetailType": "AEP Base Connection Requested", "EventBusName": bus}
    events.put_events(Entries=[entry | {"Detail": json.dumps(detail)}])

    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=15)["Messages"]
    assert json.loads(message["Body"])["detail"]["outcome"] == "created"


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
