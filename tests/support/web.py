"""The HTTP API of a world: API Gateway's events for calls, processed by the real functions on the world's clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aep_connections.api.service import ApiService
from aep_connections.http.transport import Timeouts
from local.aws.invocation import Context
from local.gateway.http_api import HttpApi, paths
from local.gateway.http_events import Call, event_of, reply_of
from tests.support.world import SECRET_ID, World

SECONDS, EXPLORE_SECONDS = 29.0, 26.0
"""The functions' timeouts."""
KEY = "/connections/dev/sales"
BODY = {"databricksSecretId": SECRET_ID}
PROBLEM = {"type", "title", "status", "code", "detail", "remedy", "retryable", "requestId", "faults"}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. The names of `headers` are in lower case, `document` is its JSON."""

    status: int
    headers: dict[str, str]
    document: Any


@dataclass(slots=True)
class Web:
    """The HTTP callers of a world."""

    world: World
    api: ApiService = field(init=False)
    gateway: HttpApi = field(init=False)
    timeouts: Timeouts = field(init=False)
    """How long the exploring function waits for Adobe and Databricks."""

    def __post_init__(self) -> None:
        self.gateway = HttpApi.read(self.world.template, self.world.attribute)
        self.api, self.timeouts = self.new_api(), self.world.timeouts
        self.world.functions[self.explore_name] = self.explore

    @property
    def explore_name(self) -> str:
        """The name of the exploring function."""
        return self.world.attribute("ExploreFunction")

    def new_api(self, **environment: str) -> ApiService:
        """A new execution environment of the API's function."""
        return self.world.new_api(**environment)

    def __call__(
        self, method: str, target: str, body: Any = None, seconds: float = SECONDS, **headers: str
    ) -> HttpResponse:
        """Make one call. A `body` that is not text is sent as JSON. Write header names with `_` for `-`."""
        raw = body if isinstance(body, bytes) else b"" if body is None else _text(body).encode()
        given = {"host": "api.example", "content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        self.world.clock.advance(1)
        call = Call(method, target, tuple(given.items()), raw, "127.0.0.1", self.world.clock.now())
        wanted, path = paths(call.path)
        found = self.gateway.route(method, wanted)
        assert found
        route, variables = found
        event = event_of(call, self.gateway.id, route.key, path, variables, {})
        reply = reply_of(self.api.respond(event, Context(self.world.clock.now() + seconds, self.world.clock.now)))
        return HttpResponse(reply.status, {n.lower(): v for n, v in reply.headers}, json.loads(reply.body))

    def explore(self, event: Any, _context: Any) -> Any:
        """Invoke the exploring function."""
        clock = self.world.clock
        context = Context(clock.now() + EXPLORE_SECONDS, clock.now)
        return self.world.new_explore(self.timeouts).explore(event, context)


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def work(world: World) -> None:
    """Deliver everything in the queue once."""
    for sent in world.arrived():
        world.deliver(sent)


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of a response, after checks of what every problem must have."""
    assert (response.status, response.document["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert set(response.document) == PROBLEM
    assert response.document["status"] == status
    assert response.document["remedy"]
    return dict(response.document)
