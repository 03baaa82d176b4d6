"""The HTTP API as template.yaml declares it: its routes, who may call them and how often, and how it reads a path."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local.aws.template import Attribute, Template

DEFAULT = "$default"
KIND = "AWS::ApiGatewayV2::"


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: calls per second (`rate`), and calls at once (`burst`)."""

    rate: float
    burst: int

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Limit:
        """The limit in the settings of a stage or a route."""
        return cls(float(settings["ThrottlingRateLimit"]), int(settings["ThrottlingBurstLimit"]))


@dataclass(frozen=True, slots=True)
class Route:
    """A route: `key` is a method and a path with variables in braces, or `$default`."""

    key: str
    authorization: str
    scopes: tuple[str, ...]
    limit: Limit

    def variables(self, method: str, path: str) -> dict[str, str] | None:
        """The path's variables in a call, decoded; None if this is not the call's route."""
        wanted, _, pattern = self.key.partition(" ")
        wanted_parts, given = pattern.split("/"), path.split("/")
        if self.key == DEFAULT or wanted not in (method, "ANY") or len(wanted_parts) != len(given):
            return None
        found: dict[str, str] = {}
        for name, value in zip(wanted_parts, given, strict=True):
            if name.startswith("{") and value:
                found[name.strip("{}")] = unquote(value)
            elif name != value:
                return None
        return found


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An API of the template, with one function behind it."""

    id: str
    routes: tuple[Route, ...]
    timeout_seconds: float

    @classmethod
    def read(cls, template: Template, attribute: Attribute) -> HttpApi:
        """The API of a template. Raises ValueError for settings that are not supported."""

        def declared(kind: str) -> list[dict[str, Any]]:
            resources = template.resources().values()
            return [template.resolve(r["Properties"], attribute) for r in resources if r["Type"] == KIND + kind]

        (integration,), (stage,) = declared("Integration"), declared("Stage")
        known = {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"}
        if not known.items() <= integration.items() or stage["StageName"] != DEFAULT:
            raise ValueError(f"The local gateway serves AWS_PROXY in format 2.0 on {DEFAULT} only.")
        settings = stage.get("RouteSettings", {})
        routes = [
            Route(
                route["RouteKey"],
                route["AuthorizationType"],
                tuple(route.get("AuthorizationScopes", ())),
                Limit.read(settings.get(route["RouteKey"], stage["DefaultRouteSettings"])),
            )
            for route in declared("Route")
        ]
        if greedy := [route.key for route in routes if "+}" in route.key]:
            raise ValueError(f"The local gateway does not support greedy path variables: {', '.join(greedy)}.")
        if unknown := set(settings) - {route.key for route in routes}:
            raise ValueError(f"Settings of a route that does not exist: {', '.join(sorted(unknown))}.")
        return cls(integration["ApiId"], tuple(routes), integration["TimeoutInMillis"] / 1000)

    def route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a call and its variables: the route with the fewest variables, or else `$default`, if any."""
        matching = [(route, route.variables(method, path)) for route in self.routes]
        found = [(route, variables) for route, variables in matching if variables is not None]
        if found:
            return min(found, key=lambda one: len(one[1]))
        return next(((route, {}) for route in self.routes if route.key == DEFAULT), None)


def paths(raw: str) -> tuple[str, str]:
    """The path by which a call's route is found, and the path that the function gets; `raw` is the path as sent.

    An HTTP API decodes the path before it finds the route, and cuts it at a question mark that this produces. It then
    decodes it once more for the function. So `%252F` is a slash in a variable, and `%2F` is a slash between segments.
    A single `%` after the first decoding is refused (ValueError). Source: captures of real calls.
    """
    once = unquote(raw).partition("?")[0]
    if re.search("%(?![0-9A-Fa-f]{2})", once):
        raise ValueError("The path cannot be decoded.")
    return once, unquote(once)


class Bucket:
    """Accepts calls as a limit allows. Times are in seconds."""

    def __init__(self, limit: Limit, now: float) -> None:
        self._limit, self._tokens, self._at = limit, float(limit.burst), now
        self._lock = threading.Lock()

    def take(self, now: float) -> bool:
        """Whether one more call is accepted."""
        with self._lock:
            gained = max(0.0, now - self._at) * self._limit.rate
            self._tokens, self._at = min(float(self._limit.burst), self._tokens + gained), now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
