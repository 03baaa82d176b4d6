"""Invariant 5, Bounded: every call ends, no thread outlives its invocation, no effect starts too late to record."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests import Session

from aep_connections.domain.errors import ConnectionFailure, OutOfTime, Unavailable
from aep_connections.http import transport
from aep_connections.http.transport import Call, Reply, Timeouts, Upstream
from local.simulators.faults import Fault
from local.simulators.ims import Ims
from tests.support.clock import FakeClock
from tests.support.tls import certificate_for_localhost
from tests.support.upstreams import upstream_on
from tests.support.world import ABSENT, REQUEST, World

SHORT = Timeouts(connect=0.5, slow=0.4, other=0.4)


@pytest.fixture
def server() -> Iterator[Ims]:
    """Any HTTP server with faults."""
    ims = Ims()
    ims.start()
    yield ims
    ims.stop()


def upstream_for(seconds: float = 180, timeouts: Timeouts = SHORT) -> tuple[Upstream, FakeClock]:
    clock = FakeClock()
    return upstream_on(clock, seconds, timeouts=timeouts), clock


def lost(upstream: Upstream, call: Call) -> Unavailable:
    with pytest.raises(Unavailable) as raised:
        upstream.send(call)
    return raised.value


@pytest.mark.parametrize(
    "fault",
    [
        Fault(hang=True),
        Fault(drip=0.05, status=200, body="x" * 100),
        Fault(delay=2, status=200),
    ],
    ids=["hang", "drip", "delay"],
)
def test_a_call_whose_reply_hangs_or_drips_in_ends_in_time(server: Ims, fault: Fault) -> None:
    server.faults.add(fault)
    upstream, _ = upstream_for()
    threads, began = threading.active_count(), time.monotonic()

    error = lost(upstream, Call(service="Adobe", method="POST", url=server.url + "/x", headers={}, repeatable=False))

    assert time.monotonic() - began < 1.5
    assert error.may_have_happened
    assert threading.active_count() <= threads + 1  # the thread of the simulator that holds the reply back


@pytest.mark.parametrize(
    "fault",
    [Fault(drop=True), Fault(truncate=True, status=200, body="x" * 100), Fault(hang=True)],
    ids=["reset", "cut", "hang"],
)
def test_a_read_is_repeated_at_most_twice(server: Ims, fault: Fault) -> None:
    server.faults.add(Fault(**{**{f: getattr(fault, f) for f in fault.__slots__}, "times": 0}))
    upstream, _ = upstream_for()

    lost(upstream, Call(service="Adobe", method="GET", url=server.url + "/x", headers={}))

    assert len(server.calls) == 3
    assert len(upstream.retries) == 2


def test_a_create_is_never_repeated(server: Ims) -> None:
    server.faults.add(Fault(times=0, status=503))
    upstream, _ = upstream_for()

    assert (
        upstream.send(Call(service="Adobe", method="POST", url=server.url + "/x", headers={}, repeatable=False)).status
        == 503
    )

    assert len(server.calls) == 1


def test_a_call_on_a_refused_network_connection_certainly_had_no_effect() -> None:
    upstream, _ = upstream_for()

    error = lost(
        upstream, Call(service="Adobe", method="POST", url="http://localhost:9/x", headers={}, repeatable=False)
    )

    assert not error.may_have_happened
    assert "refused the connection" in error.message


def test_a_retry_after_is_honored_up_to_its_cap(server: Ims) -> None:
    upstream, clock = upstream_for()
    server.faults.add(Fault(status=429, headers={"Retry-After": "7"}))
    upstream.send(Call(service="Adobe", method="GET", url=server.url + "/x", headers={}))
    assert clock.slept == [7.0]

    server.faults.add(Fault(status=429, headers={"Retry-After": "3600"}))
    assert upstream.send(Call(service="Adobe", method="GET", url=server.url + "/x", headers={})).status == 429
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0), ("", None), ("soon", None), ("-1", None), ("٣", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0), ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)  # fmt: skip
def test_a_retry_after_is_read_as_a_number_or_a_date_or_is_ignored(text: str, seconds: float | None) -> None:
    assert Reply(503, {"retry-after": text}, b"").retry_after == seconds


def test_no_pause_reaches_beyond_the_deadline(server: Ims) -> None:
    upstream, clock = upstream_for(seconds=25)
    server.faults.add(Fault(status=429, headers={"Retry-After": "8"}))

    assert upstream.send(Call(service="Adobe", method="GET", url=server.url + "/x", headers={})).status == 429

    assert clock.slept == []


def test_no_call_begins_without_time_to_record_its_reply(server: Ims) -> None:
    upstream, _ = upstream_for(seconds=20)

    with pytest.raises(OutOfTime):
        upstream.send(Call(service="Adobe", method="GET", url=server.url + "/x", headers={}))

    assert server.calls == []


@pytest.mark.parametrize("seconds", [30, 60, 89])
def test_no_post_starts_without_time_for_its_reply(world: World, seconds: float) -> None:
    assert not world.deliver(world.send(REQUEST), seconds=seconds)

    assert world.calls("POST") == []
    assert "attempt" not in world.item()
    assert world.item()["failure"]["M"]["code"]["S"] == "OutOfTime"


def test_no_patch_starts_without_time_for_its_reply(world: World) -> None:
    world.request()
    world.put_secret(accessToken="rotated")

    assert world.refused(REQUEST, seconds=60).code == "OutOfTime"

    assert world.calls("PATCH") == []


def test_no_delete_starts_without_time_for_its_reply(world: World) -> None:
    world.request()

    assert world.refused(ABSENT, seconds=30).code == "OutOfTime"

    assert world.calls("DELETE") == []


def test_the_connection_of_a_post_that_hangs_is_looked_for(world: World) -> None:
    world.adobe.faults.add(Fault(method="POST", path=".*/connections", when="after", hang=True))

    world.until_done(world.send(REQUEST), world.new_service(SHORT))

    assert len(world.connections()) == 1
    assert world.announced() == [("Ready", "adopted")]


@pytest.mark.cloud
def test_no_thread_outlives_an_invocation(world: World) -> None:
    service = world.new_service(SHORT)
    before = set(threading.enumerate())
    world.ims.faults.add(Fault(hang=True))
    world.deliver(world.send(REQUEST), service)

    ours = [t for t in set(threading.enumerate()) - before if "process_request_thread" not in t.name]
    assert ours == []


def test_only_reads_run_outside_the_handlers_thread(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here, aside = threading.get_ident(), []
    request = Session.request

    def note(self: Any, method: str, url: str, **options: Any) -> Any:
        if str(self.headers.get("User-Agent", "")).startswith("aep-connections") and threading.get_ident() != here:
            aside.append(method)
        return request(self, method, url, **options)

    monkeypatch.setattr(Session, "request", note)
    world.request()
    world.put_secret()
    world.request()
    world.request(ABSENT)

    assert set(aside) <= {"GET"}


def test_a_redirect_is_not_followed(server: Ims) -> None:
    upstream, _ = upstream_for()
    server.faults.add(Fault(status=302, headers={"Location": server.url + "/elsewhere"}))

    assert (
        upstream.send(
            Call(service="Adobe", method="GET", url=server.url + "/x", headers={"Authorization": "Bearer x"})
        ).status
        == 302
    )

    assert [call.request.path for call in server.calls] == ["/x"]


def test_the_body_of_a_redirect_has_the_same_size_limit_as_any_other(
    server: Ims, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, _ = upstream_for()
    moved = {"Location": server.url + "/elsewhere"}
    server.faults.add(Fault(status=302, headers=moved, body="moved"))
    assert upstream.send(Call(service="Adobe", method="GET", url=server.url + "/x", headers={})).body == b"moved"

    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1000)
    server.faults.add(Fault(status=302, headers=moved, body="x" * 2000, times=0))

    assert "too large" in lost(upstream, Call(service="Adobe", method="GET", url=server.url + "/x", headers={})).message


def test_a_proxy_or_netrc_of_the_environment_is_not_used(server: Ims, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://localhost:9")
    monkeypatch.setenv("NETRC", __file__)
    upstream, _ = upstream_for()

    upstream.send(Call(service="Adobe", method="GET", url=server.url + "/x", headers={}))

    assert "authorization" not in server.calls[0].request.headers


def test_a_body_that_is_too_large_is_refused(server: Ims, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1000)
    server.faults.add(Fault(status=200, body="x" * 2000, times=0))
    upstream, _ = upstream_for()

    assert "too large" in lost(upstream, Call(service="Adobe", method="GET", url=server.url + "/x", headers={})).message


def test_tls_is_verified_and_one_more_ca_can_be_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, tls = certificate_for_localhost(tmp_path)
    ims = Ims(tls=tls)
    ims.start()
    try:
        call = Call(service="Adobe", method="POST", url=ims.url + "/ims/token/v3", headers={}, repeatable=False)
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        upstream, _ = upstream_for(timeouts=Timeouts(2, 2, 2))
        refused = lost(upstream, call)
        assert "certificate is not trusted" in refused.message
        assert not refused.may_have_happened
        assert ims.calls == []

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting, _ = upstream_for(timeouts=Timeouts(2, 2, 2))
        assert trusting.send(call).status == 400

        wrong_name = Call(
            service="Adobe",
            method="POST",
            url=ims.url.replace("localhost", "127.0.0.1") + "/x",
            headers={},
            repeatable=False,
        )
        assert "certificate is not trusted" in lost(trusting, wrong_name).message
    finally:
        ims.stop()


def test_an_error_of_the_transport_has_no_cause_and_no_context(server: Ims) -> None:
    server.faults.add(Fault(drop=True))
    upstream, _ = upstream_for()

    error: ConnectionFailure = lost(
        upstream,
        Call(service="Adobe", method="POST", url=server.url + "/x", headers={"Authorization": "x"}, repeatable=False),
    )

    assert error.__cause__ is None
    assert error.__context__ is None
