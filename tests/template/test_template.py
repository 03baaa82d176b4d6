"""The template against the code: environment, permissions, timeouts, keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from botocore.client import BaseClient

from aep_connections.adobe.transport import Timeouts
from aep_connections.settings import Settings, SettingsInvalid
from aep_connections.use_cases import answer, work
from local.aws import Aws
from local.stack import Stack
from local.template import Template
from tests.support.world import ABSENT, REQUEST, World

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:adobe-AbCdEf"
TEMPLATE = Template.load({"AdobeSecretArn": ARN})
FUNCTION = TEMPLATE.resources()["ProvisionFunction"]["Properties"]
BY_LAMBDA = {
    "logs:CreateLogStream", "logs:PutLogEvents", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
}  # fmt: skip
"""What the Lambda service does with the function's role."""


def resolved(value: Any) -> Any:
    return TEMPLATE.resolve(value, lambda name, attribute: f"{name}.{attribute}" if attribute else name)


def statements() -> Iterator[dict[str, Any]]:
    for policy in TEMPLATE.resources()["ProvisionRole"]["Properties"]["Policies"]:
        yield from resolved(policy["PolicyDocument"]["Statement"])


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_the_templates_environment_is_the_settings_both_ways() -> None:
    declared = {name for name in FUNCTION["Environment"]["Variables"] if not name.startswith(("AWS_", "POWERTOOLS_"))}

    assert declared == {field.name.upper() for field in fields(Settings)}


def test_the_templates_defaults_are_settings_that_the_code_accepts() -> None:
    variables = resolved(FUNCTION["Environment"]["Variables"])

    settings = Settings.from_environment({name: str(value) for name, value in variables.items()})

    assert (settings.adobe_settle_seconds, settings.give_up_after_seconds) == (120, 3600)
    assert settings.adobe_ims_url == "https://ims-na1.adobelogin.com"
    assert settings.adobe_platform_url == "https://platform.adobe.io"


def test_a_faulty_environment_is_refused_with_every_fault_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_environment({"PARAMETER_PREFIX": "/aws/x", "ADOBE_IMS_URL": "http://evil.example"})

    for name in ("ADOBE_SECRET_ID", "PARAMETER_PREFIX", "ADOBE_IMS_URL", "REQUEST_QUEUE_URL", "REGISTRY_TABLE"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("PARAMETER_PREFIX", ["/a", "/a/b-c/d_e.f"], ["a", "/a/", "/", "/aws", "/awsome", "/ssm/x", "/a b", "/a//b"]),
        ("DATABRICKS_SECRET_PREFIX", ["a/", "aep/{sandbox}/d/"], ["a", "/", "", "a/*/", "aep/{name}/"]),
        ("ADOBE_PLATFORM_URL", ["https://x.example", "http://127.0.0.1:80"], ["http://x.example", "ftp://x", "https://"]),
        ("ADOBE_IMS_URL", ["https://x.example/a", "http://[::1]:80"], ["https://[", "https://a:b", "https://u@a"]),
        ("ADOBE_SETTLE_SECONDS", ["1", "0.5", "120"], ["-1", "1e9", "x", "٣"]),
    ],
)  # fmt: skip
def test_each_variable_has_its_rule(name: str, good: list[str], bad: list[str]) -> None:
    right = {field.name.upper(): "x" for field in fields(Settings)} | {
        "DATABRICKS_SECRET_PREFIX": "a/", "PARAMETER_PREFIX": "/a", "ADOBE_SETTLE_SECONDS": "1",
        "GIVE_UP_AFTER_SECONDS": "1", "ADOBE_IMS_URL": "https://a.example", "ADOBE_PLATFORM_URL": "https://a.example",
    }  # fmt: skip

    for value in good:
        Settings.from_environment(right | {name: value})
    for value in bad:
        if value:
            with pytest.raises(SettingsInvalid, match=name):
                Settings.from_environment(right | {name: value})


