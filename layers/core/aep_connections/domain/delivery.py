"""What reaches us: requests and rechecks with their order and message, and how each delivery ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.domain.model import Key, Order, Result
from aep_connections.domain.readiness import Report


class Reason(StrEnum):
    """Why we send a recheck; a person may send one with any other text. `docs/reconcile.md` explains each."""

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
    """Our own message: make this key as the registry says."""

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
        """Whether nobody requested it: then no cluster is started, and nothing is tested while none runs."""
        return self.reason in _UNATTENDED

    @property
    def deletes_duplicates(self) -> bool:
        """Whether further connections of the key are looked for, and deleted."""
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
    """One request or recheck as it reached us; `message` is None for a direct invoke.

    `payload` is a `Recheck`, or the request as it was written, which may be anything.
    """

    order: Order
    payload: object
    message: Message | None

    @property
    def recheck(self) -> Recheck | None:
        """What brought this delivery, if no request did."""
        return self.payload if isinstance(self.payload, Recheck) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """How a delivery ended: a result or an error, what it saw of the workspace, and whether its message is done."""

    sandbox: str | None
    name: str | None
    order: Order
    result: Result | None = None
    error: ConnectionFailure | None = None
    acknowledged: bool = True
    parked: bool = False
    report: Report | None = None
    recheck: Recheck | None = None
