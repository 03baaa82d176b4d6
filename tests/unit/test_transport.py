"""The transport without a network: timeouts, failures in words, headers."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
import requests
import urllib3

from aep_connections.domain.errors import Unavailable
from aep_connections.http import transport
from aep_connections.http.transport import Call, Reply, Upstream, new_session
from tests.support.clock import FakeClock
from tests.support.upstreams import upstream_on


class Broken(requests.Session):
    """A session in which every request ends with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.timeouts = error, []  # type: ignore[var-annotated]

    def request(self, *args: Any, **options: Any) -> Any:
        self.timeouts.append(options["timeout"])
        raise self.error


def upstream_of(session: requests.Session, seconds: float = 180) -> Upstream:
    return upstream_on(FakeClock(), seconds, session=session)


POOL = urllib3.HTTPConnectionPool("adobe.example")
LINE = urllib3.connection.HTTPConnection("adobe.example")
NOT_CONNECTED: list[tuple[Exception, str]] = [
    (urllib3.exceptions.ConnectTimeoutError(LINE, "canary"), "connecting took too long"),
    (urllib3.exceptions.NameResolutionError("x", LINE, socket.gaierror("canary")), "its host name does not resolve"),
    (urllib3.exceptions.NewConnectionError(LINE, "canary"), "it refused the connection"),
]


@pytest.mark.parametrize(("reason", "words"), NOT_CONNECTED, ids=[words for _, words in NOT_CONNECTED])
def test_a_call_that_was_never_connected_did_nothing(reason: Exception, words: str) -> None:
    error = requests.ConnectionError(urllib3.exceptions.MaxRetryError(POOL, "/", reason))

    with pytest.raises(Unavailable) as raised:
        upstream_of(Broken(error)).send(
            Call(service="Adobe", method="POST", url="https://adobe.example", headers={}, repeatable=False)
        )

    assert words in raised.value.message
    assert not raised.value.may_have_happened


def test_an_error_of_the_http_library_is_reported_without_its_text() -> None:
    error = requests.ConnectionError("canary")

    with pytest.raises(Unavailable) as raised:
        upstream_of(Broken(error)).send(
            Call(service="Adobe", method="POST", url="https://adobe.example", headers={}, repeatable=False)
        )

    assert raised.value.message == "No reply from Adobe: the connection was reset."
    assert raised.value.may_have_happened


@pytest.mark.parametrize(
    ("slow", "seconds", "timeouts"),
    [(True, 180, (5.0, 65.0)), (False, 180, (5.0, 15.0)), (True, 50, (5.0, 30.0)), (False, 23, (3.0, 3.0))],
)
def test_a_call_takes_its_timeouts_but_never_more_than_the_time_left(
    slow: bool, seconds: float, timeouts: tuple[float, float]
) -> None:
    session = Broken(requests.ConnectionError())

    with pytest.raises(Unavailable):
        upstream_of(session, seconds).send(
            Call(service="Adobe", method="GET", url="https://adobe.example", headers={}, slow=slow, repeatable=False)
        )

    assert session.timeouts == [timeouts]


def test_a_request_id_of_a_header_is_shown_only_if_it_is_well_formed() -> None:
    assert Reply(400, {"x-request-id": "r-1"}, b"").request_id == "r-1"
    for odd in ("", "x" * 129, "é", "a\x01b"):
        assert Reply(400, {"x-request-id": odd}, b"").request_id is None


def test_the_session_repeats_nothing_and_requests_uncompressed_responses() -> None:
    session = new_session()

    adapter = session.get_adapter("https://adobe.example")
    assert adapter.max_retries.total == 0  # type: ignore[attr-defined]
    assert session.headers["Accept-Encoding"] == "identity"  # bodies are read raw


def test_no_tls_before_1_2_is_spoken_even_if_python_would_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    monkeypatch.setattr(ssl, "create_default_context", lambda: context)

    trusting = transport._trusting.__wrapped__(None)  # without the cache

    assert trusting.minimum_version >= ssl.TLSVersion.TLSv1_2
