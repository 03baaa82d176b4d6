"""Who calls the HTTP API: AWS signatures (version 4) are verified, tokens are only read."""

from __future__ import annotations

import base64
import calendar
import hashlib
import hmac
import json
import re
import time
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws.account import ACCOUNT, REGION
from local.gateway.http_api import Route
from local.gateway.http_events import Call, Reply, plain

ACCESS_KEY, SECRET_KEY = "local", "local"
CALLER = {
    "iam": {
        "accessKey": ACCESS_KEY,
        "accountId": ACCOUNT,
        "callerId": "AIDALOCAL",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{ACCOUNT}:user/local",
        "userId": "AIDALOCAL",
    }
}
SKEW_SECONDS = 300
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/ ,]+)/(?P<scope>[^ ,]+), *"
    r"SignedHeaders=(?P<headers>[a-z0-9;_-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


def authorized(call: Call, route: Route) -> dict[str, Any] | Reply:
    """The event's `authorizer` for a call, or the gateway's refusal.

    Where a route requires a signature, calls without an Authorization header are accepted too, so that a browser on
    this machine can make them; AWS refuses them. A token's signature is not checked: no issuer runs here.
    """
    given = call.header("authorization")
    if route.authorization == "JWT":
        kind, _, token = given.partition(" ")
        return (
            _token(token.strip(), route) if kind.lower() == "bearer" and token.strip() else plain(401, "Unauthorized")
        )
    if route.authorization == "AWS_IAM":
        return dict(CALLER) if not given or verified(call) else plain(403, "Forbidden")
    return {}


def verified(call: Call) -> bool:
    """Whether a call was just signed for this API with the local credentials, and was not changed afterwards.

    As in AWS, the signed query is sorted by name, and the signed path is encoded twice. botocore does so.
    Older versions of curl sign what they send: give them a query in that order and a path without encoded characters.
    """
    match = _SIGNED.fullmatch(call.header("authorization").strip())
    date = call.header("x-amz-date")
    if match is None or not _is_now(date, call.at):
        return False
    names = match["headers"].split(";")
    if not {"host", "x-amz-date"} <= set(names) or match["key"] != ACCESS_KEY:
        return False
    if match["scope"] != f"{date[:8]}/{REGION}/execute-api/aws4_request":
        return False
    if (claimed := call.header("x-amz-content-sha256")) and claimed != hashlib.sha256(call.body).hexdigest():
        return False
    return hmac.compare_digest(_signature(call, names, date), match["signature"])


class _Signer(SigV4Auth):
    """Signs the headers that a call lists as signed, and no others."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        return request.headers


def _signature(call: Call, names: list[str], date: str) -> str:
    request = AWSRequest(call.method, f"http://{call.header('host')}{call.target}", data=call.body)
    for name in names:
        for given, value in call.headers:
            if given.lower() == name:
                request.headers.add_header(name, value)
    request.context["timestamp"] = date
    signer = _Signer(Credentials(ACCESS_KEY, SECRET_KEY), "execute-api", REGION)
    signature: str = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return signature


def _is_now(date: str, now: float) -> bool:
    try:
        signed_at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return False
    return abs(now - signed_at) <= SKEW_SECONDS


def _token(token: str, route: Route) -> dict[str, Any]:
    """A function's view of a token: its claims as strings, if they are readable."""
    middle = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except ValueError:
        claims = None
    read = claims.items() if isinstance(claims, dict) else ()
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in read}
    return {"jwt": {"claims": texts or {"sub": "local"}, "scopes": list(route.scopes) or None}}
