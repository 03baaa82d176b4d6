"""Lists the tables and columns of a connection for the API function."""

from typing import Any

import boto3  # noqa: F401 - imported first: importing it deeper in the import stack is slower (decision 20)

from aep_connections.explore.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.explore(event, context)
