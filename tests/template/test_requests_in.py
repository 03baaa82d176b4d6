"""How requests arrive: queue, rules, schedules, event source. Also: what invokes the reconcile function."""

from __future__ import annotations

import json

from local.aws.account import Aws
from local.aws.template import Template, translated
from local.stack import Stack
from tests.support.templates import ARN, BARE, BOTH, FULL, PARAMETERS, of_type, provision
from tests.support.world import REQUEST


@BOTH
def test_the_queue_hides_messages_for_six_timeouts_and_has_a_dead_letter_queue(
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
def test_only_our_rule_may_send_to_the_queues_and_only_over_tls(template: Template) -> None:
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    allow, unheard, deny = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == ["Requests", "DeadLetters"]
    assert (allow["Effect"], allow["Principal"], allow["Action"]) == (
        "Allow", {"Service": "events.amazonaws.com"}, "sqs:SendMessage",
    )  # fmt: skip
    bus, rules = "company" if template is FULL else "Bus", of_type(template, "AWS::Events::Rule")
    arn = "arn:aws:events:eu-west-1:123456789012:rule/"
    assert allow["Condition"] == {"ArnEquals": {"aws:SourceArn": f"{arn}{bus}/{rules['RequestRule']['Name']}"}}
    assert unheard == allow | {
        "Sid": "EventsThatReconcileMissed",
        "Resource": "DeadLetters.Arn",
        "Condition": {
            "ArnEquals": {
                "aws:SourceArn": [f"{arn}{rules['SecretRule']['Name']}", f"{arn}{bus}/{rules['FlowRunRule']['Name']}"]
            }
        },
    }
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "sqs:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Resource"] == deny["Resource"] == ["Requests.Arn", "DeadLetters.Arn"]


def test_a_rule_on_the_default_bus_has_no_bus_in_its_arn() -> None:
    (policy,) = of_type(
        Template.load({"AdobeSecretArn": ARN, "EventBusName": "default"}), "AWS::SQS::QueuePolicy"
    ).values()

    arn = "arn:aws:events:eu-west-1:123456789012:rule/local"
    requests, unheard, _ = policy["PolicyDocument"]["Statement"]
    assert requests["Condition"]["ArnEquals"] == {"aws:SourceArn": f"{arn}-requests"}
    assert unheard["Condition"]["ArnEquals"] == {"aws:SourceArn": [f"{arn}-secrets", f"{arn}-flow-runs"]}


@BOTH
def test_only_our_rules_may_invoke_the_reconciling_function(template: Template) -> None:
    rules, permissions = of_type(template, "AWS::Events::Rule"), of_type(template, "AWS::Lambda::Permission")
    bus, arn = "company" if template is FULL else "Bus", "arn:aws:events:eu-west-1:123456789012:rule/"
    wanted = {
        "SecretPermission": f"{arn}{rules['SecretRule']['Name']}",
        "FlowRunPermission": f"{arn}{bus}/{rules['FlowRunRule']['Name']}",
    }

    assert {name: one for name, one in permissions.items() if one["FunctionName"] == "ReconcileFunction"} == {
        name: {
            "Action": "lambda:InvokeFunction",
            "FunctionName": "ReconcileFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": source,
        }
        for name, source in wanted.items()
    }


@BOTH
def test_a_rule_is_created_after_its_permission_to_send(template: Template) -> None:
    assert template.resources()["RequestRule"]["DependsOn"] == "QueuePolicy"
    assert template.resources()["SecretRule"]["DependsOn"] == ["QueuePolicy", "SecretPermission"]
    assert template.resources()["FlowRunRule"]["DependsOn"] == ["QueuePolicy", "FlowRunPermission"]
    assert of_type(template, "AWS::Events::Rule")["RequestRule"]["EventBusName"] in ("Bus", "company")


@BOTH
def test_each_rule_is_on_the_bus_of_its_events(template: Template) -> None:
    buses = {name: rule["EventBusName"] for name, rule in of_type(template, "AWS::Events::Rule").items()}
    own = "company" if template is FULL else "Bus"

    assert buses == {"RequestRule": own, "FlowRunRule": own, "SecretRule": "default"}


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
def test_rules_and_schedules_retry_and_keep_what_they_cannot_deliver(template: Template) -> None:
    keeps = {"Arn": "DeadLetters.Arn"}
    rules = of_type(template, "AWS::Events::Rule")
    targets = {name: schedule["Target"] for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items()}
    wanted = {
        "RequestRule": "Requests.Arn",
        "SecretRule": "ReconcileFunction.Arn",
        "FlowRunRule": "ReconcileFunction.Arn",
    }
    timed = {"ReconcileTimer": "ReconcileFunction.Arn"} | ({"Schedule": "Requests.Arn"} if template is FULL else {})

    assert {name: rule["Targets"] for name, rule in rules.items()} == {
        name: [
            {
                "Id": "requests" if name == "RequestRule" else "reconcile",
                "Arn": arn,
                "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                "DeadLetterConfig": keeps,
            }
        ]
        for name, arn in wanted.items()
    }
    assert {name: (t["Arn"], t["RetryPolicy"], t["DeadLetterConfig"]) for name, t in targets.items()} == {
        name: (arn, {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 20}, keeps)
        for name, arn in timed.items()
    }


def test_the_rules_and_the_schedule_are_on() -> None:
    rules, schedule = of_type(FULL, "AWS::Events::Rule"), of_type(FULL, "AWS::Scheduler::Schedule")

    assert {rule["State"] for rule in rules.values()} == {"ENABLED"}
    assert schedule["Schedule"]["State"] == "ENABLED"
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


@BOTH
def test_the_fleet_is_reconciled_once_a_day_unless_another_schedule_is_given(template: Template) -> None:
    timer = of_type(template, "AWS::Scheduler::Schedule")["ReconcileTimer"]

    assert (timer["State"], timer["FlexibleTimeWindow"]) == ("ENABLED", {"Mode": "OFF"})
    assert (timer["ScheduleExpression"], timer["ScheduleExpressionTimezone"]) == ("rate(1 day)", "UTC")
    assert json.loads(timer["Target"]["Input"]) == {
        "detail-type": "Scheduled Event",
        "source": "aep.connections.schedule",
        "id": "<aws.scheduler.execution-id>",
        "time": "<aws.scheduler.scheduled-time>",
    }
    given = {"AdobeSecretArn": ARN, "ReconcileSchedule": "cron(15 3 * * ? *)", "ReconcileTimezone": "Europe/Zurich"}
    other = of_type(Template.load(given), "AWS::Scheduler::Schedule")["ReconcileTimer"]
    assert other["ScheduleExpression"] == "cron(15 3 * * ? *)"
    assert other["ScheduleExpressionTimezone"] == "Europe/Zurich"


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
