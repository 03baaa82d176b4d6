"""Provisions a base connection for each request on the queue, or for the request of a direct invoke."""

from typing import Any

import boto3  # noqa: F401 - imported first: importing it deeper in the import stack is slower (decision 20)

from aep_connections.provision.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.provision(event, context)
