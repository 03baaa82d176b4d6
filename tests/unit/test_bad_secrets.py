"""Secrets with arbitrary content: each fault is named, no value is shown, and no other host gets the token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_connections.adobe.ims import read_credentials
from aep_connections.domain.errors import SecretInvalid
from aep_connections.domain.model import Secret
from aep_connections.sources.databricks.secret import normalised_domain, read_secret
from tests.support.hostile import MANY, json_values, nested, not_texts

pytestmark = pytest.mark.slow

NAME = "adb-1234567890123456.7.azuredatabricks.net"
HOST = f"https://{NAME}"
DATABRICKS = {"domain": HOST, "clusterId": "0923-164208-meows279", "accessToken": "dapi-1", "database": "acme_db"}
ADOBE = {"clientId": "client", "clientSecret": "secret", "orgId": "1@AdobeOrg", "scopes": "openid"}
CANARY = "canary-in-a-secret"
MISSING = object()

LOOKALIKES = (
    *("https://adb-1.1.azuredatabricks.net.evil.example", f"{HOST}.evil.example", f"{HOST}.", f"{HOST}.."),
    *(f"{HOST}:443", f"https://user:{CANARY}@{NAME}", f"{HOST}@evil.example", f"{HOST}\\@evil.example"),
    *(f"{HOST}\\.evil.example", f"{HOST}#@evil.example", f"{HOST}?o=1", f"{HOST}/?o=12345678901234567", f"{HOST}/?O=1"),
    *(f"{HOST}/?o=1234567890123456&x=1", f"{HOST}/?o=1234567890123456#", f"{HOST}%2eevil.example", f"{HOST}%00"),
    *(f"{HOST}\t", f"\t{HOST}", f"{HOST}\r\nHost: evil.example", f"{HOST}\x00", f" {HOST}", f"{HOST} ", f"{HOST}/.."),
    *(f"{HOST}//evil.example", f"{HOST}/login.html", f"{HOST}\u200b", f"http://{NAME}", f"HTTP://{NAME}", f"//{NAME}"),
    *(f"ftp://{NAME}", f"https:{NAME}", f"https:\\\\{NAME}", f"https:///{NAME}", f"https://evil.example/{NAME}"),
    *(f"https://xn--{NAME}", "https://[::1]", "https://[::ffff:169.254.169.254]", "https://127.0.0.1"),
    *("https://2130706433", "https://localhost", HOST.replace("c", "\u0441"), HOST.replace("k", "\u212a")),
    *(HOST.replace("s.net", "\u017f.net"), HOST.replace(".7", "\uff0e7"), HOST.replace(".7", "\u30027")),
    *(HOST.replace("1", "\uff11"), HOST.replace("1234567890123456", "0"), HOST.replace("1234567890123456", "1" * 40)),
    *(HOST.replace(".7.", ".777."), HOST.replace(".net", ".com")),
    HOST.replace("azuredatabricks.net", "databricks.azure.cn"),
)
"""Hosts that look like an Azure Databricks workspace but are not one."""

_blank = st.sampled_from(
    [f" {CANARY}", f"{CANARY} ", f"{CANARY}\n", f"{CANARY}\x00", f"{CANARY}\ud800", "", f"{CANARY}\x1b"]
)
_long = st.just(CANARY * 300)
_wrong = _blank | _long | nested | not_texts
BROKEN_DATABRICKS: dict[str, st.SearchStrategy[Any]] = {
    "domain": _wrong | st.sampled_from(LOOKALIKES),
    "accessToken": _wrong | st.sampled_from([f"eyJ{CANARY}", f"{CANARY}é", f"Bearer {CANARY}"]),
    "clusterId": _wrong,
    "database": _wrong,
    "catalog": _wrong,
}
BROKEN_ADOBE = {name: _wrong | st.just(f"{CANARY}é") for name in ADOBE}
REQUIRED = {"domain", "accessToken", "clusterId", "database"}


def refused_databricks(secret: dict[str, Any]) -> SecretInvalid:
    with pytest.raises(SecretInvalid) as refused:
        read_secret("aep/dev/databricks/sales", secret, {})
    return refused.value


def shows_a_value(refusal: SecretInvalid) -> bool:
    return CANARY in str(refusal) + repr(refusal) + repr(vars(refusal)) or not str(refusal).isprintable()


@pytest.mark.parametrize("domain", LOOKALIKES)
def test_a_host_that_only_looks_like_a_workspace_gets_no_token(domain: str) -> None:
    refusal = refused_databricks(DATABRICKS | {"domain": domain})

    assert [fault.field for fault in refusal.faults] == ["domain"]
    assert domain.strip() not in str(refusal).replace("https://adb-<workspace id>.<n>.azuredatabricks.net", "")


@MANY
@given(
    st.text(max_size=30)
    | st.builds(lambda at, what: HOST[:at] + what + HOST[at:], st.integers(0, len(HOST)), st.text(max_size=4))
)
def test_every_accepted_domain_is_exactly_one_workspace(text: str) -> None:
    domain = normalised_domain(text)

    assert domain is None or re.fullmatch(r"https://adb-[1-9][0-9]{4,18}\.[0-9]{1,2}\.azuredatabricks\.net", domain)


@MANY
@given(st.fixed_dictionaries({}, optional=BROKEN_DATABRICKS).filter(bool), st.sets(st.sampled_from(sorted(REQUIRED))))
def test_a_databricks_secret_is_refused_by_exactly_its_broken_fields(wrong: dict[str, Any], missing: set[str]) -> None:
    secret = {name: value for name, value in (DATABRICKS | wrong).items() if name not in missing}

    refusal = refused_databricks(secret) if (missing | set(wrong)) else None

    assert refusal is not None
    assert {fault.field for fault in refusal.faults} == missing | set(wrong)
    assert not shows_a_value(refusal)


@MANY
@given(
    st.fixed_dictionaries({}, optional=BROKEN_ADOBE), st.sets(st.sampled_from(["clientId", "clientSecret", "orgId"]))
)
def test_an_adobe_secret_is_refused_by_exactly_its_broken_fields(wrong: dict[str, Any], missing: set[str]) -> None:
    secret = {name: value for name, value in (ADOBE | wrong).items() if name not in missing}
    faulty = missing | set(wrong)
    if not faulty:
        read_credentials("adobe", Secret(arn="arn", version_id="v1", created_at=0.0, values=secret))
        return

    with pytest.raises(SecretInvalid) as refused:
        read_credentials("adobe", Secret(arn="arn", version_id="v1", created_at=0.0, values=secret))

    assert {fault.field for fault in refused.value.faults} == faulty
    assert not shows_a_value(refused.value)


@MANY
@given(st.dictionaries(st.sampled_from([*DATABRICKS, "workspaceUrl", "token", "x"]), json_values | nested))
def test_any_json_object_as_a_databricks_secret_is_refused(secret: dict[str, Any]) -> None:
    refusal = refused_databricks(secret)

    assert refusal.faults
    assert str(refusal).isprintable()


@MANY
@given(
    st.dictionaries(st.sampled_from([*ADOBE, "CLIENT_ID", "CLIENT_SECRETS", "ORG_ID", "SCOPES"]), json_values | nested)
)
def test_any_json_object_as_an_adobe_secret_is_a_credential_for_a_header_or_refused(secret: dict[str, Any]) -> None:
    refusal: SecretInvalid | None = None
    try:
        read = read_credentials("adobe", Secret(arn="arn", version_id="v1", created_at=0.0, values=secret))
    except SecretInvalid as error:
        refusal = error

    if refusal is None:
        values = (read.client_id, read.client_secret, read.org_id, read.scopes)
        assert all(value.isascii() and value.isprintable() and " " not in value for value in values)
    else:
        assert refusal.faults
        assert str(refusal).isprintable()
