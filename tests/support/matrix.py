"""The fault matrix: every outside call with every kind of fault, then the deliveries that SQS would make.

The calls are those that a story makes when nothing goes wrong, so that a new call is covered without anybody
remembering. A fault lasts for one delivery: whatever the service tries again in it is hit again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from local.aws.account import Aws
from local.simulators.simulator import Request
from tests.support.calls import DATABRICKS_CALLS, HTTP_CALLS, Calls, Go
from tests.support.errands import ERRANDS, FINE, Errand
from tests.support.iam import AwsCalls
from tests.support.judge import Judge
from tests.support.keeper import Keeper
from tests.support.spoilt import KILLS, Spoilt
from tests.support.stories import STORIES, Case, Story
from tests.support.web import Web
from tests.support.world import Killed, Sent, World, new_world

T = TypeVar("T")
MOST_DELIVERIES = 12
BETWEEN_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Row:
    """How one cell ended: the outcome or code that was announced, after how many deliveries, with which connections."""

    call: str
    fault: str
    story: str
    end: str
    deliveries: int
    connections: int
    broken: tuple[str, ...] = ()


class Matrix:
    """A world in which every cell has a sandbox of its own."""

    def __init__(self, world: World, calls: Calls, aws_calls: AwsCalls) -> None:
        self._world, self._calls = world, calls
        self._web, self._keeper = Web(world, aws_calls), Keeper(world, aws_calls)
        self._judge = Judge(world, calls)
        self._firsts: dict[str, list[str]] = {}

    def column(self, spoilt: Spoilt) -> list[Row]:
        """What one kind of fault does to every call, where it is met first; a kill in every story.

        But for what changes nothing: the looks at a workspace, which are as many in most stories, and whole stories.
        """
        met: set[str] = set()
        rows = []
        for story in STORIES + ERRANDS:
            for call in self.calls_of(story):
                fresh, hit = call not in met, spoilt.hits(call not in HTTP_CALLS)
                met.add(call)
                again = spoilt in KILLS and story.ends != "told" and call not in DATABRICKS_CALLS
                if hit and (fresh or again):
                    rows.append(self._run(story, call, spoilt))
        return rows

    def calls_of(self, story: Story) -> list[str]:
        """The calls of a story's delivery when nothing goes wrong, each named once."""
        if story.name not in self._firsts:
            row = self._run(story, "", None)
            assert not row.broken, row
        return self._firsts[story.name]

    def _run(self, story: Story, call: str, spoilt: Spoilt | None) -> Row:
        """Have one thing go wrong, deliver until done, let everything in flight land, and look."""
        world, settings = self._world, self._world.stack.adobe.settings
        settings.list_lag_seconds = 0.0
        world.stack.databricks.settings.clusters = {}
        world.stack.databricks.settings.revoked_tokens = []
        world.service = world.new_service()
        world.stack.aws.functions[self._web.explore_name] = self._web.explore
        case = Case(world, self._judge, self._web, self._keeper)
        foreign = dict(world.stack.adobe.records[case.foreign].item)
        begun = story.begin(case)
        published, heard = world.parameter("sales", case.sandbox), len(_ends_heard(case))
        self._calls.made.clear()
        waiting, deliveries = self._begin(begun, call, spoilt)
        self._firsts.setdefault(story.name, list(dict.fromkeys(self._calls.made)))
        waiting = self._go_on(begun, waiting)
        while waiting and deliveries < MOST_DELIVERIES:
            world.clock.advance(BETWEEN_SECONDS)
            waiting = [sent for sent in waiting if not self._judge.deliver(sent)]
            deliveries += 1
        world.clock.advance(300)
        world.stack.adobe.answer(Request("GET", "/", (), {}, b""))  # what is late takes effect now
        settings.list_lag_seconds = 0.0
        end = next(iter(_ends_heard(case)[heard:][-1:]), "")
        living = len(self._judge.living(case.key))
        broken = self._judge.verdict() + (begun.broken() if isinstance(begun, Errand) else [])
        if waiting:
            broken.append(f"4: not done after {deliveries} deliveries")
        broken += self._ends(case, story, end, published)
        if world.stack.adobe.records[case.foreign].item != foreign:
            broken.append("9: a connection of somebody else was changed")
        return Row(call, spoilt.name if spoilt else "", story.name, end, deliveries, living, tuple(broken))

    def _begin(self, begun: Sent | Errand, call: str, spoilt: Spoilt | None) -> tuple[list[Sent], int]:
        """The delivery, or the call over HTTP, that goes wrong; what is to be delivered after it, how many were."""
        if isinstance(begun, Errand):
            self._spoilt(call, spoilt, begun)
            return [], 0
        service = spoilt.service(self._world) if spoilt else None
        done = self._spoilt(call, spoilt, lambda: self._judge.deliver(begun, service))
        return ([] if done else [begun]), 1

    def _go_on(self, begun: Sent | Errand, waiting: list[Sent]) -> list[Sent]:
        """Whoever got no good answer asks again; then everything that is in the queue is to be delivered."""
        if not isinstance(begun, Errand):
            return waiting
        if not begun.told or begun.told[-1] not in FINE:
            begun()
        return self._world.arrived()

    def _spoilt(self, call: str, spoilt: Spoilt | None, do: Callable[[], T]) -> T | None:
        """Something in which a call goes wrong; None if its process is killed, which gets a successor."""
        if spoilt is None:
            return do()
        with spoilt.on(self._world) as spoil:

            def act(name: str, go: Go) -> Any:
                return spoil(name, go) if name == call else go()

            self._calls.act = act
            self._web.timeouts = self._keeper.timeouts = spoilt.timeouts or self._world.timeouts
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
        """What is not as the request says, or is not accounted for."""
        world, item = case.world, case.world.item("sales", case.sandbox)
        parked = [m for m in world.dead_letters() if case.sandbox in m["Body"]]
        if story.ends == "told":
            yield from self._is_as_asked(case)
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
            world.stack.databricks.settings.clusters = {}  # somebody started it, and deleted the dataflow
            world.stack.databricks.settings.revoked_tokens = []
            world.stack.adobe.settings.in_use.clear()
            if not self._judge.deliver(case.send(case.asked)):
                yield f"8: asked again after {end}, and not done at once"
        yield from self._is_as_asked(case)

    def _is_as_asked(self, case: Case) -> Iterator[str]:
        """Invariant 8: the key is as its latest request says."""
        living, parameter = self._judge.living(case.key), case.world.parameter("sales", case.sandbox)
        status = case.world.item("sales", case.sandbox)["status"]["S"]
        expected = ("retired", 0) if case.asked.get("desiredState") == "absent" else ("ready", 1)
        if (status, len(living)) != expected:
            yield f"8: {status} with {len(living)} connections instead of {expected}"
        if parameter != (living[0] if living else None):
            yield f"8: published {parameter}, living {living}"
        for connection_id in living:
            item = case.world.stack.adobe.records[connection_id].item
            shown = item["name"], item["auth"]["params"]["database"]
            if shown != (case.asked.get("displayName", "sales"), case.database):
                yield f"8: the connection is {shown}"


def _ends_heard(case: Case) -> list[str]:
    """The outcomes and codes that were announced for the key so far."""
    details = [event["detail"] for event in case.world.events() if not event["detail-type"].endswith("Drifted")]
    return [str(d.get("outcome") or d["code"]) for d in details if d["sandbox"] == case.sandbox]


@contextmanager
def new_matrix(aws: Aws, aws_calls: AwsCalls) -> Iterator[Matrix]:
    """A matrix in a world of its own."""
    calls = Calls()
    with new_world(aws, aws_calls) as world, calls.watched():
        yield Matrix(world, calls, aws_calls)
