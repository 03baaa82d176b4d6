"""The HTTP API of a world: a call as API Gateway makes an event of it, answered by the real function on the fake clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from aep_connections import wiring_api, wiring_explore
from aep_connections.triggers.http import Api
from local.invocation import Context
from tests.support.world import World

SECONDS = 29.0
"""The function's timeout."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer; the names of `headers` are in lower case, `document` is its JSON."""

    status: int
    headers: dict[str, str]
    document: Any


@dataclass(slots=True)
class Web:
    """Those who ask a world over HTTP."""

    world: World
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        stack = self.world.stack
        self.api = wiring_api.build(stack.resources.environment("ApiFunction"), self.world.clock)
        stack.aws.functions[stack.resources.attribute("ExploreFunction", None)] = self._explore

    def __call__(self, method: str, path: str, body: Any = None, seconds: float = SECONDS, **headers: str) -> Answered:
        """One call; a `body` that is no text is sent as JSON."""
        text = body if isinstance(body, str | None) else json.dumps(body)
        context = Context(self.world.clock.now() + seconds, self.world.clock.now)
        answer = self.api.answer(self.event(method, path, text, headers), context)
        given = {name.lower(): value for name, value in answer["headers"].items()}
        return Answered(answer["statusCode"], given, json.loads(answer["body"]))

    def event(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> dict[str, Any]:
        raise NotImplementedError

    def _explore(self, event: Any, context: Any) -> Any:
        stack = self.world.stack
        environment = stack.resources.environment("ExploreFunction") | {"DATABRICKS_URL": stack.databricks.url}
        service = wiring_explore.build(environment, self.world.clock, self.world.timeouts)
        return service.explore(event, Context(self.world.clock.now() + 26, self.world.clock.now))


_UNUSED = (parse_qsl, unquote, urlsplit)
