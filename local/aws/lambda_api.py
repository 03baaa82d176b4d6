"""Lambda's Invoke in front of moto, which cannot run functions here: it calls a handler by the function's name."""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.aws.invocation import FunctionFailed, Handler, failure, invoke

Wsgi = Callable[[dict[str, Any], Any], Any]
INVOCATION = re.compile(r"/2015-03-31/functions/(?:arn:[^/]+:function:)?([^/:]+)(?::[^/]+)?/invocations")
MAXIMUM_SECONDS = 900.0
"""Lambda's longest timeout. A handler that has its own timeout keeps that."""


def invoking(inner: Wsgi, functions: Mapping[str, Handler], arn: str, queue: Callable[[str, Any], None]) -> Wsgi:
    """Pass invocations to `functions` and all other calls to `inner`. A function's ARN is `arn` and its name.

    The event of an asynchronous invocation goes to `queue`, with the name of its function.
    """

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        match = INVOCATION.fullmatch(environ["PATH_INFO"])
        if match is None or environ["REQUEST_METHOD"] != "POST":
            return inner(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
        handler, queued = functions.get(match[1]), functools.partial(queue, match[1])
        status, content, headers = _replied(handler, f"{arn}{match[1]}", kind, body, queued)
        headers |= {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
        start_response(status, [*headers.items(), ("Content-Length", str(len(content)))])
        return [content]

    return app


def _replied(
    handler: Handler | None, arn: str, kind: str, body: bytes, queue: Callable[[Any], None]
) -> tuple[str, bytes, dict[str, str]]:
    """Status, body and headers of an invocation's reply."""
    if handler is None:
        return _refused("404 Not Found", "ResourceNotFoundException", f"Function not found: {arn}")
    if kind not in ("RequestResponse", "Event"):
        return _refused("400 Bad Request", "InvalidParameterValueException", f"Not supported here: {kind}.")
    try:
        event = json.loads(body or b"{}")
    except ValueError:
        message = "Could not parse request body into json"
        return _refused("400 Bad Request", "InvalidRequestContentException", message)
    if kind == "Event":
        queue(event)
        return "202 Accepted", b"", {}
    headers = {"X-Amz-Executed-Version": "$LATEST"}
    try:
        return "200 OK", json.dumps(invoke(handler, event, MAXIMUM_SECONDS)).encode(), headers
    except FunctionFailed as failed:
        payload = failed.payload
    except Exception as error:  # noqa: BLE001 - Lambda returns every error of a function
        payload = failure(error)
    return "200 OK", json.dumps(payload).encode(), headers | {"X-Amz-Function-Error": "Unhandled"}


def _refused(status: str, kind: str, message: str) -> tuple[str, bytes, dict[str, str]]:
    return status, json.dumps({"Type": "User", "Message": message}).encode(), {"x-amzn-ErrorType": kind}
