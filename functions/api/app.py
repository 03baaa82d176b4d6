"""Takes requests for base connections over HTTP, and shows what is known of each."""

from typing import Any

import boto3  # noqa: F401 - before ours: from deeper in the stack of imports it loads slower (decision 20)

from aep_connections.api.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.respond(event, context)
