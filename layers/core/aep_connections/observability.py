"""One log line and one set of metrics for each answer, written here and nowhere else, from an allow-list of fields."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from aep_connections.domain.model import Outcome

if TYPE_CHECKING:
    from aep_connections.upstream.transport import Upstream
    from aep_connections.use_cases.answer import Answer

# Lambda's own root logger would write the SDK's news of every cold start.
logging.getLogger("botocore").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Measured:
    """What an answer cost. Seconds; `age` counts from when the request (of a recheck: the recheck) was asked."""

    duration: float
    age: float
    receive_count: int
    invocation_id: str | None


class Log:
    """Writes lines to stdout, in the form of every line of ours."""

    def __init__(self) -> None:
        self.service = os.environ.get("POWERTOOLS_SERVICE_NAME", "aep-connections")
        self._logger = Logger(service=self.service, use_rfc3339=True, utc=True)

    def note(self, message: str, line: dict[str, Any]) -> None:
        """A line; of what has a code, as a warning."""
        level = self._logger.warning if line.get("code") else self._logger.info
        level(message, extra=line)


class Observer:
    """Writes answers to stdout as CloudWatch reads them: a JSON line and an EMF document."""

    def __init__(self) -> None:
        self._log = Log()
        self._namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "AepConnections")

    def note(self, answer: Answer, measured: Measured, upstream: Upstream) -> None:
        outcome = answer.result.outcome.value if answer.result else ("failed" if answer.acknowledged else "retried")
        line: dict[str, Any] = {
            "sandbox": answer.sandbox,
            "connection_name": answer.name,
            "outcome": outcome,
            "requested_at": answer.order.time,
            "request_event_id": answer.order.id,
            "duration_ms": round(measured.duration * 1000),
            "age_ms": round(measured.age * 1000),
            "receive_count": measured.receive_count,
            "upstream_calls": upstream.calls,
            "upstream_retries": upstream.retries,
            "parked": answer.parked,
            "function_request_id": measured.invocation_id,
        }
        if answer.result:
            line |= {"connection_id": answer.result.connection_id, "duplicates": list(answer.result.duplicates)}
        if answer.recheck:
            line["recheck"] = answer.recheck.reason
        if answer.report:
            line |= answer.report.event_fields()
        if answer.error:
            line |= {
                "code": answer.error.code,
                "retryable": answer.error.retryable,
                "request_id": answer.error.request_id,
                "reason": answer.error.message,
                "faults": [str(fault) for fault in answer.error.faults],
            }
        self._log.note("request answered", line)
        self._count(answer, outcome, measured, upstream)

    def _count(self, answer: Answer, outcome: str, measured: Measured, upstream: Upstream) -> None:
        metrics = EphemeralMetrics(namespace=self._namespace, service=self._log.service)
        metrics.add_metric(outcome.capitalize(), MetricUnit.Count, 1)
        metrics.add_metric("Duration", MetricUnit.Milliseconds, round(measured.duration * 1000))
        if outcome != Outcome.SUPERSEDED:  # an old request that lost is nobody's delay
            metrics.add_metric("RequestAge", MetricUnit.Seconds, round(measured.age, 3))
        metrics.add_metric("UpstreamCalls", MetricUnit.Count, upstream.calls)
        metrics.add_metric("UpstreamRetries", MetricUnit.Count, len(upstream.retries))
        metrics.add_metric("Parked", MetricUnit.Count, int(answer.parked))
        surplus = answer.result.surplus_deleted if answer.result else 0
        metrics.add_metric("SurplusDeleted", MetricUnit.Count, surplus)
        if answer.recheck and answer.recheck.unattended:
            repaired = answer.result is not None and answer.result.changed
            metrics.add_metric("Repaired", MetricUnit.Count, int(repaired))
        if answer.error:
            metrics.add_metadata("code", answer.error.code)
        metrics.flush_metrics()
