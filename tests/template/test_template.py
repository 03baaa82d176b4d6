"""The project's rules, on the template as CloudFormation gets it: once with defaults, once with everything given."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from aep_connections.adobe.transport import Timeouts
from aep_connections.domain.model import Outcome
from aep_connections.settings import Settings, SettingsInvalid
from aep_connections.use_cases import answer, work
from local.aws import Aws
from local.stack import ROOT, Stack
from local.template import Template, translated
from tests.support.log import Log
from tests.support.world import REQUEST, World

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:adobe-AbCdEf"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SECRETS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/9876fedc-12ab-34cd-56ef-1234567890ab"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
BARE = Template.load({"AdobeSecretArn": ARN})
OPTIONS = {
    "SecretsKeyArn": SECRETS_KEY,
    "EventBusName": "company",
    "ScheduleExpression": "rate(1 day)",
    "Paused": "true",
    "ReservedConcurrency": "7",
    "AlarmTopicArn": TOPIC,
    "KmsKeyArn": KEY,
    "PermissionsBoundaryArn": BOUNDARY,
}
FULL = Template.load(
    {"AdobeSecretArn": ARN, "ScheduledRequest": json.dumps(REQUEST), "MaximumConcurrency": "5", **OPTIONS}
)
BOTH = pytest.mark.parametrize("template", [BARE, FULL], ids=["defaults", "everything given"])
PARAMETERS = translated()["Parameters"]


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, worked out; a resource's attribute is `Name.Attribute`."""

    def attribute(name: str, attribute: str | None) -> str:
        return f"{name}.{attribute}" if attribute else name

    return {
        name: template.resolve(resource.get("Properties", {}), attribute)
        for name, resource in template.resources().items()
        if resource["Type"] == kind
    }


def provision(template: Template = BARE) -> dict[str, Any]:
    return of_type(template, "AWS::Lambda::Function")["ProvisionFunction"]


# ---------------------------------------------------------------- functions


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
def test_every_function_runs_as_the_layer_is_built(template: Template) -> None:
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
    """docs/decisions/0010: an alias would go on serving the old layer."""
    kinds = {resource["Type"] for resource in template.resources().values()}

    assert not kinds & {"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::CodeDeploy::Application"}
    assert not any("SnapStart" in function for function in of_type(template, "AWS::Lambda::Function").values())


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_does_its_own_thing_and_no_other(name: str) -> None:
    assert effects(BARE) == set()
    assert effects(Template.load({"AdobeSecretArn": ARN, name: OPTIONS[name]})) == {name}
    assert effects(FULL) == set(OPTIONS)


