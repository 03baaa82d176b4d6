"""The life of several keys, as hypothesis makes it up: requests, faults, kills, overlaps, and what people do in Adobe.

After every step no invariant may be broken; in the end, with nothing in the way any more, each key must be as its
latest request says.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aep_connections.aws import secrets
from aep_connections.domain.errors import ConnectionFailure
from aep_connections.provision import provision
from aep_connections.reconcile import run
from aep_connections.sources.databricks import workspace
from local.aws.account import Aws
from local.simulators.connections import patched
from local.simulators.simulator import Request
from tests.fire.lots import (
    EDITS,
    KEYS,
    LAGS,
    MENDED,
    RIGHT,
    WORKSPACES,
    Aimed,
    agains,
    asks,
    calls_in,
    faults,
    keys,
    numbers,
)
from tests.support.calls import HTTP_CALLS, Calls, Go
from tests.support.canaries import TOKEN
from tests.support.iam import AwsCalls
from tests.support.judge import Judge, KeyOf
from tests.support.keeper import Keeper
from tests.support.spoilt import Spoilt
from tests.support.world import STOPPED, Killed, Sent, new_world

BUDGET = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
"""What each run of the tests tries: the same lives each time. `make soak` tries others, for as long as one likes."""


class Life(RuleBasedStateMachine):
    """A world with three keys in two sandboxes; `aws` and `aws_calls` are given by whoever runs it."""

    aws: Aws
    aws_calls: AwsCalls

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self._calls = Calls()
        self._numbers = itertools.count(1)
        patch = self._open.enter_context(pytest.MonkeyPatch.context())
        for module in (provision, run, workspace, secrets):  # the same calls in the same order
            patch.setattr(module, "concurrently", lambda *calls: tuple(call() for call in calls))
        self._world = self._open.enter_context(new_world(self.aws, self.aws_calls))
        self._open.enter_context(self._calls.watched())
        self._keeper = Keeper(self._world, self.aws_calls)
        self._keeper.service = self._keeper.new_service(MAX_MISSING_PERCENT="100")  # there are two keys in a sandbox
        self._judge = Judge(self._world, self._calls)
        self._waiting: list[Sent] = []
        self._done: list[Sent] = []
        self._asked: dict[KeyOf, dict[str, dict[str, Any]]] = {key: {} for key in KEYS}
        self._databases: dict[KeyOf, str] = {}
        self._adopting: set[KeyOf] = set()
        self._twins: dict[str, KeyOf] = {}

    @initialize()
    def secrets(self) -> None:
        for key in KEYS:
            self._rotate(key, "db0")

    # ------------------------------------------------------------ what people and systems ask

    @rule(key=keys, what=asks, age=numbers)
    def ask(self, key: KeyOf, what: dict[str, Any], age: int) -> None:
        self._send(key, what, age)

    @rule(key=keys, what=asks, fault=faults, again=agains)
    def ask_into_a_fault(self, key: KeyOf, what: dict[str, Any], fault: Aimed, again: int | None) -> None:
        self._into_a_fault(self._send(key, what, 0), fault, again)

    @rule(key=keys)
    def recheck(self, key: KeyOf) -> None:
        body = {"recheck": {"sandbox": key[0], "name": key[1], "reason": "test"}}
        self._waiting.append(self._world.send_body(json.dumps(body)))

    @rule(key=keys)
    def invoke(self, key: KeyOf) -> None:
        request = {"sandbox": key[0], "name": key[1], "databricksSecretId": secret_of(key), "displayName": key[1]}
        self._world.clock.advance(1)  # its order is now, and nobody else's is
        before = self._order(key)
        with contextlib.suppress(ConnectionFailure):
            self._world.invoke(request)
        after = self._order(key)
        if after is not None and after != before:
            self._asked[key][after] = request

    # ------------------------------------------------------------ what looks after the fleet

    @rule(due=st.booleans())
    def look_through_the_fleet(self, due: bool) -> None:
        if due:
            self._world.clock.advance(100_000)
        self._keeper.reconcile(0)
        self._waiting += self._keeper.rechecks()

    @rule(nth=calls_in, fault=faults)
    def look_into_a_fault(self, nth: int, fault: Aimed) -> None:
        _, over_http, of_aws = fault
        with contextlib.suppress(ConnectionFailure, Killed):
            self._spoiling({nth}, over_http, of_aws, lambda: self._keeper.reconcile(0))
        self._waiting += self._keeper.rechecks()

    @rule()
    def hear_of_secrets(self) -> None:
        self._keeper.listen()
        self._waiting += self._keeper.rechecks()

    # ------------------------------------------------------------ deliveries

    @precondition(lambda self: self._waiting)
    @rule(which=numbers)
    def deliver(self, which: int) -> None:
        self._deliver(self._pick(which))

    @precondition(lambda self: self._done)
    @rule(which=numbers)
    def deliver_once_more(self, which: int) -> None:
        self._deliver(self._done[which % len(self._done)])

    @precondition(lambda self: self._waiting)
    @rule(which=numbers, fault=faults, again=agains)
    def deliver_into_a_fault(self, which: int, fault: Aimed, again: int | None) -> None:
        self._into_a_fault(self._pick(which), fault, again)

    @precondition(lambda self: len(self._waiting) > 1)
    @rule(one=numbers, other=numbers, nth=calls_in, pause=st.sampled_from([0, 30, 100]))
    def deliver_two_at_once(self, one: int, other: int, nth: int, pause: int) -> None:
        first, second = self._pick(one), self._pick(other)
        made = iter(range(1, 1000))

        def act(name: str, go: Go) -> Any:
            if next(made) == nth:
                self._calls.act = None
                self._deliver(second, self._world.new_service())
                self._world.clock.advance(pause)
            return go()

        self._calls.act = act
        try:
            self._deliver(first, seconds=600)
        finally:
            self._calls.act = None

    @rule(seconds=st.sampled_from([1, 60, 180, 300, 1000]))
    def time_passes(self, seconds: int) -> None:
        self._world.clock.advance(seconds)

    # ------------------------------------------------------------ what happens outside

    @rule(key=keys, what=st.sampled_from(EDITS))
    def somebody_changes(self, key: KeyOf, what: str) -> None:
        world = self._world
        if what == "twin" and len(self._twins) < 2:
            twin = world.add_foreign(key[1], key[0])
            self._twins[twin] = key
            if key in self._adopting:
                self._judge.adoptable.add(twin)
        elif what == "parameter" and world.parameter(key[1], key[0]):
            world.stack.aws.client("ssm").delete_parameter(Name=world.parameter_name(key[1], key[0]))
        elif what == "secret":
            self._rotate(key, f"db{next(self._numbers)}")
        for connection_id in self._judge.living(key):
            self._edit(connection_id, key, what)

    @rule(what=st.sampled_from(WORKSPACES))
    def somebody_sets(self, what: tuple[str, Any]) -> None:
        """Something of the workspace changes, or is put right."""
        setattr(self._world.stack.databricks.settings, *what)

    @rule(
        stopped=st.booleans(), lag=st.sampled_from(LAGS), reorders=st.booleans(), status=st.sampled_from([202, 204]),
        redriven=st.booleans(),
    )  # fmt: skip
    def weather(self, stopped: bool, lag: float, reorders: bool, status: Any, redriven: bool) -> None:
        """The cluster stops or starts, Adobe is slow or quick, and somebody redrives what was parked."""
        self._world.stack.databricks.settings.clusters = dict(STOPPED) if stopped else {}
        settings = self._world.stack.adobe.settings
        settings.list_lag_seconds, settings.list_reorders, settings.delete_status = lag, reorders, status
        settings.delete_lag_seconds = 5.0 if status == 202 else 0.0
        for parked in self._world.dead_letters() if redriven else ():
            self._waiting.append(self._world.send_body(parked["Body"]))

    # ------------------------------------------------------------ what must hold

    @invariant()
    def nothing_is_broken(self) -> None:
        broken = self._judge.verdict()
        assert not broken, broken

    @invariant()
    def the_latest_rules_when_the_queue_is_empty(self) -> None:
        if self._waiting:
            return
        for key, asked in self._asked.items():
            if asked:
                latest = max(asked)
                assert self._order(key) == latest, f"8: {key} is not at {latest}"

    def teardown(self) -> None:
        try:
            self._settle()
        finally:
            self._open.close()

    # ------------------------------------------------------------ how

    def _send(self, key: KeyOf, what: dict[str, Any], age: int) -> Sent:
        request = dict(what)
        if request.get("desiredState") != "absent":
            request |= {"databricksSecretId": secret_of(key), "displayName": key[1] + request.get("displayName", "")}
        self.allow_adopting(key, request)
        order_id, now = f"{next(self._numbers):08}", self._world.clock.now() + 1
        document = {"sandbox": key[0], "name": key[1], **request}
        sent = self._world.send(document, at=now - age * 10, order_id=order_id)
        self._asked[key][order_of(json.loads(sent.body))] = document
        self._waiting.append(sent)
        return sent

    def allow_adopting(self, key: KeyOf, request: dict[str, Any]) -> None:
        """From now on the key's twins may be taken over, if a request says so."""
        if request.get("adopt"):
            self._adopting.add(key)
            self._judge.adoptable |= {twin for twin, whose in self._twins.items() if whose == key}

    def _into_a_fault(self, sent: Sent, fault: Aimed, again: int | None) -> None:
        """One call goes wrong; `again` seconds later the message comes back."""
        where, over_http, of_aws = fault
        self._spoiling({where}, over_http, of_aws, lambda: self._deliver(sent))
        if again is not None and sent in self._waiting:
            self._world.clock.advance(again)
            self._deliver(sent)

    def _spoiling(self, hit: set[str | int], over_http: Spoilt, of_aws: Spoilt, do: Callable[[], object]) -> None:
        """Do something while the calls that are hit, by number or name, go wrong."""
        made = itertools.count(1)
        with over_http.on(self._world) as spoil_http, of_aws.on(self._world) as spoil_aws:

            def act(name: str, go: Go) -> Any:
                if next(made) in hit:
                    hit.add(name)
                if name not in hit:
                    return go()
                return (spoil_http if name in HTTP_CALLS else spoil_aws)(name, go)

            self._calls.act = act
            try:
                do()
            finally:
                self._calls.act = None

    def _edit(self, connection_id: str, key: KeyOf, what: str) -> None:
        """What people do with a connection in Adobe."""
        record, now = self._world.stack.adobe.records[connection_id], self._world.clock.now()
        params = record.item["auth"]["params"] | {"database": "edited"}
        patches = {"rename": ("/name", f"{key[1]}.renamed"), "edit": ("/auth/params", params)}
        if what == "delete":
            record.deleted_at = now
        elif what in patches:
            path, value = patches[what]
            record.item = patched(record.item, [{"op": "replace", "path": path, "value": value}], "somebody", now)
        elif what in ("disable", "enable"):
            record.item["state"] = f"{what}d"

    def _order(self, key: KeyOf) -> str | None:
        """What the registry holds as the key's latest request."""
        order = self._world.item(key[1], key[0]).get("order")
        return str(order["S"]) if order else None

    def _pick(self, which: int) -> Sent:
        return self._waiting[which % len(self._waiting)]

    def _deliver(self, sent: Sent, service: Any = None, seconds: float = 180.0) -> None:
        try:
            done = self._judge.deliver(sent, service, seconds)
        except Killed:
            self._world.service = self._world.new_service()
            return
        if done and sent in self._waiting:
            self._waiting.remove(sent)
            self._done.append(sent)
            self._must_be_accounted_for(sent)

    def _must_be_accounted_for(self, sent: Sent) -> None:
        """Invariant 4: announced, or superseded by a later request of its key."""
        body = json.loads(sent.body)
        if "recheck" in body:
            return
        if any(event["detail"]["requestEventId"] == body["id"] for event in self._world.events()):
            return
        key = body["detail"]["sandbox"], body["detail"]["name"]
        assert (self._order(key) or "") > order_of(body), f"4: nobody heard of the end of {body['id']}"

    def _rotate(self, key: KeyOf, database: str) -> None:
        self._databases[key] = database
        self._world.put_secret(secret_of(key), accessToken=TOKEN, database=database)

    def _settle(self) -> None:
        """Take everything out of the way, deliver what is left, look through the fleet: each is as it was asked for.

        Then people change each in some way, and it is so again.
        """
        world = self._world
        self.weather(False, 0.0, False, 204, False)
        for what in RIGHT:
            self.somebody_sets(what)
        for key in KEYS:
            self.somebody_changes(key, "enable")
        world.clock.advance(400)
        world.stack.adobe.answer(Request("GET", "/", (), {}, b""))
        self._drain()
        self._is_looked_after()
        first = next(self._numbers)
        for number, key in enumerate(KEYS, first):
            self.somebody_changes(key, MENDED[number % len(MENDED)])
        world.clock.advance(400)
        self._is_looked_after()

    def _is_looked_after(self) -> None:
        self.look_through_the_fleet(False)
        self._drain()
        broken = [*self._judge.verdict(), *(said for key in KEYS for said in self._is_not_as_asked(key))]
        assert not broken, broken

    def _drain(self) -> None:
        for _ in range(60):
            if not self._waiting:
                return
            for sent in list(self._waiting):
                self._deliver(sent)
            self._world.clock.advance(180)
        raise AssertionError(f"4: not done after 60 deliveries: {[sent.body for sent in self._waiting]}")

    def _is_not_as_asked(self, key: KeyOf) -> Iterator[str]:
        asked, living = self._asked[key], self._judge.living(key)
        if not asked:
            return
        request, item = asked[max(asked)], self._world.item(key[1], key[0])
        status, parameter = item["status"]["S"], self._world.parameter(key[1], key[0])
        if request.get("desiredState") == "absent":
            if (status, living, parameter) != ("retired", [], None):
                yield f"8: {key} should be absent: {status} {living} {parameter}"
            return
        code = item.get("failure", {}).get("M", {}).get("code", {}).get("S")
        if status == "failed" and code == "Conflict" and key in self._twins.values() and not living:
            return
        if (status, [parameter]) != ("ready", living):
            yield f"8: {key} should be present: {status} {code} {living} {parameter}"
            return
        shown = self._world.stack.adobe.records[living[0]].item
        expected = (request["displayName"], request.get("database", self._databases[key]))
        if (shown["name"], shown["auth"]["params"]["database"]) != expected:
            yield f"8: {key} should be {expected}"


def order_of(envelope: dict[str, Any]) -> str:
    """How the registry writes the order of a request; EventBridge's own time has no milliseconds."""
    time = envelope["time"]
    return f"{time if '.' in time else time.removesuffix('Z') + '.000Z'}#{envelope['id']}"


def secret_of(key: KeyOf) -> str:
    """The name of a key's secret."""
    return f"aep/{key[0]}/databricks/{key[1]}"
