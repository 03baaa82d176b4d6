"""Logs and metrics of the whole fleet: a line for each thing that happened, and metrics at the end of a run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from aep_connections.domain.model import Status
from aep_connections.observability import Log
from aep_connections.reconcile.drift import Kind
from aep_connections.reconcile.run import Run, count_of

if TYPE_CHECKING:
    from aep_connections.domain.delivery import Recheck
    from aep_connections.http.transport import Upstream

MAX_SECRETS = 100
"""CloudWatch charges for the metric of each secret, so only the oldest versions are shown."""


class FleetObserver:
    """Writes the logs and metrics of the fleet."""

    def __init__(self) -> None:
        self._log = Log()
        self._namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "AepConnections")

    def note(self, message: str, line: dict[str, Any]) -> None:
        """Log what happened in a sandbox."""
        self._log.write(message, line)

    def rechecks_sent(self, event: dict[str, str], rechecks: list[Recheck]) -> dict[str, Any]:
        """Log an event and how many keys are rechecked for it; returns the line."""
        line: dict[str, Any] = {**event, "rechecks": len(rechecks)}
        self._log.write("rechecks sent", line)
        return line

    def reconciled(self, run: Run, now: float, upstream: Upstream, *, ended: bool) -> dict[str, Any]:
        """Log the progress of a run; at its end, write the metrics of the whole run. Ages are in seconds."""
        line: dict[str, Any] = {"ended": ended, "after": run.after, "upstream_calls": upstream.calls}
        line |= dict.fromkeys((*_COUNTED, "Skipped"), 0) | run.counts
        self._log.write("fleet reconciled" if ended else "fleet continues", line)
        for secret_id, created_at in sorted(run.versions.items(), key=lambda item: item[1])[:MAX_SECRETS]:
            self._gauge({"secret": secret_id}, {"SecretVersionAge": now - created_at})
        if ended:
            plain = {name: float(run.counts[name]) for name in _COUNTED}
            ages = {} if run.oldest is None else {"OldestVerification": now - run.oldest}
            self._gauge({}, {**plain, **ages})
            for status in Status:
                self._gauge(
                    {"status": status.value}, {"Connections": run.counts[count_of("Connections", status.value)]}
                )
            for kind in Kind:
                self._gauge({"kind": kind.value}, {"Drift": run.counts[count_of("Drift", kind.value)]})
        return line

    def _gauge(self, dimensions: dict[str, str], values: dict[str, float]) -> None:
        metrics = EphemeralMetrics(namespace=self._namespace, service=self._log.service)
        for dimension, of in dimensions.items():
            metrics.add_dimension(dimension, of)
        for name, value in values.items():
            unit = MetricUnit.Seconds if name in _AGES else MetricUnit.Count
            metrics.add_metric(name, unit, round(value))
        metrics.flush_metrics()


_AGES = ("OldestVerification", "SecretVersionAge")
_COUNTED = ("Drifted", "Unrepaired", "Rechecks", "Verifications", "Unverified", "FailedSandboxes", "StoppedSandboxes")
