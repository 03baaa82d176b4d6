"""Takes requests for base connections over HTTP, and shows what is known of each."""

from typing import Any

from aep_connections.api.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.respond(event, context)
