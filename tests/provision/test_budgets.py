"""What a delivery costs: every call that arrives at Adobe, IMS, Databricks and AWS, by name and number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local.aws.account import Aws
from local.simulators.faults import Fault
from tests.support.calls import HTTP_CALLS, Calls
from tests.support.canaries import wire_of
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, UNCHECKED, World

TABLE = """
created, cold   | IMS, GET list, POST, GET test     | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, record attempt, record id, publish, announce, close
created, warm   | GET list, POST, GET test          | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, record attempt, record id, publish, announce, close
in a catalog    | GET list, POST, GET test          | me, cluster, tokens, unity*3| visibility, accept, Databricks secret, Adobe secret, read parameter, record attempt, record id, publish, announce, close
unchecked       | GET list, POST, GET test          |                             | visibility, accept, Databricks secret, Adobe secret, read parameter, record attempt, record id, publish, announce, close
unchanged       | GET one                           |                             | visibility, accept, Databricks secret, Adobe secret, read parameter, announce, close
updated         | GET one, PATCH, GET test          | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, record, announce, close
adopted         | GET list, PATCH, GET test         | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, ids held by others, record id, record, publish, announce, close
recreated       | GET one, GET list, POST, GET test | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, record attempt, record id, publish, announce, close
deleted         | DELETE, GET one                   |                             | visibility, accept, read parameter, Adobe secret, delete parameter, announce, close
absent already  |                                   |                             | visibility, accept, read parameter, announce, close
in conflict     | GET list                          | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, ids held by others, announce, record failure
not ready       |                                   | me, cluster, tokens         | visibility, accept, Databricks secret, Adobe secret, read parameter, announce, record failure
waiting         |                                   | me, cluster, tokens, start  | visibility*2, accept, Databricks secret, Adobe secret, read parameter, record failure
failed test     | GET list, POST, GET test          | me*2, cluster*2, tokens*2   | visibility, accept, Databricks secret, Adobe secret, read parameter, record attempt, record id, announce, record failure
rechecked       | GET one                           |                             | visibility, resume, Databricks secret, Adobe secret, read parameter, close
superseded      |                                   |                             | visibility, accept
refused         |                                   |                             | visibility, announce
no request      |                                   |                             | visibility, announce, park
invoked         | GET one                           |                             | accept, Databricks secret, Adobe secret, read parameter, announce, close
"""  # noqa: E501
"""Case, calls to Adobe and IMS, to Databricks, to AWS (named as in `tests.support.calls`). `unity` is Unity Catalog."""
CASES = {
    case.strip(): [set(filter(None, calls.strip().split(", "))) for calls in columns]
    for case, *columns in (line.split("|") for line in TABLE.strip().splitlines())
}
ENDS = {
    "absent already": "unchanged",
    "in conflict": "Conflict",
    "invoked": "unchanged",
    "not ready": "NotReady",
    "failed test": "TestFailed",
    **dict.fromkeys(("in a catalog", "unchecked"), "created"),
    **dict.fromkeys(("refused", "no request"), "InvalidRequest"),
}
"""The outcome or code of each case that is not named after it."""
Do = Callable[[World], object]


def ready(world: World) -> None:
    """The usual key is ready, and the token is cached."""
    assert world.request()


def rotated(world: World) -> None:
    ready(world)
    world.put_secret(accessToken="rotated")


def lost(world: World) -> None:
    ready(world)
    world.adobe.records.clear()


def warm(world: World) -> None:
    """Only the token is cached."""
    world.request(REQUEST | {"name": "another"})


def stopped(world: World) -> None:
    """The token is cached, and the cluster is stopped."""
    warm(world)
    world.databricks.settings.clusters = dict(STOPPED)


def failing(world: World) -> None:
    """The token is cached, and Adobe's test will fail."""
    warm(world)
    world.adobe.faults.add(Fault(path=".*/test", status=200, body="false"))


def with_a_foreign_one(world: World) -> None:
    warm(world)
    world.add_foreign()


