"""Accepts requests for base connections over HTTP, and shows the state of each."""

from typing import Any

import boto3  # noqa: F401 - imported first: importing it deeper in the import stack is slower (decision 20)

from aep_connections.api.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.respond(event, context)