def effects(template: Template) -> set[str]:
    """The options whose whole effect is seen."""
    (mapping,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    function, alarms = provision(template), of_type(template, "AWS::CloudWatch::Alarm").values()
    roles, made = of_type(template, "AWS::IAM::Role").values(), template.resources()
    table = of_type(template, "AWS::DynamoDB::Table")["Registry"]
    group = of_type(template, "AWS::Logs::LogGroup")["ProvisionLogs"]
    with_key = [
        function.get("KmsKeyArn"), group.get("KmsKeyId"), table["SSESpecification"].get("KMSMasterKeyId"),
        *(s["Resource"] for role in roles for s in statements(role) if s.get("Sid") == "KeysKey"),
    ]  # fmt: skip
    secrets_keys = [s["Resource"] for role in roles for s in statements(role) if s.get("Sid") == "SecretsKey"]
    rule = of_type(template, "AWS::Events::Rule")["RequestRule"]
    buses = {rule["EventBusName"], function["Environment"]["Variables"]["EVENT_BUS_NAME"]}
    seen = {
        "SecretsKeyArn": secrets_keys == [SECRETS_KEY],
        "EventBusName": buses == {"company"} and "Bus" not in made,
        "ScheduleExpression": {"Schedule", "ScheduleRole"} <= set(made),
        "Paused": mapping["Enabled"] is False,
        "ReservedConcurrency": function.get("ReservedConcurrentExecutions") == "7",
        "AlarmTopicArn": all(alarm.get("AlarmActions") == alarm.get("OKActions") == [TOPIC] for alarm in alarms),
        "KmsKeyArn": with_key == [KEY] * 4,
        "PermissionsBoundaryArn": all(role.get("PermissionsBoundary") == BOUNDARY for role in roles),
    }
    return {name for name, whole in seen.items() if whole}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


@BOTH
def test_the_functions_timeout_is_what_the_timeouts_and_waits_are_made_for(template: Template) -> None:
    timeouts = Timeouts()

    assert provision(template)["Timeout"] == 180
    assert timeouts.connect + timeouts.slow == work.WRITE_SECONDS
    assert timeouts.connect + timeouts.other == work.READ_SECONDS
    assert answer.VISIBILITY_BEYOND_DEADLINE_SECONDS > answer.LEASE_BEYOND_DEADLINE_SECONDS


# ---------------------------------------------------------------- environment


def test_the_templates_environment_is_the_settings_both_ways() -> None:
    declared = {name for name in provision()["Environment"]["Variables"] if not name.startswith("POWERTOOLS_")}

    assert declared == {field.name.upper() for field in fields(Settings)}


def test_the_templates_defaults_are_settings_that_the_code_accepts() -> None:
    variables = provision()["Environment"]["Variables"]

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


# ---------------------------------------------------------------- queue, rule, schedule


@BOTH
def test_the_queue_holds_messages_longer_than_six_timeouts_and_is_drained_to_the_dead_letters(
    template: Template,
) -> None:
    queue = of_type(template, "AWS::SQS::Queue")["Requests"]

    assert queue["VisibilityTimeout"] >= 6 * provision(template)["Timeout"]
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": "DeadLetters.Arn", "maxReceiveCount": 100}


@BOTH
def test_queues_are_encrypted_and_keep_messages_for_two_weeks(template: Template) -> None:
    for queue in of_type(template, "AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


@BOTH
def test_only_our_rule_may_send_to_the_queues_and_nobody_without_tls(template: Template) -> None:
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    allow, deny = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == ["Requests", "DeadLetters"]
    assert (allow["Effect"], allow["Principal"], allow["Action"]) == (
        "Allow", {"Service": "events.amazonaws.com"}, "sqs:SendMessage",
    )  # fmt: skip
    bus = "company" if template is FULL else "Bus"
    (rule,) = of_type(template, "AWS::Events::Rule").values()
    assert allow["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:events:eu-west-1:123456789012:rule/{bus}/{rule['Name']}"}
    }
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "sqs:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Resource"] == deny["Resource"] == ["Requests.Arn", "DeadLetters.Arn"]


def test_a_rule_on_the_default_bus_has_no_bus_in_its_arn() -> None:
    (policy,) = of_type(
        Template.load({"AdobeSecretArn": ARN, "EventBusName": "default"}), "AWS::SQS::QueuePolicy"
    ).values()

    assert policy["PolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"] == {
        "aws:SourceArn": "arn:aws:events:eu-west-1:123456789012:rule/local-requests"
    }


@BOTH
def test_the_rule_begins_when_it_may_send(template: Template) -> None:
    assert template.resources()["RequestRule"]["DependsOn"] == "QueuePolicy"
    assert of_type(template, "AWS::Events::Rule")["RequestRule"]["EventBusName"] in ("Bus", "company")


