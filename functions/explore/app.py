"""Shows the tables and columns that a connection reaches, for the API function."""

from typing import Any

import boto3  # noqa: F401 - before ours: from deeper in the stack of imports it loads slower (decision 20)

from aep_connections.explore.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.explore(event, context)
