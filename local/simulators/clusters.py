"""Clusters and their states, as Databricks changes them. No HTTP here, and no threads.

Without a setting, other users started a cluster a day ago and keep it running.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATES = ("PENDING", "RUNNING", "RESTARTING", "RESIZING", "TERMINATING", "TERMINATED", "ERROR", "UNKNOWN")
ALL_PURPOSE = ("UI", "API")
DEDICATED = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED", "LEGACY_SINGLE_USER", "LEGACY_SINGLE_USER_STANDARD")
AUTOMATED = ("JOB", "MODELS", "PIPELINE", "PIPELINE_MAINTENANCE", "SQL")
DAY = 86_400.0

# Termination code -> its type, the parameter that explains it, and the text of that parameter.
_TERMINATIONS = {
    "INACTIVITY": ("SUCCESS", "inactivity_duration_min", "{minutes}"),
    "USER_REQUEST": ("SUCCESS", "username", "{user}"),
    "SECRET_RESOLUTION_ERROR": (
        "SERVICE_FAULT",
        "databricks_error_message",
        "Failed to fetch secrets referred to in Spark Conf",
    ),
    "SECRET_PERMISSION_DENIED": (
        "CLIENT_ERROR",
        "databricks_error_message",
        "The owner of the cluster may not read a secret referred to in Spark Conf",
    ),
    "SPARK_STARTUP_FAILURE": (
        "SERVICE_FAULT",
        "databricks_error_message",
        "Spark failed to start: Spark was not able to start in time.",
    ),
    "AZURE_QUOTA_EXCEEDED_EXCEPTION": (
        "CLIENT_ERROR",
        "azure_error_message",
        "Operation could not be completed as it results in exceeding approved standardDSv2Family Cores quota.",
    ),
    "CLOUD_PROVIDER_RESOURCE_STOCKOUT": (
        "CLOUD_FAILURE",
        "azure_error_message",
        "The requested VM size is currently not available in this location.",
    ),
    "CLOUD_PROVIDER_LAUNCH_FAILURE": (
        "CLOUD_FAILURE",
        "databricks_error_message",
        "A cloud provider error was encountered while launching worker nodes.",
    ),
    "NETWORK_CONFIGURATION_FAILURE": (
        "CLOUD_FAILURE",
        "databricks_error_message",
        "The data plane network is misconfigured.",
    ),
    "TRIAL_EXPIRED": ("CLIENT_ERROR", "databricks_error_message", "The trial of the workspace expired."),
}
_UNKNOWN_TERMINATION = ("SERVICE_FAULT", "databricks_error_message", "The cluster was terminated.")
_AZURE_CODES = {
    "AZURE_QUOTA_EXCEEDED_EXCEPTION": "QuotaExceeded",
    "CLOUD_PROVIDER_RESOURCE_STOCKOUT": "SkuNotAvailable",
}
_MESSAGES = {
    "PENDING": "Finding instances for new nodes, acquiring more instances if necessary",
    "RESTARTING": "Restarting",
    "ERROR": "The cluster is in an error state",
}


class Declined(Exception):  # noqa: N818 - a reply, not a fault of the simulator
    """A refusal of Databricks: its error code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds (`idle` 0: never), and the code that a start fails with (empty: it succeeds)."""

    start: float
    start_ends: str
    lag: float
    terminate: float
    idle: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A state of a cluster, since when (seconds since 1970), and the reason if it is a termination."""

    since: float
    state: str
    reason: Mapping[str, Any] | None = None


def termination(code: str, minutes: float = 60, user: str = "") -> dict[str, Any]:
    """`termination_reason` as `clusters/get` shows it."""
    kind, name, words = _TERMINATIONS.get(code, _UNKNOWN_TERMINATION)
    parameters = {name: words.format(minutes=round(minutes), user=user)}
    if code in _AZURE_CODES:
        parameters["azure_error_code"] = _AZURE_CODES[code]
    return {"code": code, "type": kind, "parameters": parameters}


