"""What a delivery costs: every call that arrives at Adobe, IMS, Databricks and AWS, by name and number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local.aws.account import Aws
from local.simulators.faults import Fault
from tests.support.canaries import wire_of
from tests.support.world import ABSENT, RECHECK, REQUEST, STOPPED, UNCHECKED, World

TABLE = """
created, cold   | IMS, GET list, POST, GET test     | me, cluster, tokens         | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
created, warm   | GET list, POST, GET test          | me, cluster, tokens         | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
in a catalog    | GET list, POST, GET test          | me, cluster, tokens, unity*3| hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
unchecked       | GET list, POST, GET test          |                             | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
unchanged       | GET one                           |                             | hold, UpdateItem*2, GetSecretValue*2, GetParameter, PutEvents
updated         | GET one, PATCH, GET test          | me, cluster, tokens         | hold, UpdateItem*3, GetSecretValue*2, GetParameter, PutEvents
adopted         | GET list, PATCH, GET test         | me, cluster, tokens         | hold, UpdateItem*4, Query, GetSecretValue*2, GetParameter, PutParameter, PutEvents
recreated       | GET one, GET list, POST, GET test | me, cluster, tokens         | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
deleted         | DELETE, GET one                   |                             | hold, UpdateItem*2, GetSecretValue, GetParameter, DeleteParameter, PutEvents
absent already  |                                   |                             | hold, UpdateItem*2, GetParameter, PutEvents
in conflict     | GET list                          | me, cluster, tokens         | hold, UpdateItem*2, Query, GetSecretValue*2, GetParameter, PutEvents
not ready       |                                   | me, cluster, tokens         | hold, UpdateItem*2, GetSecretValue*2, GetParameter, PutEvents
waiting         |                                   | me, cluster, tokens, start  | hold*2, UpdateItem*2, GetSecretValue*2, GetParameter
failed test     | GET list, POST, GET test          | me*2, cluster*2, tokens*2   | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutEvents
rechecked       | GET one                           |                             | hold, UpdateItem*2, GetSecretValue*2, GetParameter
superseded      |                                   |                             | hold, UpdateItem
refused         |                                   |                             | hold, PutEvents
no request      |                                   |                             | hold, PutEvents, SendMessage
invoked         | GET one                           |                             | UpdateItem*2, GetSecretValue*2, GetParameter, PutEvents
"""  # noqa: E501
"""Case, calls to Adobe and IMS, to Databricks, to AWS. `hold` is ChangeMessageVisibility, `unity` Unity Catalog."""
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
    world.stack.adobe.records.clear()


def warm(world: World) -> None:
    """Only the token is cached."""
    world.request(REQUEST | {"name": "another"})


def stopped(world: World) -> None:
    """The token is cached, and the cluster is stopped."""
    warm(world)
    world.stack.databricks.settings.clusters = dict(STOPPED)


def failing(world: World) -> None:
    """The token is cached, and Adobe's test will fail."""
    warm(world)
    world.stack.adobe.faults.add(Fault(path=".*/test", status=200, body="false"))


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
def counted(world: World, aws: Aws) -> Iterator[list[Counter[str]]]:
    """The calls that arrive inside the block: at Adobe and IMS, at Databricks (without Adobe's own), at AWS."""
    adobe: Counter[str] = Counter()
    databricks: Counter[str] = Counter()
    to_aws: Counter[str] = Counter()
    before, exchanges, looks = len(world.calls()), world.exchanges(), len(world.stack.databricks.calls)
    with wire_of(aws) as arrived:
        yield [adobe, databricks, to_aws]
    adobe.update({"IMS": world.exchanges() - exchanges} if world.exchanges() > exchanges else {})
    for call in world.calls()[before:]:
        end = call.path.rpartition("/")[2]
        what = {"connections": "list", "test": "test"}.get(end, "one")
        adobe[f"GET {what}" if call.method == "GET" else call.method] += 1
    for look in world.stack.databricks.calls[looks:]:
        if look.request.headers["user-agent"] != "adobe":
            databricks[_LOOKS.get(look.request.path.rpartition("/")[2], "unity")] += 1
    to_aws.update(place.rpartition(".")[2].replace("ChangeMessageVisibility", "hold") for place in arrived)


def in_notation(calls: Counter[str]) -> set[str]:
    """Calls in the notation of the table."""
    return {name if number == 1 else f"{name}*{number}" for name, number in calls.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_delivery_makes_exactly_the_calls_of_the_table(world: World, aws: Aws, case: str) -> None:
    prepare, act = DONE[case]
    prepare(world)

    with counted(world, aws) as made:
        assert act(world)

    assert [in_notation(calls) for calls in made] == CASES[case]
    assert ENDS.get(case, case.partition(",")[0]) == (world.announced()[-1][1] if made[2]["PutEvents"] else case)
