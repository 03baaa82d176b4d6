"""Calls and replies: a route's view of API Gateway's event (HTTP API, payload 2.0), and the route's reply.

API Gateway has already authorized the caller. A body is read as JSON, whatever its content type.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from aep_connections.api import problems
from aep_connections.api.problems import Problem
from aep_connections.contract.request import MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One call of a route.

    `path` has the variables of the route, decoded. `query` has every value of each parameter. `body` is None if there
    is no body. `seconds_left` returns the time left in the invocation. A route adds fields for the log to `line`.
    """

    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    preference: str
    body: dict[str, Any] | None
    seconds_left: Callable[[], float]
    line: dict[str, Any]

    @classmethod
    def read(cls, event: Mapping[str, Any], context: Any, line: dict[str, Any]) -> HttpCall:
        """The call of an event. Raises Problem for a body that is too large, or is not a JSON object."""
        return cls(
            path=event.get("pathParameters", {}),
            query=parse_qs(event.get("rawQueryString", ""), keep_blank_values=True),
            preference=event.get("headers", {}).get("prefer", ""),
            body=_body(event),
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
            line=line,
        )


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The reply to the caller."""

    status: HTTPStatus
    document: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> HttpReply:
        """The reply for a problem."""
        headers = {"Content-Type": "application/problem+json", **problem.headers}
        return cls(problem.status, problem.document, headers)

    def payload(self) -> dict[str, Any]:
        """The reply in the format of API Gateway."""
        return {
            "statusCode": self.status.value,
            "headers": {"Content-Type": "application/json", "Cache-Control": "no-store", **self.headers},
            "body": json.dumps(self.document),
        }


def _body(event: Mapping[str, Any]) -> dict[str, Any] | None:
    sent = event.get("body") or ""
    if not sent:
        return None
    try:
        raw = base64.b64decode(sent, validate=True) if event.get("isBase64Encoded") else sent.encode()
        if len(raw) > MAX_BYTES:
            raise problems.body_too_large(MAX_BYTES)
        document = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise problems.not_json("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise problems.invalid_request([{"field": "request", "rule": "must be a JSON object"}])
    return document
