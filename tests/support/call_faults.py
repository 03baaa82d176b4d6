"""Faults of one outside call, by name: in the network, in the simulators, in moto, or the process is killed."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from aep_connections.aws.client import unavailable
from aep_connections.aws.secrets import _REFUSALS
from aep_connections.domain.errors import ConnectionFailure, SecretRefused
from aep_connections.http.transport import Timeouts
from aep_connections.provision.service import ProvisionService
from local.aws.account import Aws
from local.simulators.faults import Fault
from local.simulators.simulator import Simulator
from tests.support.calls import DATABRICKS_CALLS, HTTP_CALLS, Act, Go, named
from tests.support.cloud import CloudWorld
from tests.support.iam import body_from_the_service
from tests.support.world import GONE, Killed, World

SECRET_READS = ("Adobe secret", "Databricks secret", "former secret")
SDK_TRIES = 2
LATE_SECONDS = 60.0
HTML = "<html><body>No.</body></html>"
SOON = {"timeout": (1.0, 0.3)}
"""How long a call without a response waits in these tests, in seconds."""


@dataclass(frozen=True, slots=True)
class CallFault:
    """A kind of fault. Without a `fault` (HTTP) or a `refusal` (AWS), the process is killed or the call gets lost."""

    name: str
    fault: Fault | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    refusal: tuple[int, str] | None = None
    lost: str = ""
    times: int = 99
    timeouts: Timeouts | None = None
    refused: bool = False
    killed: str = ""

    def hits(self, to_aws: bool) -> bool:
        """Whether this fault can happen to such a call."""
        return not to_aws if self.fault else to_aws or bool(self.killed)

    def service(self, world: World) -> ProvisionService | None:
        """The execution environment that the fault needs. None if any will do."""
        return world.new_service(self.timeouts) if self.timeouts else None

    @contextmanager
    def on(self, world: World) -> Iterator[Act]:
        """Activate the fault. The function that it yields makes a call, given by name, with the fault."""
        before = {name: getattr(world.adobe.settings, name) for name in self.settings}
        for name, value in self.settings.items():
            setattr(world.adobe.settings, name, value)
        tries = itertools.count(1)
        try:
            refusing = _moto(world.stack.aws, self) if isinstance(world, CloudWorld) else nullcontext(list[str]())
            with refusing as left:
                yield lambda name, go: self._inject(world, name, go, left, next(tries))
        finally:
            for name, value in before.items():
                if name != "list_lag_seconds":  # the lag lasts longer than the call
                    setattr(world.adobe.settings, name, value)

    def _in_memory(self, name: str, go: Go) -> Any:
        """A call to a fake, as the adapter and the SDK's own retry leave it."""
        code = self.refusal[1] if self.refusal else "ConnectionError"
        for tries in range(1 if name == "explore function" else SDK_TRIES):
            if tries >= self.times:
                return go()
            if self.lost == "after":
                go()
        if name == "secret's version" and code in _REFUSALS:
            return None
        raise _refused(name, code)

    def _inject(self, world: World, name: str, go: Go, left: list[str], tries: int) -> Any:
        to_aws = name not in HTTP_CALLS
        if self.killed == "before":
            raise Killed
        if self.refused:
            raise requests.ConnectionError(NewConnectionError(HTTPConnection("localhost"), "refused"))
        if to_aws and not self.killed and not isinstance(world, CloudWorld):
            return self._in_memory(name, go)
        if to_aws:
            left[:] = [] if self.fault or self.killed else [name] * self.times
        elif self.fault and tries <= self.times:
            method, path = DATABRICKS_CALLS.get(name, ("", ".*"))
            fault = replace(self.fault, times=1, method=method, path=path)
            for simulator in _simulators(world, name):
                simulator.faults.add(fault)
        try:
            return go(**({} if to_aws else self.options))
        finally:
            missed = bool(left) and len(left) == self.times
            left.clear()
            for simulator in _simulators(world, name):
                simulator.faults.clear()
            if self.killed:
                raise Killed
            assert not missed, f"{self.name!r} did not reach the call {name!r}"


def _refused(name: str, code: str) -> ConnectionFailure:
    """The adapters' error for a refusal by AWS."""
    if name in SECRET_READS and code in _REFUSALS:
        return SecretRefused(f"The secret cannot be read: {_REFUSALS[code]}.")
    return unavailable(lambda: None, code)


