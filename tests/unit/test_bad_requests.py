"""Requests with every kind of fault: the refusal names exactly the faults, and invalid input does no harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_connections.contract.request import read_request, readable_key
from aep_connections.domain.errors import InvalidRequest
from tests.support.hostile import MANY, NASTY_TEXTS, json_values, nested, not_texts

pytestmark = pytest.mark.slow

PREFIX = "aep/{sandbox}/databricks/"
REQUIRED = {"name": "sales", "sandbox": "dev", "databricksSecretId": "aep/dev/databricks/sales"}
WHOLE = REQUIRED | {
    "displayName": "Sales of Zoë", "description": "for the team", "clusterId": "0923-164208-meows279",
    "catalog": "main", "database": "acme_db", "desiredState": "present", "readiness": "check", "adopt": True,
}  # fmt: skip
OPTIONAL = sorted(set(WHOLE) - set(REQUIRED))

_nasty = st.sampled_from(NASTY_TEXTS) | nested
_no_text = _nasty | not_texts
BROKEN: dict[str, st.SearchStrategy[Any]] = {
    "name": _no_text | st.sampled_from(["-x", "a/b", "a" * 101, "sales\n", "s\u0430les"]),
    "sandbox": _no_text | st.sampled_from(["Dev", "-dev", "d" * 257, "dev\n", "d.v"]),
    "databricksSecretId": _no_text
    | st.sampled_from(
        ["aep/dev/databricks/é", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aep/dev/databricks/x-AbCdEf"]
    ),
    "displayName": _no_text,
    "description": _no_text | st.just("mine [aep-connections 00]"),
    "clusterId": _no_text,
    "catalog": _no_text,
    "database": _no_text,
    "desiredState": _no_text | st.sampled_from(["Present", "gone"]),
    "readiness": _no_text | st.sampled_from(["CHECK", "on"]),
    "adopt": _nasty | st.integers() | st.sampled_from(["true", "false"]),
}  # fmt: skip
UNKNOWN = ["accessToken", "domain", "Name", "sand box", "recheck", "tf", "x"]
"""Fields that no request has."""

broken = st.fixed_dictionaries({}, optional={**BROKEN, **dict.fromkeys(UNKNOWN, not_texts | st.just("x"))})


def faults_of(document: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refused:
        read_request(document, PREFIX)
    return [(fault.field, fault.rule) for fault in refused.value.faults]


@MANY
@given(st.sets(st.sampled_from(OPTIONAL)), broken, st.sets(st.sampled_from(sorted(REQUIRED))), st.booleans())
def test_a_refusal_names_exactly_the_fields_that_are_broken_or_missing(
    kept: set[str], wrong: dict[str, Any], missing: set[str], as_null: bool
) -> None:
    good = {name: value for name, value in WHOLE.items() if name in REQUIRED or name in kept}
    document = good | wrong | dict.fromkeys(missing)
    if not as_null:
        document = {name: value for name, value in document.items() if name not in missing}
    if not wrong and not missing:
        assert read_request(document, PREFIX)
        return

    faults = faults_of(document)

    size = len(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    too_long = {"request"} if size > 16 * 1024 else set()
    assert {field for field, _ in faults} - too_long == set(wrong) | missing
    assert all(rule for _, rule in faults)


@MANY
@given(st.sets(st.sampled_from(OPTIONAL)))
def test_any_set_of_valid_fields_is_a_request(kept: set[str]) -> None:
    document = {name: value for name, value in WHOLE.items() if name in REQUIRED or name in kept}

    assert read_request(document, PREFIX).document == document


@MANY
@given(json_values | nested | st.dictionaries(st.sampled_from(list(WHOLE)), json_values))
def test_any_json_is_refused_with_a_message_that_can_be_shown_anywhere(document: Any) -> None:
    faults = faults_of(document)

    text = "".join(field + rule for field, rule in faults)
    assert faults
    assert text.isprintable()
    assert len(text) < 100_000
    readable_key(document)


@MANY
@given(broken.filter(bool))
def test_a_refusal_repeats_no_value(wrong: dict[str, Any]) -> None:
    document = WHOLE | {name: ["canary-value"] for name in wrong}

    assert "canary-value" not in str(faults_of(document))
