"""The request's rules: every fault is named at once, and none is missed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_connections.contract.request import read_request, readable_key
from aep_connections.domain.errors import InvalidRequest
from aep_connections.domain.model import DesiredState, Key

PREFIX = "aep/{sandbox}/databricks/"
GOOD = {"name": "sales", "sandbox": "dev", "databricksSecretId": "aep/dev/databricks/sales"}


def faults_of(document: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        read_request(document, PREFIX)
    return {fault.field: fault.rule for fault in refused.value.faults}


def test_the_shortest_request_is_filled_with_the_defaults() -> None:
    request = read_request(GOOD, PREFIX)

    assert request.key == Key("dev", "sales")
    assert request.display_name == "sales"
    assert request.description is None
    assert request.desired_state is DesiredState.PRESENT
    assert request.adopt is False
    assert request.overrides == {}


def test_absent_needs_only_name_and_sandbox() -> None:
    assert read_request({"name": "sales", "sandbox": "dev", "desiredState": "absent"}, PREFIX).secret_id is None


def test_null_means_omitted() -> None:
    request = read_request({**GOOD, "displayName": None, "catalog": None}, PREFIX)

    assert request.display_name == "sales"
    assert request.document == GOOD


def test_every_fault_is_named_at_once() -> None:
    faults = faults_of(
        {"name": "-x", "sandbox": "Dev", "colour": 1, "adopt": "yes", "readiness": "maybe", "catalog": ""}
    )

    assert set(faults) == {"name", "sandbox", "colour", "adopt", "readiness", "catalog", "databricksSecretId"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a" * 101),
        ("name", "a/b"),
        ("name", "sales\n"),
        ("name", "sales١"),  # noqa: RUF001
        ("name", 7),
        ("sandbox", "prod\n"),
        ("sandbox", "PROD"),
        ("sandbox", "-dev"),
        ("sandbox", ""),
        ("databricksSecretId", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/dev/databricks/sales-AbCdEf"),
        ("databricksSecretId", "aep/prod/databricks/sales"),
        ("databricksSecretId", "aep/dev/databricks/"),
        ("databricksSecretId", ["aep/dev/databricks/sales"]),
        ("displayName", " sales"),
        ("displayName", "x" * 256),
        ("displayName", "tab\there"),
        ("description", ""),
        ("description", "x" * 1001),
        ("description", "two\nlines"),
        ("description", "\ud800"),
        ("description", "mine [aep-connections 00]"),
        ("desiredState", "gone"),
        ("desiredState", ["present"]),
        ("readiness", True),
        ("adopt", 1),
        ("adopt", "true"),
        ("clusterId", ""),
        ("database", " d"),
        ("domain", "https://adb-1234567890123456.16.azuredatabricks.net"),
        ("accessToken", "dapi00000000000000000000000000000000"),
    ],
)
def test_a_field_that_breaks_its_rule_is_refused(field: str, value: object) -> None:
    assert set(faults_of({**GOOD, field: value})) == {field}


@pytest.mark.parametrize("field", GOOD)
def test_a_required_field_is_required(field: str) -> None:
    assert set(faults_of({name: value for name, value in GOOD.items() if name != field})) == {field}


@pytest.mark.parametrize("document", [None, 1, "text", [], [GOOD]])
def test_a_request_that_is_not_an_object_is_refused(document: object) -> None:
    assert set(faults_of(document)) == {"request"}


def test_a_request_over_16_kib_is_refused() -> None:
    assert "request" in faults_of({**GOOD, "x": "y" * 16_400})


def test_an_unknown_field_is_named_without_its_value() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_request({**GOOD, "pass\nword": "dapi-secret"}, PREFIX)

    assert "dapi-secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_refusal_stays_short_however_many_fields_are_unknown() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_request({**GOOD, **{f"x{number}": 0 for number in range(3_000)}}, PREFIX)

    assert len(refused.value.faults) == 102
    assert str(refused.value.faults[-1]) == "request: has 2900 more unknown fields"


def test_a_request_that_is_nested_too_deeply_is_refused() -> None:
    nested: list[object] = []
    for _ in range(20_000):
        nested = [nested]

    assert {"request", "adopt"} <= faults_of({**GOOD, "adopt": nested}).keys()


def test_the_key_of_a_faulty_request_is_read_as_far_as_possible() -> None:
    assert readable_key({"name": "sales", "sandbox": "NO"}) == (None, "sales")
    assert readable_key({"name": ["sales"], "sandbox": "dev"}) == ("dev", None)
    assert readable_key("sales") == (None, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "displayName", "adopt", "catalog", "x"]), json_values) | json_values)
def test_any_json_is_a_request_or_a_refusal_that_names_a_fault(document: Any) -> None:
    refusal, request = None, None
    try:
        request = read_request(document, PREFIX)
    except InvalidRequest as refused:
        refusal = refused

    if request is None:
        assert refusal is not None
        assert refusal.faults
    else:
        assert readable_key(document) == (request.key.sandbox, request.key.name)


def test_a_request_for_absence_may_not_name_a_secret_outside_the_prefix() -> None:
    document = {"name": "sales", "sandbox": "dev", "desiredState": "absent", "databricksSecretId": "aep/prod/x"}

    with pytest.raises(InvalidRequest) as refused:
        read_request(document, "aep/{sandbox}/databricks/")

    assert [fault.field for fault in refused.value.faults] == ["databricksSecretId"]


def test_a_long_field_name_is_shortened() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_request({"name": "sales", "sandbox": "dev", "desiredState": "absent", "x" * 999: 1}, "aep/")

    assert [fault.field for fault in refused.value.faults] == ["x" * 64]
