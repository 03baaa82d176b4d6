"""Takes requests for base connections over HTTP, and shows what is known of each."""

from typing import Any

from aep_connections.api import service

api = service.build()


def handler(event: Any, context: Any) -> Any:
    return api.respond(event, context)