def _simulators(world: World, name: str) -> tuple[Simulator, ...]:
    """The simulators that receive a call of that name."""
    return (world.databricks,) if name in DATABRICKS_CALLS else (world.adobe, world.ims)


@contextmanager
def _moto(aws: Aws, fault: CallFault) -> Iterator[list[str]]:
    """Moto's server refuses, or does not respond to, each call in the yielded list of names, once per entry."""
    inner = aws.app
    left: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        body = body_from_the_service(environ)
        try:
            left.remove(named(environ, body) if body is not None else "")
        except ValueError:
            return inner(environ, start_response)
        if fault.refusal:
            status, code = fault.refusal
            headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-query-error", f"{code};Sender")]
            start_response(f"{status} Refused", headers)
            return [json.dumps({"__type": code, "message": "no"}).encode()]
        if fault.lost == "after":
            list(inner(environ, lambda *_: lambda _: None))
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError

    aws.app = app
    try:
        yield left
    finally:
        aws.app = inner


def _reply(name: str, status: int, body: str = "", when: str = "before", **headers: str) -> CallFault:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return CallFault(name, Fault(status=status, body=body, headers=named, when=when))  # type: ignore[arg-type]


_GATEWAY = '{"error_code": "403000", "message": "no"}'
_NO_TOKEN = '{"error_code": "401013", "message": "Oauth token is not valid"}'
_NO_SANDBOX = '{"type": "https://ns.adobe.com/aep/errors/FLOW-2100-404", "status": 404, "title": "no such sandbox"}'
_OTHER_404 = '{"type": "https://ns.adobe.com/aep/errors/FLOW-1440-404", "status": 404, "title": "no"}'

HTTP: tuple[CallFault, ...] = (
    CallFault("connection refused", Fault(), refused=True),
    CallFault("reset before the effect", Fault(drop=True)),
    CallFault("reset after the effect", Fault(drop=True, when="after")),
    CallFault("no response in time", Fault(hang=True), SOON),
    CallFault("no response in time, after the effect", Fault(hang=True, when="after"), SOON),
    CallFault("effect after the client is gone", Fault(drop=True, late=LATE_SECONDS)),
    CallFault("lost, and lists lag", Fault(drop=True, when="after"), settings={"list_lag_seconds": 90.0}),
    CallFault("lost, and lists reorder", Fault(drop=True, when="after"), settings={"list_reorders": True}),
    CallFault("response cut short", Fault(truncate=True, when="after")),
    CallFault("response drips in", Fault(drip=0.05, when="after"), times=1, timeouts=Timeouts(0.6, 0.6, 0.6)),
    _reply("401", 401, _NO_TOKEN),
    _reply("403", 403, _GATEWAY),
    _reply("403, HTML", 403, HTML),
    _reply("404, HTML", 404, HTML),
    _reply("404, empty", 404),
    _reply("404, sandbox", 404, _NO_SANDBOX),
    _reply("404, code 1439", 404, GONE),
    _reply("404, another code", 404, _OTHER_404),
    _reply("409", 409, "{}"),
    _reply("412", 412, "{}"),
    _reply("429", 429, "{}"),
    _reply("429, Retry-After: 7", 429, "{}", Retry_After="7"),
    _reply("429, Retry-After: 3600", 429, "{}", Retry_After="3600"),
    _reply("500 before the effect", 500, "{}"),
    _reply("500 after the effect", 500, "{}", when="after"),
    _reply("502, HTML, after the effect", 502, HTML, when="after"),
    _reply("503", 503, "{}"),
    _reply("200, HTML, after the effect", 200, HTML, when="after"),
)
AWS: tuple[CallFault, ...] = (
    CallFault("AWS throttles", refusal=(400, "ThrottlingException")),
    CallFault("AWS throttles once", refusal=(400, "ThrottlingException"), times=1),
    CallFault("AWS denies access", refusal=(400, "AccessDeniedException")),
    CallFault("KMS denies access", refusal=(400, "KMSAccessDeniedException")),
    CallFault("AWS fails", refusal=(500, "InternalServerError")),
    CallFault("AWS is not reached", lost="before"),
    CallFault("AWS response is lost once", lost="after", times=1),
    CallFault("AWS response is lost", lost="after"),
)
KILLS: tuple[CallFault, ...] = (
    CallFault("killed before", killed="before"),
    CallFault("killed after", killed="after"),
    CallFault("killed, and the effect comes later", Fault(drop=True, late=LATE_SECONDS), killed="after"),
)
EVERY = HTTP + AWS + KILLS