@dataclass(slots=True)
class Cluster:
    """One cluster: its past and future stages, in order.

    Attributes:
        made_at, started_at: when it was created, and when it was last started or restarted (seconds since 1970).
        ours: whether a call to this simulator started it. Such a cluster stops when it is idle.
        used_at: when it was last used.
        moved: whether a call started or stopped it after its state was set.
        stale, stale_until: an earlier view of it that is shown instead of the current one, and until when.
    """

    cluster_id: str
    stages: list[Stage]
    made_at: float
    started_at: float
    ours: bool = False
    used_at: float = 0.0
    moved: bool = False
    stale: Mapping[str, Any] = field(default_factory=dict)
    stale_until: float = 0.0

    def stage(self, now: float, pace: Pace) -> Stage:
        """The stage at `now`. A cluster of ours that was idle for too long has stopped by then."""
        last = self.stages[-1]
        if self.ours and pace.idle and last.state == "RUNNING":
            stops = max(last.since, self.used_at) + pace.idle
            if stops <= now:
                self._end(stops, pace, termination("INACTIVITY", minutes=pace.idle / 60))
        return next((one for one in reversed(self.stages) if one.since <= now), self.stages[0])

    def start(self, now: float, pace: Pace) -> None:
        """Raises Declined unless it is TERMINATED."""
        self._expect("TERMINATED", now, pace)
        self.stale, self.stale_until, self.ours = self.shown(now, pace), now + pace.lag, True
        self._come_up("PENDING", now, pace)

    def restart(self, now: float, pace: Pace) -> None:
        """Raises Declined unless it is RUNNING."""
        self._expect("RUNNING", now, pace)
        self._come_up("RESTARTING", now, pace)

    def terminate(self, now: float, pace: Pace, user: str) -> None:
        """Stop it; no effect if it is TERMINATING or TERMINATED."""
        if self.stage(now, pace).state not in ("TERMINATING", "TERMINATED"):
            self._end(now, pace, termination("USER_REQUEST", user=user))

    def use(self, now: float, pace: Pace) -> None:
        """Note that a caller uses it."""
        if self.stage(now, pace).state == "RUNNING":
            self.used_at = now

    def shown(self, now: float, pace: Pace) -> dict[str, Any]:
        """Its state and times as `clusters/get` shows them (milliseconds since 1970)."""
        stage = self.stage(now, pace)
        if now < self.stale_until:
            return dict(self.stale)
        ended = stage.state in ("TERMINATING", "TERMINATED")
        reason = stage.reason or termination("INACTIVITY")
        words = f"Terminated: {reason['code']} ({reason['type']})" if ended else _MESSAGES.get(stage.state, "")
        return {
            "state": stage.state,
            "state_message": words,
            "start_time": round(self.made_at * 1000),
            "last_restarted_time": round(self.started_at * 1000),
            **({"terminated_time": round(stage.since * 1000)} if stage.state == "TERMINATED" else {}),
            **({"termination_reason": reason} if ended else {}),
        }

    def _expect(self, expected: str, now: float, pace: Pace) -> None:
        state = self.stage(now, pace).state
        if state != expected:
            words = f"Cluster {self.cluster_id} is in unexpected state {state.capitalize()}."
            raise Declined("INVALID_STATE", words)

    def _come_up(self, state: str, now: float, pace: Pace) -> None:
        self.started_at = now
        end = Stage(now + pace.start, "RUNNING")
        if pace.start_ends:
            end = Stage(now + pace.start, "TERMINATED", termination(pace.start_ends))
        self._go(now, Stage(now, state), end)

    def _end(self, at: float, pace: Pace, reason: Mapping[str, Any]) -> None:
        self.ours, self.stale_until = False, 0.0
        self._go(at, Stage(at, "TERMINATING", reason), Stage(at + pace.terminate, "TERMINATED", reason))

    def _go(self, at: float, *stages: Stage) -> None:
        """Replace the future stages."""
        self.moved = True
        self.stages = [*(one for one in self.stages if one.since <= at), *stages]


@dataclass(slots=True)
class Clusters:
    """Every cluster that a call named, in the state that was set or that later calls caused."""

    _known: dict[str, tuple[Cluster, str | None, Mapping[str, str]]] = field(default_factory=dict)

    def ids(self) -> set[str]:
        """The ids of the clusters that calls named."""
        return set(self._known)

    def get(self, cluster_id: str, orders: Mapping[str, str], now: float) -> Cluster:
        """The cluster. A setting takes effect if it was changed, or sent again after a call moved the cluster."""
        order = orders.get(cluster_id)
        cluster, obeyed, given = self._known.get(cluster_id, (None, None, orders))
        again = cluster is not None and cluster.moved and order is not None and given is not orders
        if cluster is None or obeyed != order or again:
            cluster = _ordered(cluster_id, order or "RUNNING", cluster, now)
        self._known[cluster_id] = cluster, order, orders
        return cluster


def _ordered(cluster_id: str, state: str, before: Cluster | None, now: float) -> Cluster:
    """A cluster that other users brought into this state just now. A new one was created a day ago."""
    if before is None:
        return Cluster(cluster_id, [Stage(now, state)], made_at=now - DAY, started_at=now - DAY)
    started_at = before.started_at if state in ("TERMINATING", "TERMINATED") else now
    return Cluster(cluster_id, [Stage(now, state)], before.made_at, started_at)
