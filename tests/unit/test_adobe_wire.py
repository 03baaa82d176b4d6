"""Adobe's responses: every documented form of refusal becomes the right error, and only one means gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_connections.adobe.wire import error_of, means_gone, read_connection, read_etag, wants_new_token
from aep_connections.domain.redaction import Redactor
from aep_connections.http.transport import Reply


def envelope(code: str, status: int, text: str = "text") -> dict[str, Any]:
    return {
        "type": f"https://ns.adobe.com/aep/errors/{code}",
        "title": "t",
        "status": status,
        "report": {"detailed-message": text, "request-id": "req-1"},
        "errorMessage": text,
    }


def flow(code: str) -> dict[str, str]:
    return {"type": f"https://ns.adobe.com/aep/errors/{code}"}


def reply(status: int, body: object, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, envelope("FLOW-1100-400", 400, "Error from flow provider: Rest call failed"), "DatabricksRefused"),
        (
            400,
            envelope("FLOW-1100-400", 400, "Error from flow provider: Not entitled to this operation."),
            "NotEntitled",
        ),
        (400, envelope("FLOW-1418-400", 400), "InUse"),
        (400, envelope("FLOW-1447-400", 400), "InUse"),
        (400, envelope("FLOW-1445-400", 400), "AdobeRefused"),
        (400, envelope("CONNECTOR-1300-400", 400), "AdobeRefused"),
        (400, envelope("CONNECTOR-1418-400", 400), "AdobeRefused"),
        (400, envelope("FLOW-1416-400", 400), "Unavailable"),
        (404, envelope("FLOW-2100-404", 404), "SandboxUnknown"),
        (404, envelope("FLOW-2103-404", 404), "SandboxUnknown"),
        (403, envelope("FLOW-2120-403", 403), "AdobeForbidden"),
        (401, envelope("FLOW-2000-401", 401), "AdobeForbidden"),
        (400, envelope("FLOW-2114-400", 400), "AdobeCredentialRejected"),
        (500, envelope("FLOW-1102-500", 500), "Unavailable"),
        (401, {"error_code": 401013, "message": "Oauth token is not valid"}, "AdobeCredentialRejected"),
        (401, {"error_code": "401013", "message": "Oauth token is not valid"}, "AdobeCredentialRejected"),
        (403, {"error_code": "403003", "message": "Api Key is invalid"}, "AdobeCredentialRejected"),
        (403, {"error_code": "403025", "message": "Profile is not valid"}, "AdobeForbidden"),
        (403, {"error_code": "403027", "message": "User region is missing"}, "AdobeForbidden"),
        (429, {"error_code": "429050", "message": "Too many requests"}, "Throttled"),
        (400, {"message": "Please provide a valid spec id"}, "AdobeRefused"),
        (409, {}, "AdobeRefused"),
        (422, {"errorMessage": "x"}, "AdobeRefused"),
        (403, b"<html>Forbidden</html>", "AdobeForbidden"),
        (502, b"<html>Bad gateway</html>", "Unavailable"),
        (200, b"<html>login</html>", "Unavailable"),
        (302, b"", "Unavailable"),
    ],
)
def test_a_refusal_becomes_its_code(status: int, body: object, code: str) -> None:
    assert error_of(reply(status, body), "x", Redactor(), effect=False).code == code


def test_the_message_contains_adobes_words_and_request_id_but_no_secret() -> None:
    secrets = Redactor()
    secrets.remember('da"pi/+=')
    body = envelope("FLOW-1100-400", 400, 'token da"pi/+= or da%22pi%2F%2B%3D or da\\"pi/+= refused')

    error = error_of(reply(400, body), "creating", secrets, effect=True)

    assert error.request_id == "req-1"
    assert "refused" in error.message
    assert "pi/" not in error.message
    assert "%22pi" not in error.message


@pytest.mark.parametrize(
    ("status", "may_have_happened"), [(400, False), (401, False), (429, False), (408, True), (500, True), (201, True)]
)
def test_an_effect_may_have_happened_unless_the_response_refuses_it(status: int, may_have_happened: bool) -> None:
    assert error_of(reply(status, b"?"), "x", Redactor(), effect=True).may_have_happened is may_have_happened


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (404, envelope("FLOW-1439-404", 404), True),
        (404, {"errorMessage": "connections not found with id = [x]"}, True),
        (400, envelope("FLOW-1439-400", 400), False),
        (404, envelope("CONNECTOR-1439-404", 404), False),
        (404, envelope("FLOW-2103-404", 404, "connections not found"), False),
        (404, envelope("FLOW-1101-404", 404), False),
        (404, b"<html>connections not found</html>", False),
        (404, {"error_code": "404000", "message": "connections not found"}, False),
        (404, {}, False),
    ],
)
def test_only_a_refusal_of_this_connection_means_gone(status: int, body: object, gone: bool) -> None:
    assert means_gone(reply(status, body)) is gone


def test_a_rejected_token_is_distinguished_from_other_refusals() -> None:
    assert wants_new_token(reply(401, b""))
    assert wants_new_token(reply(400, envelope("FLOW-2115-400", 400)))
    assert not wants_new_token(reply(400, envelope("FLOW-1100-400", 400)))
    assert not wants_new_token(reply(403, b""))


@pytest.mark.parametrize("item", [None, [], {}, {"id": ""}, {"id": "../x"}, {"id": 7}, {"id": "a b"}])
def test_an_item_without_a_usable_id_is_not_a_connection(item: object) -> None:
    assert read_connection(item) is None


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, flow("FLOW-1104-504"), "Unavailable"),
        (400, flow("FLOW-1457-400"), "Unavailable"),
        (400, flow("FLOW-2106-400"), "SandboxUnknown"),
        (404, flow("FLOW-2107-404"), "Unavailable"),
        (400, flow("FLOW-2118-400"), "AdobeForbidden"),
        (400, flow("FLOW-2121-400"), "AdobeForbidden"),
        (401, flow("FLOW-2000-401"), "AdobeForbidden"),
        (400, flow("1418-400"), "InUse"),
        (403, {"error_code": "403010"}, "AdobeCredentialRejected"),
        (403, {"error_code": "403000"}, "AdobeCredentialRejected"),
        (400, {"error_code": "401013"}, "AdobeCredentialRejected"),
        (400, {"error_code": "403025"}, "AdobeForbidden"),
        (400, {"error_code": 429050}, "Throttled"),
        (401, {}, "AdobeCredentialRejected"),
        (403, {}, "AdobeForbidden"),
        (408, {}, "Unavailable"),
        (429, {}, "Throttled"),
    ],
)
def test_a_refusal_is_recognized_by_its_number_or_its_status_alone(status: int, body: object, code: str) -> None:
    assert error_of(reply(status, body), "x", Redactor(), effect=False).code == code


def test_an_effect_that_timed_out_may_have_happened_whatever_the_body_says() -> None:
    timed_out = reply(408, flow("FLOW-2118-400"))

    assert error_of(timed_out, "x", Redactor(), effect=True).may_have_happened
    assert not error_of(timed_out, "x", Redactor(), effect=False).may_have_happened


def test_a_refusal_contains_its_retry_after_and_its_request_id() -> None:
    error = error_of(reply(429, {}, retry_after="7", x_request_id="r-1"), "x", Redactor(), effect=False)

    assert (error.retry_after, error.request_id) == (7.0, "r-1")


def test_a_page_that_was_not_found_is_not_a_connection_that_is_gone() -> None:
    assert not means_gone(reply(404, {"errorMessage": "The requested resource was not found: connections not found"}))


def test_a_connectors_error_number_does_not_request_a_new_token() -> None:
    assert not wants_new_token(reply(400, flow("CONNECTOR-2114-400")))


def test_an_older_response_has_its_etag_as_version() -> None:
    connection = read_connection({"id": "c-1", "version": '"v1"'})

    assert connection is not None
    assert connection.etag == '"v1"'


@pytest.mark.parametrize("etag", ['"two\nlines"', '"\ud800"', '"é"', " ", '"' + "x" * 1024, 7])
def test_an_etag_that_no_header_can_carry_is_ignored(etag: object) -> None:
    assert read_etag(etag) is None
    assert read_etag('W/"0a-1,2"') == 'W/"0a-1,2"'
