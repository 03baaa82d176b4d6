"""The local gateway turns calls into events and results into responses, as API Gateway does for an HTTP API."""

from __future__ import annotations

import base64
import json
import socket
import threading
from typing import Any

import pytest
import requests

from local.aws.invocation import FunctionFailed
from local.aws.template import Template, translated
from local.gateway.http_api import HttpApi
from tests.support.gateways import Front, front
from tests.support.templates import ARN

INTERNAL = (500, {"message": "Internal Server Error"})


# ---------------------------------------------------------------- events


def test_an_event_has_the_fields_of_payload_format_2_0(api: Front) -> None:
    event = api.event(
        "PUT", "/connections/dev/sales?dry=1", '{"a": 1}', Content_Type="application/json", User_Agent="test"
    )

    assert {name: value for name, value in event.items() if name not in ("headers", "requestContext")} == {
        "version": "2.0",
        "routeKey": "PUT /connections/{sandbox}/{name}",
        "rawPath": "/connections/dev/sales",
        "rawQueryString": "dry=1",
        "queryStringParameters": {"dry": "1"},
        "pathParameters": {"sandbox": "dev", "name": "sales"},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_the_context_of_an_event_has_its_caller_route_host_and_time() -> None:
    with front(now=lambda: 1_764_088_205.25) as api:
        context = api.event("GET", "/connections/dev/sales", User_Agent="test/1")["requestContext"]

    host = api.url.removeprefix("http://")
    assert len(context.pop("requestId")) == 16
    assert context.pop("authorizer")
    assert context == {
        "accountId": "123456789012",
        "apiId": "Api",
        "domainName": host,
        "domainPrefix": "localhost",
        "http": {
            "method": "GET",
            "path": "/connections/dev/sales",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "test/1",
        },
        "routeKey": "GET /connections/{sandbox}/{name}",
        "stage": "$default",
        "time": "25/Nov/2025:16:30:05 +0000",
        "timeEpoch": 1_764_088_205_250,
    }


def test_the_id_of_a_call_is_sent_to_the_function_and_to_the_caller(api: Front) -> None:
    response, _ = api.call("GET", "/connections")
    api.call("GET", "/connections")

    ids = [event["requestContext"]["requestId"] for event in api.events]
    assert response.getheader("Apigw-Requestid") == ids[0] != ids[1]


def test_fields_that_a_call_does_not_have_are_not_in_its_event(api: Front) -> None:
    event = api.event("GET", "/connections")

    assert not {"body", "cookies", "pathParameters", "queryStringParameters", "stageVariables"} & set(event)
    assert event["rawQueryString"] == ""


def test_headers_are_lower_case_and_cookies_are_separate(api: Front) -> None:
    event = api.event("GET", "/connections", If_Match='"1"', Cookie="a=1; b=2")

    assert event["headers"]["if-match"] == '"1"'
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["x-forwarded-proto"] == "http"


def test_repeated_headers_and_query_parameters_are_joined_by_commas(api: Front) -> None:
    raw(api, "GET / HTTP/1.1", "Host: x", "Prefer: wait=20", "Prefer: respond-async", "Connection: close")
    said_twice = api.events[-1]["headers"]["prefer"]
    asked_twice = api.event("GET", "/connections?sandbox=a&sandbox=b&limit=&q=a+b%2Bc")

    assert said_twice == "wait=20,respond-async"
    assert asked_twice["queryStringParameters"] == {"sandbox": "a,b", "limit": "", "q": "a b+c"}
    assert asked_twice["rawQueryString"] == "sandbox=a&sandbox=b&limit=&q=a+b%2Bc"


def raw(api: Front, *lines: str) -> bytes:
    """The raw response to exactly these request lines."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        pieces = iter(lambda: connection.recv(1 << 16), b"")
        return b"".join(pieces)


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("application/json; charset=utf-8", '{"ü": 1}', True),
        ("application/problem+json", "{}", True),
        ("text/csv", "a,b", True),
        ("application/x-www-form-urlencoded", '{"a": 1}', False),  # curl -d without a content type
        ("application/octet-stream", "x", False),
    ],
)
def test_a_body_of_text_comes_as_text_and_any_other_as_base64(api: Front, kind: str, body: str, text: bool) -> None:
    event = api.event("POST", "/connections", body.encode(), Content_Type=kind)

    got = event["body"] if text else base64.b64decode(event["body"]).decode()
    assert (event["isBase64Encoded"], got) == (not text, body)


def test_a_body_in_chunks_is_read_to_its_end(api: Front) -> None:
    requests.put(f"{api.url}/connections/dev/sales", data=iter([b"one", b"two"]), timeout=20)
    requests.get(f"{api.url}/connections", timeout=20)

    assert [event.get("body") for event in api.events] == ["onetwo", None]


# ---------------------------------------------------------------- routes and paths


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/connections", "GET /connections"),
        ("POST", "/connections", "POST /connections"),
        ("DELETE", "/connections/dev/sales", "DELETE /connections/{sandbox}/{name}"),
        ("POST", "/connections/dev/sales/verify", "POST /connections/{sandbox}/{name}/verify"),
        ("GET", "/connections/dev/sales/tables", "GET /connections/{sandbox}/{name}/tables"),
        ("GET", "/connections/dev/sales/tables/a.b", "GET /connections/{sandbox}/{name}/tables/{path}"),
        ("PATCH", "/connections/dev/sales", "$default"),
        ("OPTIONS", "/connections", "$default"),
        ("HEAD", "/connections", "$default"),
        ("GET", "/connections/", "$default"),
        ("GET", "/connections/dev/", "$default"),
        ("GET", "/connections/dev/sales/tables/a/b", "$default"),
        ("GET", "/", "$default"),
    ],
)
def test_a_call_takes_the_route_of_its_method_and_path_or_the_default_route(
    api: Front, method: str, path: str, route: str
) -> None:
    event = api.event(method, path)

    assert (event["routeKey"], event["requestContext"]["routeKey"], event["rawPath"]) == (route, route, path)


@pytest.mark.parametrize(
    ("sent", "got", "variable"),
    [
        ("a%20b", "a b", "a b"),
        ("a%23b", "a#b", "a#b"),
        ("%CE%BB", "λ", "λ"),
        ("a%252Fb", "a/b", "a/b"),
        ("a%253Fb", "a?b", "a?b"),
        ("a%2525b", "a%b", "a%b"),
        ("a%3Fb", "a", "a"),
        ("a%2Fb", "a/b", None),
    ],
)
def test_a_path_is_decoded_as_http_apis_decode_it(api: Front, sent: str, got: str, variable: str | None) -> None:
    event = api.event("GET", f"/connections/dev/sales/tables/{sent}")

    assert event["rawPath"] == f"/connections/dev/sales/tables/{got}"
    assert event.get("pathParameters", {}).get("path") == variable


def test_a_path_that_cannot_be_decoded_twice_is_refused(api: Front) -> None:
    assert api.call_json("GET", "/connections/dev/sales/tables/100%25z") == (400, {"message": "Bad Request"})
    assert api.events == []


def test_an_integration_of_another_kind_is_refused_not_served_wrongly() -> None:
    document = json.loads(json.dumps(translated()))
    document["Resources"]["ApiIntegration"]["Properties"]["PayloadFormatVersion"] = "1.0"

    with pytest.raises(ValueError, match=r"format 2\.0"):
        HttpApi.read(Template(document, {"AdobeSecretArn": ARN}), lambda name, _: name)


# ---------------------------------------------------------------- responses


def test_a_result_in_format_2_0_becomes_the_response(api: Front) -> None:
    api.reply = {
        "statusCode": 202,
        "headers": {"Content-Type": "application/problem+json", "Location": "/connections/dev/sales", "Retry-After": 3},
        "cookies": ["a=1", "b=2"],
        "body": "{}",
        "isBase64Encoded": False,
    }

    response, content = api.call("PUT", "/connections/dev/sales")

    assert (response.status, content) == (202, b"{}")
    assert response.getheader("Content-Type") == "application/problem+json"
    assert (response.getheader("Location"), response.getheader("Retry-After")) == ("/connections/dev/sales", "3")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert response.getheader("Apigw-Requestid")


@pytest.mark.parametrize(
    ("reply", "status", "kind", "body"),
    [
        ({"a": 1}, 200, "application/json", b'{"a": 1}'),
        ("hello", 200, "application/json", b"hello"),
        ({"statusCode": 200, "body": "hello"}, 200, "text/plain;charset=utf-8", b"hello"),
        ({"statusCode": "201"}, 201, None, b""),
        ({"statusCode": 200, "body": "AAE=", "isBase64Encoded": True}, 200, "text/plain;charset=utf-8", b"\0\1"),
        ({"statusCode": 204}, 204, None, b""),
    ],
)
def test_fields_that_a_result_leaves_out_get_default_values(
    api: Front, reply: Any, status: int, kind: str, body: bytes
) -> None:
    api.reply = reply

    response, content = api.call("GET", "/connections")

    assert (response.status, response.getheader("Content-Type"), content) == (status, kind, body)


@pytest.mark.parametrize(
    "reply",
    [
        {"statusCode": "soon"},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        FunctionFailed({"errorType": "X", "errorMessage": "secret words"}),
        RuntimeError("secret words"),
    ],
)
def test_a_function_that_fails_or_breaks_the_format_becomes_a_500_without_details(api: Front, reply: Any) -> None:
    api.reply = reply

    assert api.call_json("GET", "/connections") == INTERNAL


def test_a_function_that_exceeds_the_timeout_of_the_integration_becomes_a_503() -> None:
    ended = threading.Event()

    with front(handler=lambda event, context: ended.wait(20), timeout_seconds=0.05) as api:
        reply = api.call_json("GET", "/connections")
        ended.set()

    assert reply == (503, {"message": "Service Unavailable"})


def test_a_head_call_gets_the_headers_and_no_body(api: Front) -> None:
    response, content = api.call("HEAD", "/connections")

    assert (response.status, response.getheader("Content-Length"), content) == (200, "2", b"")


def test_a_body_beyond_ten_megabytes_is_refused_and_the_connection_stays_open(api: Front) -> None:
    with requests.Session() as session:
        largest = session.post(f"{api.url}/connections", data=b"x" * 10_485_760, timeout=20)
        larger = session.post(f"{api.url}/connections", data=b"x" * 10_485_761, timeout=20)
        chunked = session.post(f"{api.url}/connections", data=iter([b"x" * 6_000_000] * 2), timeout=20)
        after = session.get(f"{api.url}/connections", timeout=20)

    assert [response.status_code for response in (largest, larger, chunked, after)] == [200, 413, 413, 200]
    assert larger.json() == {"message": "Request Too Long"}
