"""Reconciles the whole fleet: drift is announced, then rechecked."""

from typing import Any

from aep_connections.reconcile.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.reconcile(event, context)
