"""Ledger, a fictitious source: another spec, other fields of the secret, and no workspace to check."""

from __future__ import annotations

from aep_connections.domain.errors import Fault, SecretInvalid
from aep_connections.domain.model import AuthParams, JsonObject, Source


def read_secret(secret_name: str, secret: JsonObject, overrides: JsonObject) -> AuthParams:
    """The auth params of `{"account", "region", "password"}`. Raises SecretInvalid, which names missing fields."""
    found = {field: overrides.get(field, secret.get(field)) for field in ("account", "region", "password")}
    faults = [Fault(field, "is missing") for field, value in found.items() if not isinstance(value, str) or not value]
    if faults:
        raise SecretInvalid(f"The Ledger secret {secret_name} cannot be used.", faults=faults)
    password = found.pop("password")
    return AuthParams(public=found, secret={"password": password})


SOURCE = Source(
    name="ledger",
    secret_field="ledgerSecretId",
    connection_spec_id="11111111-2222-3333-4444-555555555555",
    connection_spec_version="1.0",
    auth_spec_name="Basic Authentication",
    overrides=("region",),
    options=(),
    read_secret=read_secret,
)
