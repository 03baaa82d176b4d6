"""The Databricks secret's shapes and which workspace hosts are accepted."""

from __future__ import annotations

import pytest

from aep_connections.domain.errors import SecretInvalid
from aep_connections.sources.databricks.secret import normalised_domain, read_secret

HOST = "https://adb-1234567890123456.16.azuredatabricks.net"
SECRET = {"domain": HOST, "clusterId": "0923-164208-meows279", "accessToken": "dapi-canary", "database": "acme-db"}


@pytest.mark.parametrize(
    "spelling",
    [
        HOST,
        HOST + "/",
        HOST + "/?o=1234567890123456",
        HOST + "?o=1234567890123456",
        HOST.removeprefix("https://"),
        HOST.upper(),
    ],
)
def test_spellings_of_one_workspace_become_one_url(spelling: str) -> None:
    assert normalised_domain(spelling) == HOST


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        HOST.replace("https", "http"),
        HOST + ":443",
        HOST + "/login",
        HOST + "//",
        HOST + "#x",
        HOST + "/?o=1",
        HOST + "\n",
        " " + HOST,
        HOST + "\t/",
        HOST + ".evil.com",
        "https://evil.com/" + HOST,
        "https://user@adb-1234567890123456.16.azuredatabricks.net",
        "https://evil.com?.azuredatabricks.net",
        "https://adb-1234567890123456.16.azuredatabricks.net@evil.com",
        "https://adb-١٢٣٤٥٦.7.azuredatabricks.net",
        "https://adb-dp-1234567890123456.16.azuredatabricks.net",
        "https://westeurope.azuredatabricks.net",
        "https://dbc-a1b2c3.cloud.databricks.com",
        "https://accounts.azuredatabricks.net",
        "https://169.254.169.254",
        "https://adb-1234567890123456.16.azuredatabricksxnet",
    ],
)
def test_any_other_host_is_refused(hostile: str) -> None:
    assert normalised_domain(hostile) is None

    with pytest.raises(SecretInvalid) as refused:
        read_secret("s", {**SECRET, "domain": hostile}, {})

    assert [fault.field for fault in refused.value.faults] == ["domain"]


def test_a_secret_becomes_adobes_params_with_a_separate_token() -> None:
    params = read_secret("s", SECRET, {})

    assert params.whole() == SECRET
    assert "accessToken" not in params.public
    assert "dapi-canary" not in repr(params)


def test_the_request_overrides_cluster_catalog_and_database_only() -> None:
    params = read_secret("s", SECRET, {"clusterId": "1", "catalog": "main", "database": "other"})

    assert params.public == {"domain": HOST, "clusterId": "1", "catalog": "main", "database": "other"}


def test_the_secret_that_aws_manages_is_completed_by_the_request() -> None:
    managed = {"workspaceUrl": HOST, "token": "dapi-canary", "tokenId": "x", "comment": None}

    assert read_secret("s", managed, {"clusterId": "1", "database": "d"}).whole()["accessToken"] == "dapi-canary"


def test_a_refusal_names_every_field_and_the_source_that_lacks_it_but_no_value() -> None:
    with pytest.raises(SecretInvalid) as refused:
        read_secret("aep/x", {"domain": 7, "accessToken": "eyJhbGciOi", "database": ""}, {})

    text = str(refused.value)
    assert {fault.field for fault in refused.value.faults} == {"domain", "accessToken", "database", "clusterId"}
    assert "neither the secret aep/x nor the request has it" in text
    assert "eyJhbGciOi" not in text


@pytest.mark.parametrize("token", ["", "dapi 1", "dapi\n", "Bearer dapi1", "dapié", None, 1])
def test_a_malformed_token_is_refused(token: object) -> None:
    with pytest.raises(SecretInvalid):
        read_secret("s", {**SECRET, "accessToken": token}, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [("accessToken", "x" * 4097), ("clusterId", " 1"), ("database", "two\nlines"), ("catalog", "x" * 256)],
)
def test_a_malformed_field_is_refused(field: str, value: str) -> None:
    with pytest.raises(SecretInvalid) as refused:
        read_secret("s", {**SECRET, field: value}, {})

    assert [fault.field for fault in refused.value.faults] == [field]


def test_our_own_field_counts_before_the_one_that_aws_manages() -> None:
    assert read_secret("s", {**SECRET, "token": "other"}, {}).secret == {"accessToken": "dapi-canary"}
