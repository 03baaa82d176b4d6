"""Lambda's Invoke before moto, which cannot run functions here: handlers answer, each by the name of its function."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.invocation import FunctionFailed, Handler, failure, invoke

Wsgi = Callable[[dict[str, Any], Any], Any]
INVOCATION = re.compile(r"/2015-03-31/functions/(?:arn:[^/]+:function:)?([^/:]+)(?::[^/]+)?/invocations")
MAXIMUM_SECONDS = 900.0
"""The longest timeout of Lambda; handlers that have one of their own keep that."""


def invoking(inner: Wsgi, functions: Mapping[str, Handler], arn: str) -> Wsgi:
    """Answer invocations by `functions`, everything else by `inner`; a function's ARN is `arn` and its name."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        match = INVOCATION.fullmatch(environ["PATH_INFO"])
        if match is None or environ["REQUEST_METHOD"] != "POST":
            return inner(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
        status, document, headers = _answered(functions.get(match[1]), f"{arn}{match[1]}", kind, body)
        answer = json.dumps(document).encode()
        headers |= {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
        start_response(status, [*headers.items(), ("Content-Length", str(len(answer)))])
        return [answer]

    return app


def _answered(handler: Handler | None, arn: str, kind: str, body: bytes) -> tuple[str, Any, dict[str, str]]:
    """Status, document and headers."""
    if handler is None:
        return _refused("404 Not Found", "ResourceNotFoundException", f"Function not found: {arn}")
    if kind != "RequestResponse":
        return _refused("400 Bad Request", "InvalidParameterValueException", f"No {kind} invocations here.")
    try:
        event = json.loads(body or b"{}")
    except ValueError:
        message = "Could not parse request body into json"
        return _refused("400 Bad Request", "InvalidRequestContentException", message)
    headers = {"X-Amz-Executed-Version": "$LATEST"}
    try:
        return "200 OK", invoke(handler, event, MAXIMUM_SECONDS), headers
    except FunctionFailed as failed:
        payload = failed.payload
    except Exception as error:  # noqa: BLE001 - Lambda answers every error of a function
        payload = failure(error)
    return "200 OK", payload, headers | {"X-Amz-Function-Error": "Unhandled"}


def _refused(status: str, kind: str, message: str) -> tuple[str, Any, dict[str, str]]:
    return status, {"Type": "User", "Message": message}, {"x-amzn-ErrorType": kind}
