"""The local gateway in front of handlers of a test."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.aws.template import Template
from local.gateway.http_api import HttpApi
from local.gateway.server import DOCUMENT, Gateway
from tests.support.templates import BARE

OK = {"statusCode": 200, "body": "ok"}


@dataclass(slots=True)
class Front:
    """A gateway, the events that its function got, and the function's response: a value, or an error to raise."""

    gateway: Gateway
    events: list[Any]
    reply: Any = field(default_factory=lambda: OK)

    @property
    def url(self) -> str:
        return self.gateway.url

    def call(
        self, method: str, target: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[HTTPResponse, bytes]:
        """A call with a target that no client corrects."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def event(self, method: str, target: str, body: bytes | str | None = None, **headers: str) -> Any:
        """The event that a call becomes. Write header names with `_` for `-`."""
        self.call(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.events[-1]

    def call_json(self, *call: Any, **options: Any) -> tuple[int, Any]:
        """Status and JSON of the response to a call."""
        response, content = self.call(*call, **options)
        return response.status, json.loads(content)


@contextmanager
def front(
    template: Template = BARE,
    now: Callable[[], float] = time.time,
    document: Path = DOCUMENT,
    handler: Callable[[Any, Any], Any] | None = None,
    **changes: Any,
) -> Iterator[Front]:
    """A gateway of a template's API with `changes`. Without a handler, it responds with `Front.reply`."""

    def respond(event: Any, _context: Any) -> Any:
        made.events.append(event)
        if isinstance(made.reply, Exception):
            raise made.reply
        return made.reply

    api = HttpApi.read(template, lambda name, attribute: f"{name}.{attribute}" if attribute else name)
    made = Front(Gateway(replace(api, **changes), handler or respond, now, document), [])
    made.gateway.start()
    try:
        yield made
    finally:
        made.gateway.stop()
