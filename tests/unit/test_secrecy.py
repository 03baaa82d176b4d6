"""Secrets are redacted in messages of others, and the objects that hold secrets do not show them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from aep_connections.domain.model import (
    AuthParams,
    Connection,
    Secret,
)
from aep_connections.domain.redaction import Redactor
from aep_connections.http.transport import Call, Reply
from tests.support.canaries import found

VALUE = "Ümlaut +/?~>\"'\\end?>~"


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE, safe="").lower(),
        quote(VALUE),
        quote_plus(VALUE),
        quote_plus(VALUE, safe="/").lower(),
        repr(VALUE)[1:-1],
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(VALUE.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)
def test_every_form_in_which_a_service_may_echo_a_secret_is_redacted(form: str) -> None:
    secrets = Redactor()
    secrets.remember(VALUE)

    assert secrets.printable(f"bad token <{form}> given") == "bad token <[redacted]> given"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u", "u:", "user:"])
def test_a_secret_inside_a_longer_base64_text_is_redacted(before: str, encode: Callable[[bytes], bytes]) -> None:
    secrets = Redactor()
    secrets.remember(VALUE)
    echoed = encode(f"{before}{VALUE}:and more".encode()).decode()

    struck = secrets.redact(f"Authorization: Basic {echoed}")

    assert "[redacted]" in struck
    assert found({"header": struck}, [VALUE]) == []


def test_a_short_secret_redacts_no_part_of_other_words() -> None:
    secrets = Redactor()
    secrets.remember("abc")

    assert secrets.redact("YWJ and FiYw are words") == "YWJ and FiYw are words"


def test_a_secret_that_contains_another_is_redacted_completely() -> None:
    secrets = Redactor()
    for value in ("abc", "abc-and-more", ""):
        secrets.remember(value)

    assert secrets.redact("abc-and-more, abc") == "[redacted], [redacted]"


def test_a_secret_with_half_a_character_is_redacted_too() -> None:
    secrets = Redactor()
    secrets.remember("half\ud83d-token")

    assert secrets.redact("<half\ud83d-token> <half%ED%A0%BD-token>") == "<[redacted]> <[redacted]>"


def test_text_of_others_is_redacted_before_it_is_shortened_or_made_printable() -> None:
    secrets = Redactor()
    secrets.remember("canary\tvalue")

    assert secrets.printable("canary\tvalue and more", 12) == "[redacted] …"
    assert secrets.printable("x" * 1000, 500) == "x" * 499 + "…"
    assert secrets.printable("two\nlines") == "two lines"


@pytest.mark.parametrize(
    "holder",
    [
        Secret(arn="arn", version_id="v1", created_at=0.0, values={"accessToken": "canary"}),
        AuthParams({}, {"accessToken": "canary"}),
        Connection(
            id="id",
            etag=None,
            name=None,
            description=None,
            spec_id=None,
            state=None,
            created_at=0,
            params={"accessToken": "canary"},
        ),
        Call(
            service="Adobe",
            method="GET",
            url="https://x.example",
            headers={"Authorization": "Bearer canary"},
            body=b"canary",
        ),
        Reply(200, {"x": "canary"}, b"canary"),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_what_holds_a_secret_does_not_show_it(holder: object) -> None:
    assert "canary" not in repr(holder)
