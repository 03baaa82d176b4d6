"""One HTTP exchange with a time limit: verified TLS, no redirects, no proxies or credentials from the environment.

Every call has a connect timeout, a read timeout and a total time, after which its socket is shut down. So a response
that arrives byte by byte ends too. Exceptions of the HTTP library hold the request, including the token, so they must
not leave this module. Our error is created after the `except`, where no cause is chained to it.
"""

import contextlib
import email.utils
import functools
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from aep_connections import __version__
from aep_connections.domain.errors import OutOfTime, Unavailable
from aep_connections.domain.redaction import Redactor
from aep_connections.domain.time import Deadline
from aep_connections.http.retry import TRIES, Ended, pause_before_retry, reason_to_retry

MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, for the response to a slow call (create, patch, test), for any other response."""

    connect: float = 5.0
    slow: float = 65.0
    other: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to `service`. `slow`: with the long read timeout; `repeatable`: may be repeated, up to `tries`."""

    service: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    slow: bool = False
    repeatable: bool = True
    tries: int = TRIES


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that was read completely."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def request_id(self) -> str | None:
        """The upstream's request id from the headers, if it may be shown."""
        shown = self.headers.get("x-request-id") or self.headers.get("x-debug-id") or ""
        return shown if 0 < len(shown) <= 128 and shown.isascii() and shown.isprintable() else None

    @property
    def retry_after(self) -> float | None:
        """The seconds of `Retry-After`, which is a number or a date."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            date = email.utils.parsedate_tz(text) if text else None
            return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
        except (ValueError, OverflowError):
            return None


class _Exchange(threading.local):
    """The connection that the current thread's exchange uses, and its socket.

    If a response closes its connection, `http.client` removes the socket from the connection.
    """

    connection: Any = None
    sock: Any = None


_current = _Exchange()


class _HTTPConnection(urllib3.connection.HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _current.connection = self
        super().request(*args, **kwargs)
        _current.sock = self.sock


class _HTTPSConnection(urllib3.connection.HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:
        _current.connection = self
        super().request(*args, **kwargs)
        _current.sock = self.sock


@functools.cache
def _trusting(extra_ca_file: str | None) -> ssl.SSLContext:
    """A TLS context that verifies certificates, with one more CA if a file is given."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # not every build of Python has this by default
    if extra_ca_file:
        context.load_verify_locations(extra_ca_file)
    return context


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = _trusting(os.environ.get("SSL_CERT_FILE") or None)
        super().init_poolmanager(*args, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("Pool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": _HTTPConnection}),
            "https": type("Pool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": _HTTPSConnection}),
        }


def new_session() -> requests.Session:
    """The HTTP session of an execution environment."""
    session = requests.Session()
    # No redirect is followed or inspected: to inspect one, a session reads its whole body, however large.
    session.get_redirect_target = lambda _: None  # type: ignore[method-assign,assignment]
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # else a cookie would outlive its call
    adapter = _Adapter(pool_connections=4, pool_maxsize=8, max_retries=0)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    session.headers["User-Agent"] = f"aep-connections/{__version__}"
    session.headers["Accept-Encoding"] = "identity"
    return session


@dataclass(slots=True, kw_only=True)
class Upstream:
    """The calls of one invocation: sends, repeats and counts them, within the invocation's deadline."""

    session: requests.Session
    timeouts: Timeouts
    deadline: Deadline
    redactor: Redactor
    sent: list[str] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """The number of exchanges so far; several threads add to it."""
        return len(self.sent)

    def send(self, call: Call) -> Reply:
        """Send a call, repeat it as the retry policy says, and return the response, whatever its status.

        Raises:
            Unavailable: no complete response; `may_have_happened` unless the request certainly was not sent.
            OutOfTime: no time is left to begin.
        """
        tries = 0
        while True:
            if self.deadline.usable() < 1:
                raise OutOfTime(f"Too little time left to call {call.service}.")
            tries += 1
            self.sent.append(call.method)
            reply, lost = self._exchange(call)
            ended = Ended(reply.status, None, reply.retry_after) if reply else Ended(None, lost.message if lost else "")
            left = self.deadline.usable()
            reason = reason_to_retry(
                ended, repeatable=call.repeatable, tries=tries, at_most=call.tries, seconds_left=left
            )
            if reason is None:
                if reply is None:
                    raise lost or Unavailable("No reply.")
                return reply
            self.retries.append(f"{call.method}: {reason}")
            self.deadline.clock.sleep(pause_before_retry(ended, tries))

    def _exchange(self, call: Call) -> tuple[Reply | None, Unavailable | None]:
        read_timeout = self.timeouts.slow if call.slow else self.timeouts.other
        usable = self.deadline.usable()
        watch = _Watch(min(self.timeouts.connect + read_timeout, usable))
        problem: Exception
        try:
            with watch:
                response = self.session.request(
                    call.method,
                    call.url,
                    params=call.params,
                    data=call.body,
                    headers=dict(call.headers),
                    timeout=(min(self.timeouts.connect, usable), min(read_timeout, usable)),
                    stream=True,
                )
                try:
                    body = response.raw.read(MAX_BODY_BYTES + 1)
                    expected = response.headers.get("content-length")
                finally:
                    if watch.expired:
                        response.close()
                short = expected and call.method != "HEAD" and len(body) != int(expected)
                if watch.expired or short or len(body) > MAX_BODY_BYTES:
                    response.close()
                    return None, _lost(call, "the response was cut short or too large.", sent=True)
                response.raw.release_conn()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, headers, body), None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            problem = error
        if watch.expired:
            return None, _lost(call, "no complete response arrived in time.", sent=True)
        sent = not any(isinstance(one, _BEFORE_SENDING) for one in _chain(problem))
        return None, _lost(call, _in_words(problem), sent=sent)


class _Watch:
    """Shuts down the exchange's socket when its total time is over."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._exchange: dict[str, Any] = {}

    def __enter__(self) -> None:
        self._exchange = _current.__dict__
        self._exchange |= {"connection": None, "sock": None}
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()

    def _expire(self) -> None:
        self.expired = True
        held = self._exchange["sock"] or getattr(self._exchange["connection"], "sock", None)
        if held is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)


def _lost(call: Call, message: str, *, sent: bool) -> Unavailable:
    return Unavailable(f"No reply from {call.service}: {message}", may_have_happened=sent)


_BEFORE_SENDING = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
    ssl.SSLCertVerificationError,
)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and everything it wraps, in `reason`, arguments, cause or context."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        one = queue.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            queue += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
    return seen


def _in_words(error: BaseException) -> str:
    """The kind of failure; never the library's text, which may quote the request."""
    chain = _chain(error)
    for kind, words in (
        (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
        (urllib3.exceptions.NameResolutionError, "its host name does not resolve"),
        (urllib3.exceptions.NewConnectionError, "it refused the connection"),
        (urllib3.exceptions.ConnectTimeoutError, "connecting took too long"),
        ((urllib3.exceptions.ReadTimeoutError, TimeoutError), "it did not respond in time"),
        (ssl.SSLError, "a TLS error occurred"),
    ):
        if any(isinstance(one, kind) for one in chain):
            return f"{words}."
    return "the connection was reset."
