"""The environment of the functions, read once and refused with every fault at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar
from urllib.parse import urlsplit

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SettingsInvalid(Exception):  # noqa: N818 - a misdeployment, not a code of the contract
    """The environment breaks rules; the message names each variable and its rule.

    In ASCII: Lambda's runtime client fails to report an error of the start that is not Latin-1.
    """


def _not_empty(value: str) -> str | None:
    return None if value.strip() == value != "" else "must not be empty"


def _prefix_of_secrets(value: str) -> str | None:
    fine = re.fullmatch(r"(?:[A-Za-z0-9/_+=.@-]|\{sandbox\}){1,400}/", value, re.ASCII)
    return None if fine else "must be the beginning of secret names and end with '/'"


def _prefix_of_parameters(value: str) -> str | None:
    fine = re.fullmatch(r"(?:/[A-Za-z0-9_.-]+){1,10}", value, re.ASCII) and len(value) <= 300
    if fine and not value.lower().startswith(("/aws", "/ssm")):
        return None
    return (
        "must start with '/', not end with it, not begin with /aws or /ssm, "
        "and have at most 10 levels and 300 characters"
    )


def _seconds(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,3})?", value, re.ASCII) else "must be a number of seconds"


def _percent(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{1,2}|100", value, re.ASCII) else "must be a number from 0 to 100"


def _count(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{1,5}", value, re.ASCII) else "must be a number of at most five digits"


def _policy(value: str) -> str | None:
    return None if value in ("repair", "report") else "must be repair or report"


def _url(value: str) -> str | None:
    return None if is_safe(value) else "must be an https URL (http only to this machine)"


def _url_or_none(value: str) -> str | None:
    return _url(value) if value else None


def is_safe(url: str) -> bool:
    """Whether a URL is https, or http to this machine, and nothing but a place."""
    try:
        parts = urlsplit(url)
        bare = parts.hostname and parts.port != 0 and not (parts.username or parts.query or parts.fragment)
    except ValueError:  # brackets or a port that are none
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return bool(bare) and safe and re.fullmatch(r"[\x21-\x7e]+", url) is not None


_RULES: dict[str, Callable[[str], str | None]] = {
    "ADOBE_SECRET_ID": _not_empty,
    "DATABRICKS_SECRET_PREFIX": _prefix_of_secrets,
    "REGISTRY_TABLE": _not_empty,
    "PARAMETER_PREFIX": _prefix_of_parameters,
    "EVENT_BUS_NAME": _not_empty,
    "REQUEST_QUEUE_URL": _not_empty,
    "DEAD_LETTER_QUEUE_URL": _not_empty,
    "ADOBE_SETTLE_SECONDS": _seconds,
    "GIVE_UP_AFTER_SECONDS": _seconds,
    "CLUSTER_START_LIMIT_SECONDS": _seconds,
    "ADOBE_IMS_URL": _url,
    "ADOBE_PLATFORM_URL": _url,
    "DATABRICKS_URL": _url_or_none,
    "EXPLORE_FUNCTION_NAME": _not_empty,
    "REPAIR_POLICY": _policy,
    "CHECKS_PER_RUN": _count,
    "VERIFY_AFTER_SECONDS": _seconds,
    "MISSING_BRAKE_PERCENT": _percent,
}
_DEFAULTS = {
    "ADOBE_SETTLE_SECONDS": "120",
    "GIVE_UP_AFTER_SECONDS": "3600",
    "CLUSTER_START_LIMIT_SECONDS": "1200",
    "REPAIR_POLICY": "repair",
    "CHECKS_PER_RUN": "500",
    "VERIFY_AFTER_SECONDS": "72000",
    "MISSING_BRAKE_PERCENT": "50",
    "ADOBE_IMS_URL": "https://ims-na1.adobelogin.com",
    "ADOBE_PLATFORM_URL": "https://platform.adobe.io",
}


T = TypeVar("T", bound="_Environment")


@dataclass(frozen=True, slots=True)
class _Environment:
    """One field per environment variable, named as it is, in lower case. `…_seconds` are seconds."""

    @classmethod
    def _typed(cls, name: str, value: str) -> object:
        if name.endswith("_seconds"):
            return float(value)
        if name.endswith(("_percent", "_per_run")):
            return int(value)
        return value.rstrip("/") if name.endswith("_url") else value

    @classmethod
    def from_environment(cls: type[T], environment: Mapping[str, str]) -> T:
        """The settings. Raises SettingsInvalid naming every variable at fault."""
        variables = [field.name.upper() for field in fields(cls)]
        given = {name: environment.get(name) or _DEFAULTS.get(name, "") for name in variables}
        faults = [f"{name} {fault}" for name, value in given.items() if (fault := _RULES[name](value))]
        if faults:
            raise SettingsInvalid("The environment is not right: " + "; ".join(faults) + ".")
        return cls(**{name.lower(): cls._typed(name.lower(), value) for name, value in given.items()})


@dataclass(frozen=True, slots=True)
class Settings(_Environment):
    """Of the function that provisions.

    `databricks_url` is for the local stack: where calls to every workspace go, in the manner of `AWS_ENDPOINT_URL`.
    """

    adobe_secret_id: str
    databricks_secret_prefix: str
    registry_table: str
    parameter_prefix: str
    event_bus_name: str
    request_queue_url: str
    dead_letter_queue_url: str
    adobe_settle_seconds: float
    give_up_after_seconds: float
    cluster_start_limit_seconds: float
    adobe_ims_url: str
    adobe_platform_url: str
    databricks_url: str


@dataclass(frozen=True, slots=True)
class ApiSettings(_Environment):
    """Of the function that answers HTTP."""

    databricks_secret_prefix: str
    registry_table: str
    parameter_prefix: str
    request_queue_url: str
    explore_function_name: str


@dataclass(frozen=True, slots=True)
class ExploreSettings(_Environment):
    """Of the function that explores; `databricks_url` as in `Settings`."""

    adobe_secret_id: str
    registry_table: str
    adobe_ims_url: str
    adobe_platform_url: str
    databricks_url: str


@dataclass(frozen=True, slots=True)
class ReconcileSettings(_Environment):
    """Of the function that reconciles."""

    adobe_secret_id: str
    registry_table: str
    parameter_prefix: str
    event_bus_name: str
    request_queue_url: str
    adobe_settle_seconds: float
    repair_policy: str
    checks_per_run: int
    verify_after_seconds: float
    missing_brake_percent: int
    adobe_ims_url: str
    adobe_platform_url: str