@BOTH
def test_the_event_source_is_one_message_at_a_time_with_partial_failures(template: Template) -> None:
    (source,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()

    assert source == {
        "EventSourceArn": "Requests.Arn",
        "FunctionName": "ProvisionFunction",
        "Enabled": template is BARE,
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": "10" if template is BARE else "5"},
    }


@BOTH
def test_what_sends_to_the_queue_tries_again_and_keeps_what_it_cannot_deliver(template: Template) -> None:
    targets = [target for rule in of_type(template, "AWS::Events::Rule").values() for target in rule["Targets"]]
    targets += [schedule["Target"] for schedule in of_type(template, "AWS::Scheduler::Schedule").values()]

    assert targets
    for target in targets:
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 3600
        assert target["DeadLetterConfig"] == {"Arn": "DeadLetters.Arn"}


def test_the_rule_and_the_schedule_are_on() -> None:
    rule, schedule = of_type(FULL, "AWS::Events::Rule")["RequestRule"], of_type(FULL, "AWS::Scheduler::Schedule")

    assert rule["State"] == schedule["Schedule"]["State"] == "ENABLED"
    assert schedule["Schedule"]["ScheduleExpression"] == "rate(1 day)"
    assert schedule["Schedule"]["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["Schedule"]["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert json.loads(schedule["Schedule"]["Target"]["Input"]) == {
        "version": "0",
        "id": "<aws.scheduler.execution-id>",
        "detail-type": "AEP Base Connection Requested",
        "source": "aep.connections.schedule",
        "time": "<aws.scheduler.scheduled-time>",
        "detail": REQUEST,
    }


def test_the_schedule_is_off_by_default() -> None:
    assert not {"Schedule", "ScheduleRole"} & set(BARE.resources())


def test_a_schedule_without_a_request_is_refused_before_anything_is_made() -> None:
    rule = translated()["Rules"]["ScheduleHasRequest"]

    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ScheduleExpression"}, ""]}]}
    assert [one["Assert"] for one in rule["Assertions"]] == [
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "ScheduledRequest"}, PARAMETERS["ScheduledRequest"]["Default"]]}]}
    ]


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


# ---------------------------------------------------------------- what is stored


@BOTH
def test_exactly_what_must_survive_the_stack_is_retained(template: Template) -> None:
    policies = {
        name: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, resource in template.resources().items()
        if resource.get("DeletionPolicy", "Delete") != "Delete" or resource.get("UpdateReplacePolicy") == "Retain"
    }

    assert policies == {
        "Registry": ("Retain", "Retain"),
        "DeadLetters": ("RetainExceptOnCreate", "Retain"),
        "ProvisionLogs": ("RetainExceptOnCreate", "Retain"),
    }


@BOTH
def test_nothing_that_stays_has_a_name_that_a_new_stack_would_collide_with(template: Template) -> None:
    for kind, name in (
        ("DynamoDB::Table", "TableName"),
        ("SQS::Queue", "QueueName"),
        ("Logs::LogGroup", "LogGroupName"),
    ):
        assert not [resource for resource in of_type(template, f"AWS::{kind}").values() if name in resource]


@BOTH
def test_the_registry_is_protected_restorable_and_encrypted(template: Template) -> None:
    table = of_type(template, "AWS::DynamoDB::Table")["Registry"]

    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}


def test_a_key_given_encrypts_the_logs_the_registry_and_the_environment() -> None:
    assert of_type(FULL, "AWS::Logs::LogGroup")["ProvisionLogs"]["KmsKeyId"] == KEY
    assert of_type(FULL, "AWS::DynamoDB::Table")["Registry"]["SSESpecification"]["KMSMasterKeyId"] == KEY
    assert provision(FULL)["KmsKeyArn"] == KEY
    assert KEY not in json.dumps([of_type(BARE, resource["Type"]) for resource in BARE.resources().values()])


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


# ---------------------------------------------------------------- alarms and dashboard


