"""How long calls may take, and how much of their replies is read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from requests import Session

from aep_connections.domain.errors import SecretRefused, Unavailable
from aep_connections.http import transport
from aep_connections.http.transport import Call, Timeouts
from aep_connections.provision.service import build
from local.simulators.faults import Fault
from local.simulators.ims import Ims
from tests.support.calls import Calls, Go
from tests.support.clock import FakeClock
from tests.support.upstreams import upstream_on
from tests.support.world import ABSENT, REQUEST, World


@pytest.mark.cloud
def test_only_create_patch_and_test_may_take_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[str, tuple[float, float]]] = set()
    request = Session.request

    def note(self: Any, method: str, url: str, **options: Any) -> Any:
        if str(self.headers.get("User-Agent", "")).startswith("aep-connections"):
            what = "test" if url.endswith("/test") else "token" if "/ims/" in url else method
            seen.add((what, options["timeout"]))
        return request(self, method, url, **options)

    monkeypatch.setattr(Session, "request", note)
    service = build(world.environment, world.clock)
    for sent in (REQUEST, REQUEST | {"database": "other"}, ABSENT):
        world.invoke(sent, service)

    long, short = (5.0, 65.0), (5.0, 15.0)
    assert seen == {
        ("POST", long), ("PATCH", long), ("test", long), ("GET", short), ("DELETE", short), ("token", short),
    }  # fmt: skip


@pytest.mark.parametrize(
    "fault", [Fault(hang=True), Fault(drip=0.05, status=200, body="x" * 1000)], ids=["hang", "drip"]
)
def test_a_call_ends_with_the_remaining_time_whatever_its_timeouts_are(fault: Fault) -> None:
    server = Ims()
    server.start()
    server.faults.add(fault)
    upstream = upstream_on(FakeClock(), 21.05, Timeouts(30, 30, 30))
    began = time.monotonic()
    try:
        with pytest.raises(Unavailable):
            upstream.send(Call(service="Adobe", method="POST", url=server.url + "/x", headers={}, repeatable=False))
    finally:
        server.stop()

    assert time.monotonic() - began < 5


@pytest.mark.cloud
def test_no_cookie_is_kept_so_that_no_call_uses_the_session_of_an_earlier_call(world: World) -> None:
    world.databricks.faults.add(
        Fault(path=".*/Me", status=200, body='{"userName": "x"}', headers={"Set-Cookie": "session=of-one; Path=/"})
    )

    world.request()
    world.put_secret(accessToken="of-another")
    world.request()

    sent = [call.request for call in world.databricks.calls] + world.calls()
    assert len(sent) > 10
    assert [request for request in sent if "cookie" in request.headers] == []


@contextmanager
def serving(body: bytes, *, ends: bool) -> Iterator[str]:
    """The URL of a server that sends no Content-Length, and ends its reply only if `ends` is true."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)
            with suppress(OSError):  # the client disconnects
                while not ends:
                    threading.Event().wait(0.01)
                    self.wfile.write(b" ")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name comes from the base class
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("ends", [True, False], ids=["too large", "dripping"])
def test_a_reply_of_unknown_length_is_accepted_only_if_it_ends_and_is_not_too_large(
    monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1000)
    upstream = upstream_on(FakeClock(), timeouts=Timeouts(0.2, 0.2, 0.2))

    began = time.monotonic()

    with serving(b"[]" if not ends else b"[]" + b" " * 2000, ends=ends) as url, pytest.raises(Unavailable):
        upstream.send(Call(service="Adobe", method="GET", url=url, headers={}, repeatable=False))

    assert time.monotonic() - began < 5


def test_a_read_in_another_thread_ends_before_its_invocation_continues(world: World, calls: Calls) -> None:
    order: list[str] = []
    announced = threading.Event()

    def act(name: str, go: Go) -> Any:
        if name == "Adobe secret":
            raise SecretRefused("No.")
        if name == "Databricks secret":
            announced.wait(0.2)
            order.append("read")
        elif name == "announce":
            order.append("announced")
            announced.set()
        return go()

    calls.act = act

    assert world.refused(REQUEST).code == "SecretRefused"

    assert order == ["read", "announced"]
