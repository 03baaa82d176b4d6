"""A network in memory: the service's real HTTP session, whose requests reach the simulators without a socket."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response, Simulator

SCHEMES = ("https://", "http://")


class Network(BaseAdapter):
    """Sends each request to the simulator whose key its host name ends with. Any other host refuses the connection.

    A fault that delays a response without end is a timeout at once.
    """

    def __init__(self, simulators: Mapping[str, Simulator]) -> None:
        super().__init__()
        self._simulators = simulators

    def into(self, session: requests.Session) -> requests.Session:
        """The session, which now uses this network only."""
        session.adapters.clear()
        for scheme in SCHEMES:
            session.mount(scheme, self)
        return session

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts, body = urlsplit(str(request.url)), request.body or b""
        known = [one for end, one in self._simulators.items() if str(parts.hostname).endswith(end)]
        if not known:
            raise requests.ConnectionError(NewConnectionError(HTTPConnection(str(parts.hostname)), "refused"))
        simulator = known[0]
        response, fault = simulator.reply(
            Request(
                str(request.method),
                parts.path,
                tuple(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): str(value) for name, value in request.headers.items()},
                body.encode() if isinstance(body, str) else body,
            )
        )
        if response is None or (fault and fault.drip):
            raise _lost(request, fault or Fault())
        return _reply(request, response, cut=bool(fault and fault.truncate))

    def close(self) -> None:
        """Nothing is open."""


def _lost(request: requests.PreparedRequest, fault: Fault) -> requests.RequestException:
    if fault.drop:
        return requests.ConnectionError(urllib3.exceptions.ProtocolError("reset", ConnectionResetError()))
    return requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(None, str(request.url), "timed out"))  # type: ignore[arg-type]


def _reply(request: requests.PreparedRequest, response: Response, *, cut: bool) -> requests.Response:
    body = b"" if response.status == 204 else response.body
    length = {} if response.status == 204 else {"Content-Length": str(len(body))}
    raw = urllib3.HTTPResponse(
        io.BytesIO(body[: len(body) // 2] if cut else body),
        headers={**response.headers, **length},
        status=response.status,
        preload_content=False,
    )
    reply = requests.Response()
    reply.status_code, reply.raw, reply.url, reply.request = response.status, raw, str(request.url), request
    reply.headers.update({"x-request-id": str(uuid.uuid4()), **response.headers, **length})
    return reply
