"""Moments as orders have them: ISO 8601 in UTC with milliseconds and a fixed width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aep_connections.domain.model import Order

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(seconds: float) -> str:
    """`seconds` since 1970."""
    moment = EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def order_at(seconds: float, order_id: str) -> Order:
    """The order of something asked at `seconds` since 1970."""
    return Order(iso(seconds), order_id)
