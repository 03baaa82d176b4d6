"""What a delivery costs: every call to Adobe, IMS and AWS, by name and number, as it arrives there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local.aws import Aws
from tests.support.canaries import wire_of
from tests.support.world import ABSENT, RECHECK, REQUEST, World

TABLE = """
created, cold   | IMS, GET list, POST, GET test    | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
created, warm   | GET list, POST, GET test         | hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
unchanged       | GET one                          | hold, UpdateItem*2, GetSecretValue*2, GetParameter, PutEvents
updated         | GET one, PATCH, GET test         | hold, UpdateItem*3, GetSecretValue*2, GetParameter, PutEvents
adopted         | GET list, PATCH, GET test        | hold, UpdateItem*4, Query, GetSecretValue*2, GetParameter, PutParameter, PutEvents
recreated       | GET one, GET list, POST, GET test| hold, UpdateItem*4, GetSecretValue*2, GetParameter, PutParameter, PutEvents
deleted         | DELETE, GET one                  | hold, UpdateItem*2, GetSecretValue, GetParameter, DeleteParameter, PutEvents
absent already  |                                  | hold, UpdateItem*2, GetParameter, PutEvents
in conflict     | GET list                         | hold, UpdateItem*2, Query, GetSecretValue*2, GetParameter, PutEvents
rechecked       | GET one                          | hold, UpdateItem*2, GetSecretValue*2, GetParameter
superseded      |                                  | hold, UpdateItem
refused         |                                  | hold, PutEvents
no request      |                                  | hold, PutEvents, SendMessage
invoked         | GET one                          | UpdateItem*2, GetSecretValue*2, GetParameter, PutEvents
"""  # noqa: E501
"""Case, calls over HTTP, calls to AWS; `hold` is ChangeMessageVisibility."""
CASES = {
    case.strip(): (http.strip(), aws.strip())
    for case, http, aws in (line.split("|") for line in TABLE.strip().splitlines())
}
ENDS = {
    "absent already": "unchanged",
    "in conflict": "Conflict",
    "invoked": "unchanged",
    **dict.fromkeys(("refused", "no request"), "InvalidRequest"),
}
"""How a case ends that is not named after its outcome."""
Do = Callable[[World], object]


def ready(world: World) -> None:
    """The usual key is ready, and the token is there."""
    assert world.ask()


def rotated(world: World) -> None:
    ready(world)
    world.put_secret(accessToken="rotated")


def lost(world: World) -> None:
    ready(world)
    world.stack.adobe.records.clear()


def warm(world: World) -> None:
    """Only the token is there."""
    world.ask(REQUEST | {"name": "another"})


def with_a_foreign_one(world: World) -> None:
    warm(world)
    world.add_foreign()


DONE: dict[str, tuple[Do, Do]] = {
    "created, cold": (lambda world: None, lambda world: world.ask()),
    "created, warm": (warm, lambda world: world.ask()),
    "unchanged": (ready, lambda world: world.ask()),
    "updated": (rotated, lambda world: world.ask()),
    "adopted": (with_a_foreign_one, lambda world: world.ask(REQUEST | {"adopt": True})),
    "recreated": (lost, lambda world: world.ask()),
    "deleted": (ready, lambda world: world.ask(ABSENT)),
    "absent already": (warm, lambda world: world.ask(ABSENT)),
    "in conflict": (with_a_foreign_one, lambda world: world.ask()),
    "rechecked": (ready, lambda world: world.deliver(world.send_body(RECHECK))),
    "superseded": (ready, lambda world: world.ask(at=world.clock.now() - 900)),
    "refused": (ready, lambda world: world.ask(REQUEST | {"colour": "red"})),
    "no request": (ready, lambda world: world.deliver(world.send_body("{not json"))),
    "invoked": (ready, lambda world: world.invoke(REQUEST)),
}
"""Case -> what comes before, and what is counted."""


@contextmanager
def counted(world: World, aws: Aws) -> Iterator[tuple[Counter[str], Counter[str]]]:
    """The calls that arrive meanwhile: over HTTP, and at AWS."""
    http: Counter[str] = Counter()
    to_aws: Counter[str] = Counter()
    before, exchanges = len(world.calls()), world.exchanges()
    with wire_of(aws) as arrived:
        yield http, to_aws
    http.update({"IMS": world.exchanges() - exchanges} if world.exchanges() > exchanges else {})
    for call in world.calls()[before:]:
        end = call.path.rpartition("/")[2]
        what = {"connections": "list", "test": "test"}.get(end, "one")
        http[f"GET {what}" if call.method == "GET" else call.method] += 1
    to_aws.update(place.rpartition(".")[2].replace("ChangeMessageVisibility", "hold") for place in arrived)


def told(calls: Counter[str]) -> set[str]:
    """Calls as the table writes them."""
    return {name if number == 1 else f"{name}*{number}" for name, number in calls.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_delivery_makes_exactly_the_calls_of_the_table(world: World, aws: Aws, case: str) -> None:
    prepare, act = DONE[case]
    prepare(world)

    with counted(world, aws) as (http, to_aws):
        assert act(world)

    wanted_http, wanted_aws = (set(filter(None, calls.split(", "))) for calls in CASES[case])
    assert (told(http), told(to_aws)) == (wanted_http, wanted_aws)
    assert ENDS.get(case, case.partition(",")[0]) == (world.announced()[-1][1] if to_aws["PutEvents"] else case)
