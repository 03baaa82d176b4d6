"""The fault matrix: every outside call with every kind of fault, then the deliveries that SQS would make.

The calls are those that a story makes when nothing fails, so a new call is covered automatically. A fault lasts for one
delivery: if the service retries the call in that delivery, the fault hits it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from local.simulators.simulator import Request
from tests.support.call_faults import KILLS, CallFault
from tests.support.calls import DATABRICKS_CALLS, HTTP_CALLS, Calls, Go
from tests.support.errands import ERRANDS, FINE, Errand
from tests.support.judge import Judge
from tests.support.keeper import Keeper
from tests.support.stories import STORIES, Case, Story
from tests.support.web import Web
from tests.support.world import Killed, Sent, World

T = TypeVar("T")
MOST_DELIVERIES = 12
BETWEEN_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Row:
    """How one cell ended: the announced outcome or code, and the numbers of deliveries and of connections."""

    call: str
    fault: str
    story: str
    end: str
    deliveries: int
    connections: int
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A call of a story, and the fault that hits it."""

    story: Story
    call: str
    fault: CallFault


class Matrix:
    """A world in which every cell has its own sandbox."""

    def __init__(self, world: World, calls: Calls) -> None:
        self._world, self._calls = world, calls
        self._web, self._keeper = Web(world), Keeper(world)
        self._judge = Judge(world, calls)
        self._firsts: dict[str, list[str]] = {}

    def cells(self, fault: CallFault) -> list[Cell]:
        """Every call that this kind of fault can hit, in the first story that makes the call. Kills hit in every story.

        Exceptions, since they change nothing: checks of a workspace, which are the same in most stories, and stories
        that only read. There, kills hit only the first story that makes the call.
        """
        met: set[str] = set()
        found = []
        for story in STORIES + ERRANDS:
            for call in self.calls_of(story):
                fresh, hit = call not in met, fault.hits(call not in HTTP_CALLS)
                met.add(call)
                again = fault in KILLS and story.ends != "read-only" and call not in DATABRICKS_CALLS
                if hit and (fresh or again):
                    found.append(Cell(story, call, fault))
        return found

    def row(self, cell: Cell) -> Row:
        """Let a call of a story fail, and what follows."""
        return self._run(cell.story, cell.call, cell.fault)

    def calls_of(self, story: Story) -> list[str]:
        """The names of the calls in a story's delivery when nothing fails, each once."""
        if story.name not in self._firsts:
            row = self._run(story, "", None)
            assert not row.broken, row
        return self._firsts[story.name]

    def _run(self, story: Story, call: str, fault: CallFault | None) -> Row:
        """Make one call fail, deliver until done, let delayed effects happen, and check the result."""
        world, settings = self._world, self._world.adobe.settings
        settings.list_lag_seconds = 0.0
        world.databricks.settings.clusters = {}
        world.databricks.settings.revoked_tokens = []
        world.service = world.new_service()
        world.functions[self._web.explore_name] = self._web.explore
        case = Case(world, self._judge, self._web, self._keeper)
        foreign = dict(world.adobe.records[case.foreign].item)
        begun = story.begin(case)
        published, earlier = world.parameter("sales", case.sandbox), len(_announced_ends(case))
        self._calls.made.clear()
        waiting, deliveries = self._begin(begun, call, fault)
        self._firsts.setdefault(story.name, list(dict.fromkeys(self._calls.made)))
        waiting = self._repeat_call(begun, waiting)
        while waiting and deliveries < MOST_DELIVERIES:
            world.clock.advance(BETWEEN_SECONDS)
            waiting = [sent for sent in waiting if not self._judge.deliver(sent)]
            deliveries += 1
        world.clock.advance(300)
        world.adobe.reply(Request("GET", "/", (), {}, b""))  # delayed effects happen now
        settings.list_lag_seconds = 0.0
        end = next(iter(_announced_ends(case)[earlier:][-1:]), "")
        living = len(self._judge.living(case.key))
        broken = self._judge.verdict() + (begun.broken() if isinstance(begun, Errand) else [])
        if waiting:
            broken.append(f"4: not done after {deliveries} deliveries")
        broken += self._ends(case, story, end, published)
        if world.adobe.records[case.foreign].item != foreign:
            broken.append("9: a connection of another owner was changed")
        return Row(call, fault.name if fault else "", story.name, end, deliveries, living, tuple(broken))

    def _begin(self, begun: Sent | Errand, call: str, fault: CallFault | None) -> tuple[list[Sent], int]:
        """Make the delivery or call that fails. Returns the messages still to deliver, and the deliveries so far."""
        if isinstance(begun, Errand):
            self._with_fault(call, fault, begun)
            return [], 0
        service = fault.service(self._world) if fault else None
        done = self._with_fault(call, fault, lambda: self._judge.deliver(begun, service))
        return ([] if done else [begun]), 1

    def _repeat_call(self, begun: Sent | Errand, waiting: list[Sent]) -> list[Sent]:
        """Repeat a call that did not succeed. Returns the messages still to deliver."""
        if not isinstance(begun, Errand):
            return waiting
        if not begun.statuses or begun.statuses[-1] not in FINE:
            begun()
        return self._world.arrived()

    def _with_fault(self, call: str, fault: CallFault | None, do: Callable[[], T]) -> T | None:
        """Run `do` while a call fails. None if its process is killed; new environments then replace the old ones."""
        if fault is None:
            return do()
        with fault.on(self._world) as inject:

            def act(name: str, go: Go) -> Any:
                return inject(name, go) if name == call else go()

            self._calls.act = act
            self._web.timeouts = self._keeper.timeouts = fault.timeouts or self._world.timeouts
            try:
                return do()
            except Killed:
                self._world.service, self._web.api = self._world.new_service(), self._web.new_api()
                self._keeper.service = self._keeper.new_service()
                return None
            finally:
                self._calls.act, self._web.timeouts = None, self._world.timeouts
                self._keeper.timeouts = self._world.timeouts

    def _ends(self, case: Case, story: Story, end: str, published: str | None) -> Iterator[str]:
        """What differs from the request, or is not accounted for."""
        world, item = case.world, case.world.item("sales", case.sandbox)
        parked = [m for m in world.dead_letters() if case.sandbox in m["Body"]]
        if story.ends == "read-only":
            yield from self._is_as_requested(case)
            return
        if not end and not story.quiet:
            yield "4: no end was announced"
        if story.ends == "refused":
            if not parked:
                yield "4: a message without a key was not parked"
            return
        failed = end[:1].isupper()
        if failed and story.ends != "parked":
            if item["status"]["S"] != "failed":
                yield f"4: announced {end}, but the registry says {item['status']['S']}"
            now = world.parameter("sales", case.sandbox)
            if now != published and now not in self._judge.living(case.key):
                yield f"2: a failed attempt left {now}"
        if failed:
            if item.get("failure", {}).get("M", {}).get("retryable", {}).get("BOOL") and not parked:
                yield "4: given up, but not parked"
            world.databricks.settings.clusters = {}  # as if an operator fixed the cause
            world.databricks.settings.revoked_tokens = []
            world.adobe.settings.in_use.clear()
            if not self._judge.deliver(case.send(case.requested)):
                yield f"8: sent again after {end}, but not done at once"
        yield from self._is_as_requested(case)

    def _is_as_requested(self, case: Case) -> Iterator[str]:
        """Invariant 8: the key is in the state of its latest request."""
        living, parameter = self._judge.living(case.key), case.world.parameter("sales", case.sandbox)
        status = case.world.item("sales", case.sandbox)["status"]["S"]
        expected = ("retired", 0) if case.requested.get("desiredState") == "absent" else ("ready", 1)
        if (status, len(living)) != expected:
            yield f"8: {status} with {len(living)} connections instead of {expected}"
        if parameter != (living[0] if living else None):
            yield f"8: published {parameter}, living {living}"
        for connection_id in living:
            item = case.world.adobe.records[connection_id].item
            shown = item["name"], item["auth"]["params"]["database"]
            if shown != (case.requested.get("displayName", "sales"), case.database):
                yield f"8: the connection is {shown}"


def _announced_ends(case: Case) -> list[str]:
    """The outcomes and codes that were announced for the key so far."""
    details = [event["detail"] for event in case.world.events() if not event["detail-type"].endswith("Drifted")]
    return [str(d.get("outcome") or d["code"]) for d in details if d["sandbox"] == case.sandbox]


@contextmanager
def new_matrix(world: World) -> Iterator[Matrix]:
    """A matrix in a world of its own."""
    with world.watched(Calls()) as calls:
        yield Matrix(world, calls)
