"""The EventBridge envelope, and what is inside it: a request with its order."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeGuard

from aep_connections.domain.model import Order
from aep_connections.domain.moment import EPOCH, order_at

REQUESTED = "AEP Base Connection Requested"


def is_envelope(document: object) -> bool:
    """Whether this is an EventBridge event that asks for a connection."""
    return isinstance(document, dict) and document.get("detail-type") == REQUESTED and "detail" in document


def order_of(envelope: dict[str, Any], latest: float, fallback_id: str) -> Order:
    """When an envelope's request was asked: its `time`, but not after `latest` (seconds since 1970), and its `id`."""
    asked, order_id = _seconds(envelope.get("time")), envelope.get("id")
    return order_at(latest if asked is None else min(asked, latest), order_id if _usable(order_id) else fallback_id)


def _usable(order_id: object) -> TypeGuard[str]:
    return isinstance(order_id, str) and 0 < len(order_id) <= 256 and order_id.isascii() and order_id.isprintable()


def _seconds(text: object) -> float | None:
    """ISO 8601 with a zone as seconds since 1970; None if it is not that."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is None:
        return None
    return max(0.0, (moment - EPOCH).total_seconds())
