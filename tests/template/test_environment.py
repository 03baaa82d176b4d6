"""The template's environment against the settings that the code reads."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from aep_connections.settings import ApiSettings, ExploreSettings, ProvisionSettings, ReconcileSettings, SettingsInvalid
from tests.support.templates import BARE, of_type, provision


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        ("ProvisionFunction", ProvisionSettings),
        ("ApiFunction", ApiSettings),
        ("ExploreFunction", ExploreSettings),
        ("ReconcileFunction", ReconcileSettings),
    ],
)
def test_the_templates_environment_has_exactly_the_settings_of_the_code(function: str, settings: Any) -> None:
    powertools = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}

    local_only = {"DATABRICKS_URL"}
    expected = {f.name.upper() for f in fields(settings)} - local_only
    variables = of_type(BARE, "AWS::Lambda::Function")[function]["Environment"]["Variables"]
    assert set(variables) - powertools == expected


def test_the_templates_defaults_are_settings_that_the_code_accepts() -> None:
    variables = provision()["Environment"]["Variables"]

    settings = ProvisionSettings.from_environment({name: str(value) for name, value in variables.items()})

    assert (settings.adobe_settle_seconds, settings.give_up_after_seconds) == (120, 3600)
    assert (settings.cluster_start_limit_seconds, settings.databricks_url) == (1200, "")
    assert settings.adobe_ims_url == "https://ims-na1.adobelogin.com"
    assert settings.adobe_platform_url == "https://platform.adobe.io"


def test_the_defaults_of_reconciling_are_those_of_the_code_and_accepted_there() -> None:
    variables = of_type(BARE, "AWS::Lambda::Function")["ReconcileFunction"]["Environment"]["Variables"]
    given = {name: str(value) for name, value in variables.items()}
    chosen = ("REPAIR_POLICY", "CHECKS_PER_RUN", "VERIFY_AFTER_SECONDS", "MAX_MISSING_PERCENT")

    settings = ReconcileSettings.from_environment(given)
    without = ReconcileSettings.from_environment({name: value for name, value in given.items() if name not in chosen})

    assert (settings.repair_policy, settings.checks_per_run, settings.max_missing_percent) == ("repair", 500, 50)
    assert (settings.adobe_settle_seconds, settings.verify_after_seconds) == (120, 72_000)
    assert without == settings


def test_a_faulty_environment_is_refused_with_every_fault_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        ProvisionSettings.from_environment({"PARAMETER_PREFIX": "/aws/x", "ADOBE_IMS_URL": "http://evil.example"})

    for name in ("ADOBE_SECRET_ID", "PARAMETER_PREFIX", "ADOBE_IMS_URL", "REQUEST_QUEUE_URL", "REGISTRY_TABLE"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("PARAMETER_PREFIX", ["/a", "/a/b-c/d_e.f"], ["a", "/a/", "/", "/aws", "/awsome", "/ssm/x", "/a b", "/a//b"]),
        ("DATABRICKS_SECRET_PREFIX", ["a/", "aep/{sandbox}/d/"], ["a", "/", "", "a/*/", "aep/{name}/"]),
        ("ADOBE_PLATFORM_URL", ["https://x.example", "http://127.0.0.1:80"], ["http://x.example", "ftp://x", "https://"]),
        ("ADOBE_IMS_URL", ["https://x.example/a", "http://[::1]:80"], ["https://[", "https://a:b", "https://u@a"]),
        ("DATABRICKS_URL", ["http://127.0.0.1:80", "https://x.example"], ["http://x.example", "adb-1.1.x.net"]),
        ("CLUSTER_START_LIMIT_SECONDS", ["1200"], ["-1", "soon"]),
        ("ADOBE_SETTLE_SECONDS", ["1", "0.5", "120"], ["-1", "1e9", "x", "٣"]),
    ],
)  # fmt: skip
def test_each_variable_has_its_rule(name: str, good: list[str], bad: list[str]) -> None:
    right = {field.name.upper(): "x" for field in fields(ProvisionSettings)} | {
        "DATABRICKS_SECRET_PREFIX": "a/", "PARAMETER_PREFIX": "/a", "ADOBE_SETTLE_SECONDS": "1",
        "GIVE_UP_AFTER_SECONDS": "1", "CLUSTER_START_LIMIT_SECONDS": "1", "DATABRICKS_URL": "",
        "ADOBE_IMS_URL": "https://a.example", "ADOBE_PLATFORM_URL": "https://a.example",
    }  # fmt: skip

    for value in good:
        ProvisionSettings.from_environment(right | {name: value})
    for value in bad:
        if value:
            with pytest.raises(SettingsInvalid, match=name):
                ProvisionSettings.from_environment(right | {name: value})


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("REPAIR_POLICY", ["repair", "report"], ["Repair", "none", "repair "]),
        ("CHECKS_PER_RUN", ["0", "1", "1000"], ["-1", "1.5", "100000", "many", "٣"]),
        ("VERIFY_AFTER_SECONDS", ["3600", "72000", "999999"], ["-1", "1e9", "daily"]),
        ("MAX_MISSING_PERCENT", ["0", "50", "100"], ["-1", "101", "50%", "0.5"]),
    ],
)
def test_each_variable_of_reconciling_has_its_rule(name: str, good: list[str], bad: list[str]) -> None:
    right = {field.name.upper(): "x" for field in fields(ReconcileSettings)} | {
        "PARAMETER_PREFIX": "/a", "ADOBE_SETTLE_SECONDS": "1", "REPAIR_POLICY": "report", "CHECKS_PER_RUN": "1",
        "VERIFY_AFTER_SECONDS": "1", "MAX_MISSING_PERCENT": "1", "ADOBE_IMS_URL": "https://a.example",
        "ADOBE_PLATFORM_URL": "https://a.example",
    }  # fmt: skip

    for value in good:
        ReconcileSettings.from_environment(right | {name: value})
    for value in bad:
        with pytest.raises(SettingsInvalid, match=name):
            ReconcileSettings.from_environment(right | {name: value})