OUR = ("AepConnections", [{"Name": "service", "Value": "local"}])
FUNCTION = ("AWS/Lambda", [{"Name": "FunctionName", "Value": "ProvisionFunction"}])
DEAD_LETTERS = ("AWS/SQS", [{"Name": "QueueName", "Value": "DeadLetters.QueueName"}])
REQUESTS = ("AWS/SQS", [{"Name": "QueueName", "Value": "Requests.QueueName"}])
ALARMS = {
    "dead-letters": (DEAD_LETTERS, "ApproximateNumberOfMessagesVisible", "Maximum", 60, [0], [1]),
    "oldest-request": (OUR, "RequestAge", "Maximum", 300, [1799], [1800]),
    "backlog": (REQUESTS, "ApproximateNumberOfMessagesVisible", "Minimum", 900, [9, 9, 0], [1, 1, 1]),
    "failed-connections": (OUR, "Failed", "Sum", 300, [0], [1]),
    "errors": (FUNCTION, "Errors", "Sum", 300, [0], [1]),
    "throttles": (FUNCTION, "Throttles", "Sum", 300, [0], [1]),
}
"""Of each alarm: whose metric, which, over what, in how many seconds, when it is quiet, when it rings."""


@BOTH
@pytest.mark.parametrize("name", ALARMS)
def test_when_each_alarm_rings(name: str, template: Template) -> None:
    (alarm,) = (a for a in of_type(template, "AWS::CloudWatch::Alarm").values() if a["AlarmName"] == f"local-{name}")
    whose, metric, statistic, seconds, quiet, loud = ALARMS[name]

    assert ((alarm["Namespace"], alarm["Dimensions"]), alarm["MetricName"]) == (whose, metric)
    assert (alarm["Statistic"], alarm["Period"] * alarm["EvaluationPeriods"]) == (statistic, seconds)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert not all(value >= float(alarm["Threshold"]) for value in quiet)
    assert all(value >= float(alarm["Threshold"]) for value in loud)
    assert len(loud) == alarm["EvaluationPeriods"]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert not {"ActionsEnabled", "DatapointsToAlarm"} & set(alarm)
    assert f"docs/runbook.md, {name}." in alarm["AlarmDescription"]


@BOTH
def test_there_is_no_other_alarm(template: Template) -> None:
    names = {alarm["AlarmName"] for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()}

    assert names == {f"local-{name}" for name in ALARMS}


def test_the_metrics_that_are_watched_are_those_that_the_function_writes(world: World, log: Log) -> None:
    world.ask()
    (written,) = log.metrics()
    watched = {metric for whose, metric, *_ in ALARMS.values() if whose is OUR}
    watched |= {metric for namespace, metric, _ in rows(BARE) if namespace == "AepConnections"}

    outcomes = {outcome.value.capitalize() for outcome in Outcome} | {"Failed", "Retried"}
    assert watched <= {name for name in written if name[0].isupper()} | outcomes
    assert outcomes <= watched


@BOTH
def test_the_metrics_of_one_stack_are_not_those_of_another(template: Template) -> None:
    variables = provision(template)["Environment"]["Variables"]

    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "AepConnections"
    assert variables["POWERTOOLS_SERVICE_NAME"] == template.values["AWS::StackName"] == "local"
    for namespace, metric, dimension in rows(template):
        if namespace == "AWS/SQS":
            assert dimension in (("QueueName", "Requests.QueueName"), ("QueueName", "DeadLetters.QueueName")), metric
        else:
            assert dimension == {
                "AepConnections": ("service", "local"), "AWS/Lambda": ("FunctionName", "ProvisionFunction"),
            }[namespace], metric  # fmt: skip


def rows(template: Template) -> list[tuple[str, str, tuple[str, str]]]:
    """Every metric of the dashboard, with what `.` repeats from the row above."""
    found: list[tuple[str, str, tuple[str, str]]] = []
    for widget in dashboard(template)["widgets"]:
        above: list[str] = []
        for row in widget["properties"].get("metrics", []):
            above = [above[i] if value == "." else value for i, value in enumerate(row[:4])]
            found.append((above[0], above[1], (above[2], above[3])))
    return found


@BOTH
def test_the_dashboard_shows_every_alarm(template: Template) -> None:
    shown = [w for w in dashboard(template)["widgets"] if w["type"] == "alarm"]

    assert shown[0]["properties"]["alarms"] == [f"{name}.Arn" for name in of_type(template, "AWS::CloudWatch::Alarm")]


