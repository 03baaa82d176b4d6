"""Failures as HTTP tells them: RFC 9457 problems, with the contract's code, remedy and upstream request id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aep_connections.domain.entry import Failure
from aep_connections.domain.errors import ConnectionFailure, Retryable, Throttled

TRY_AGAIN_SECONDS = 5
_STATUSES = {
    "InvalidRequest": HTTPStatus.UNPROCESSABLE_ENTITY,
    "Conflict": HTTPStatus.CONFLICT,
    "InUse": HTTPStatus.CONFLICT,
    "Throttled": HTTPStatus.TOO_MANY_REQUESTS,
}
"""Of permanent codes that are not here the cause lies with Adobe, Databricks or a secret: 424; of others, 503."""


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """An answer that is no success. `more` are members of its own, `headers` what HTTP wants besides."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        remedy: str,
        *,
        request_id: str | None = None,
        faults: Sequence[Mapping[str, str]] = (),
        retryable: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code = status, code
        self.headers = dict(headers or {})
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            self.headers["Retry-After"] = str(TRY_AGAIN_SECONDS)
        self.document: dict[str, Any] = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
            "remedy": remedy,
            "retryable": retryable,
            "requestId": request_id,
            "faults": [dict(fault) for fault in faults],
        }


def ended(failure: Failure) -> Problem:
    """How a request ended that was waited for: what time may mend was given up."""
    return _of(failure, HTTPStatus.SERVICE_UNAVAILABLE if failure.retryable else _status_of(failure), failure.remedy)


def met(failure: Failure) -> Problem:
    """What stood in the way of a question: nothing asks it again by itself."""
    remedy = "Try again in a moment." if failure.remedy == Retryable.usual_remedy else failure.remedy
    return _of(failure, _status_of(failure), remedy)


def _status_of(failure: Failure) -> HTTPStatus:
    otherwise = HTTPStatus.SERVICE_UNAVAILABLE if failure.retryable else HTTPStatus.FAILED_DEPENDENCY
    return _STATUSES.get(failure.code, otherwise)


def _of(failure: Failure, status: HTTPStatus, remedy: str) -> Problem:
    return Problem(
        status,
        failure.code,
        failure.message,
        remedy,
        request_id=failure.request_id,
        faults=failure.faults,
        retryable=failure.retryable,
    )


def not_found(detail: str) -> Problem:
    """Nothing is known under this address."""
    return Problem(HTTPStatus.NOT_FOUND, "NotFound", detail, "Check the sandbox and the name, or ask for it by PUT.")


def not_allowed(methods: Sequence[str]) -> Problem:
    """The address is known, but not for this method."""
    allowed = ", ".join(methods)
    return Problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        f"This address takes {allowed} only.",
        "Use one of these methods.",
        headers={"Allow": allowed},
    )


def malformed(detail: str) -> Problem:
    """The body is not JSON."""
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidRequest", detail, "Send the request as a JSON object in UTF-8.")


def too_large(most: int) -> Problem:
    """The body is longer than any request."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "InvalidRequest",
        f"The body has more than {most} bytes.",
        "Send one request, with nothing but its fields.",
    )


def invalid(faults: Sequence[Mapping[str, str]]) -> Problem:
    """Something of the request breaks rules."""
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "InvalidRequest",
        f"The request has {count}.",
        "Correct the named fields and send the request again.",
        faults=faults,
    )


def of_our_own(error: ConnectionFailure) -> Problem:
    """Something of our own did not answer; the log says what, nobody else needs to know."""
    throttled = isinstance(error, Throttled)
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.SERVICE_UNAVAILABLE,
        "Throttled" if throttled else "Unavailable",
        "The service could not do this now.",
        "Try again; a request that arrived twice does no harm.",
        retryable=True,
    )


def unforeseen() -> Problem:
    """A defect; the log says where."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Unavailable",
        "Something unexpected happened.",
        "Try again; if it stays so, the function's log says what happened.",
        retryable=True,
    )
