"""The template as CloudFormation gets it: once with its defaults (BARE), and once with all options set (FULL)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.aws.template import Template, translated
from tests.support.world import REQUEST

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
    "ApiJwtIssuer": "https://login.example/tenant/v2.0",
    "Paused": "true",
    "ReservedConcurrency": "7",
    "AlarmTopicArn": TOPIC,
    "KmsKeyArn": KEY,
    "PermissionsBoundaryArn": BOUNDARY,
}
FULL = Template.load(
    {
        "AdobeSecretArn": ARN,
        "ScheduledRequest": json.dumps(REQUEST),
        "ApiJwtAudience": "connections,console",
        "ApiJwtScope": "connections/use",
        "ApiRateLimit": "100",
        "MaximumConcurrency": "5",
        **OPTIONS,
    }
)
BOTH = pytest.mark.parametrize("template", [BARE, FULL], ids=["defaults", "everything given"])
PARAMETERS = translated()["Parameters"]


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The resolved properties of every resource of a type. A resource's attribute is written `Name.Attribute`."""

    def attribute(name: str, attribute: str | None) -> str:
        return f"{name}.{attribute}" if attribute else name

    return {
        name: template.resolve(resource.get("Properties", {}), attribute)
        for name, resource in template.resources().items()
        if resource["Type"] == kind
    }


def provision(template: Template = BARE) -> dict[str, Any]:
    return of_type(template, "AWS::Lambda::Function")["ProvisionFunction"]
