"""Rules for every resource, wherever the stack is deployed and whichever parameters are left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.template import PSEUDO, Template
from local.stack import ROOT
from tests.support.templates import ARN, BARE, KEY, of_type
from tests.support.world import REQUEST

SCHEDULED = {"ScheduleExpression": "rate(1 day)", "ScheduledRequest": json.dumps(REQUEST)}
ELSEWHERE = {
    "AWS::AccountId": "999999999999",
    "AWS::Region": "cn-north-1",
    "AWS::Partition": "aws-cn",
    "AWS::URLSuffix": "amazonaws.com.cn",
    "AWS::StackName": "another",
}


def values(template: Template) -> Iterator[tuple[str, str]]:
    """Every text in the properties of every resource, and its place."""
    for kind in {resource["Type"] for resource in template.resources().values()}:
        for name, properties in of_type(template, kind).items():
            code = ("Code", "Content")
            yield from _texts({k: v for k, v in properties.items() if k not in code}, name)


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{where}[{number}]")
    else:
        yield where, str(value)


@pytest.mark.parametrize("given", [{}, SCHEDULED, {**SCHEDULED, "KmsKeyArn": KEY}], ids=["defaults", "schedule", "key"])
def test_a_parameter_that_is_not_given_leaves_no_empty_text(given: dict[str, str]) -> None:
    template = Template.load({"AdobeSecretArn": ARN, **given})

    assert [where for where, text in values(template) if text == ""] == []


def test_nothing_is_bound_to_an_account_a_region_a_partition_or_a_stack() -> None:
    secret = "arn:aws-cn:secretsmanager:cn-north-1:999999999999:secret:adobe-AbCdEf"
    template = Template.load({"AdobeSecretArn": secret, **SCHEDULED}, ELSEWHERE)
    here = [value for name, value in PSEUDO.items() if name in ("AWS::AccountId", "AWS::Region", "AWS::StackName")]

    bound = [
        (where, text) for where, text in values(template) for one in (*here, "arn:aws:", "us-east-1") if one in text
    ]
    assert bound == []


def test_cloudformation_chooses_the_names_that_could_collide_with_another_stack() -> None:
    names = {"FunctionName", "QueueName", "TableName", "LogGroupName", "RoleName"}
    template = Template.load({"AdobeSecretArn": ARN, **SCHEDULED})

    named = {where for where, _ in values(template) if where.rpartition(".")[2] in names}
    which_function_it_is_for = ("ProvisionFunctionRequests", "ApiPermission", "SecretPermission", "FlowRunPermission")
    assert named == {f"{name}.FunctionName" for name in which_function_it_is_for}


def test_the_sources_of_what_is_built_exist() -> None:
    (layer,) = of_type(BARE, "AWS::Lambda::LayerVersion").values()

    assert (ROOT / layer["Content"]["S3Key"] / "aep_connections").is_dir()
    for function in of_type(BARE, "AWS::Lambda::Function").values():
        assert (ROOT / function["Code"]["S3Key"] / "Makefile").is_file()
