"""Clusters as Databricks moves them from state to state. No HTTP here, and no thread but the caller's.

A cluster that nobody ordered otherwise was started by others a day ago, and is kept running by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_PURPOSE = ("UI", "API")
DEDICATED = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED", "LEGACY_SINGLE_USER", "LEGACY_SINGLE_USER_STANDARD")
AUTOMATED = ("JOB", "MODELS", "PIPELINE", "PIPELINE_MAINTENANCE", "SQL")
DAY = 86_400.0

# Termination code -> its type, and the parameter that says more with its words.
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


class Declined(Exception):  # noqa: N818 - an answer, not a fault of the simulator
    """What Databricks refuses: its error code and its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds, and with which code (empty: none) a start fails; `idle` 0 is never."""

    start: float
    start_ends: str
    lag: float
    terminate: float
    idle: float


@dataclass(frozen=True, slots=True)
class Stage:
    """The state that a cluster is in from a moment on (seconds since 1970), and why it ends or ended."""

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
    """One cluster: the stages it went through and those it will, in their order.

    Attributes:
        made_at, started_at: when it was created, and last started or restarted (seconds since 1970).
        ours: whether it runs because a call here started it, so that it stops when nobody uses it.
        used_at: when it was last used.
        moved: whether a call started or stopped it since it was ordered.
        stale, stale_until: what is shown of it instead of the truth, and until when.
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
        """What it is in; a cluster of ours that was idle too long has stopped meanwhile."""
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
        """Nothing happens to one that is TERMINATING or TERMINATED."""
        if self.stage(now, pace).state not in ("TERMINATING", "TERMINATED"):
            self._end(now, pace, termination("USER_REQUEST", user=user))

    def use(self, now: float, pace: Pace) -> None:
        """Somebody works with it."""
        if self.stage(now, pace).state == "RUNNING":
            self.used_at = now

    def shown(self, now: float, pace: Pace) -> dict[str, Any]:
        """What `clusters/get` says of its state and its times (milliseconds since 1970)."""
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
        """What was still to come does not."""
        self.moved = True
        self.stages = [*(one for one in self.stages if one.since <= at), *stages]


@dataclass(slots=True)
class Clusters:
    """Every cluster that anybody asked for: as it was ordered, or as calls moved it since."""

    _known: dict[str, tuple[Cluster, str | None, Mapping[str, str]]] = field(default_factory=dict)

    def ids(self) -> set[str]:
        """Those that were asked for."""
        return set(self._known)

    def get(self, cluster_id: str, orders: Mapping[str, str], now: float) -> Cluster:
        """The cluster; an order that changed, or came again after a call moved the cluster, is obeyed anew."""
        order = orders.get(cluster_id)
        cluster, obeyed, given = self._known.get(cluster_id, (None, None, orders))
        again = cluster is not None and cluster.moved and order is not None and given is not orders
        if cluster is None or obeyed != order or again:
            cluster = _ordered(cluster_id, order or "RUNNING", cluster, now)
        self._known[cluster_id] = cluster, order, orders
        return cluster


def _ordered(cluster_id: str, state: str, before: Cluster | None, now: float) -> Cluster:
    """A cluster that others brought into this state just now; one that is new here, by starting it a day ago."""
    if before is None:
        return Cluster(cluster_id, [Stage(now, state)], made_at=now - DAY, started_at=now - DAY)
    started_at = before.started_at if state in ("TERMINATING", "TERMINATED") else now
    return Cluster(cluster_id, [Stage(now, state)], before.made_at, started_at)
