"""One log line and one set of metrics per processed delivery, written only here, from an allow-list of fields."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from aep_connections.domain.model import Outcome

if TYPE_CHECKING:
    from aep_connections.domain.delivery import Processed
    from aep_connections.http.transport import Upstream

# Lambda's own root logger would write the SDK's info lines at every cold start.
logging.getLogger("botocore").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """How long processing took. Times are in seconds; `age` is the time since the request or the recheck was sent."""

    duration: float
    age: float
    receive_count: int
    invocation_id: str | None


class Log:
    """Writes lines to stdout, all in one format."""

    def __init__(self) -> None:
        self.service = os.environ.get("POWERTOOLS_SERVICE_NAME", "aep-connections")
        self._logger = Logger(service=self.service, use_rfc3339=True, utc=True)

    def write(self, message: str, line: dict[str, Any]) -> None:
        """Write a line; with a code, it is a warning."""
        level = self._logger.warning if line.get("code") else self._logger.info
        level(message, extra=line)


class Observer:
    """Writes outcomes to stdout in the formats that CloudWatch reads: a JSON line and an EMF document."""

    def __init__(self) -> None:
        self._log = Log()
        self._namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "AepConnections")

    def record(self, processed: Processed, measurements: Measurements, upstream: Upstream) -> None:
        outcome = (
            processed.result.outcome.value if processed.result else ("failed" if processed.acknowledged else "retried")
        )
        line: dict[str, Any] = {
            "sandbox": processed.sandbox,
            "connection_name": processed.name,
            "outcome": outcome,
            "requested_at": processed.order.time,
            "request_event_id": processed.order.id,
            "duration_ms": round(measurements.duration * 1000),
            "age_ms": round(measurements.age * 1000),
            "receive_count": measurements.receive_count,
            "upstream_calls": upstream.calls,
            "upstream_retries": upstream.retries,
            "parked": processed.parked,
            "function_request_id": measurements.invocation_id,
        }
        if processed.result:
            line |= {"connection_id": processed.result.connection_id, "duplicates": list(processed.result.duplicates)}
        if processed.recheck:
            line["recheck"] = processed.recheck.reason
        if processed.report:
            line |= processed.report.event_fields()
        if processed.error:
            line |= {
                "code": processed.error.code,
                "retryable": processed.error.retryable,
                "request_id": processed.error.request_id,
                "reason": processed.error.message,
                "faults": [str(fault) for fault in processed.error.faults],
            }
        self._log.write("request processed", line)
        self._count(processed, outcome, measurements, upstream)

    def _count(self, processed: Processed, outcome: str, measurements: Measurements, upstream: Upstream) -> None:
        metrics = EphemeralMetrics(namespace=self._namespace, service=self._log.service)
        metrics.add_metric(outcome.capitalize(), MetricUnit.Count, 1)
        metrics.add_metric("Duration", MetricUnit.Milliseconds, round(measurements.duration * 1000))
        if outcome != Outcome.SUPERSEDED:  # no one waits for a superseded request
            metrics.add_metric("RequestAge", MetricUnit.Seconds, round(measurements.age, 3))
        metrics.add_metric("UpstreamCalls", MetricUnit.Count, upstream.calls)
        metrics.add_metric("UpstreamRetries", MetricUnit.Count, len(upstream.retries))
        metrics.add_metric("Parked", MetricUnit.Count, int(processed.parked))
        deleted = processed.result.duplicates_deleted if processed.result else 0
        metrics.add_metric("DuplicatesDeleted", MetricUnit.Count, deleted)
        if processed.recheck and processed.recheck.unattended:
            repaired = processed.result is not None and processed.result.changed
            metrics.add_metric("Repaired", MetricUnit.Count, int(repaired))
        if processed.error:
            metrics.add_metadata("code", processed.error.code)
        metrics.flush_metrics()
