"""Many deliveries at the same moment, each in its own execution environment: a key gets one connection."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from aep_connections.provision.service import ProvisionService
from tests.support.calls import Calls
from tests.support.judge import Judge
from tests.support.world import ABSENT, REQUEST, Sent, World

OVER_HTTP = pytest.param(5, marks=pytest.mark.cloud)
"""How many deliveries at once, over HTTP and with moto."""


@pytest.fixture
def judge(world: World) -> Iterator[Judge]:
    """Records every connection that any environment creates."""
    with world.watched(Calls()) as calls:
        yield Judge(world, calls)


def at_once(world: World, messages: list[Sent]) -> list[bool]:
    """Deliver all messages at the same moment. Returns for each message whether it is done."""
    services = [world.new_service() for _ in messages]
    start = Barrier(len(messages))

    def deliver(sent: Sent, service: ProvisionService) -> bool:
        start.wait()
        return world.deliver(sent, service)

    with ThreadPoolExecutor(len(messages)) as pool:
        return list(pool.map(deliver, messages, services))


def until_done(world: World, messages: list[Sent]) -> None:
    """Deliver the messages that are not done again, all at once, until none is left."""
    for _ in range(40):
        if not messages:
            return
        done = at_once(world, messages)
        messages = [sent for sent, gone in zip(messages, done, strict=True) if not gone]
        world.clock.advance(180)
    raise AssertionError(f"{len(messages)} messages are not done")


@pytest.mark.parametrize("count", [1, 2, 20, OVER_HTTP])
def test_one_message_delivered_many_times_at_once_makes_one_connection(world: World, judge: Judge, count: int) -> None:
    sent = world.send(REQUEST)

    done = at_once(world, [sent] * count)
    world.clock.advance(300)
    until_done(world, [sent] * done.count(False))

    assert judge.verdict() == []
    assert len(world.calls("POST")) == 1
    (connection,) = world.connections()
    assert world.parameter() == connection["id"]
    assert set(world.announced()) == {("Ready", "created")}


@pytest.mark.parametrize("count", [2, 20, OVER_HTTP])
def test_many_requests_for_one_key_at_once_end_in_the_latest_state(world: World, judge: Judge, count: int) -> None:
    messages = [world.send(REQUEST | {"database": f"db{number}"}) for number in range(count)]

    until_done(world, messages)

    assert judge.verdict() == []
    assert len(world.calls("POST")) == 1
    (connection,) = world.connections()
    assert connection["auth"]["params"]["database"] == f"db{count - 1}"
    assert (world.parameter(), world.status()) == (connection["id"], "ready")


@pytest.mark.parametrize("last", [REQUEST, ABSENT], ids=["present", "absent"])
def test_presence_and_absence_at_once_end_in_the_latest_state(world: World, judge: Judge, last: dict[str, str]) -> None:
    messages = [world.send(request) for request in (REQUEST, ABSENT, REQUEST, ABSENT, last)]

    until_done(world, messages)

    assert judge.verdict() == []
    assert len(world.connections()) == (1 if last is REQUEST else 0)
    assert (world.parameter() is None) == (last is ABSENT)


@pytest.mark.parametrize("count", [200, pytest.param(30, marks=pytest.mark.cloud)])
def test_many_keys_at_concurrency_ten_make_as_many_connections(world: World, judge: Judge, count: int) -> None:
    names = [f"key-{number}" for number in range(count)]
    messages = [world.send(REQUEST | {"name": name}) for name in names]
    services = [world.new_service() for _ in range(10)]

    def work(mine: int) -> list[bool]:
        return [world.deliver(sent, services[mine]) for sent in messages[mine::10]]

    with ThreadPoolExecutor(10) as pool:
        done = [one for many in pool.map(work, range(10)) for one in many]

    assert done == [True] * count
    assert judge.verdict() == []
    assert sorted(item["name"] for item in world.connections()) == sorted(names)
    ids = {item["name"]: item["id"] for item in world.connections()}
    assert {name: world.parameter(name) for name in names} == ids
    assert world.announced() == [("Ready", "created")] * count
