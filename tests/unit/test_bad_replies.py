"""Responses of Adobe and IMS with arbitrary content: each is understood, or becomes an error of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_connections.adobe.wire import error_of, means_gone, read_connection, refusal_of, request_id_of, wants_new_token
from aep_connections.domain.model import mark_of, usable_id
from aep_connections.domain.redaction import Redactor
from aep_connections.http.transport import Reply
from tests.support.hostile import MANY, NASTY_TEXTS, json_values, nested, not_texts, texts

pytestmark = pytest.mark.slow

CONNECTION = {
    "id": "c-1", "name": "sales", "description": "x [aep-connections 00]", "state": "enabled", "etag": '"e-1"',
    "connectionSpec": {"id": "spec", "version": "1.0"}, "auth": {"specName": "x", "params": {}}, "createdAt": 1,
}  # fmt: skip
TOLD = [
    "type", "title", "status", "report", "error", "error_code", "error_description", "errorMessage", "message", "detail"
]  # fmt: skip
bodies = st.one_of(
    (json_values | nested | st.dictionaries(st.sampled_from(TOLD), json_values | nested)).map(
        lambda document: json.dumps(document).encode()
    ),
    st.fixed_dictionaries({"report": st.dictionaries(st.sampled_from(["detailed-message", "request-id"]), texts)}).map(
        lambda document: json.dumps(document).encode()
    ),
    st.sampled_from(
        [b"", b"<html>" * 999, b"\xff\xfe", b"\xef\xbb\xbf{}", b"NaN", b"[" * 99_999, b"1" * 5_000, b'{"a"']
    ),
    st.binary(max_size=40),
)


@MANY
@given(st.integers(100, 599), bodies, st.booleans())
def test_any_refusal_becomes_an_error_that_can_be_shown(status: int, body: bytes, effect: bool) -> None:
    reply, secrets = Reply(status, {}, body), Redactor()

    error = error_of(reply, "creating connection 'sales'", secrets, effect=effect)

    assert str(error).isprintable()
    assert len(error.message) < 700
    assert error.request_id is None or len(error.request_id) <= 128
    assert wants_new_token(reply) in (True, False)
    assert not means_gone(reply) or status == 404
    assert request_id_of(refusal_of(reply), secrets) is None or error.request_id


@MANY
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(CONNECTION, json_values | nested)) | json_values | nested)
def test_any_item_is_a_connection_of_strings_or_none(changes: Any) -> None:
    connection = read_connection({**CONNECTION, **changes} if isinstance(changes, dict) else changes)

    if connection is None:
        return
    assert usable_id(connection.id)
    assert isinstance(connection.created_at, int)
    assert mark_of(connection) is None or connection.description
    for text in (connection.etag, connection.name, connection.description, connection.spec_id, connection.state):
        assert text is None or isinstance(text, str)


@pytest.mark.parametrize("field", ["id", "name", "description", "state"])
@MANY
@given(value=not_texts)
def test_an_item_whose_identity_cannot_be_read_is_none(field: str, value: Any) -> None:
    assert read_connection(CONNECTION | {field: value}) is None


@pytest.mark.parametrize("etag", [*filter(None, NASTY_TEXTS), 7, ["e"], {"e": 1}, '"é"', '"' + "x" * 1024])
def test_an_etag_that_no_header_can_carry_is_none(etag: object) -> None:
    connection = read_connection(CONNECTION | {"etag": etag})

    assert connection is not None
    assert connection.etag is None


@MANY
@given(st.text(max_size=40) | st.from_regex(r"\w{3}, [0-9]{1,3} \w{3} [0-9]{1,6} [0-9:]{1,12} [A-Z+0-9-]{1,6}"))
def test_an_invalid_retry_after_is_ignored(text: str) -> None:
    seconds = Reply(503, {"retry-after": text}, b"").retry_after

    assert seconds is None or seconds >= 0


@MANY
@given(texts)
def test_any_text_that_adobe_shows_as_a_secret_can_be_redacted(value: str) -> None:
    secrets = Redactor()
    secrets.remember(value)

    assert value in "<[redacted]>" or value not in secrets.redact(f"<{value}>")
