"""Deliveries: requests and rechecks with their order and message, and how each delivery ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.domain.model import Key, Order, Result
from aep_connections.domain.readiness import Report


class Reason(StrEnum):
    """Why the stack sends a recheck; a person may send any other text. See `docs/explanation/reconcile.md`."""

    VERIFY = "verify"
    DUE = "due"
    FLOW_RUN = "flow-run"
    SECRET = "secret"  # noqa: S105 - a reason
    DRIFT = "drift"
    DUPLICATE = "duplicate"


_VERIFYING = {Reason.VERIFY, Reason.DUE, Reason.FLOW_RUN}
_UNATTENDED = {Reason.DUE, Reason.FLOW_RUN, Reason.SECRET, Reason.DRIFT, Reason.DUPLICATE}


@dataclass(frozen=True, slots=True)
class Recheck:
    """The stack's own message: bring this key to the state that the registry has recorded."""

    key: Key
    reason: str

    def document(self) -> dict[str, Any]:
        """The message."""
        return {"recheck": {"sandbox": self.key.sandbox, "name": self.key.name, "reason": self.reason}}

    @property
    def verifies(self) -> bool:
        """Whether the workspace is checked and Adobe's test is run, even if nothing seems to have changed."""
        return self.reason in _VERIFYING

    @property
    def unattended(self) -> bool:
        """No person requested it: it starts no cluster, and tests no ready, published connection on a stopped one."""
        return self.reason in _UNATTENDED

    @property
    def deletes_duplicates(self) -> bool:
        """Whether duplicate connections of the key are searched for and deleted."""
        return self.reason == Reason.DUPLICATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The queue's view of a delivery. `first_received` is in seconds since 1970."""

    id: str
    receipt_handle: str
    receive_count: int
    first_received: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request or recheck as it was received; `message` is None for a direct invoke.

    `payload` is a `Recheck`, or the request as the caller wrote it, which may be any value.
    """

    order: Order
    payload: object
    message: Message | None

    @property
    def recheck(self) -> Recheck | None:
        """The recheck; None if this delivery is a request."""
        return self.payload if isinstance(self.payload, Recheck) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """How a delivery ended: a result or an error, the readiness report, and whether its message is acknowledged."""

    sandbox: str | None
    name: str | None
    order: Order
    result: Result | None = None
    error: ConnectionFailure | None = None
    acknowledged: bool = True
    parked: bool = False
    report: Report | None = None
    recheck: Recheck | None = None
