"""Provisions a base connection for every request on the queue, or for the one it is invoked with."""

from typing import Any

from aep_connections.provision.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.provision(event, context)
