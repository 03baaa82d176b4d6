"""Adobe's credential and its access tokens: OAuth Server-to-Server, `POST /ims/token/v3`.

Source: Adobe Developer Console, "Server to Server authentication" and its IMS reference (`expires_in` in seconds).
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from aep_connections.adobe.wire import refusal_of, request_id_of
from aep_connections.domain.errors import (
    AdobeCredentialRejected,
    ConnectionFailure,
    Fault,
    SecretInvalid,
    Throttled,
    Unavailable,
)
from aep_connections.domain.model import Secret
from aep_connections.domain.ports import Clock
from aep_connections.http.transport import Call, Reply, Upstream

DEFAULT_SCOPES = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
RENEW_BEFORE_SECONDS = 60.0
RENEWAL_INTERVAL_SECONDS = 60.0
LONGEST_LIFE_SECONDS = 86_400.0
"""The upper limit of `expires_in`, which an older IMS path returns in milliseconds."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_HEADER_SAFE = re.compile(r"[\x21-\x7e]{1,1024}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An OAuth Server-to-Server credential, one version of the Adobe secret."""

    client_id: str
    org_id: str
    scopes: str
    version_id: str
    client_secret: str = field(repr=False)


def read_credentials(secret_id: str, secret: Secret) -> Credentials:
    """The secret's credential, in this product's format (`clientId`, …) or as downloaded from Adobe Developer Console.

    Raises:
        SecretInvalid: names every field that is missing or wrong; never shows a value.
    """
    values = secret.values
    secrets = values.get("CLIENT_SECRETS")
    first = secrets[0] if isinstance(secrets, list) and secrets else values.get("CLIENT_SECRET")
    scopes = _first(values, "scopes", "SCOPES")
    if isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes):
        scopes = ",".join(scopes)
    found = {
        "clientId": _first(values, "clientId", "CLIENT_ID"),
        "clientSecret": _first(values, "clientSecret") or first,
        "orgId": _first(values, "orgId", "ORG_ID"),
        "scopes": DEFAULT_SCOPES if scopes is None else scopes,
    }
    faults = [
        Fault(name, "is required" if value is None else "must be printable ASCII without spaces, and not empty")
        for name, value in found.items()
        if not (isinstance(value, str) and _HEADER_SAFE.fullmatch(value))
    ]
    if faults:
        raise SecretInvalid(f"The Adobe secret {secret_id} cannot be used.", faults=faults)
    return Credentials(
        client_id=found["clientId"],
        org_id=found["orgId"],
        scopes=found["scopes"],
        version_id=secret.version_id,
        client_secret=found["clientSecret"],
    )


def _first(values: Any, *names: str) -> Any:
    return next((values[name] for name in names if values.get(name) is not None), None)


@dataclass(frozen=True, slots=True)
class _Token:
    credentials: Credentials
    expires_at: float
    value: str = field(repr=False)


class TokenSource:
    """The token of an execution environment, kept until a minute before it expires. One exchange at a time."""

    def __init__(self, ims_url: str, clock: Clock) -> None:
        self._url = f"{ims_url}/ims/token/v3"
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._renewed: tuple[str, float] | None = None

    def token_for(self, credentials: Credentials, upstream: Upstream) -> str:
        """A valid token. Raises AdobeCredentialRejected, Throttled, Unavailable."""
        with self._lock:
            token = self._token
            if token is None or token.credentials != credentials or self._clock.monotonic() >= token.expires_at:
                token = self._token = self._exchange(credentials, upstream)
        upstream.redactor.remember(token.value)
        return token.value

    def renewed(self, credentials: Credentials, rejected: str, upstream: Upstream) -> str | None:
        """A token that replaces a rejected one; None if one was created less than a minute ago for this secret."""
        with self._lock:
            now = self._clock.monotonic()
            if self._token is None or self._token.value == rejected:
                version, at = self._renewed or (None, 0.0)
                if version == credentials.version_id and now - at < RENEWAL_INTERVAL_SECONDS:
                    return None
                self._renewed = (credentials.version_id, now)
                self._token = None
                self._token = self._exchange(credentials, upstream)
            value = self._token.value
        upstream.redactor.remember(value)
        return value

    def _exchange(self, credentials: Credentials, upstream: Upstream) -> _Token:
        started = self._clock.monotonic()
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "scope": credentials.scopes,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        reply = upstream.send(
            Call(service="Adobe", method="POST", url=self._url, headers=headers, body=urlencode(form).encode())
        )
        document = reply.json()
        value = document.get("access_token") if isinstance(document, dict) else None
        if reply.status != 200 or not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise _refused(reply, upstream)
        life = document.get("expires_in")
        seconds = life if isinstance(life, int | float) and life > 0 else 0
        return _Token(credentials, started + min(seconds, LONGEST_LIFE_SECONDS) - RENEW_BEFORE_SECONDS, value)


class Authorizer:
    """The credential of one invocation, and its token, which is requested when it is first needed."""

    def __init__(self, read: Callable[[], Credentials], tokens: TokenSource, upstream: Upstream) -> None:
        self._read, self._tokens, self._upstream = read, tokens, upstream
        self.credentials = self._fresh()
        self._value: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers that identify the caller. Raises what `TokenSource.token_for` raises."""
        if self._value is None:
            self._value = self._exchanged(self._tokens.token_for)
        return {
            "Authorization": f"Bearer {self._value}",
            "x-api-key": self.credentials.client_id,
            "x-gw-ims-org-id": self.credentials.org_id,
        }

    def renew(self) -> bool:
        """Replace a token that Adobe rejected. Returns False if it was replaced too recently for this to help."""
        rejected = self._value or ""
        renewed = self._exchanged(lambda credentials, upstream: self._tokens.renewed(credentials, rejected, upstream))
        self._value = renewed or self._value
        return renewed is not None

    def _fresh(self) -> Credentials:
        credentials = self._read()
        self._upstream.redactor.remember(credentials.client_secret)
        return credentials

    def _exchanged(self, exchange: Callable[[Credentials, Upstream], T]) -> T | str:
        """A token. If IMS rejects the client, the secret is read again, as it may just have been rotated."""
        try:
            return exchange(self.credentials, self._upstream)
        except AdobeCredentialRejected:
            again = self._fresh()
            if again.version_id == self.credentials.version_id or again.org_id != self.credentials.org_id:
                raise  # the next delivery starts again with the other organization
            self.credentials = again
            return self._tokens.token_for(again, self._upstream)


def _refused(reply: Reply, upstream: Upstream) -> ConnectionFailure:
    """Our error for an IMS reply without a token (RFC 6749 defines the codes)."""
    document = reply.json()
    error = document.get("error") if isinstance(document, dict) else None
    refusal = refusal_of(reply)
    said = upstream.redactor.printable(
        ": ".join(part for part in (error, refusal.text) if isinstance(part, str) and part)
    )
    message = f"Adobe IMS returned HTTP {reply.status} without a token{': ' if said else ''}{said.rstrip('. ')}."
    if reply.status == 429:
        kind: type[ConnectionFailure] = Throttled
    elif 400 <= reply.status < 500 and reply.status != 408:
        kind = AdobeCredentialRejected
    else:
        kind = AdobeCredentialRejected if isinstance(error, str) and reply.status == 200 else Unavailable
    return kind(message, request_id=request_id_of(refusal, upstream.redactor), retry_after=reply.retry_after)
