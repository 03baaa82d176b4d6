"""Parameters and outputs, as a deployer sees them."""

from __future__ import annotations

import re

import pytest

from aep_connections.settings import ProvisionSettings
from local.aws.template import Template, translated
from tests.support.templates import ARN, BARE, BOTH, BOUNDARY, KEY, PARAMETERS, TOPIC, provision

GOVERNMENT = ARN.replace("arn:aws:", "arn:aws-us-gov:")


def test_every_parameter_is_described_labelled_and_in_one_group() -> None:
    console = translated()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in console["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(PARAMETERS)
    assert sorted(name for name, label in console["ParameterLabels"].items() if label["default"]) == sorted(PARAMETERS)
    assert all(about["Description"].endswith(".") for about in PARAMETERS.values())


def test_only_the_adobe_secret_has_no_default() -> None:
    assert [name for name, about in PARAMETERS.items() if "Default" not in about] == ["AdobeSecretArn"]


@pytest.mark.parametrize("name", [name for name, about in PARAMETERS.items() if about["Type"] == "String"])
def test_every_text_parameter_has_a_rule_that_its_default_satisfies(name: str) -> None:
    about = PARAMETERS[name]

    if "AllowedValues" in about:
        assert about["Default"] in about["AllowedValues"]
    else:
        assert about["ConstraintDescription"].startswith("must ")
        assert re.fullmatch(about["AllowedPattern"], about.get("Default", ARN))


def test_the_bounds_of_the_numbers() -> None:
    assert {
        name: (about.get("MinValue"), about.get("MaxValue"))
        for name, about in PARAMETERS.items()
        if about["Type"] == "Number" and "AllowedValues" not in about
    } == {
        "MaximumConcurrency": (2, 1000),
        "ApiRateLimit": (1, 10_000),
        "ApiBurstLimit": (1, 5000),
        "AdobeSettleSeconds": (30, 3600),
        "GiveUpAfterSeconds": (300, 43_200),
        "ClusterStartLimitSeconds": (300, 7200),
        "OldestRequestAlarmSeconds": (60, 86_400),
        "OldestVerificationAlarmSeconds": (3600, 7_776_000),
        "ChecksPerRun": (1, 1000),
        "VerifyAfterSeconds": (3600, 999_999),
        "MaxMissingPercent": (0, 100),
    }


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AdobeSecretArn", [ARN, GOVERNMENT], ["adobe", ARN[:-7], ARN.replace("123456789012", "1"), ""]),
        ("DatabricksSecretPrefix", ["aep/", "a/{sandbox}/"], ["aep", "", "a*/", "{name}/", "{sandbox}/"]),
        ("SecretsKeyArn", [KEY, KEY[: KEY.index("/")] + "/*"], ["alias/x", KEY.replace("key/", "alias/"), "*"]),
        ("KmsKeyArn", [KEY], ["alias/x", KEY[: KEY.index("/")] + "/*", KEY.replace("123456789012", "1"), KEY + " x"]),
        ("ParameterPrefix", ["/a", "/a/b", "/my/aws"], ["a", "/a/", "/", "/aws/x", "/AWSome", "/ssm"]),
        ("EventBusName", ["company", "aws.partner/x"], ["arn:aws:events:eu-west-1:1:event-bus/x", "a b"]),
        ("ScheduleExpression", ["rate(1 day)", "cron(15 3 * * ? *)"], ["daily", "rate()"]),
        ("ScheduledRequest", ["{}", '{"name": "a"}'], ["", "[]", "x", "x{}"]),
        ("ApiJwtIssuer", ["https://login.example/t/v2.0", "https://a.b/"], ["http://a.b", "https://a", "https://u@a.b", "https://a.b/?x"]),
        ("ApiJwtAudience", ["connections", "api://a-b,3f0c", "https://a.b/c"], ["a b", "a, b", ",a", "a,"]),
        ("ApiJwtScope", ["connections/use", "api://a/use", "x:y"], ["a b", 'a"', "a\\b", "a" * 65]),
        ("ReservedConcurrency", ["10", "1000"], ["0", "-1", "ten", "10000"]),
        ("AlarmTopicArn", [TOPIC], ["on-call", TOPIC.replace("123456789012", "1")]),
        ("PermissionsBoundaryArn", [BOUNDARY, "arn:aws:iam::aws:policy/X"], ["boundary"]),
        ("AdobeImsUrl", ["https://ims.example"], ["http://ims.example", "https://u@a.b", "https://a.b/c", "https://:", "https://a.b:0"]),
        ("AdobePlatformUrl", ["https://a.example:8443"], ["http://127.0.0.1"]),
        ("ScheduleTimezone", ["Europe/Zurich", "UTC"], ["", "a b"]),
        ("ReconcileSchedule", ["rate(6 hours)", "cron(15 3 * * ? *)"], ["", "daily", "rate()", "at(2027-01-01)"]),
        ("ReconcileTimezone", ["Europe/Zurich", "UTC"], ["", "a b"]),
    ],
)  # fmt: skip
def test_what_the_parameters_accept(name: str, good: list[str], bad: list[str]) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]

    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []


def test_the_code_accepts_every_prefix_that_the_template_accepts() -> None:
    variables = {name: str(value) for name, value in provision()["Environment"]["Variables"].items()}
    for prefix in ("/a", "/my/aws", "/a.b/c_d"):
        assert re.fullmatch(PARAMETERS["ParameterPrefix"]["AllowedPattern"], prefix)
        ProvisionSettings.from_environment(variables | {"PARAMETER_PREFIX": prefix})


def test_no_secret_is_a_parameter() -> None:
    assert not any(about.get("NoEcho") for about in PARAMETERS.values())
    assert not [name for name in PARAMETERS if re.search(r"Token|Password|ClientSecret", name)]


@BOTH
def test_the_values_of_the_outputs(template: Template) -> None:
    outputs = template.resolve(
        {name: output["Value"] for name, output in translated()["Outputs"].items()},
        lambda name, attribute: f"{name}.{attribute}" if attribute else name,
    )

    assert outputs == {
        "BusName": "Bus" if template is BARE else "company",
        "QueueUrl": "Requests",
        "QueueArn": "Requests.Arn",
        "DeadLetterQueueUrl": "DeadLetters",
        "DeadLetterQueueArn": "DeadLetters.Arn",
        "FunctionName": "ProvisionFunction",
        "FunctionArn": "ProvisionFunction.Arn",
        "ApiUrl": "Api.ApiEndpoint",
        "ApiId": "Api",
        "ApiAccessLogGroup": "ApiAccessLogs",
        "RegistryTable": "Registry",
        "ParameterPrefix": "/aep-connections",
        "ReconcileFunctionName": "ReconcileFunction",
        "LogGroup": "ProvisionLogs",
        "DashboardUrl": (
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards:name=Dashboard"
        ),
    }


def test_every_output_has_a_description() -> None:
    assert all(output["Description"] for output in translated()["Outputs"].values())
    assert not [name for name, output in translated()["Outputs"].items() if "Export" in output]
