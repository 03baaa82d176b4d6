"""Everything specific to Azure Databricks: Adobe's spec ids, the shapes of the secret and the accepted hosts.

Source of the ids and parameters: Adobe, "Connect Databricks to Experience Platform using the Flow Service API".
Source of the host form: Microsoft, "Per-workspace URLs". This module makes no calls.
"""

import re
from collections.abc import Mapping

from aep_connections.domain.errors import Fault, SecretInvalid
from aep_connections.domain.model import AuthParams, Source

_DOMAIN = re.compile(
    r"(?:https://)?adb-(?P<workspace>[1-9][0-9]{4,18})\.(?P<shard>[0-9]{1,2})\.azuredatabricks\.net"
    r"/?(?:\?o=(?P<o>[0-9]{1,20}))?",
    re.ASCII | re.IGNORECASE,
)
_ALIASES = {"domain": "workspaceUrl", "accessToken": "token"}
"""Our field -> its name in the secret type `DatabricksPAT` that AWS Secrets Manager manages."""

_MAX_LENGTH = 4096


def normalised_domain(text: str) -> str | None:
    """`https://adb-<workspace id>.<n>.azuredatabricks.net` for every accepted spelling of it, else None.

    The raw text is matched whole, since parsing a URL first would drop control characters. The URL is rebuilt
    from the matched parts, so nothing else can reach a request line.
    """
    match = _DOMAIN.fullmatch(text)
    if match is None or match["o"] not in (None, match["workspace"]):
        return None
    return f"https://adb-{match['workspace']}.{match['shard']}.azuredatabricks.net"


def read_secret(secret_name: str, secret: Mapping[str, object], overrides: Mapping[str, str]) -> AuthParams:
    """Adobe's auth params from a Databricks secret and the overrides of the request.

    The secret is `{"domain", "clusterId", "accessToken", "database", "catalog"?}` or AWS's `DatabricksPAT`
    (`{"workspaceUrl", "token", …}`); other keys are ignored.

    Raises:
        SecretInvalid: names each field that is missing or wrong, and where it is missing; never shows a value.
    """
    faults: list[Fault] = []
    params: dict[str, str] = {}
    for field in ("domain", "clusterId", "accessToken", "database", "catalog"):
        if field in overrides:
            params[field] = overrides[field]
            continue
        value = secret.get(field)
        if value is None and field in _ALIASES:
            value = secret.get(_ALIASES[field])
        if value is None:
            if field != "catalog":
                faults.append(Fault(field, _lacks(secret_name, field)))
        elif fault := _fault_of(field, value):
            faults.append(Fault(field, f"the value in the secret {secret_name} {fault}"))
        else:
            params[field] = str(value)
    if faults:
        raise SecretInvalid(f"The Databricks secret {secret_name} cannot be used.", faults=faults)
    domain = normalised_domain(params.pop("domain"))
    token = params.pop("accessToken")
    return AuthParams(public={"domain": domain or "", **params}, secret={"accessToken": token})


def _lacks(secret_name: str, field: str) -> str:
    if field in SOURCE.overrides:
        return f"neither the secret {secret_name} nor the request has it"
    return f"the secret {secret_name} does not have it" + (f", nor {_ALIASES[field]}" if field in _ALIASES else "")


def _fault_of(field: str, value: object) -> str | None:
    """The rule that `value` breaks, or None. Never repeats the value."""
    if not isinstance(value, str):
        return "must be a string"
    if not value:
        return "must not be empty"
    if len(value) > _MAX_LENGTH:
        return f"must have at most {_MAX_LENGTH} characters"
    if field == "domain" and normalised_domain(value) is None:
        return (
            "must be the workspace's own URL, https://adb-<workspace id>.<n>.azuredatabricks.net "
            "(in the Azure portal: the workspace's page, URL)"
        )
    if field == "accessToken":
        return _fault_of_token(value)
    return None if plain(value) else "must be printable, without leading or trailing spaces"


def _fault_of_token(value: str) -> str | None:
    if not value.isascii() or not value.isprintable() or " " in value:
        return "must be printable ASCII without spaces"
    if value.startswith("eyJ"):
        return "is a short-lived OAuth or Entra token, which Adobe cannot renew: use a personal access token"
    return None


def plain(value: str) -> bool:
    """Whether `value` is printable, has 1 to 255 characters, and has no leading or trailing spaces."""
    return 0 < len(value) <= 255 and value.isprintable() and value == value.strip()


SOURCE = Source(
    name="databricks",
    secret_field="databricksSecretId",  # noqa: S106 - the name of a field
    connection_spec_id="e9d7ec6b-0873-4e57-ad21-b3a7c65e310b",
    connection_spec_version="1.0",
    auth_spec_name="Access Token Authentication",
    overrides=("clusterId", "catalog", "database"),
    options=("readiness",),
    read_secret=read_secret,
)