def dashboard(template: Template) -> dict[str, Any]:
    (board,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    assert board["DashboardName"] == "local"
    document: dict[str, Any] = json.loads(board["DashboardBody"])
    return document


# ---------------------------------------------------------------- parameters


def test_every_parameter_is_described_labelled_and_in_one_group() -> None:
    console = translated()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in console["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(PARAMETERS)
    assert sorted(console["ParameterLabels"]) == sorted(PARAMETERS)
    assert all(about["Description"].endswith(".") for about in PARAMETERS.values())


def test_only_the_adobe_secret_has_no_default() -> None:
    assert [name for name, about in PARAMETERS.items() if "Default" not in about] == ["AdobeSecretArn"]


@pytest.mark.parametrize("name", [name for name, about in PARAMETERS.items() if about["Type"] == "String"])
def test_every_text_parameter_has_a_rule_that_its_default_keeps(name: str) -> None:
    about = PARAMETERS[name]

    if "AllowedValues" in about:
        assert about["Default"] in about["AllowedValues"]
    else:
        assert about["ConstraintDescription"].startswith("must ")
        assert re.fullmatch(about["AllowedPattern"], about.get("Default", ARN))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AdobeSecretArn", [ARN], ["adobe", ARN[:-7], "arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf", ""]),
        ("DatabricksSecretPrefix", ["aep/", "a/{sandbox}/"], ["aep", "", "a*/", "{name}/", "{sandbox}/"]),
        ("SecretsKeyArn", [KEY, KEY[: KEY.index("/")] + "/*"], ["alias/x", KEY.replace("key/", "alias/"), "*"]),
        ("KmsKeyArn", [KEY], ["alias/x", KEY[: KEY.index("/")] + "/*"]),
        ("ParameterPrefix", ["/a", "/a/b", "/my/aws"], ["a", "/a/", "/", "/aws/x", "/AWSome", "/ssm"]),
        ("EventBusName", ["company", "aws.partner/x"], ["arn:aws:events:eu-west-1:1:event-bus/x", "a b"]),
        ("ScheduleExpression", ["rate(1 day)", "cron(15 3 * * ? *)"], ["daily", "rate()"]),
        ("ScheduledRequest", ["{}", '{"name": "a"}'], ["", "[]", "x"]),
        ("ReservedConcurrency", ["10", "1000"], ["0", "-1", "ten", "10000"]),
        ("AlarmTopicArn", [TOPIC], ["on-call"]),
        ("PermissionsBoundaryArn", [BOUNDARY, "arn:aws:iam::aws:policy/X"], ["boundary"]),
        ("AdobeImsUrl", ["https://ims.example"], ["http://ims.example", "https://u@a.b", "https://a.b/c", "https://:", "https://a.b:0"]),
        ("AdobePlatformUrl", ["https://a.example:8443"], ["http://127.0.0.1"]),
        ("ScheduleTimezone", ["Europe/Zurich", "UTC"], ["", "a b"]),
    ],
)  # fmt: skip
def test_what_the_parameters_admit(name: str, good: list[str], bad: list[str]) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]

    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []


def test_what_the_template_admits_as_a_prefix_the_code_admits_too() -> None:
    variables = {name: str(value) for name, value in provision()["Environment"]["Variables"].items()}
    for prefix in ("/a", "/my/aws", "/a.b/c_d"):
        assert re.fullmatch(PARAMETERS["ParameterPrefix"]["AllowedPattern"], prefix)
        Settings.from_environment(variables | {"PARAMETER_PREFIX": prefix})


def test_no_secret_is_a_parameter() -> None:
    assert not any(about.get("NoEcho") for about in PARAMETERS.values())
    assert not [name for name in PARAMETERS if re.search(r"Token|Password|ClientSecret", name)]


def test_every_output_says_what_it_is_for() -> None:
    assert all(output["Description"] for output in translated()["Outputs"].values())
    assert not [name for name, output in translated()["Outputs"].items() if "Export" in output]
