"""Which calls the local gateway accepts, and how many: it checks AWS signatures, accepts any token, and throttles."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws.template import Template
from tests.support.gateways import Front, front
from tests.support.templates import ARN, BARE, FULL

FORBIDDEN = (403, {"message": "Forbidden"})


def signed(
    method: str, url: str, body: bytes = b"", *, credentials: Any = None, service: str = "execute-api", **more: str
) -> AWSRequest:
    """A request that botocore has signed."""
    request = AWSRequest(method, url, {name.replace("_", "-"): value for name, value in more.items()}, body)
    region = "us-east-1" if service == "elsewhere" else "eu-west-1"
    service = "execute-api" if service == "elsewhere" else service
    SigV4Auth(credentials or Credentials("local", "local"), service, region).add_auth(request)
    return request


def send(request: AWSRequest, **changed: Any) -> tuple[int, Any]:
    """Status and body of the response, with parts of the request changed after it was signed."""
    prepared = request.prepare()
    sent = {"method": prepared.method, "url": prepared.url, "data": prepared.body, "headers": dict(prepared.headers)}
    sent["headers"] |= changed.pop("headers", {})
    response = requests.request(**(sent | changed), timeout=20)
    return response.status_code, response.json() if response.status_code != 200 else response.text


# ---------------------------------------------------------------- signatures


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/connections", b""),
        ("GET", "/connections?sandbox=dev&limit=2&cursor=a%2Fb%3D", b""),
        ("PUT", "/connections/dev/sales", '{"description": "Zürich"}'.encode()),
        ("GET", "/connections/dev/sales/tables/a%20b", b""),
        ("DELETE", "/connections/dev/sales", b""),
    ],
)
def test_a_call_that_botocore_signed_is_accepted(api: Front, method: str, target: str, body: bytes) -> None:
    request = signed(method, api.url + target, body, Content_Type="application/json", Prefer="wait=1")

    assert send(request) == (200, "ok")
    assert api.events[-1]["requestContext"]["authorizer"]["iam"]["accessKey"] == "local"


def test_a_session_token_is_part_of_the_signature(api: Front) -> None:
    request = signed("GET", f"{api.url}/connections", credentials=Credentials("local", "local", "token"))

    assert send(request) == (200, "ok")
    assert send(request, headers={"X-Amz-Security-Token": "other"}) == FORBIDDEN


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "DELETE"},
        {"data": b"{}"},
        {"headers": {"Prefer": "wait=20"}},
        {"headers": {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}},
        {"headers": {"X-Amz-Date": "20200101T000000Z"}},
        {"headers": {"X-Amz-Date": "yesterday"}},
        {"headers": {"Authorization": "AWS4-HMAC-SHA256 nonsense"}},
        {"headers": {"Authorization": "Bearer token"}},
    ],
    ids=str,
)
def test_a_call_that_was_changed_after_it_was_signed_is_refused(api: Front, changed: dict[str, Any]) -> None:
    request = signed("PUT", f"{api.url}/connections/dev/sales", b'{"a": 1}', Prefer="wait=1")

    assert send(request, **changed) == FORBIDDEN
    assert api.events == []


def test_a_signature_for_another_path_or_query_is_refused(api: Front) -> None:
    request = signed("GET", f"{api.url}/connections?limit=1")

    assert send(request, url=f"{api.url}/connections?limit=2") == FORBIDDEN
    assert send(request, url=f"{api.url}/other?limit=1") == FORBIDDEN


@pytest.mark.parametrize(
    ("credentials", "service"),
    [
        (Credentials("local", "wrong"), "execute-api"),
        (Credentials("someone", "local"), "execute-api"),
        (None, "lambda"),
        (None, "elsewhere"),
    ],
    ids=["secret", "access key", "service", "region"],
)
def test_a_signature_with_another_secret_key_service_or_region_is_refused(
    api: Front, credentials: Any, service: str
) -> None:
    request = signed("GET", f"{api.url}/connections", credentials=credentials, service=service)

    assert send(request) == FORBIDDEN


@pytest.mark.parametrize(("seconds", "is_let_in"), [(-290, True), (290, True), (-310, False), (310, False)])
def test_a_signature_is_valid_for_five_minutes(seconds: float, is_let_in: bool) -> None:
    with front(now=lambda: time.time() + seconds) as api:
        status, _ = send(signed("GET", f"{api.url}/connections"))

    assert (status == 200) is is_let_in


def test_a_signature_must_cover_host_and_date(api: Front) -> None:
    request = signed("GET", f"{api.url}/connections")
    less = request.headers["Authorization"].replace("SignedHeaders=host;x-amz-date", "SignedHeaders=host")

    assert send(request, headers={"Authorization": less}) == FORBIDDEN


def test_a_call_without_a_signature_is_accepted_here_as_the_local_user(api: Front) -> None:
    event = api.event("GET", "/connections")

    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::123456789012:user/local"


@pytest.mark.parametrize(
    "arguments",
    [
        ["/connections"],
        ["/connections?limit=2&sandbox=dev"],
        ["/connections?cursor=a%2Fb"],
        ["/connections/dev/lakehouse", "-X", "PUT", "-H", "Prefer: wait=20", "-d", '{"databricksSecretId": "a/b"}'],
        ["/connections", "-H", "Content-Type: application/json", "-H", "Idempotency-Key: k", "-d", "{}"],
        ["/connections/dev/lakehouse", "-X", "DELETE", "-H", "X-Amz-Security-Token: token"],
    ],
    ids=" ".join,
)
def test_a_call_that_curl_signed_is_accepted(api: Front, arguments: list[str]) -> None:
    path, *rest = arguments

    assert curl(api, "local:local", path, *rest) == (200, "ok")
    assert api.events[-1]["headers"]["authorization"].startswith("AWS4-HMAC-SHA256 ")


def test_a_call_that_curl_signed_with_another_secret_is_refused(api: Front) -> None:
    status, body = curl(api, "local:wrong", "/connections")

    assert (status, json.loads(body)) == FORBIDDEN


def curl(api: Front, user: str, path: str, *arguments: str) -> tuple[int, str]:
    """Status and body of a call that curl signs."""
    command = ["curl", "--silent", "--write-out", "\n%{http_code}", "--aws-sigv4", "aws:amz:eu-west-1:execute-api"]
    run = subprocess.run(
        [*command, "--user", user, api.url + path, *arguments], capture_output=True, text=True, check=True
    )
    body, _, status = run.stdout.rpartition("\n")
    return int(status), body


# ---------------------------------------------------------------- tokens


def token(**claims: Any) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts] + ["signature"])


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic bG9jYWw6bG9jYWw="}])
def test_an_api_that_requires_tokens_refuses_a_call_without_one(headers: dict[str, str]) -> None:
    with front(FULL) as api:
        assert api.call_json("GET", "/connections", headers=headers) == (401, {"message": "Unauthorized"})
        assert api.events == []


def test_the_claims_of_a_token_are_strings_in_the_event() -> None:
    with front(FULL) as api:
        event = api.event("GET", "/connections", Authorization=f"Bearer {token(sub='me', exp=1, aud=['a', 'b'])}")

    assert event["requestContext"]["authorizer"] == {
        "jwt": {"claims": {"sub": "me", "exp": "1", "aud": '["a", "b"]'}, "scopes": ["connections/use"]}
    }


@pytest.mark.parametrize("given", ["opaque", "a.b.c", token(), "a.MQ.c"])
def test_any_token_is_accepted_even_one_that_cannot_be_read(given: str) -> None:
    template = Template.load({"AdobeSecretArn": ARN, "ApiJwtIssuer": "https://a.example", "ApiJwtAudience": "a"})

    with front(template) as api:
        event = api.event("GET", "/connections", Authorization=f"Bearer {given}")

    assert event["requestContext"]["authorizer"] == {"jwt": {"claims": {"sub": "local"}, "scopes": None}}


# ---------------------------------------------------------------- throttling


def statuses(api: Front, number: int, method: str = "GET", path: str = "/connections") -> list[int]:
    return [api.call(method, path)[0].status for _ in range(number)]


@pytest.mark.parametrize(
    ("method", "path", "burst", "rate"),
    [
        ("GET", "/connections", 40, 20),
        ("PUT", "/connections/dev/sales", 10, 5),
        ("DELETE", "/connections/dev/sales", 10, 5),
        ("POST", "/connections", 10, 5),
    ],
)
def test_a_route_accepts_its_burst_at_once_and_then_its_rate(method: str, path: str, burst: int, rate: int) -> None:
    clock = [1_764_088_205.0]

    with front(BARE, lambda: clock[0]) as api:
        at_once = statuses(api, burst + 1, method, path)
        clock[0] += 1
        a_second_later = statuses(api, rate + 1, method, path)

    assert at_once == [200] * burst + [429]
    assert a_second_later == [200] * rate + [429]


def test_a_throttled_call_gets_a_429_and_does_not_reach_the_function() -> None:
    with front(now=lambda: 0.0) as api:
        statuses(api, 10, "POST")
        reply = api.call_json("POST", "/connections")

    assert reply == (429, {"message": "Too Many Requests"})
    assert len(api.events) == 10


def test_each_route_has_its_own_bucket_whatever_its_path_variables_are() -> None:
    with front(now=lambda: 0.0) as api:
        of_two_names = statuses(api, 6, "PUT", "/connections/dev/a") + statuses(api, 6, "PUT", "/connections/dev/b")
        of_another_route = statuses(api, 1, "DELETE", "/connections/dev/a")

    assert of_two_names == [200] * 10 + [429] * 2
    assert of_another_route == [200]


def test_a_bucket_holds_no_more_than_its_burst_however_long_it_is_idle() -> None:
    clock = [0.0]

    with front(BARE, lambda: clock[0]) as api:
        clock[0] += 3600
        later = statuses(api, 11, "POST")

    assert later == [200] * 10 + [429]
