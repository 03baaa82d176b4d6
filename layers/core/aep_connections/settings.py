"""The functions' environment variables, read once; an error names every fault at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SettingsInvalid(Exception):  # noqa: N818 - a misdeployment, not a code of the contract
    """The environment breaks rules; the message names each variable and its rule.

    The message is ASCII: Lambda's runtime client fails to report a startup error that is not Latin-1.
    """


def _matches(pattern: str, rule: str) -> Callable[[str], str | None]:
    """A rule: the whole value must match the pattern."""
    return lambda value: None if re.fullmatch(pattern, value, re.ASCII) else rule


_NOT_EMPTY = _matches(r"\S(?:.*\S)?", "must not be empty")
_SECONDS = _matches(r"[0-9]{1,6}(?:\.[0-9]{1,3})?", "must be a number of seconds")
_PERCENT = _matches(r"[0-9]{1,2}|100", "must be a number from 0 to 100")
_COUNT = _matches(r"[0-9]{1,5}", "must be a number of at most five digits")
_POLICY = _matches("repair|report", "must be repair or report")
_SECRET_PREFIX = _matches(
    r"(?:[A-Za-z0-9/_+=.@-]|\{sandbox\}){1,400}/", "must be a prefix of secret names and end with '/'"
)
_PARAMETER_PREFIX = _matches(
    r"(?!/(?i:aws|ssm))(?=.{1,300}\Z)(?:/[A-Za-z0-9_.-]+){1,10}",
    "must start with '/', not end with '/', not start with /aws or /ssm, have at most 10 levels and 300 characters",
)


def _url(value: str) -> str | None:
    return None if is_safe(value) else "must be an https URL (http only to localhost)"


def _url_or_none(value: str) -> str | None:
    return _url(value) if value else None


def is_safe(url: str) -> bool:
    """Whether a URL is https, or http to a loopback host, and has no credentials, query or fragment."""
    try:
        parts = urlsplit(url)
        bare = parts.hostname and parts.port != 0 and not (parts.username or parts.query or parts.fragment)
    except ValueError:  # invalid brackets or port
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return bool(bare) and safe and re.fullmatch(r"[\x21-\x7e]+", url) is not None


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable. `broken` returns the rule that a value breaks, or None; `read` converts the value."""

    broken: Callable[[str], str | None]
    read: Callable[[str], object]
    default: str = ""


def _plain_url(value: str) -> str:
    return value.rstrip("/")


VARIABLES: dict[str, Variable] = {
    "ADOBE_SECRET_ID": Variable(_NOT_EMPTY, str),
    "DATABRICKS_SECRET_PREFIX": Variable(_SECRET_PREFIX, str),
    "REGISTRY_TABLE": Variable(_NOT_EMPTY, str),
    "PARAMETER_PREFIX": Variable(_PARAMETER_PREFIX, str),
    "EVENT_BUS_NAME": Variable(_NOT_EMPTY, str),
    "REQUEST_QUEUE_URL": Variable(_NOT_EMPTY, str),
    "DEAD_LETTER_QUEUE_URL": Variable(_NOT_EMPTY, str),
    "EXPLORE_FUNCTION_NAME": Variable(_NOT_EMPTY, str),
    "ADOBE_SETTLE_SECONDS": Variable(_SECONDS, float, "120"),
    "GIVE_UP_AFTER_SECONDS": Variable(_SECONDS, float, "3600"),
    "CLUSTER_START_LIMIT_SECONDS": Variable(_SECONDS, float, "1200"),
    "ADOBE_IMS_URL": Variable(_url, _plain_url, "https://ims-na1.adobelogin.com"),
    "ADOBE_PLATFORM_URL": Variable(_url, _plain_url, "https://platform.adobe.io"),
    "DATABRICKS_URL": Variable(_url_or_none, _plain_url),
    "REPAIR_POLICY": Variable(_POLICY, str, "repair"),
    "CHECKS_PER_RUN": Variable(_COUNT, int, "500"),
    "VERIFY_AFTER_SECONDS": Variable(_SECONDS, float, "72000"),
    "MAX_MISSING_PERCENT": Variable(_PERCENT, int, "50"),
}

T = TypeVar("T", bound="_Settings")


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """One field for each environment variable of a function, with the variable's name in lower case."""

    @classmethod
    def from_environment(cls: type[T], environment: Mapping[str, str]) -> T:
        """The settings. Raises SettingsInvalid, which names every invalid variable."""
        rows = {field.name.upper(): VARIABLES[field.name.upper()] for field in fields(cls)}
        texts = {name: environment.get(name) or row.default for name, row in rows.items()}
        faults = [f"{name} {fault}" for name, row in rows.items() if (fault := row.broken(texts[name]))]
        if faults:
            raise SettingsInvalid("Invalid environment: " + "; ".join(faults) + ".")
        values: dict[str, Any] = {name.lower(): row.read(texts[name]) for name, row in rows.items()}
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class AdobeSettings(_Settings):
    """Settings of every function that calls Adobe; all of them read the registry."""

    adobe_secret_id: str
    adobe_ims_url: str
    adobe_platform_url: str
    registry_table: str


@dataclass(frozen=True, kw_only=True)
class ProvisionSettings(AdobeSettings):
    """`databricks_url` is for the local stack. Calls to workspaces go there, as AWS calls go to `AWS_ENDPOINT_URL`."""

    databricks_secret_prefix: str
    parameter_prefix: str
    event_bus_name: str
    request_queue_url: str
    dead_letter_queue_url: str
    adobe_settle_seconds: float
    give_up_after_seconds: float
    cluster_start_limit_seconds: float
    databricks_url: str


@dataclass(frozen=True, kw_only=True)
class ExploreSettings(AdobeSettings):
    """`databricks_url` as in `ProvisionSettings`."""

    databricks_url: str


@dataclass(frozen=True, kw_only=True)
class ReconcileSettings(AdobeSettings):
    """Settings of the reconcile function: its policy, and where it writes."""

    parameter_prefix: str
    event_bus_name: str
    request_queue_url: str
    adobe_settle_seconds: float
    repair_policy: str
    checks_per_run: int
    verify_after_seconds: float
    max_missing_percent: int


@dataclass(frozen=True, kw_only=True)
class ApiSettings(_Settings):
    """Settings of the HTTP API's function."""

    databricks_secret_prefix: str
    registry_table: str
    parameter_prefix: str
    request_queue_url: str
    explore_function_name: str
