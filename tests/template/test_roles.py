"""Invariant 7, Least: compares the roles of the template with the recorded calls, in both directions.

After every test of the suite, `least_privilege` in conftest.py checks that no call lacks a permission.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.aws.template import Template
from tests.support.iam import AwsCall, AwsCalls, Grant, grants
from tests.support.keeper import Keeper
from tests.support.templates import ARN, BARE, BOTH, BOUNDARY, FULL, KEY, SECRETS_KEY, of_type, provision
from tests.support.web import KEY as KEY_OVER_HTTP
from tests.support.web import Web
from tests.support.world import ABSENT, REQUEST, UNCHECKED, World

VIA_SECRETS = {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com", "kms:EncryptionContext:SecretARN": ARN}
SALES = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/dev/databricks/sales-AbCdEf"
DATABRICKS_SECRETS = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/*/databricks/*"
CURRENT, PREVIOUS = ({"secretsmanager:VersionStage": stage} for stage in ("AWSCURRENT", "AWSPREVIOUS"))
ROLES = ("ProvisionRole", "ApiRole", "ExploreRole", "ReconcileRole")
"""The roles of functions."""


def of_role(template: Template, role: str = "ProvisionRole") -> list[Grant]:
    return grants(template, lambda name, attribute: f"{name}.{attribute}" if attribute else name, role)


def test_the_role_allows_nothing_that_the_function_does_not_need(world: World, aws_calls: AwsCalls) -> None:
    allowed = grants(world.stack.template, world.stack.resources.attribute, "ProvisionRole")
    before = len(aws_calls.made)
    world.add_foreign("taken")
    world.request()
    world.request(REQUEST | {"name": "taken"})
    world.request({"no": "key"})
    world.request(ABSENT)

    assert [str(grant) for grant in aws_calls.unused(allowed, aws_calls.made[before:])] == []


def test_the_api_function_uses_exactly_what_its_role_allows(world: World, aws_calls: AwsCalls) -> None:
    web, before = Web(world, aws_calls), len(aws_calls.made)
    web("PUT", KEY_OVER_HTTP, {"databricksSecretId": REQUEST["databricksSecretId"]})
    web("DELETE", KEY_OVER_HTTP)
    web("GET", "/connections")
    web("GET", "/connections?sandbox=dev&status=requested")
    world.stack.aws.functions[world.stack.resources.attribute("ExploreFunction", None)] = lambda *_: {"tables": []}
    web("GET", KEY_OVER_HTTP + "/tables")

    made_and_allowed(world, aws_calls, aws_calls.made[before:], "ApiRole")


def test_the_exploring_function_uses_exactly_what_its_role_allows(world: World, aws_calls: AwsCalls) -> None:
    world.request()

    made = calls_of_explore(Web(world, aws_calls), aws_calls, {"sandbox": "dev", "name": "sales", "path": None})

    made_and_allowed(world, aws_calls, made, "ExploreRole")


def test_the_reconciling_function_uses_exactly_what_its_role_allows(
    world: World, keeper: Keeper, aws_calls: AwsCalls
) -> None:
    world.request()
    world.put_secret("aep/prod/databricks/orders")
    world.request({"name": "orders", "sandbox": "prod", "databricksSecretId": "aep/prod/databricks/orders"})
    world.unpublish()
    world.clock.advance(1000)
    before = len(aws_calls.made)

    keeper.wake({}, seconds=100)  # too few for a second sandbox
    keeper.listen()
    keeper.wake(secret_changed(REQUEST["databricksSecretId"]))

    made_and_allowed(world, aws_calls, aws_calls.made[before:], "ReconcileRole")


def secret_changed(name: str) -> dict[str, Any]:
    """The event of Secrets Manager for a new version."""
    return {"detail-type": "Secret Label Updated", "detail": {"name": name, "labelUpdated": "AWSCURRENT"}}


def calls_of_explore(web: Web, aws_calls: AwsCalls, event: dict[str, Any]) -> list[AwsCall]:
    """The AWS calls of the exploring function, invoked as the API invokes it."""
    before = len(aws_calls.made)
    web.explore(event, None)
    return aws_calls.made[before:]


def made_and_allowed(world: World, aws_calls: AwsCalls, made: list[AwsCall], role: str) -> None:
    allowed = grants(world.stack.template, world.stack.resources.attribute, role)
    assert [call for call in made if not any(grant.permits(call) for grant in allowed)] == []
    assert [str(grant) for grant in aws_calls.unused(allowed, made)] == []


def test_a_call_without_a_permission_is_detected(world: World, aws_calls: AwsCalls) -> None:
    before = len(aws_calls.made)
    world.request()
    allowed = grants(world.stack.template, world.stack.resources.attribute, "ProvisionRole")
    made = aws_calls.made[before:]

    for taken_away in {call.action for call in made}:
        rest = [grant for grant in allowed if grant.action != taken_away]
        assert [call for call in made if not any(grant.permits(call) for grant in rest)]


def test_everything_that_the_role_allows() -> None:
    parameters = "arn:aws:ssm:eu-west-1:123456789012:parameter/aep-connections/*"
    bare = {
        ("logs:CreateLogStream", "ProvisionLogs.Arn"),
        ("logs:PutLogEvents", "ProvisionLogs.Arn"),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
        ("sqs:ReceiveMessage", "Requests.Arn"),
        ("sqs:DeleteMessage", "Requests.Arn"),
        ("sqs:GetQueueAttributes", "Requests.Arn"),
        ("sqs:ChangeMessageVisibility", "Requests.Arn"),
        ("sqs:SendMessage", "DeadLetters.Arn"),
        ("secretsmanager:GetSecretValue", ARN),
        ("secretsmanager:GetSecretValue", DATABRICKS_SECRETS),
        ("dynamodb:UpdateItem", "Registry.Arn"),
        ("dynamodb:Query", "Registry.Arn"),
        ("ssm:GetParameter", parameters),
        ("ssm:PutParameter", parameters),
        ("ssm:DeleteParameter", parameters),
    }

    assert pairs(BARE, "ProvisionRole") == bare | {("events:PutEvents", "Bus.Arn")}
    assert pairs(FULL, "ProvisionRole") == bare | {
        ("events:PutEvents", "arn:aws:events:eu-west-1:123456789012:event-bus/company"),
        ("kms:Decrypt", SECRETS_KEY),
        ("kms:Decrypt", KEY),
    }


def test_everything_that_the_role_of_the_api_allows() -> None:
    bare = {
        ("logs:CreateLogStream", "ApiLogs.Arn"),
        ("logs:PutLogEvents", "ApiLogs.Arn"),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
        ("sqs:SendMessage", "Requests.Arn"),
        ("dynamodb:GetItem", "Registry.Arn"),
        ("dynamodb:Query", "Registry.Arn"),
        ("dynamodb:Scan", "Registry.Arn"),
        ("dynamodb:UpdateItem", "Registry.Arn"),
        ("lambda:InvokeFunction", "ExploreFunction.Arn"),
    }

    assert pairs(BARE, "ApiRole") == bare
    assert pairs(FULL, "ApiRole") == bare | {("kms:Decrypt", KEY)}


def test_everything_that_the_role_of_the_exploring_function_allows() -> None:
    bare = {
        ("logs:CreateLogStream", "ExploreLogs.Arn"),
        ("logs:PutLogEvents", "ExploreLogs.Arn"),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
        ("secretsmanager:GetSecretValue", ARN),
        ("secretsmanager:GetSecretValue", DATABRICKS_SECRETS),
        ("dynamodb:GetItem", "Registry.Arn"),
    }

    assert pairs(BARE, "ExploreRole") == bare
    assert pairs(FULL, "ExploreRole") == bare | {("kms:Decrypt", SECRETS_KEY), ("kms:Decrypt", KEY)}


def test_everything_that_the_role_of_the_reconciling_function_allows() -> None:
    bare = {
        ("logs:CreateLogStream", "ReconcileLogs.Arn"),
        ("logs:PutLogEvents", "ReconcileLogs.Arn"),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
        ("secretsmanager:GetSecretValue", ARN),
        ("secretsmanager:DescribeSecret", DATABRICKS_SECRETS),
        ("dynamodb:Query", "Registry.Arn"),
        ("dynamodb:BatchGetItem", "Registry.Arn"),
        ("dynamodb:Query", "Registry.Arn/index/by-secret"),
        ("dynamodb:Scan", "Registry.Arn/index/by-secret"),
        ("ssm:GetParametersByPath", "arn:aws:ssm:eu-west-1:123456789012:parameter/aep-connections/*"),
        ("sqs:SendMessage", "Requests.Arn"),
        ("lambda:InvokeFunction", "ReconcileFunction.Arn"),
    }

    assert pairs(BARE, "ReconcileRole") == bare | {("events:PutEvents", "Bus.Arn")}
    assert pairs(FULL, "ReconcileRole") == bare | {
        ("events:PutEvents", "arn:aws:events:eu-west-1:123456789012:event-bus/company"),
        ("kms:Decrypt", SECRETS_KEY),
        ("kms:Decrypt", KEY),
    }


@BOTH
def test_the_permission_to_continue_a_run_is_the_only_separate_policy(template: Template) -> None:
    """CloudFormation cannot create a role and a function that refer to each other."""
    ((name, policy),) = of_type(template, "AWS::IAM::Policy").items()

    assert (name, policy["Roles"]) == ("ReconcileGoesOn", ["ReconcileRole"])
    assert [(s["Action"], s["Resource"]) for s in policy["PolicyDocument"]["Statement"]] == [
        ("lambda:InvokeFunction", "ReconcileFunction.Arn")
    ]


@BOTH
def test_the_reconciling_function_reads_no_databricks_secret_and_changes_nothing_but_the_queue(
    template: Template,
) -> None:
    its = of_role(template, "ReconcileRole")
    reads = [grant for grant in its if grant.action == "secretsmanager:GetSecretValue"]
    about_itself = ("logs", "xray")

    assert [(grant.resource, grant.conditions["StringEquals"]) for grant in reads] == [(ARN, CURRENT)]
    assert {grant.action for grant in its if grant.action.partition(":")[0] not in about_itself} <= {
        "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "kms:Decrypt", "dynamodb:Query",
        "dynamodb:Scan", "dynamodb:BatchGetItem", "ssm:GetParametersByPath", "sqs:SendMessage", "events:PutEvents",
        "lambda:InvokeFunction",
    }  # fmt: skip


@BOTH
def test_the_reconciling_function_describes_databricks_secrets_only(template: Template) -> None:
    def allowed(secret: str) -> bool:
        call = AwsCall("secretsmanager:DescribeSecret", secret)
        return any(grant.permits(call) for grant in of_role(template, "ReconcileRole"))

    assert allowed(SALES)
    assert not allowed(ARN)
    assert not allowed(SALES.replace("/databricks/", "/other/"))


@BOTH
def test_the_reconciling_function_announces_drift_and_nothing_else(template: Template) -> None:
    def allowed(source: str, detail_type: str) -> bool:
        (bus,) = {grant.resource for grant in of_role(template) if grant.action == "events:PutEvents"}
        call = AwsCall("events:PutEvents", bus, {"events:source": source, "events:detail-type": detail_type})
        return any(grant.permits(call) for grant in of_role(template, "ReconcileRole"))

    assert allowed("aep.connections", "AEP Base Connection Drifted")
    for end in ("Requested", "Ready", "Failed", "Deleted"):
        assert not allowed("aep.connections", f"AEP Base Connection {end}")
    assert not allowed("aws.s3", "AEP Base Connection Drifted")


@BOTH
def test_the_api_function_may_read_no_secret(template: Template) -> None:
    used = {grant.action.partition(":")[0] for grant in of_role(template, "ApiRole")}
    decrypts = [grant for grant in of_role(template, "ApiRole") if grant.action.startswith("kms:")]

    assert not used & {"secretsmanager", "ssm"}
    assert not any(grant.permits(AwsCall("kms:Decrypt", SECRETS_KEY, VIA_SECRETS)) for grant in decrypts)
    assert not any(grant.permits(AwsCall("kms:Decrypt", KEY, VIA_SECRETS)) for grant in decrypts)


@BOTH
def test_the_api_function_notes_requests_in_the_registry_and_changes_nothing_else_there(template: Template) -> None:
    def allowed(*attributes: str) -> bool:
        call = AwsCall("dynamodb:UpdateItem", "Registry.Arn", {"dynamodb:Attributes": attributes})
        return any(grant.permits(call) for grant in of_role(template, "ApiRole"))

    assert allowed("sandbox", "name", "order", "noted", "expiresAt")
    for taboo in ("connectionId", "status", "etag", "fingerprint", "leaseUntil", "request"):
        assert not allowed("sandbox", "name", taboo)


@BOTH
def test_the_exploring_function_reads_and_changes_nothing(template: Template) -> None:
    its = {grant.action for grant in of_role(template, "ExploreRole")}

    assert {action for action in its if action.partition(":")[0] not in ("logs", "xray")} <= {
        "secretsmanager:GetSecretValue", "dynamodb:GetItem", "kms:Decrypt",
    }  # fmt: skip


def test_the_scheduler_may_send_to_the_queues_and_nothing_else() -> None:
    assert pairs(FULL, "ScheduleRole") == {
        ("sqs:SendMessage", "Requests.Arn"),
        ("sqs:SendMessage", "DeadLetters.Arn"),
    }
    assert of_type(FULL, "AWS::Scheduler::Schedule")["Schedule"]["Target"]["RoleArn"] == "ScheduleRole.Arn"


@BOTH
def test_the_timer_may_only_invoke_its_function_and_send_to_the_dead_letter_queue(template: Template) -> None:
    assert pairs(template, "ReconcileTimerRole") == {
        ("lambda:InvokeFunction", "ReconcileFunction.Arn"),
        ("sqs:SendMessage", "DeadLetters.Arn"),
    }
    timer = of_type(template, "AWS::Scheduler::Schedule")["ReconcileTimer"]
    assert timer["Target"]["RoleArn"] == "ReconcileTimerRole.Arn"


def pairs(template: Template, role: str) -> set[tuple[str, str]]:
    return {(grant.action, grant.resource) for grant in of_role(template, role)}


@BOTH
def test_only_its_own_service_may_assume_a_role(template: Template) -> None:
    own_account = {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}
    wanted: dict[str, tuple[str, dict[str, Any]]] = {name: ("lambda", {}) for name in ROLES}
    wanted |= dict.fromkeys(("ScheduleRole", "ReconcileTimerRole"), ("scheduler", own_account))

    for name, role in of_type(template, "AWS::IAM::Role").items():
        service, condition = wanted[name]
        assert role["AssumeRolePolicyDocument"] == {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    **condition,
                }
            ],
        }
        assert all(policy["PolicyDocument"]["Version"] == "2012-10-17" for policy in role["Policies"])
    assert provision(template)["Role"] == "ProvisionRole.Arn"


@BOTH
def test_no_role_has_a_managed_policy_and_each_has_the_boundary_that_is_given(template: Template) -> None:
    roles = of_type(template, "AWS::IAM::Role")

    assert roles
    for role in roles.values():
        assert "ManagedPolicyArns" not in role
        assert role.get("PermissionsBoundary") == (BOUNDARY if template is FULL else None)


@BOTH
def test_every_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [function["Role"] for function in of_type(template, "AWS::Lambda::Function").values()]

    assert len(set(roles)) == len(roles)


@BOTH
def test_every_action_is_named_and_every_resource_except_for_traces_is_scoped(template: Template) -> None:
    ours = (".Arn", ".Arn/index/by-secret")

    for role in of_type(template, "AWS::IAM::Role"):
        for grant in of_role(template, role):
            assert "*" not in grant.action
            if not grant.action.startswith("xray:"):
                assert grant.resource.count(":") >= 5 or grant.resource.endswith(ours), grant


READERS = pytest.mark.parametrize("role", ["ProvisionRole", "ExploreRole"])


@BOTH
def test_only_the_provision_role_reads_former_versions_and_only_of_databricks_secrets(
    template: Template,
) -> None:
    def allowed(secret: str, role: str) -> bool:
        call = AwsCall("secretsmanager:GetSecretValue", secret, PREVIOUS)
        return any(grant.permits(call) for grant in of_role(template, role))

    assert [role for role in ROLES if allowed(SALES, role)] == ["ProvisionRole"]
    assert [role for role in ROLES if allowed(ARN, role)] == []


def test_the_provision_function_reads_both_versions_of_a_secret(world: World, aws_calls: AwsCalls) -> None:
    world.request(UNCHECKED)
    before = len(aws_calls.made)
    world.put_secret(accessToken="dapifedcba9876543210fedcba9876543210")
    world.stack.databricks.settings.revoked_tokens = ["dapifedcba9876543210fedcba9876543210"]

    world.request(UNCHECKED)

    read = [call for call in aws_calls.made[before:] if call.action == "secretsmanager:GetSecretValue"]
    (statement,) = (
        grant
        for grant in grants(world.stack.template, world.stack.resources.attribute, "ProvisionRole")
        if grant.resource == DATABRICKS_SECRETS
    )
    stages = {str(call.context["secretsmanager:VersionStage"]) for call in read if statement.permits(call)}
    assert stages == set(statement.conditions["StringEquals"]["secretsmanager:VersionStage"])


@READERS
@BOTH
def test_only_current_versions_of_the_adobe_secret_or_below_the_prefix_are_readable(
    template: Template, role: str
) -> None:
    def allowed(secret: str, context: dict[str, str]) -> bool:
        call = AwsCall("secretsmanager:GetSecretValue", secret, context)
        return any(grant.permits(call) for grant in of_role(template, role))

    assert allowed(ARN, CURRENT)
    assert allowed(SALES, CURRENT)
    assert not allowed(ARN, {})
    assert not allowed(SALES, {"secretsmanager:VersionStage": "AWSPENDING"})
    assert not allowed(SALES.replace("/databricks/", "/other/"), CURRENT)
    assert not allowed(ARN.replace("AbCdEf", "AbCdEf-2"), CURRENT)
    assert not allowed(SALES.replace("eu-west-1", "us-east-1"), CURRENT)


@READERS
def test_the_secrets_key_decrypts_these_secrets_for_secrets_manager_and_nothing_else(role: str) -> None:
    def allowed(template: Template, **changes: str) -> bool:
        context = VIA_SECRETS | {name.replace("_", ":", 1): value for name, value in changes.items()}
        return any(grant.permits(AwsCall("kms:Decrypt", SECRETS_KEY, context)) for grant in of_role(template, role))

    assert allowed(FULL)
    assert allowed(FULL, **{"kms_EncryptionContext:SecretARN": SALES})
    assert not allowed(FULL, kms_ViaService="s3.eu-west-1.amazonaws.com")
    assert not allowed(BARE)
    assert not allowed(FULL, **{"kms_EncryptionContext:SecretARN": ARN.replace("adobe", "other")})


def test_the_secrets_key_decrypts_the_adobe_secret_only_for_the_function_that_reconciles() -> None:
    def allowed(template: Template, arn: str) -> bool:
        call = AwsCall("kms:Decrypt", SECRETS_KEY, VIA_SECRETS | {"kms:EncryptionContext:SecretARN": arn})
        return any(grant.permits(call) for grant in of_role(template, "ReconcileRole"))

    assert allowed(FULL, ARN)
    assert not allowed(FULL, SALES)
    assert not allowed(BARE, ARN)


@pytest.mark.parametrize("role", ROLES)
def test_the_key_of_the_registry_is_used_through_dynamodb_only(role: str) -> None:
    def allowed(service: str) -> bool:
        call = AwsCall("kms:Decrypt", KEY, {"kms:ViaService": f"{service}.eu-west-1.amazonaws.com"})
        return any(grant.permits(call) for grant in of_role(FULL, role))

    assert allowed("dynamodb")
    assert not allowed("s3")


@BOTH
def test_the_function_announces_only_what_the_contract_names(template: Template) -> None:
    def allowed(source: str, detail_type: str) -> bool:
        (bus,) = {grant.resource for grant in of_role(template) if grant.action == "events:PutEvents"}
        call = AwsCall("events:PutEvents", bus, {"events:source": source, "events:detail-type": detail_type})
        return any(grant.permits(call) for grant in of_role(template))

    assert allowed("aep.connections", "AEP Base Connection Ready")
    assert not allowed("aep.connections", "AEP Base Connection Requested")
    assert not allowed("aws.s3", "AEP Base Connection Ready")
