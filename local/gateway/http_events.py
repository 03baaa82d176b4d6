"""Converts HTTP calls into the events of a function, and its results into HTTP replies (payload format 2.0).

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from local.aws.account import ACCOUNT

TEXT = re.compile(r"text/.*|application/(json|javascript|xml|[\w.+-]+\+(json|xml))")
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade",
}  # fmt: skip


def request_id() -> str:
    """An id in the form of API Gateway's request ids."""
    return base64.b64encode(secrets.token_bytes(11)).decode()


@dataclass(frozen=True, slots=True)
class Call:
    """A call. `target` is its path and query as they were sent; `headers` may repeat a name."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    at: float
    id: str = field(default_factory=request_id)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """The values of a header, joined by commas; empty if the call has no such header."""
        return ",".join(value for given, value in self.headers if given.lower() == name)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; `headers` may repeat a name."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def plain(status: int, message: str) -> Reply:
    """A reply of the gateway itself."""
    return Reply(status, (("Content-Type", "application/json"),), json.dumps({"message": message}).encode())


def event_of(
    call: Call, api_id: str, route_key: str, path: str, variables: Mapping[str, str], authorizer: Mapping[str, Any]
) -> dict[str, Any]:
    """The function's event for a call; `path` is decoded."""
    headers, moment = _joined((name.lower(), value) for name, value in call.headers), time.gmtime(call.at)
    cookies = [cookie for name, value in call.headers if name.lower() == "cookie" for cookie in value.split("; ")]
    host = headers.get("host", "localhost")
    headers |= {
        "x-amzn-trace-id": f"Root=1-{int(call.at):08x}-{secrets.token_hex(12)}",
        "x-forwarded-for": ", ".join(filter(None, (headers.get("x-forwarded-for"), call.source_ip))),
        "x-forwarded-port": host.rpartition(":")[2] if ":" in host else "80",
        "x-forwarded-proto": "http",
    }
    body, is_base64 = _body(call)
    optional = {
        "cookies": cookies,
        "queryStringParameters": _joined(parse_qsl(call.query, keep_blank_values=True)),
        "pathParameters": dict(variables),
        "body": body,
    }
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": call.query,
        "headers": {name: value for name, value in headers.items() if name not in {*HOP_BY_HOP, "cookie"}},
        **{name: value for name, value in optional.items() if value},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api_id,
            **({"authorizer": dict(authorizer)} if authorizer else {}),
            "domainName": host,
            "domainPrefix": host.partition(".")[0].partition(":")[0],
            "http": {
                "method": call.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": call.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": call.id,
            "routeKey": route_key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", moment),
            "timeEpoch": round(call.at * 1000),
        },
        "isBase64Encoded": is_base64,
    }


def reply_of(result: Any) -> Reply:
    """The reply for a function's result. Raises ValueError if the result is not in the format."""
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else json.dumps(result)
        return Reply(200, (("Content-Type", "application/json"),), text.encode())
    try:
        status, body = int(result["statusCode"]), result.get("body") or ""
        given = [(str(name), str(value)) for name, value in (result.get("headers") or {}).items()]
        cookies = [("Set-Cookie", str(cookie)) for cookie in result.get("cookies") or ()]
        content = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    except (AttributeError, TypeError) as error:
        raise ValueError("The function's result is not in format 2.0.") from error
    if not 100 <= status <= 599:
        raise ValueError("The function's result has no valid HTTP status.")
    headers = [(n, v) for n, v in given if n.lower() not in {*HOP_BY_HOP, "content-length"}]
    if content and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain;charset=utf-8"))
    return Reply(status, (*headers, *cookies), content)


def _joined(pairs: Any) -> dict[str, str]:
    """One value for each name; repeated values are joined by commas."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _body(call: Call) -> tuple[str, bool]:
    """The body as text, and whether the text is Base64."""
    kind = call.header("content-type").partition(";")[0].strip().lower()
    if not kind or TEXT.fullmatch(kind):
        try:
            return call.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(call.body).decode(), bool(call.body)
