"""Shows the tables and columns that a connection reaches, for the API function."""

from typing import Any

from aep_connections import wiring_explore

service = wiring_explore.build()


def handler(event: Any, context: Any) -> Any:
    return service.explore(event, context)