DONE: dict[str, tuple[Do, Do]] = {
    "created, cold": (lambda world: None, lambda world: world.request()),
    "created, warm": (warm, lambda world: world.request()),
    "in a catalog": (warm, lambda world: world.request(REQUEST | {"catalog": "main"})),
    "unchecked": (warm, lambda world: world.request(UNCHECKED)),
    "unchanged": (ready, lambda world: world.request()),
    "updated": (rotated, lambda world: world.request()),
    "adopted": (with_a_foreign_one, lambda world: world.request(REQUEST | {"adopt": True})),
    "recreated": (lost, lambda world: world.request()),
    "deleted": (ready, lambda world: world.request(ABSENT)),
    "absent already": (warm, lambda world: world.request(ABSENT)),
    "in conflict": (with_a_foreign_one, lambda world: world.request()),
    "not ready": (stopped, lambda world: world.request()),
    "waiting": (stopped, lambda world: not world.request(REQUEST | {"readiness": "start"})),
    "failed test": (failing, lambda world: world.request()),
    "rechecked": (ready, lambda world: world.deliver(world.send_body(RECHECK))),
    "superseded": (ready, lambda world: world.request(at=world.clock.now() - 900)),
    "refused": (ready, lambda world: world.request(REQUEST | {"colour": "red"})),
    "no request": (ready, lambda world: world.deliver(world.send_body("{not json"))),
    "invoked": (ready, lambda world: world.invoke(REQUEST)),
}
"""Case -> the preparation, and the action whose calls are counted."""


_LOOKS = {"Me": "me", "get": "cluster", "list": "tokens", "start": "start"}
"""Last path segment of a call to Databricks -> its name in the table. All other calls are Unity Catalog's."""


@contextmanager
def counted(world: World) -> Iterator[list[Counter[str]]]:
    """The calls made inside the block: to Adobe and IMS, to Databricks (without Adobe's own), and to AWS."""
    adobe: Counter[str] = Counter()
    databricks: Counter[str] = Counter()
    to_aws: Counter[str] = Counter()
    before, exchanges, looks = len(world.calls()), world.exchanges(), len(world.databricks.calls)
    with world.watched(Calls()) as calls:
        yield [adobe, databricks, to_aws]
    adobe.update({"IMS": world.exchanges() - exchanges} if world.exchanges() > exchanges else {})
    for call in world.calls()[before:]:
        end = call.path.rpartition("/")[2]
        what = {"connections": "list", "test": "test"}.get(end, "one")
        adobe[f"GET {what}" if call.method == "GET" else call.method] += 1
    for look in world.databricks.calls[looks:]:
        if look.request.headers["user-agent"] != "adobe":
            databricks[_LOOKS.get(look.request.path.rpartition("/")[2], "unity")] += 1
    to_aws.update(name for name in calls.made if name not in HTTP_CALLS)


def in_notation(calls: Counter[str]) -> set[str]:
    """Calls in the notation of the table. Every write of other attributes than usual is a `record`."""
    named: Counter[str] = Counter()
    for name, number in calls.items():
        known = name in {"record attempt", "record id", "record failure"} or not name.startswith(("record", "close"))
        named[name if known else name.partition(" ")[0]] += number
    return {name if number == 1 else f"{name}*{number}" for name, number in named.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_delivery_makes_exactly_the_calls_of_the_table(world: World, case: str) -> None:
    prepare, act = DONE[case]
    prepare(world)

    with counted(world) as made:
        assert act(world)

    assert [in_notation(calls) for calls in made] == CASES[case]
    assert ENDS.get(case, case.partition(",")[0]) == (world.announced()[-1][1] if made[2]["announce"] else case)


@pytest.mark.cloud
@pytest.mark.parametrize("case", ["created, cold", "updated", "deleted"])
def test_each_call_of_the_table_is_one_request_to_aws(world: World, aws: Aws, case: str) -> None:
    prepare, act = DONE[case]
    prepare(world)

    with wire_of(aws) as arrived, counted(world) as made:
        assert act(world)

    assert len(arrived) == made[2].total()
