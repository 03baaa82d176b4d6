"""Looks after the whole fleet: what is otherwise than it should be is announced, and rechecked."""

from typing import Any

from aep_connections import wiring_reconcile

service = wiring_reconcile.build()


def handler(event: Any, context: Any) -> Any:
    return service.reconcile(event, context)
