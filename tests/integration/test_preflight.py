"""`python -m local preflight`, as a person runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from local.preflight import preflight
from local.stack import DATABRICKS_SECRET
from tests.support.world import SECRET_ID, STOPPED, World

Look = Callable[..., int]


@pytest.fixture
def look(world: World, monkeypatch: pytest.MonkeyPatch) -> Look:
    """The command, run with the environment of a world."""
    environment = world.stack.aws.environment() | {"DATABRICKS_URL": world.stack.databricks.url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(secret_id: str = SECRET_ID, *, as_json: bool = False, strict: bool = False, **overrides: str) -> int:
        return preflight(secret_id, overrides, as_json=as_json, strict=strict)

    return run


def test_the_report_of_a_secret_is_a_table_with_a_verdict(
    look: Look, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert look(catalog="main") == 0

    shown = capsys.readouterr().out
    assert "  pass     error     CLUSTER_STATE\n" in shown
    assert "CATALOG" in shown
    assert "Verdict: pass." in shown
    assert DATABRICKS_SECRET["accessToken"] not in shown
    assert {call.request.method for call in world.stack.databricks.calls} == {"GET"}


def test_failed_checks_are_shown_with_their_remedy_and_skipped_ones_with_their_reason(
    look: Look, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.stack.databricks.settings.clusters = dict(STOPPED)
    world.stack.databricks.settings.missing_catalogs = ["main"]

    assert look(catalog="main") == 1

    shown = capsys.readouterr().out
    assert "  FAIL     error     CLUSTER_STATE\n" in shown
    assert "→ Start the cluster, or set readiness to start.\n" in shown
    assert "  skipped  error     DATABASE (needs CATALOG)\n" in shown
    assert "Verdict: fail." in shown


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_a_warning_fails_the_command_only_if_it_is_strict(look: Look, world: World, strict: bool, code: int) -> None:
    world.stack.databricks.settings.token_days = 2

    assert look(strict=strict) == code


def test_the_json_report_is_one_document(look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    assert look(as_json=True, clusterId="0923-164208-other") == 0

    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (document["status"], document["clusterId"], document["secret"]) == ("pass", "0923-164208-other", SECRET_ID)
    assert {"id": "TOKEN_VALID", "severity": "error", "result": "pass"} in document["checks"]
    assert DATABRICKS_SECRET["accessToken"] not in json.dumps(document)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_secret_that_cannot_be_used_is_reported_field_by_field(
    look: Look, world: World, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    world.put_secret(domain="https://evil.example", accessToken="")

    assert look(as_json=as_json) == 2

    captured = capsys.readouterr()
    shown = captured.out if as_json else captured.err
    assert "domain" in shown
    assert "accessToken" in shown
    assert "evil.example" not in shown
    assert world.stack.databricks.calls == []


def test_without_credentials_the_command_reports_that(
    look: Look, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr(boto3, "Session", boto3.session.Session)  # not the one that all tests share

    assert look() == 2

    assert capsys.readouterr().err == "No AWS credentials were found: configure them as for the AWS CLI.\n"


def test_an_unsafe_override_of_the_host_gets_no_token(
    look: Look, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABRICKS_URL", "http://evil.example")

    assert look() == 2

    assert "DATABRICKS_URL" in capsys.readouterr().err
