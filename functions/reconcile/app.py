"""Reconciles the whole fleet: it announces drift, then sends rechecks."""

from typing import Any

import boto3  # noqa: F401 - imported first: importing it deeper in the import stack is slower (decision 20)

from aep_connections.reconcile.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.reconcile(event, context)
