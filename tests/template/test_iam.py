"""The permission checks of the tests work as IAM does. The fixture `least_privilege` and test_roles.py use them."""

from __future__ import annotations

from typing import Any

import pytest

from aep_connections.aws.client import clients
from local.aws.account import Aws
from local.aws.template import Template
from tests.support.iam import AwsCall, AwsCalls, Grant, calls_of, grants

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-AbCdEf"
READ = AwsCall("secretsmanager:GetSecretValue", SECRET, {"secretsmanager:VersionStage": "AWSCURRENT"})
CURRENT = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}


def judge(*allowed: Grant, made: AwsCall = READ) -> AwsCalls:
    calls = AwsCalls()
    calls.allow("stack", list(allowed))
    calls.made.append(made)
    return calls


def test_a_call_that_no_role_allows_is_reported_once() -> None:
    calls = judge(Grant("role", "ssm:GetParameter", "*"))

    assert calls.refused() == [READ]
    assert calls.refused() == []


@pytest.mark.parametrize(
    ("resource", "conditions", "permitted"),
    [
        (SECRET, {}, True),
        (SECRET, CURRENT, True),
        ("arn:aws:secretsmanager:*:*:secret:a/*", CURRENT, True),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-??????", {}, True),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-?????", {}, False),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/B-*", {}, False),
        (SECRET, {"StringEquals": {"secretsmanager:VersionStage": ["AWSPENDING", "AWSCURRENT"]}}, True),
        (SECRET, {"StringEquals": {"secretsmanager:VersionStage": "AWSPENDING"}}, False),
        (SECRET, {"StringLike": {"secretsmanager:VersionStage": "AWS*"}}, True),
        (SECRET, {"StringEquals": {"kms:ViaService": "x"}}, False),
        (SECRET, {**CURRENT, "StringLike": {"kms:ViaService": "x"}}, False),
    ],
)
def test_what_a_statement_permits(resource: str, conditions: dict[str, Any], permitted: bool) -> None:
    grant = Grant("role", "secretsmanager:GetSecretValue", resource, conditions)

    assert (judge(grant).refused() == []) is permitted


@pytest.mark.parametrize(
    ("request_", "permitted"),
    [
        ({"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "noted"}}, True),
        ({"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "status"}}, False),
        ({"UpdateExpression": "SET noted = if_not_exists(noted, :n) REMOVE noted"}, True),
        ({"UpdateExpression": "SET noted = :n, connectionId = :c"}, False),
        ({"UpdateExpression": "SET noted = :n", "ConditionExpression": "attribute_not_exists(connectionId)"}, False),
        ({"Key": {"sandbox": {"S": "dev"}, "surprise": {"S": "x"}}}, False),
    ],
)
def test_an_update_of_some_attributes_is_permitted_if_it_names_no_other(
    request_: dict[str, Any], permitted: bool
) -> None:
    key = {"sandbox": {"S": "dev"}, "name": {"S": "sales"}}
    (made,) = calls_of("DynamoDB_20120810.UpdateItem", {"TableName": "t", "Key": key, **request_})
    only = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["sandbox", "name", "noted"]}}

    assert Grant("role", "dynamodb:UpdateItem", made.resource, only).permits(made) is permitted


def test_an_invocation_acts_on_the_function_that_it_names() -> None:
    (made,) = calls_of("Lambda.InvokeFunction", {"FunctionName": "explore"})

    assert made == AwsCall("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:123456789012:function:explore")


def test_a_grant_without_calls_is_unused_unless_aws_itself_uses_it() -> None:
    used = Grant("role", READ.action, SECRET)
    idle = Grant("role", READ.action, SECRET.replace("a/b", "c/d"))
    by_lambda = Grant("role", "sqs:ReceiveMessage", "queue")

    assert judge().unused([used, idle, by_lambda], [READ]) == [idle]


def test_a_read_without_a_stage_has_no_stage() -> None:
    (call,) = calls_of("secretsmanager.GetSecretValue", {"SecretId": SECRET})

    assert (call.resource, call.context) == (SECRET, {})


def test_a_secret_that_is_read_by_name_has_six_more_characters() -> None:
    (call,) = calls_of("secretsmanager.GetSecretValue", {"SecretId": "a/b", "VersionStage": "AWSCURRENT"})

    assert call == READ


def test_a_query_of_an_index_is_on_the_index() -> None:
    (call,) = calls_of("DynamoDB_20120810.Query", {"TableName": "t", "IndexName": "by-secret"})

    assert call == AwsCall("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/by-secret")


def test_every_entry_of_an_announcement_is_judged() -> None:
    entries = [{"Source": s, "DetailType": "Ready", "EventBusName": "b"} for s in ("aep.connections", "aws.s3")]

    assert [call.context["events:source"] for call in calls_of("AWSEvents.PutEvents", {"Entries": entries})] == [
        "aep.connections",
        "aws.s3",
    ]


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(KeyError):
        list(calls_of("Kinesis_20131202.PutRecord", {}))


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "a:b", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "a:b", "Resource": "*"},
        {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Bool": {"x": "true"}}},
    ],
)
def test_a_statement_that_is_not_understood_is_an_error(statement: dict[str, Any]) -> None:
    policies = [{"PolicyDocument": {"Statement": [statement]}}]
    template = Template({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}}}, {})

    with pytest.raises(ValueError, match="not understood"):
        grants(template, lambda name, _: name, "Role")


def test_no_role_permits_a_call_of_an_unknown_kind(aws: Aws, aws_calls: AwsCalls) -> None:
    everything = Grant("role", "events:*", "arn:*")
    aws_calls.allow("everything", [everything])
    try:
        clients()("events").describe_event_bus(Name="default")
        refused = aws_calls.refused()
    finally:
        aws_calls.allow("everything", [])

    assert [call.action for call in refused] == ["AWSEvents.DescribeEventBus"]


def test_only_the_services_own_calls_are_judged(aws: Aws, aws_calls: AwsCalls) -> None:
    before = len(aws_calls.made)
    aws.client("ssm").get_parameters_by_path(Path="/")

    assert len(aws_calls.made) == before