def test_the_role_allows_what_the_code_calls_and_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 7, Least: recorded calls against the template's actions, both ways."""
    called: set[str] = set()
    api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def note(self: Any, operation_name: str, arguments: Any) -> Any:
        if self.meta.config.user_agent_extra == "aep-connections":
            prefix = self.meta.service_model.endpoint_prefix.replace("monitoring", "cloudwatch")
            called.add(f"{prefix}:{operation_name}")
        return api_call(self, operation_name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    world.add_foreign("taken")
    world.ask()
    world.ask(REQUEST | {"name": "taken"})
    world.ask({"no": "key"})
    world.ask(ABSENT)

    allowed = {action for statement in statements() for action in as_list(statement["Action"])}
    assert called == allowed - BY_LAMBDA


def test_every_resource_of_the_role_is_scoped() -> None:
    for statement in statements():
        for resource in as_list(statement["Resource"]):
            assert resource.rstrip("*").count(":") >= 5 or "." in resource, resource
            assert resource != "*"


def test_secrets_are_allowed_by_the_prefix_with_every_sandbox() -> None:
    (secrets,) = (s for s in statements() if s["Sid"] == "Secrets")

    assert secrets["Resource"] == [ARN, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/*/databricks/*"]


def test_the_functions_timeout_is_what_the_timeouts_and_waits_are_made_for() -> None:
    timeouts = Timeouts()

    assert FUNCTION["Timeout"] == 180
    assert timeouts.connect + timeouts.slow == work.WRITE_SECONDS
    assert timeouts.connect + timeouts.other == work.READ_SECONDS
    assert answer.VISIBILITY_BEYOND_DEADLINE_SECONDS > answer.LEASE_BEYOND_DEADLINE_SECONDS


def test_the_queue_holds_messages_longer_than_six_timeouts_and_is_drained_to_the_dead_letters() -> None:
    queue = TEMPLATE.resources()["Requests"]["Properties"]

    assert queue["VisibilityTimeout"] >= 6 * FUNCTION["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 100


def test_the_event_source_is_one_message_at_a_time_with_partial_failures() -> None:
    properties = FUNCTION["Events"]["Requests"]["Properties"]

    assert properties["BatchSize"] == 1
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_table_has_the_keys_and_the_index_of_the_registry(world: World) -> None:
    table = world.stack.aws.client("dynamodb").describe_table(TableName=world.stack.environment["REGISTRY_TABLE"])
    world.ask()

    assert [key["AttributeName"] for key in table["Table"]["KeySchema"]] == ["sandbox", "name"]
    found = world.stack.aws.client("dynamodb").query(
        TableName=world.stack.environment["REGISTRY_TABLE"],
        IndexName="by-secret",
        KeyConditionExpression="databricksSecretId = :secret",
        ExpressionAttributeValues={":secret": {"S": REQUEST["databricksSecretId"]}},
    )
    assert [item["name"]["S"] for item in found["Items"]] == ["sales"]


@pytest.mark.parametrize("logical_id", ["Registry", "DeadLetters", "ProvisionLogs"])
def test_what_must_survive_the_stack_is_retained(logical_id: str) -> None:
    resource = TEMPLATE.resources()[logical_id]

    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_schedule_is_off_by_default() -> None:
    assert "Schedule" not in TEMPLATE.resources()
    assert "ScheduleRole" not in TEMPLATE.resources()


def test_a_schedule_can_be_made_and_an_existing_bus_used(aws: Aws) -> None:
    aws.client("events").create_event_bus(Name="company")
    request = json.dumps(REQUEST)
    stack = Stack(
        "scheduled",
        {"ScheduleExpression": "rate(1 day)", "ScheduledRequest": request, "EventBusName": "company"},
        aws,
    )
    try:
        schedule = aws.client("scheduler").get_schedule(Name="scheduled-Schedule")
        assert schedule["Target"]["Arn"] == stack.resources.attribute("Requests", "Arn")
        assert json.loads(schedule["Target"]["Input"])["detail"] == REQUEST
        assert stack.bus_name == "company"
    finally:
        stack.stop()
