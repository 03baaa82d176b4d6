"""Functions, and what each optional parameter changes."""

from __future__ import annotations

from typing import Any

import pytest

from aep_connections.http.transport import Timeouts
from aep_connections.provision import job, process
from local.aws.template import Template
from local.stack import ROOT
from tests.support.templates import (
    ARN,
    BARE,
    BOTH,
    BOUNDARY,
    FULL,
    KEY,
    OPTIONS,
    SECRETS_KEY,
    TOPIC,
    of_type,
    provision,
)


@BOTH
def test_every_function_logs_json_to_a_retained_group_of_its_own(template: Template) -> None:
    groups = [f["LoggingConfig"]["LogGroup"] for f in of_type(template, "AWS::Lambda::Function").values()]

    assert len(set(groups)) == len(groups) > 0
    for function in of_type(template, "AWS::Lambda::Function").values():
        group = function["LoggingConfig"]["LogGroup"]
        assert function["LoggingConfig"] == {
            "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": group,
        }  # fmt: skip
        assert of_type(template, "AWS::Logs::LogGroup")[group]["RetentionInDays"] == "90"
        assert template.resources()[group]["UpdateReplacePolicy"] == "Retain"


@BOTH
def test_every_function_has_the_runtime_and_architecture_of_the_layer(template: Template) -> None:
    ((name, layer),) = of_type(template, "AWS::Lambda::LayerVersion").items()

    assert layer["LayerName"] == "local-core"
    for function in of_type(template, "AWS::Lambda::Function").values():
        assert function["Layers"] == [name]
        assert (ROOT / function["Code"]["S3Key"] / "app.py").exists()
        assert function["Handler"] == "app.handler"
        assert function["MemorySize"] == 512
        assert function["Tags"] == [{"Key": "application", "Value": "aep-databricks-connections"}]
        assert [function["Runtime"]] == layer["CompatibleRuntimes"] == ["python3.13"]
        assert function["Architectures"] == layer["CompatibleArchitectures"] == ["arm64"]
        assert function["RecursiveLoop"] == "Terminate"
        assert function["TracingConfig"] == {"Mode": "Active"}


@BOTH
def test_there_is_no_alias_no_version_and_no_snapshot(template: Template) -> None:
    """docs/decisions/0010: an alias would keep using the old layer."""
    kinds = {resource["Type"] for resource in template.resources().values()}

    assert not kinds & {"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::CodeDeploy::Application"}
    assert not any("SnapStart" in function for function in of_type(template, "AWS::Lambda::Function").values())


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_has_its_own_effect_and_no_other(name: str) -> None:
    assert effects(BARE) == set()
    assert effects(Template.load({"AdobeSecretArn": ARN, name: OPTIONS[name]})) == {name}
    assert effects(FULL) == set(OPTIONS)


def effects(template: Template) -> set[str]:
    """The options whose full effect is present."""
    (mapping,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    function, alarms = provision(template), of_type(template, "AWS::CloudWatch::Alarm").values()
    roles, made = of_type(template, "AWS::IAM::Role").values(), template.resources()
    table = of_type(template, "AWS::DynamoDB::Table")["Registry"]
    with_key = [
        table["SSESpecification"].get("KMSMasterKeyId"),
        *(one.get("KmsKeyArn") for one in of_type(template, "AWS::Lambda::Function").values()),
        *(group.get("KmsKeyId") for group in of_type(template, "AWS::Logs::LogGroup").values()),
        *(s["Resource"] for role in roles for s in statements(role) if s.get("Sid") == "KeysKey"),
    ]
    routes = of_type(template, "AWS::ApiGatewayV2::Route").values()
    secrets_keys = [s["Resource"] for role in roles for s in statements(role) if s.get("Sid") == "SecretsKey"]
    rules = of_type(template, "AWS::Events::Rule")
    buses = {rules[name]["EventBusName"] for name in ("RequestRule", "FlowRunRule")} | {
        one["Environment"]["Variables"]["EVENT_BUS_NAME"]
        for one in of_type(template, "AWS::Lambda::Function").values()
        if "EVENT_BUS_NAME" in one["Environment"]["Variables"]
    }
    seen = {
        "SecretsKeyArn": secrets_keys == [SECRETS_KEY] * 3,
        "EventBusName": buses == {"company"} and "Bus" not in made,
        "ScheduleExpression": {"Schedule", "ScheduleRole"} <= set(made),
        "ApiJwtIssuer": all(route.get("AuthorizerId") == "ApiAuthorizer" for route in routes)
        and "ApiAuthorizer" in made,
        "Paused": mapping["Enabled"] is False,
        "ReservedConcurrency": function.get("ReservedConcurrentExecutions") == "7",
        "AlarmTopicArn": all(alarm.get("AlarmActions") == alarm.get("OKActions") == [TOPIC] for alarm in alarms),
        "KmsKeyArn": with_key == [KEY] * (1 + 4 + 5 + 4),
        "PermissionsBoundaryArn": all(role.get("PermissionsBoundary") == BOUNDARY for role in roles),
    }
    return {name for name, whole in seen.items() if whole}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


@BOTH
def test_the_functions_timeout_fits_the_timeouts_and_waits_of_the_code(template: Template) -> None:
    timeouts = Timeouts()

    assert provision(template)["Timeout"] == 180
    assert timeouts.connect + timeouts.slow == job.WRITE_SECONDS
    assert timeouts.connect + timeouts.other == job.READ_SECONDS
    assert process.VISIBILITY_BEYOND_DEADLINE_SECONDS > process.LEASE_BEYOND_DEADLINE_SECONDS
