"""A request through the deployed stack: bus, queue, function in Lambda's runtime client, Adobe, parameter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from local.aws.invocation import FunctionFailed
from local.aws.runtime import Environment
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET, ROOT
from tests.support.deployed import Deployed, deployed
from tests.support.world import ABSENT, REQUEST, STOPPED

SECRETS = (ADOBE_SECRET["clientSecret"], DATABRICKS_SECRET["accessToken"])


def test_an_event_on_the_bus_becomes_one_tested_connection_whose_id_is_published(stack: Deployed) -> None:
    environment = stack.environment()

    stack.put()
    stack.work(environment)

    assert stack.stack.adobe.url.startswith("https://")
    assert [stack.parameter()] == stack.connections()
    assert stack.announced() == [("Ready", "created")]
    (line,) = stack.written.logs()
    assert (line["message"], line["outcome"], line["connection_id"]) == (
        "request processed", "created", stack.parameter(),
    )  # fmt: skip
    (numbers,) = stack.written.metrics()
    assert (numbers["Created"], numbers["service"]) == ([1.0], stack.stack.template.values["AWS::StackName"])
    assert not [secret for secret in SECRETS if secret in "\n".join(stack.written.lines)]


def test_a_warm_environment_reports_unchanged_for_the_same_request_and_reuses_its_token(stack: Deployed) -> None:
    environment = stack.environment()
    for seconds_ago in (60, 0):
        stack.put(seconds_ago=seconds_ago)
        stack.work(environment)

    assert environment.starts == 1
    assert [line["outcome"] for line in stack.written.logs()] == ["created", "unchanged"]
    assert len(stack.stack.ims.calls) == 1


def test_the_role_in_the_template_allows_exactly_what_the_deployed_function_needs(stack: Deployed) -> None:
    """Invariant 7, Least, for the deployed stack: nothing is missing (conftest.py checks each test) or unused."""
    environment, before = stack.environment(), len(stack.calls.made)
    stack.put(seconds_ago=60)
    stack.work(environment)
    other = environment(REQUEST | {"name": "other"})
    stack.stack.aws.client("dynamodb").delete_item(
        TableName=stack.stack.environment["REGISTRY_TABLE"],
        Key={"sandbox": {"S": "dev"}, "name": {"S": "other"}},
    )
    stack.put(REQUEST | {"name": "third", "displayName": "other"})
    stack.put({"no": "key"})
    stack.put(ABSENT)
    stack.work(environment)

    assert other["outcome"] == "created"
    allowed = stack.granted("ProvisionFunction")
    assert [str(grant) for grant in stack.calls.unused(allowed, stack.calls.made[before:])] == []


def test_a_direct_invoke_returns_the_result_or_fails_with_the_code_as_its_error_type(stack: Deployed) -> None:
    environment = stack.environment()

    assert environment(REQUEST)["connectionId"] == stack.parameter()
    with pytest.raises(FunctionFailed) as refused:
        environment({"name": "sales", "surprise": 1})

    assert refused.value.payload["errorType"] == "InvalidRequest"
    for field in ("sandbox", "databricksSecretId", "surprise"):
        assert field in refused.value.payload["errorMessage"]


def test_an_error_in_any_language_reaches_the_caller(stack: Deployed) -> None:
    environment = stack.environment()

    with pytest.raises(FunctionFailed, match=r"InvalidRequest.*販売 …"):
        environment(REQUEST | {"販売 …": 1})


def test_a_request_for_absence_deletes_the_connection_and_its_parameter(stack: Deployed) -> None:
    environment = stack.environment()
    stack.put(seconds_ago=60)
    stack.work(environment)
    stack.put(ABSENT)
    stack.work(environment)

    assert (stack.connections(), stack.parameter()) == ([], None)
    assert stack.announced() == [("Ready", "created"), ("Deleted", "deleted")]


def test_a_stopped_cluster_is_started_and_the_request_is_redelivered_when_it_runs(stack: Deployed) -> None:
    environment, databricks = stack.environment(), stack.stack.databricks
    databricks.settings.clusters = dict(STOPPED)

    stack.put(REQUEST | {"readiness": "start"})
    stack.work(environment)
    assert (stack.stack.adobe.calls, stack.parameter()) == ([], None)
    databricks.settings.clusters = {}
    stack.time_passes()
    stack.work(environment)

    assert [stack.parameter()] == stack.connections()
    assert stack.announced() == [("Ready", "created")]
    assert [(line["outcome"], line["readiness"]) for line in stack.written.logs()] == [
        ("retried", "fail"), ("created", "pass"),
    ]  # fmt: skip
    assert [call.request.path for call in databricks.calls if call.request.method == "POST"] == [
        "/api/2.1/clusters/start"
    ]


def test_a_problem_of_the_workspace_is_reported_before_adobe_is_called(stack: Deployed) -> None:
    stack.stack.databricks.settings.revoked_tokens = [DATABRICKS_SECRET["accessToken"]]

    with pytest.raises(FunctionFailed, match=r"NotReady: .*Invalid access token"):
        stack.environment()(REQUEST)

    assert stack.stack.adobe.calls == []
    (line,) = [line for line in stack.written.logs() if line.get("message") == "request processed"]
    assert [check["id"] for check in line["checks"] if check["result"] == "fail"] == ["TOKEN_VALID"]
    assert not [secret for secret in SECRETS if secret in "\n".join(stack.written.lines)]


def test_several_environments_at_once_make_one_connection_for_each_key(stack: Deployed) -> None:
    names = [f"sales-{number}" for number in range(4)]
    for _ in range(3):
        for name in names:
            stack.put(REQUEST | {"name": name})

    environments = [stack.environment() for _ in range(3)]
    stack.work(*environments)
    stack.time_passes()
    stack.work(*environments)

    assert sorted(filter(None, map(stack.parameter, names))) == sorted(stack.connections())
    assert len(stack.connections()) == len(names)


def test_after_an_environment_dies_during_a_create_the_next_one_finds_the_connection(
    stack: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, posted, gone = stack.environment(), threading.Event(), threading.Event()
    reply = stack.stack.adobe.reply

    def keep_waiting(request: Any) -> Any:
        response = reply(request)
        if request.method == "POST" and request.path.endswith("/connections"):
            posted.set()
            gone.wait(30)
        return response

    monkeypatch.setattr(stack.stack.adobe, "reply", keep_waiting)
    stack.put()
    working = threading.Thread(target=stack.work, args=(environment,))
    working.start()
    assert posted.wait(30)
    assert environment.process
    environment.process.kill()
    gone.set()
    working.join()
    assert (len(stack.connections()), stack.parameter()) == (1, None)

    stack.time_passes()
    stack.work(environment)

    assert environment.starts == 2
    assert [stack.parameter()] == stack.connections()
    assert stack.announced() == [("Ready", "adopted")]


def test_a_function_that_hangs_is_killed_at_its_timeout_and_its_message_is_redelivered(stack: Deployed) -> None:
    environment = stack.environment(timeout_seconds=1.0)
    freeze(environment)

    stack.put()
    stack.work(environment)
    assert environment.process is None
    assert stack.connections() == []
    stack.time_passes()
    stack.work(stack.environment())

    assert [stack.parameter()] == stack.connections()


def test_lambda_reports_a_timeout_for_a_function_that_hangs(stack: Deployed) -> None:
    environment = stack.environment(timeout_seconds=1.0)
    freeze(environment)

    with pytest.raises(
        FunctionFailed, match=r"Sandbox.Timedout: RequestId: .* Error: Task timed out after 1.00 seconds"
    ):
        environment(REQUEST)


def freeze(environment: Environment) -> None:
    """Start an environment, then freeze its process."""
    with pytest.raises(FunctionFailed, match=r"InvalidRequest"):
        environment({})
    assert environment.process
    os.kill(environment.process.pid, signal.SIGSTOP)


def test_a_server_with_a_certificate_of_an_unknown_authority_gets_no_call(stack: Deployed) -> None:
    trusting_nobody_else = {
        k: v for k, v in stack.functions["ProvisionFunction"].variables.items() if k != "SSL_CERT_FILE"
    }

    stack.put()
    stack.work(stack.environment(variables=trusting_nobody_else))

    assert (stack.stack.ims.calls, stack.stack.adobe.calls) == ([], [])
    assert [line["code"] for line in stack.written.logs()] == ["Unavailable"]
    assert stack.parameter() is None


def test_a_misconfigured_function_reports_every_fault_when_it_starts(stack: Deployed) -> None:
    wrong = dict(stack.functions["ProvisionFunction"].variables) | {
        "ADOBE_IMS_URL": "http://adobe.example",
        "PARAMETER_PREFIX": "/aws/x",
    }

    with pytest.raises(FunctionFailed) as failed:
        stack.environment(variables=wrong)(REQUEST)

    assert failed.value.payload["errorType"].endswith("SettingsInvalid")
    for name in ("ADOBE_IMS_URL", "PARAMETER_PREFIX"):
        assert name in failed.value.payload["errorMessage"]
    assert "SettingsInvalid" in [line.get("errorType") for line in stack.written.logs()]


def test_the_process_has_the_artifact_the_layer_and_the_runtime_on_its_path_and_nothing_else(
    stack: Deployed, built: Path, runtime: Path
) -> None:
    environment = stack.environment()
    code = (
        "import json, sys, app, aep_connections, aws_lambda_powertools, boto3, requests; print(json.dumps([sys.path, "
        "[m.__file__ for m in (app, aep_connections, aws_lambda_powertools, requests, boto3)]]))"
    )

    ran = subprocess.run(
        [stack.python, "-s", "-c", code],
        cwd=environment.function.folder,
        env=environment.variables(),
        capture_output=True,
        text=True,
        check=True,
    )

    path, (app, *layered, boto3) = json.loads(ran.stdout)
    assert app == str(built / "ProvisionFunction" / "app.py")
    assert all(file.startswith(str(built / "CoreLayer" / "python")) for file in layered)
    assert boto3.startswith(str(runtime))
    assert not [entry for entry in path if entry.startswith(str(ROOT))]
    assert not [name for name in environment.variables() if name in ("HOME", "VIRTUAL_ENV", "USER")]


def test_a_schedule_sends_a_request_that_the_function_accepts(
    aws: Any, aws_calls: Any, built: Path, runtime: Path, tmp_path: Path
) -> None:
    given = {"ScheduleExpression": "rate(1 day)", "ScheduledRequest": json.dumps(REQUEST)}
    with deployed(aws, aws_calls, built, runtime, tmp_path, **given) as stack:
        name = stack.stack.resources.attribute("Schedule", None)
        target = aws.client("scheduler").get_schedule(Name=name)["Target"]
        sent = target["Input"].replace("<aws.scheduler.execution-id>", "d32c5kddcf5bb8c3")
        body = sent.replace("<aws.scheduler.scheduled-time>", "2026-11-24T03:15:00Z")
        aws.client("sqs").send_message(QueueUrl=stack.stack.queue_url, MessageBody=body)
        stack.work(stack.environment())

        assert [stack.parameter()] == stack.connections()
        (line,) = stack.written.logs()
        assert (line["requested_at"], line["request_event_id"]) == ("2026-11-24T03:15:00.000Z", "d32c5kddcf5bb8c3")
