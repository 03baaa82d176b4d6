"""Reconciles the whole fleet: drift is announced, then rechecked."""

from typing import Any

import boto3  # noqa: F401 - before ours: from deeper in the stack of imports it loads slower (decision 20)

from aep_connections.reconcile.service import build

service = build()


def handler(event: Any, context: Any) -> Any:
    return service.reconcile(event, context)
