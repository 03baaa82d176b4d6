"""Secrets: which version is read, what counts as unreadable, and with which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.domain.errors import Fault, SecretInvalid, SecretRefused
from aep_connections.domain.model import Secret
from tests.adapters.sides import Side
from tests.support.canaries import whole_story

MISSING = "there is no such secret"
DELETED = "it is scheduled for deletion or cannot be read now"


def read(side: Side, **stage: str) -> Secret:
    return side.secrets.read(side.secret_id(), **stage)


def put(side: Side, value: Any) -> str:
    return side.put_secret(side.secret_id(), json.dumps(value))


def test_the_current_version_of_a_secret_is_read(side: Side) -> None:
    arn = put(side, {"n": 1})
    first = read(side)
    assert put(side, {"n": 2, "nested": [{"x": "ü"}]}) == arn

    second = read(side)

    assert first.values == {"n": 1}
    assert second.values == {"n": 2, "nested": [{"x": "ü"}]}
    assert first.arn == second.arn == arn
    assert first.version_id != second.version_id
    assert 0 < first.created_at <= second.created_at
    assert "nested" not in repr(second)


def test_the_former_version_is_the_one_before_the_current_one(side: Side) -> None:
    for number in range(3):
        put(side, {"n": number})

    assert read(side, stage="AWSPREVIOUS").values == {"n": 1}
    assert read(side).values == {"n": 2}
    assert read(side, stage="AWSPREVIOUS").version_id != read(side).version_id


def test_a_secret_is_read_by_its_arn_too(side: Side) -> None:
    arn = put(side, {"n": 1})

    assert side.secrets.read(arn) == read(side)


@pytest.mark.parametrize("by", ["name", "arn"])
@pytest.mark.parametrize(
    ("state", "stage", "why"),
    [
        ("missing", "AWSCURRENT", MISSING),
        ("missing", "AWSPREVIOUS", MISSING),
        ("one version", "AWSPREVIOUS", MISSING),
        ("deleted", "AWSCURRENT", DELETED),
        ("deleted", "AWSPREVIOUS", DELETED),
    ],
)
def test_a_secret_that_cannot_be_read_is_refused(side: Side, state: str, stage: str, why: str, by: str) -> None:
    arn = put(side, {}) if state != "missing" else ""
    if state == "deleted":
        put(side, {})
        side.delete_secret(side.secret_id())
    secret_id = arn if by == "arn" and arn else side.secret_id()

    with pytest.raises(SecretRefused) as refused:
        side.secrets.read(secret_id, stage)

    assert refused.value.message == f"The secret {secret_id} cannot be read: {why}."


@pytest.mark.parametrize(
    "text",
    [
        *("not json: canary", '["canary"]', '{"accessToken": "canary"', '"canary"', "7", "null", "true"),
        *(" ", '{"a": 1} canary', "[" * 60_000),
        None,
    ],
    ids=["no JSON", "list", "cut", "text", "number", "null", "true", "blank", "more", "deep", "binary"],
)
def test_a_secret_that_is_not_a_json_object_is_invalid_and_not_quoted(side: Side, text: str | None) -> None:
    side.put_secret(side.secret_id(), text)

    with pytest.raises(SecretInvalid) as refused:
        read(side)

    assert refused.value.message == f"The secret {side.secret_id()} cannot be used."
    assert refused.value.faults == (Fault("secret", "must be a JSON object, stored as text"),)
    assert "canary" not in whole_story(refused.value)


def test_the_current_versions_of_many_secrets_are_named(side: Side) -> None:
    names = [side.secret_id(f"n{number}") for number in range(4)]
    for name in names[:3]:
        side.put_secret(name, "{}")
    side.put_secret(names[0], "no json")
    side.delete_secret(names[1])

    found = side.secrets.current_versions(names)

    assert list(found) == names
    assert found[names[1]] is None
    assert found[names[3]] is None
    assert found[names[2]] == side.secrets.read(names[2]).version_id
    side.put_secret(names[0], "{}")
    assert found[names[0]] != side.secrets.read(names[0]).version_id
    assert side.secrets.current_versions(names[:1]) == {names[0]: side.secrets.read(names[0]).version_id}
    assert side.secrets.current_versions([]) == {}
