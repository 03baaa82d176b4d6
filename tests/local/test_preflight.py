"""`python -m local preflight`, as a person runs it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from local.aws.account import ACCOUNT, REGION, Aws
from local.simulators.databricks import Databricks
from local.stack import DATABRICKS_SECRET
from tests.support.iam import AwsCalls, Grant

STOPPED = {DATABRICKS_SECRET["clusterId"]: "TERMINATED"}


@pytest.fixture
def databricks() -> Iterator[Databricks]:
    made = Databricks()
    made.start()
    yield made
    made.stop()


class Preflight:
    """The command for a secret of this test."""

    def __init__(self, aws: Aws, command: Callable[..., int]) -> None:
        self._secrets, self._command = aws.client("secretsmanager"), command
        self.secret_id = f"aep/{uuid.uuid4().hex}"
        self._secrets.create_secret(Name=self.secret_id, SecretString=json.dumps(DATABRICKS_SECRET))

    def put_secret(self, **changes: str) -> None:
        text = json.dumps(DATABRICKS_SECRET | changes)
        self._secrets.put_secret_value(SecretId=self.secret_id, SecretString=text)

    def __call__(self, *options: str) -> int:
        return self._command("preflight", "--secret", self.secret_id, *options)


@pytest.fixture
def preflight(
    aws: Aws,
    aws_calls: AwsCalls,
    databricks: Databricks,
    command: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> Preflight:
    for name, value in (aws.environment() | {"DATABRICKS_URL": databricks.url}).items():
        monkeypatch.setenv(name, value)
    made = Preflight(aws, command)
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{made.secret_id}-*"
    aws_calls.allow(made.secret_id, [Grant("operator", "secretsmanager:GetSecretValue", secret)])
    return made


def test_the_report_of_a_secret_is_a_table_with_a_verdict(
    preflight: Preflight, databricks: Databricks, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preflight("--catalog", "main") == 0

    shown = capsys.readouterr().out
    assert "  pass     error     CLUSTER_STATE\n" in shown
    assert "CATALOG" in shown
    assert "Verdict: pass." in shown
    assert DATABRICKS_SECRET["accessToken"] not in shown
    assert {call.request.method for call in databricks.calls} == {"GET"}


def test_failed_checks_are_shown_with_their_remedy_and_skipped_ones_with_their_reason(
    preflight: Preflight, databricks: Databricks, capsys: pytest.CaptureFixture[str]
) -> None:
    databricks.settings.clusters = dict(STOPPED)
    databricks.settings.missing_catalogs = ["main"]

    assert preflight("--catalog", "main") == 1

    shown = capsys.readouterr().out
    assert "  FAIL     error     CLUSTER_STATE\n" in shown
    assert "→ Start the cluster, or set readiness to start.\n" in shown
    assert "  skipped  error     DATABASE (needs CATALOG)\n" in shown
    assert "Verdict: fail." in shown


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_a_warning_fails_the_command_only_if_it_is_strict(
    preflight: Preflight, databricks: Databricks, options: list[str], code: int
) -> None:
    databricks.settings.token_days = 2

    assert preflight(*options) == code


def test_the_json_report_is_one_document(preflight: Preflight, capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight("--json", "--cluster-id", "0923-164208-other") == 0

    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (document["status"], document["clusterId"], document["secret"]) == (
        "pass", "0923-164208-other", preflight.secret_id,
    )  # fmt: skip
    assert {"id": "TOKEN_VALID", "severity": "error", "result": "pass"} in document["checks"]
    assert DATABRICKS_SECRET["accessToken"] not in json.dumps(document)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_secret_that_cannot_be_used_is_reported_field_by_field(
    preflight: Preflight, databricks: Databricks, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    preflight.put_secret(domain="https://evil.example", accessToken="")

    assert preflight(*(["--json"] if as_json else [])) == 2

    captured = capsys.readouterr()
    shown = captured.out if as_json else captured.err
    assert "domain" in shown
    assert "accessToken" in shown
    assert "evil.example" not in shown
    assert databricks.calls == []


def test_without_credentials_the_command_reports_that(
    preflight: Preflight, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr(boto3, "Session", boto3.session.Session)  # not the one that all tests share

    assert preflight() == 2

    assert capsys.readouterr().err == "No AWS credentials were found: configure them as for the AWS CLI.\n"


def test_an_unsafe_override_of_the_host_gets_no_token(
    preflight: Preflight, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABRICKS_URL", "http://evil.example")

    assert preflight() == 2

    assert "DATABRICKS_URL" in capsys.readouterr().err
