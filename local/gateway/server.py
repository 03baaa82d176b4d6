"""The HTTP API on this machine: real HTTP in front of a function, as API Gateway serves it according to the template.

It also serves two paths that API Gateway does not: `GET /docs`, Swagger UI in one self-contained page, and
`GET /openapi.json`, the document that the page shows.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.aws.functions import ROOT
from local.aws.invocation import Handler, invoke
from local.gateway.callers import authorized
from local.gateway.http_api import Bucket, HttpApi, paths
from local.gateway.http_events import Call, Reply, event_of, plain, reply_of

DOCUMENT = ROOT / "docs" / "openapi.json"
MAXIMUM_BYTES = 10 * 1024 * 1024


class Gateway:
    """Serves `api` with `handler`. `now` is the clock of signatures and throttling (seconds since 1970)."""

    def __init__(
        self,
        api: HttpApi,
        handler: Handler,
        now: Callable[[], float] = time.time,
        document: Path = DOCUMENT,
        port: int = 0,
    ) -> None:
        self.api, self.now = api, now
        self._handler, self._document = handler, document
        self._buckets = {route.key: Bucket(route.limit, now()) for route in api.routes}
        self._server = _Server(("127.0.0.1", port), self)
        self.url = f"http://localhost:{self._server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.005,), name="gateway", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def respond(self, call: Call) -> Reply:
        """The reply to the caller."""
        if call.method == "GET" and call.path in ("/docs", "/openapi.json"):
            return self._documentation(page=call.path == "/docs" and call.query != "format=json")
        if len(call.body) > MAXIMUM_BYTES:
            return plain(413, "Request Too Long")
        try:
            wanted, path = paths(call.path)
        except ValueError:
            return plain(400, "Bad Request")
        found = self.api.route(call.method, wanted)
        if found is None:
            return plain(404, "Not Found")
        route, variables = found
        if not self._buckets[route.key].take(self.now()):
            return plain(429, "Too Many Requests")
        authorizer = authorized(call, route)
        if isinstance(authorizer, Reply):
            return authorizer
        return self._integrated(event_of(call, self.api.id, route.key, path, variables, authorizer))

    def _integrated(self, event: dict[str, Any]) -> Reply:
        """The function's reply if it comes in time; if not, a 503, while the function continues."""
        replies: queue.Queue[Reply] = queue.Queue()
        threading.Thread(target=lambda: replies.put(self._invoked(event)), daemon=True).start()
        try:
            return replies.get(timeout=self.api.timeout_seconds)
        except queue.Empty:
            return plain(503, "Service Unavailable")

    def _invoked(self, event: dict[str, Any]) -> Reply:
        try:
            return reply_of(invoke(self._handler, event, self.api.timeout_seconds))
        except Exception:  # noqa: BLE001 - every failure of a function is a 500
            return plain(500, "Internal Server Error")

    def _documentation(self, *, page: bool) -> Reply:
        try:
            text = self._document.read_text()
        except FileNotFoundError:
            return plain(404, "Not Found")
        if page:
            return Reply(200, (("Content-Type", "text/html; charset=utf-8"),), swagger_page(text, self.url).encode())
        return Reply(200, (("Content-Type", "application/json"),), text.encode())


def swagger_page(document: str, url: str) -> str:
    """Swagger UI for an OpenAPI document, script and style included. It sends its calls to `url`."""
    from aws_lambda_powertools.event_handler.openapi import swagger_ui

    folder = Path(str(swagger_ui.__file__)).parent
    spec = json.dumps(json.loads(document) | {"servers": [{"url": url}]}).replace("</", "<\\/")
    script, style = ((folder / name).read_text() for name in ("swagger-ui-bundle.min.js", "swagger-ui.min.css"))
    return swagger_ui.generate_swagger_html(spec, script, style, "", None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], gateway: Gateway) -> None:
        self.gateway = gateway
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: clients may close a connection at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nothing: the function's own log lines are shown."""

    def _any(self) -> None:
        gateway = self.server.gateway
        body, headers = self._body(), tuple(self.headers.items())
        call = Call(self.command, self.path, headers, body, self.client_address[0], gateway.now())
        reply = gateway.respond(call)
        self.send_response(reply.status)
        for name, value in (*reply.headers, ("Apigw-Requestid", call.id)):
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status not in (204, 304) and self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _any  # noqa: N815 - the base class's names

    def _body(self) -> bytes:
        """The whole body. Of a body that is too long, only enough to detect this."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body = (body + self._read(size))[: MAXIMUM_BYTES + 1]
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return body

    def _read(self, size: int) -> bytes:
        kept = self.rfile.read(min(size, MAXIMUM_BYTES + 1))
        left = size - len(kept)
        while left > 0 and (piece := self.rfile.read(min(left, 1 << 16))):
            left -= len(piece)
        return kept
