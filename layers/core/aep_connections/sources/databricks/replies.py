"""What a reply of Databricks' REST API means. The text of an error matters as much as its status and code.

Sources: Databricks, "REST API reference" and databricks-sdk-py (`errors/`). Issues there record what an invalid token
really gets: 403 with an *integer* `error_code`. This module makes no calls.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aep_connections.domain.redaction import Redactor
from aep_connections.http.transport import Reply


class ApiError(StrEnum):
    """Why a reply is not the document that was requested."""

    UNREACHED = "no reply"
    ELSEWHERE = "the reply is a redirect or a page, not an API response"
    NO_CREDENTIAL = "the credential was not accepted"
    SCOPE = "the token lacks a scope"
    OTHER_WORKSPACE = "the token belongs to another workspace"
    TOKEN_INVALID = "the token is invalid"  # noqa: S105 - not a password
    IP_BLOCKED = "the caller's address is not allowed"
    REFUSED = "the request was refused"
    FORBIDDEN = "permission denied"
    STATE = "the cluster's state does not allow this"
    NO_CATALOGS = "the workspace has no Unity Catalog"
    MISSING = "it does not exist"
    THROTTLED = "too many requests"
    FAULT = "Databricks had an error"
    ODD = "the reply could not be interpreted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiReply:
    """One reply: a document, or an error with Databricks' text (ours, if it sent none), safe to show."""

    error: ApiError | None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    words: str = ""
    request_id: str | None = None
    workspace_id: str | None = None
    status: int | None = None

    @property
    def sentence(self) -> str:
        """The error and its text as sentences."""
        if self.error in (None, ApiError.UNREACHED):
            return self.words
        return f"{self.error[:1].upper()}{self.error[1:]}. {self.words}"

    @property
    def evidence(self) -> dict[str, str]:
        """What a check shows of this reply."""
        shown = {"status": str(self.status or ""), "requestId": self.request_id or ""}
        return {name: value for name, value in shown.items() if value}


_RULES: tuple[tuple[str, str, str, ApiError], ...] = (
    (r"3..", "", "", ApiError.ELSEWHERE),
    (r"401", "", "", ApiError.NO_CREDENTIAL),
    (r"403", "", r"required scopes", ApiError.SCOPE),
    (r"403", "", r"invalid access to org", ApiError.OTHER_WORKSPACE),
    (r"403", "", r"invalid access token", ApiError.TOKEN_INVALID),
    (r"403", "", r"ip acl|network access", ApiError.IP_BLOCKED),
    (r"403", r"[0-9]+", "", ApiError.REFUSED),
    (r"403", r"[A-Z_]*", "", ApiError.FORBIDDEN),
    (r"4..", r"ENDPOINT_NOT_FOUND|FEATURE_DISABLED|METASTORE_DOES_NOT_EXIST", "", ApiError.NO_CATALOGS),
    (r"4..", "", r"no metastore assigned", ApiError.NO_CATALOGS),
    (r"400", r"INVALID_PARAMETER_VALUE", r"cluster .* does not exist", ApiError.MISSING),
    (r"4..", "", r"cannot access cluster", ApiError.MISSING),
    (r"4..", r"INVALID_STATE", "", ApiError.STATE),
    (r"4..", r".*_DOES_NOT_EXIST", "", ApiError.MISSING),
    (r"404", r"[A-Z_]+", "", ApiError.MISSING),
    (r"429", "", "", ApiError.THROTTLED),
    (r"5..", "", "", ApiError.FAULT),
)
"""Status, `error_code` (whole) and text (anywhere, in lower case) of a reply. The first match decides."""
_PAGE = "-"
"""The code of a reply that is not JSON."""


def interpret(reply: Reply, redactor: Redactor) -> ApiReply:
    """What `reply` means. Its text is redacted."""
    document = reply.json()
    known: Mapping[str, Any] = document if isinstance(document, dict) else {}
    words = _words(known) or (reply.headers.get("x-databricks-reason-phrase") or "")
    error = None
    if reply.status != 200 or not isinstance(document, dict):
        error = _error_of(reply, known, f"{words} {'' if known else reply.body[:4000].decode(errors='replace')}")
    workspace_id = reply.headers.get("x-databricks-org-id", "")
    return ApiReply(
        error=error,
        document=known if error is None else {},
        words=f"Databricks returned HTTP {reply.status}: {_shown(words, redactor).rstrip('. ')}." if error else "",
        request_id=redactor.printable(reply.request_id, 128) if reply.request_id else None,
        workspace_id=workspace_id if re.fullmatch("[0-9]{1,20}", workspace_id, re.ASCII) else None,
        status=reply.status,
    )


def _shown(words: str, redactor: Redactor) -> str:
    return redactor.quote(words) if words else "no readable message"


def _error_of(reply: Reply, document: Mapping[str, Any], text: str) -> ApiError:
    status, text = str(reply.status), text.lower()
    code = str(document.get("error_code", "")) if document else _PAGE
    for of_status, of_code, of_text, error in _RULES:
        if (
            re.fullmatch(of_status, status)
            and (not of_code or re.fullmatch(of_code, code))
            and re.search(of_text, text)
        ):
            return error
    return ApiError.ODD if document else ApiError.ELSEWHERE


def _words(document: Mapping[str, Any]) -> str:
    """The message of an error in any of its shapes: standard, SCIM, API 1.2."""
    texts = (document.get("message"), document.get("detail"), document.get("error"))
    return next((text for text in texts if isinstance(text, str) and text), "")
