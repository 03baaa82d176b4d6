"""How requests come in: queue, rule, schedule, event source."""

from __future__ import annotations

import json

from local.aws import Aws
from local.stack import Stack
from local.template import Template, translated
from tests.support.templates import ARN, BARE, BOTH, FULL, PARAMETERS, of_type, provision
from tests.support.world import REQUEST


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
    keeps = {"Arn": "DeadLetters.Arn"}
    (rule,) = of_type(template, "AWS::Events::Rule").values()
    targets = [schedule["Target"] for schedule in of_type(template, "AWS::Scheduler::Schedule").values()]

    assert rule["Targets"] == [
        {
            "Id": "requests",
            "Arn": "Requests.Arn",
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
            "DeadLetterConfig": keeps,
        }
    ]
    assert [(t["Arn"], t["RetryPolicy"], t["DeadLetterConfig"]) for t in targets] == [
        ("Requests.Arn", {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 20}, keeps)
    ] * (template is FULL)


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
