"""Provisions a base connection for every request on the queue, or for the one it is invoked with."""

from typing import Any

import boto3  # noqa: F401 - before ours: from deeper in the stack of imports it loads slower (decision 20)

from aep_connections.provision.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.provision(event, context)
