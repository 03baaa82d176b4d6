"""Shows the tables and columns that a connection reaches, for the API function."""

from typing import Any

from aep_connections.explore.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.explore(event, context)
