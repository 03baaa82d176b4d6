"""What a delivery may find: the stories in which, together, the service makes every call that it can make."""

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
    """One key in a sandbox of its own, beside a connection that is not ours."""

    world: World
    judge: Judge
    web: Web
    keeper: Keeper
    number: int = field(default_factory=lambda: next(_numbers))
    foreign: str = ""
    database: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    """The latest request."""

    @property
    def sandbox(self) -> str:
        return f"s{self.number:05}"  # by name the last one, as it is the newest

    @property
    def key(self) -> tuple[str, str]:
        return self.sandbox, "sales"

    def __post_init__(self) -> None:
        self.foreign = self.world.add_foreign("of-somebody-else", self.sandbox)
        self.new_version("first")

    def new_version(self, database: str, token: str = CANARY) -> None:
        """A new version of the key's secret; its token stays the canary."""
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

    def edit(self, expression: str) -> None:
        """Change the registry's item behind the service's back."""
        self.world.edit_item(expression, key=self.key)

    def send(self, request: dict[str, Any]) -> Sent:
        """Put a request on the queue."""
        self.asked = request
        return self.world.send(request)

    def recheck(self, reason: str) -> Sent:
        """Put a recheck on the queue."""
        return self.world.send_body(json.dumps(Recheck(Key(*self.key), reason).document()))

    def copy(self) -> None:
        """A second connection with our mark."""
        (connection_id,) = self.judge.living(self.key)
        copy_id = self.world.add_foreign("sales", self.sandbox)
        records = self.world.stack.adobe.records
        records[copy_id].item["description"] = records[connection_id].item["description"]
        self.judge.made[copy_id] = self.key

    def done(self, request: dict[str, Any]) -> None:
        """Send a request to which nothing happens."""
        assert self.judge.deliver(self.send(request)), request


@dataclass(frozen=True, slots=True)
class Story:
    """`begin` makes what is there and gives the message whose next delivery goes wrong; then it `ends` so.

    The end of a `quiet` one need not be announced: nobody asked, and a killed delivery may have done all there was.
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
    """A deletion that a dataflow stands in the way of."""
    case.done(case.present())
    case.world.stack.adobe.settings.in_use += case.judge.living(case.key)
    return case.send(case.absent())


def _lost(case: Case, late: float | None) -> Sent:
    """A POST whose answer nobody heard, by a delivery that ended before it could look long enough."""
    sent = case.send(case.present())
    case.world.stack.adobe.faults.add(Fault(method="POST", path=".*/connections", drop=True, late=late))
    assert not case.judge.deliver(sent, seconds=100)
    case.world.stack.adobe.faults.clear()
    case.world.clock.advance(160)
    return sent


def _gone(case: Case) -> Sent:
    """Somebody deleted the connection in Adobe."""
    case.done(case.present())
    (connection_id,) = case.judge.living(case.key)
    case.world.stack.adobe.records[connection_id].deleted_at = case.world.clock.now()
    return case.send(case.present())


def _adopt(case: Case) -> Sent:
    """Somebody made the connection by hand, and we are to take it over."""
    case.judge.adoptable.add(case.world.add_foreign("sales", case.sandbox))
    return case.send(case.present(adopt=True))


def _surplus(case: Case) -> Sent:
    """The registry lost the id, and there is a second connection with our mark."""
    case.done(case.present())
    case.copy()
    case.edit("REMOVE connectionId")
    return case.send(case.present())


def _recheck(case: Case) -> Sent:
    """The secret has a new version, and a recheck says so."""
    case.done(case.present())
    case.new_version("second")
    return case.recheck(Reason.SECRET)


def _clear(case: Case) -> Sent:
    """There is a second connection with our mark, and a recheck says so."""
    case.done(case.present())
    case.copy()
    return case.recheck(Reason.DUPLICATE)


def _take_back(case: Case) -> Sent:
    """Databricks refuses the token of the new version, and Adobe has it before anybody looks."""
    case.done(case.present())
    case.new_version("second", REFUSED)
    case.world.stack.databricks.settings.revoked_tokens = [REFUSED]
    return case.send(case.present(readiness="off"))


def _give_up(case: Case) -> Sent:
    """The message was first received longer ago than we try."""
    sent = case.send(case.present())
    sent.first_received = case.world.clock.now() - 4000
    return sent


def _start(case: Case) -> Sent:
    """The cluster is stopped, and the request may start it."""
    case.world.stack.databricks.settings.clusters = dict(STOPPED)
    return case.send(case.present(readiness="start"))


def _catalog(case: Case) -> Sent:
    """What the connection reads is in Unity Catalog."""
    return case.send(case.present(catalog="main"))


def _no_key(case: Case) -> Sent:
    """Nobody could say whose request it is."""
    return case.world.send({"sandbox": case.sandbox, "name": "not a name"})


STORIES: tuple[Story, ...] = (
    Story("create", _create),
    Story("a catalog", _catalog),
    Story("a stopped cluster", _start),
    Story("update", _update),
    Story("unchanged", _unchanged),
    Story("delete", _delete, "absent"),
    Story("in use", _in_use, "absent"),
    Story("a lost POST that made one", lambda case: _lost(case, 100)),
    Story("a lost POST that made none", lambda case: _lost(case, None)),
    Story("deleted by somebody", _gone),
    Story("adopt", _adopt),
    Story("duplicate", _surplus),
    Story("recheck", _recheck),
    Story("surplus beside", _clear, quiet=True),
    Story("token taken back", _take_back),
    Story("give up", _give_up, "parked"),
    Story("no key", _no_key, "refused"),
)
