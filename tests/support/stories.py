"""The stories: situations that a delivery may find. Together, they contain every call that the service can make."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aep_connections.domain.delivery import Reason, Recheck
from aep_connections.domain.model import Key
from local.simulators.faults import Fault
from tests.support.canaries import TOKEN as CANARY
from tests.support.judge import Judge
from tests.support.keeper import Keeper
from tests.support.web import Web
from tests.support.world import STOPPED, Sent, World

REFUSED = "refused-by-databricks"
"""An access token."""
_numbers = itertools.count(1)


@dataclass(slots=True)
class Case:
    """One key in its own sandbox, beside a connection that is not ours."""

    world: World
    judge: Judge
    web: Web
    keeper: Keeper
    number: int = field(default_factory=lambda: next(_numbers))
    foreign: str = ""
    database: str = ""
    requested: dict[str, Any] = field(default_factory=dict)
    """The latest request."""

    @property
    def sandbox(self) -> str:
        return f"s{self.number:05}"  # the newest sandbox is also the last one by name

    @property
    def key(self) -> tuple[str, str]:
        return self.sandbox, "sales"

    def __post_init__(self) -> None:
        self.foreign = self.world.add_foreign("of-another-owner", self.sandbox)
        self.new_version("first")

    def new_version(self, database: str, token: str = CANARY) -> None:
        """Create a new version of the key's secret. By default, the token stays the canary."""
        self.database = database
        self.world.put_secret(self.secret_id, accessToken=token, database=database)

    @property
    def secret_id(self) -> str:
        return f"aep/{self.sandbox}/databricks/sales"

    def present(self, **changes: Any) -> dict[str, Any]:
        """A request for the key."""
        return {"name": "sales", "sandbox": self.sandbox, "databricksSecretId": self.secret_id, **changes}

    def absent(self) -> dict[str, Any]:
        """The request for its absence."""
        return {"name": "sales", "sandbox": self.sandbox, "desiredState": "absent"}

    def send(self, request: dict[str, Any]) -> Sent:
        """Put a request on the queue."""
        self.requested = request
        return self.world.send(request)

    def recheck(self, reason: str) -> Sent:
        """Put a recheck on the queue."""
        return self.world.send_body(json.dumps(Recheck(Key(*self.key), reason).document()))

    def copy(self) -> None:
        """Add a second connection with our marker."""
        (connection_id,) = self.judge.living(self.key)
        copy_id = self.world.add_foreign("sales", self.sandbox)
        records = self.world.adobe.records
        records[copy_id].item["description"] = records[connection_id].item["description"]
        self.judge.made[copy_id] = self.key

    def done(self, request: dict[str, Any]) -> None:
        """Send a request and deliver it without a fault."""
        assert self.judge.deliver(self.send(request)), request


@dataclass(frozen=True, slots=True)
class Story:
    """`begin` prepares the situation and returns the message whose next delivery fails. `ends` is the expected end.

    The end of a `quiet` story need not be announced: it is unattended, and a killed delivery may have done all work.
    """

    name: str
    begin: Callable[[Case], Any]
    ends: str = "present"
    quiet: bool = False


def _create(case: Case) -> Sent:
    return case.send(case.present())


def _update(case: Case) -> Sent:
    case.done(case.present())
    case.new_version("second")
    return case.send(case.present(displayName="sales.b"))


def _unchanged(case: Case) -> Sent:
    case.done(case.present())
    return case.send(case.present())


def _delete(case: Case) -> Sent:
    case.done(case.present())
    return case.send(case.absent())


def _in_use(case: Case) -> Sent:
    """A deletion that a dataflow prevents."""
    case.done(case.present())
    case.world.adobe.settings.in_use += case.judge.living(case.key)
    return case.send(case.absent())


def _lost(case: Case, late: float | None) -> Sent:
    """A POST whose response was lost, sent by a delivery that ended before the attempt could settle."""
    sent = case.send(case.present())
    case.world.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=late))
    assert not case.judge.deliver(sent, seconds=100)
    case.world.adobe.faults.clear()
    case.world.clock.advance(160)
    return sent


def _gone(case: Case) -> Sent:
    """Someone deleted the connection in Adobe."""
    case.done(case.present())
    (connection_id,) = case.judge.living(case.key)
    case.world.adobe.records[connection_id].deleted_at = case.world.clock.now()
    return case.send(case.present())


def _adopt(case: Case) -> Sent:
    """Someone created the connection by hand, and the request adopts it."""
    case.judge.adoptable.add(case.world.add_foreign("sales", case.sandbox))
    return case.send(case.present(adopt=True))


def _duplicate(case: Case) -> Sent:
    """The registry lost the id, and there is a second connection with our marker."""
    case.done(case.present())
    case.copy()
    case.world.edit(case.key, connection_id=None)
    return case.send(case.present())


def _recheck(case: Case) -> Sent:
    """The secret has a new version, and a recheck is sent for it."""
    case.done(case.present())
    case.new_version("second")
    return case.recheck(Reason.SECRET)


def _clear(case: Case) -> Sent:
    """There is a second connection with our marker, and a recheck is sent for it."""
    case.done(case.present())
    case.copy()
    return case.recheck(Reason.DUPLICATE)


def _take_back(case: Case) -> Sent:
    """Databricks refuses the token of the new version, which Adobe gets before the token is checked."""
    case.done(case.present())
    case.new_version("second", REFUSED)
    case.world.databricks.settings.revoked_tokens = [REFUSED]
    return case.send(case.present(readiness="off"))


def _give_up(case: Case) -> Sent:
    """The message was first received longer ago than the give-up time."""
    sent = case.send(case.present())
    sent.first_received = case.world.clock.now() - 4000
    return sent


def _start(case: Case) -> Sent:
    """The cluster is stopped, and the request may start it."""
    case.world.databricks.settings.clusters = dict(STOPPED)
    return case.send(case.present(readiness="start"))


def _catalog(case: Case) -> Sent:
    """The connection reads from Unity Catalog."""
    return case.send(case.present(catalog="main"))


def _no_key(case: Case) -> Sent:
    """The key of the request cannot be read."""
    return case.world.send({"sandbox": case.sandbox, "name": "not a name"})


STORIES: tuple[Story, ...] = (
    Story("create", _create),
    Story("Unity Catalog", _catalog),
    Story("stopped cluster", _start),
    Story("update", _update),
    Story("unchanged", _unchanged),
    Story("delete", _delete, "absent"),
    Story("delete while in use", _in_use, "absent"),
    Story("lost POST that created a connection", lambda case: _lost(case, 100)),
    Story("lost POST that created nothing", lambda case: _lost(case, None)),
    Story("deleted in Adobe", _gone),
    Story("adopt", _adopt),
    Story("duplicate", _duplicate),
    Story("recheck", _recheck),
    Story("recheck of a duplicate", _clear, quiet=True),
    Story("refused new token", _take_back),
    Story("give up", _give_up, "parked"),
    Story("unreadable key", _no_key, "refused"),
)
