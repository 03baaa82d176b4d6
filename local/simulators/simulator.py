"""A simulator: a real HTTP server (optionally with TLS) around a function from request to response, with faults.

Every simulator has a control API. `GET`, `POST` and `DELETE /_simulator/faults` show, add (one or a list of
`faults.Fault` as JSON) and remove pending faults. `GET` and `PATCH /_simulator/settings` show and change its settings.
`GET /_simulator/calls` lists the calls so far, without headers and bodies.
"""

from __future__ import annotations

import functools
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.simulators.control import camel, read_fields
from local.simulators.faults import Fault, FaultPlan

CONTROL = "/_simulator/"


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(status: int, document: Any, **headers: str) -> Response:
    """A response with a JSON body; header names with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json", **named})


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a simulator: when (seconds since 1970), how long, and the status of the reply (None: no reply)."""

    at: float
    seconds: float
    request: Request
    status: int | None


class Simulator:
    """Subclasses have `respond` and a dataclass of settings; they may have further control calls (`control`)."""

    name = "simulator"

    def __init__(
        self,
        settings: Any,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.settings = settings
        self.faults = FaultPlan()
        self.calls: list[Call] = []
        self.now = now
        self._late: list[tuple[float, Request]] = []
        self._late_lock = threading.Lock()
        self._stopping = threading.Event()
        self._tls, self._port = tls, port

    def respond(self, request: Request, now: float) -> Response:
        """Carry out a request at `now` (seconds since 1970). Returns the reply. Several threads may call it at once."""
        raise NotImplementedError

    def control(self, method: str, what: str, document: object) -> Response | None:
        """The reply to a control call that only this simulator has; None if it has no such call. Raises ValueError."""

    @functools.cached_property
    def _server(self) -> _Server:
        """The HTTP server. It takes its port when the URL is first read."""
        server = _Server(("127.0.0.1", self._port), self)
        if self._tls:
            server.socket = self._tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        return server

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"{'https' if self._tls else 'http'}://localhost:{self._server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.005,), name=self.name, daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def reply(self, request: Request) -> tuple[Response | None, Fault | None]:
        """The reply (None: no reply), and the fault that changes how it is sent."""
        started = time.time()
        self.let_late_effects_happen()
        if request.path.startswith(CONTROL):
            return self._control(request), None
        fault = self.faults.take(request.method, request.path)
        response = self._respond(request, self.now()) if fault is None else self._faulty(request, fault)
        status = response.status if response else None
        self.calls.append(Call(started, time.time() - started, request, status))
        return response, fault

    def stopped(self, seconds: float) -> bool:
        """Wait for some seconds. Returns whether the simulator was stopped meanwhile."""
        return self._stopping.wait(seconds)

    def let_late_effects_happen(self) -> None:
        """Carry out the delayed requests that are due, each at its own time."""
        with self._late_lock:
            now = self.now()
            due = [one for one in self._late if one[0] <= now]
            self._late = [one for one in self._late if one[0] > now]
            for moment, request in due:
                self._respond(request, moment)

    def _respond(self, request: Request, now: float) -> Response:
        try:
            return self.respond(request, now)
        except Exception as error:  # noqa: BLE001 - a defect of the simulator must not look like a broken network
            message = f"The {self.name} simulator failed: {error!r}"
            print(message, file=sys.stderr)
            return json_response(500, {"message": message})

    def _faulty(self, request: Request, fault: Fault) -> Response | None:
        true: Response | None = None
        if fault.when == "before":
            self._stopping.wait(fault.delay)
        if fault.late is not None:
            with self._late_lock:
                self._late.append((self.now() + fault.late, request))
        elif fault.when == "after" or (fault.status is None and not fault.silent):
            true = self._respond(request, self.now())
        if fault.when == "after":
            self._stopping.wait(fault.delay)
        if fault.silent:
            return None
        if fault.status is not None:
            return Response(fault.status, fault.body.encode(), fault.headers)
        return true or Response(504)

    def _control(self, request: Request) -> Response:
        shown = self._controlled(request)
        return replace(shown, body=shown.body + b"\n")  # a newline for a person at a prompt

    def _controlled(self, request: Request) -> Response:
        what, document = request.path.removeprefix(CONTROL), request.json()
        try:
            if (own := self.control(request.method, what, document)) is not None:
                return own
            match (request.method, what):
                case ("POST", "faults"):
                    self.faults.add(*map(Fault.read, document if isinstance(document, list) else [document]))
                case ("DELETE", "faults"):
                    self.faults.clear()
                case ("PATCH", "settings"):
                    for name, value in read_fields(type(self.settings), document).items():
                        setattr(self.settings, name, value)
                case ("GET", "faults" | "settings" | "calls"):
                    pass
                case _:
                    return json_response(404, {"message": f"This simulator has no {request.method} {request.path}."})
        except ValueError as error:
            return json_response(400, {"message": str(error)})
        if what == "calls":
            return json_response(200, {"calls": [_shown(call) for call in self.calls]})
        if what == "faults":
            return json_response(200, {"faults": self.faults.shown()})
        return json_response(200, {camel(name): value for name, value in asdict(self.settings).items()})


def _shown(call: Call) -> dict[str, Any]:
    request = call.request
    return {
        "at": call.at,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "status": call.status,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        super().__init__(address, _Handler)

    def service_actions(self) -> None:
        self.simulator.let_late_effects_happen()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: clients may close a connection at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nothing: calls are recorded, not printed."""

    def _any(self) -> None:
        split = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            split.path,
            tuple(parse_qsl(split.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        response, fault = self.server.simulator.reply(request)
        if response is None:
            if fault and fault.hang:
                self._wait_until_client_goes()
            self._reset()
        else:
            self._send(response, fault or Fault())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - the base class's names

    def _send(self, response: Response, fault: Fault) -> None:
        self.send_response(response.status)
        headers = {"x-request-id": str(uuid.uuid4()), **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if fault.truncate:
            self.wfile.write(response.body[: len(response.body) // 2])
            self._reset()
        elif fault.drip:
            for byte in response.body:
                self.wfile.write(bytes([byte]))
                if self.server.simulator.stopped(fault.drip):
                    return
        elif response.status != 204:
            self.wfile.write(response.body)

    def _wait_until_client_goes(self) -> None:
        while not self.server.simulator.stopped(0):
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable and not self.connection.recv(1):
                return

    def _reset(self) -> None:
        """Close the connection so that the client sees a reset."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
