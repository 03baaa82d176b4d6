"""Invariant 7, Least: compares the roles of the template with the recorded calls, in both directions.

The calls are those of all stories of the fault matrix, without faults. In addition, `least_privilege` in conftest.py
checks after every test over HTTP that some role allows each call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from aep_connections.api.service import ApiService
from aep_connections.explore.service import ExploreService
from aep_connections.provision.service import ProvisionService
from aep_connections.reconcile.service import ReconcileService
from local.aws.account import Aws
from local.aws.template import Template
from local.stack import ROOT
from tests.support.cloud import new_cloud
from tests.support.errands import ERRANDS
from tests.support.iam import AwsCall, AwsCalls, Grant, grants
from tests.support.matrix import new_matrix
from tests.support.stories import STORIES
from tests.support.templates import ARN, BARE, BOTH, BOUNDARY, FULL, KEY, SECRETS_KEY, of_type, provision

VIA_SECRETS = {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com", "kms:EncryptionContext:SecretARN": ARN}
SALES = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/dev/databricks/sales-AbCdEf"
DATABRICKS_SECRETS = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/*/databricks/*"
CURRENT, PREVIOUS = ({"secretsmanager:VersionStage": stage} for stage in ("AWSCURRENT", "AWSPREVIOUS"))
INVOKED: dict[str, tuple[type, str]] = {
    "ProvisionRole": (ProvisionService, "provision"),
    "ApiRole": (ApiService, "respond"),
    "ExploreRole": (ExploreService, "explore"),
    "ReconcileRole": (ReconcileService, "reconcile"),
}
"""The roles of functions, and the method that an invocation of each function calls."""
ROLES = tuple(INVOKED)
EACH_ROLE = pytest.mark.parametrize("role", ROLES)
CORE = ROOT / "layers" / "core" / "aep_connections"


def of_role(template: Template, role: str = "ProvisionRole") -> list[Grant]:
    return grants(template, lambda name, attribute: f"{name}.{attribute}" if attribute else name, role)


@dataclass(frozen=True, slots=True)
class Use:
    """What a role allows, and the calls to AWS that its function made."""

    allowed: list[Grant]
    made: list[AwsCall]

    def denied(self, *, without: str = "") -> list[AwsCall]:
        """The calls that the role does not allow, or would not allow without an action."""
        left = [grant for grant in self.allowed if grant.action != without]
        return [call for call in self.made if not any(grant.permits(call) for grant in left)]

    def idle_values(self) -> list[str]:
        """The values in conditions that no call has."""
        found = []
        for grant in self.allowed:
            calls = [call for call in self.made if grant.permits(call)]
            for required in grant.conditions.values():
                for key, values in required.items():
                    given = {value for call in calls for value in several(call.context.get(key, ()))}
                    found += [f"{grant}: {key} {value}" for value in several(values) if value not in given]
        return found


def several(values: str | Iterable[str]) -> Iterable[str]:
    """The values, of which there may be only one."""
    return [values] if isinstance(values, str) else values


@pytest.fixture(scope="module")
def uses(aws: Aws, aws_calls: AwsCalls) -> dict[str, Use]:
    """By role: the calls of its function in every story, over HTTP."""
    with new_cloud(aws, aws_calls) as world, new_matrix(world) as matrix, by_role(aws_calls) as made:
        for story in STORIES + ERRANDS:
            matrix.calls_of(story)
        return {role: Use(grants(world.template, world.attribute, role), made[role]) for role in ROLES}


@contextmanager
def by_role(aws_calls: AwsCalls) -> Iterator[dict[str, list[AwsCall]]]:
    """The calls to AWS from now on, by the role of the function that makes them."""
    made: dict[str, list[AwsCall]] = {role: [] for role in ROLES}
    running: list[str] = []
    seen = len(aws_calls.made)

    def sort() -> None:
        nonlocal seen
        fresh = aws_calls.made[seen:]
        seen += len(fresh)
        for call in fresh:
            made[running[-1]].append(call)

    def noting(role: str, run: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            sort()
            running.append(role)
            try:
                return run(*arguments)
            finally:
                sort()
                running.pop()

        return noted

    with pytest.MonkeyPatch.context() as patch:
        for role, (service, method) in INVOKED.items():
            patch.setattr(service, method, noting(role, getattr(service, method)))
        yield made


@pytest.mark.cloud
@EACH_ROLE
def test_a_role_allows_every_call_of_its_function(uses: dict[str, Use], role: str) -> None:
    assert uses[role].made
    assert uses[role].denied() == []


@pytest.mark.cloud
@EACH_ROLE
def test_a_role_allows_nothing_that_its_function_does_not_need(
    uses: dict[str, Use], aws_calls: AwsCalls, role: str
) -> None:
    assert [str(grant) for grant in aws_calls.unused(uses[role].allowed, uses[role].made)] == []


@pytest.mark.cloud
@EACH_ROLE
def test_a_condition_has_no_value_that_the_function_does_not_need(uses: dict[str, Use], role: str) -> None:
    assert uses[role].idle_values() == []


@pytest.mark.cloud
@EACH_ROLE
def test_a_call_without_a_permission_is_detected(uses: dict[str, Use], role: str) -> None:
    for action in {call.action for call in uses[role].made}:
        assert action in {call.action for call in uses[role].denied(without=action)}


@pytest.mark.cloud
def test_the_stories_have_every_operation_of_the_adapters(uses: dict[str, Use]) -> None:
    """In memory no role is checked, so an operation that no story has would be checked nowhere."""
    code = "".join(path.read_text() for path in (CORE / "aws").glob("*.py"))
    operations = {pair for pair in re.findall(r"self\._(\w+)\.(\w+)", code) if pair[0] != "clock"}
    words = {"invoke": "InvokeFunction", "send_message_batch": "SendMessage"}
    actions = {f"{of}:{words.get(name, name.title().replace('_', ''))}" for of, name in operations}

    assert {call.action for use in uses.values() for call in use.made} == actions


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
