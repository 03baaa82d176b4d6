"""The environment of the functions."""

from __future__ import annotations

from dataclasses import fields

import pytest

from aep_connections.settings import ProvisionSettings, SettingsInvalid

RIGHT = {field.name.upper(): "x" for field in fields(ProvisionSettings)} | {
    "DATABRICKS_SECRET_PREFIX": "a/", "PARAMETER_PREFIX": "/a", "ADOBE_SETTLE_SECONDS": "1",
    "GIVE_UP_AFTER_SECONDS": "1", "CLUSTER_START_LIMIT_SECONDS": "1", "DATABRICKS_URL": "",
    "ADOBE_IMS_URL": "https://a.example", "ADOBE_PLATFORM_URL": "https://a.example",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARAMETER_PREFIX", "/a" * 11),
        ("PARAMETER_PREFIX", "/" + "a" * 300),
        ("PARAMETER_PREFIX", "/AWS/x"),
        ("REGISTRY_TABLE", " table"),
        ("ADOBE_IMS_URL", "https://user:password@a.example"),
        ("ADOBE_IMS_URL", "https://a.example/?x=1"),
        ("ADOBE_PLATFORM_URL", "https://a.example/#x"),
    ],
)
def test_a_misleading_variable_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        ProvisionSettings.from_environment(RIGHT | {name: value})


def test_a_url_may_end_in_a_slash_and_what_is_not_given_has_the_documented_default() -> None:
    given = {name: value for name, value in RIGHT.items() if not name.endswith(("_SECONDS", "IMS_URL", "BRICKS_URL"))}

    settings = ProvisionSettings.from_environment(given | {"ADOBE_PLATFORM_URL": "https://a.example/"})

    assert settings.adobe_platform_url == "https://a.example"
    assert settings.adobe_ims_url == "https://ims-na1.adobelogin.com"
    assert (settings.adobe_settle_seconds, settings.give_up_after_seconds) == (120, 3600)
    assert (settings.cluster_start_limit_seconds, settings.databricks_url) == (1200, "")
