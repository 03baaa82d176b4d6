"""Failures over HTTP: RFC 9457 problems, with the contract's code, remedy and upstream request id."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aep_connections.domain.errors import ConnectionFailure, Failure, Retryable, Throttled

RETRY_AFTER_SECONDS = 5
_STATUSES = {
    "InvalidRequest": HTTPStatus.UNPROCESSABLE_ENTITY,
    "Conflict": HTTPStatus.CONFLICT,
    "InUse": HTTPStatus.CONFLICT,
    "Throttled": HTTPStatus.TOO_MANY_REQUESTS,
}
"""Other codes: 503 if retryable, else 424, since the cause is in Adobe, Databricks or a secret."""


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A reply that is not a success: a failure with its status, and the headers that HTTP requires."""

    def __init__(self, status: HTTPStatus, failure: Failure, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(failure.message)
        self.status, self.code, self.headers = status, failure.code, dict(headers or {})
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            self.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        rest = failure.document()
        about = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": rest.pop("message")}
        self.document: dict[str, Any] = about | rest


def request_failed(failure: Failure, headers: Mapping[str, str]) -> Problem:
    """A request failed while its caller waited. Retries have ended by then, so a retryable failure is 503."""
    status = HTTPStatus.SERVICE_UNAVAILABLE if failure.retryable else _status_of(failure)
    return Problem(status, failure, headers)


def explore_failed(failure: Failure) -> Problem:
    """Exploring failed. It is not retried automatically, so the caller must retry it."""
    if failure.remedy == Retryable.usual_remedy:
        failure = replace(failure, remedy="Try again in a moment.")
    return Problem(_status_of(failure), failure)


def _status_of(failure: Failure) -> HTTPStatus:
    other = HTTPStatus.SERVICE_UNAVAILABLE if failure.retryable else HTTPStatus.FAILED_DEPENDENCY
    return _STATUSES.get(failure.code, other)


def not_found(
    detail: str, remedy: str = "Check the sandbox and the name, or request the connection by PUT."
) -> Problem:
    """There is nothing at this path."""
    return Problem(HTTPStatus.NOT_FOUND, _failure("NotFound", detail, remedy))


def method_not_allowed(methods: Sequence[str]) -> Problem:
    """The path exists, but not for this method."""
    allowed = ", ".join(methods)
    failure = _failure("MethodNotAllowed", f"This path supports only {allowed}.", "Use one of these methods.")
    return Problem(HTTPStatus.METHOD_NOT_ALLOWED, failure, {"Allow": allowed})


def not_json(detail: str) -> Problem:
    """The body is not JSON."""
    failure = _failure("InvalidRequest", detail, "Send the request as a JSON object in UTF-8.")
    return Problem(HTTPStatus.BAD_REQUEST, failure)


def body_too_large(max_bytes: int) -> Problem:
    """The body is larger than any request may be."""
    detail = f"The body has more than {max_bytes} bytes."
    failure = _failure("InvalidRequest", detail, "Send one request, with only the documented fields.")
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, failure)


def invalid_request(faults: Sequence[Mapping[str, str]]) -> Problem:
    """The request breaks the rules that `faults` name."""
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    remedy = "Correct the named fields and send the request again."
    failure = _failure("InvalidRequest", f"The request has {count}.", remedy)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, replace(failure, faults=faults))


def service_unavailable(error: ConnectionFailure) -> Problem:
    """An AWS service of this stack did not respond. The log has the cause, which the caller does not need."""
    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "Unavailable"
    if isinstance(error, Throttled):
        status, code = HTTPStatus.TOO_MANY_REQUESTS, "Throttled"
    remedy = "Try again. Sending a request twice is safe."
    return Problem(status, replace(_failure(code, "The service is temporarily unavailable.", remedy), retryable=True))


def internal_error() -> Problem:
    """A defect. The log has its location."""
    remedy = "Try again. If the error persists, read the function's log."
    failure = replace(_failure("Unavailable", "An unexpected error occurred.", remedy), retryable=True)
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, failure)


def _failure(code: str, message: str, remedy: str) -> Failure:
    return Failure(code=code, message=message, remedy=remedy, retryable=False, request_id=None, faults=())
