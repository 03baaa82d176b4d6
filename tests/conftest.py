"""A separate world for each test, in memory or over HTTP, and one moto server for the whole run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from aep_connections.aws.client import unavailable
from aep_connections.domain.errors import ConnectionFailure
from local.aws.account import Aws
from tests.support.aws import moto_server
from tests.support.calls import Calls, Go, Refuse
from tests.support.cloud import new_cloud
from tests.support.iam import AwsCalls
from tests.support.keeper import Keeper
from tests.support.log import Log
from tests.support.memory import MemoryWorld
from tests.support.web import Web
from tests.support.world import World

for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]  # drops the developer's profile before any test module uses the SDK


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def aws_calls(aws: Aws) -> AwsCalls:
    """The service's calls to AWS, in all tests of the run."""
    calls = AwsCalls()
    calls.watch(aws)
    return calls


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cloud", action="store_true", help="run every test of a world over HTTP, with moto as AWS")


def over_http(request: pytest.FixtureRequest) -> bool:
    """Whether the test's world is one over HTTP, with moto as AWS."""
    return bool(request.config.getoption("--cloud") or request.node.get_closest_marker("cloud"))


@pytest.fixture(autouse=True)
def least_privilege(request: pytest.FixtureRequest) -> Iterator[None]:
    """Invariant 7, Least: after each test, checks that the role allows every call that the service made."""
    watched = "aws" in request.fixturenames or ("world" in request.fixturenames and over_http(request))
    calls = request.getfixturevalue("aws_calls") if watched else AwsCalls()
    yield
    refused = calls.refused()
    assert not refused, f"template.yaml does not allow {refused}"


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world in memory. A test that is marked with `cloud` gets one over HTTP, with moto as AWS."""
    if not over_http(request):
        yield MemoryWorld()
        return
    with new_cloud(request.getfixturevalue("aws"), request.getfixturevalue("aws_calls")) as made:
        yield made


@pytest.fixture
def log(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Log:
    """Everything that the function writes from now on."""
    return Log(monkeypatch, capsys)


@pytest.fixture
def web(world: World) -> Web:
    """The world's HTTP API."""
    return Web(world)


@pytest.fixture
def keeper(world: World) -> Keeper:
    """The world's reconcile function."""
    return Keeper(world)


@pytest.fixture
def calls(world: World) -> Iterator[Calls]:
    """The outside calls of the world's functions, by name. A test may replace them."""
    with world.watched(Calls()) as watched:
        yield watched


@pytest.fixture
def refuse(calls: Calls) -> Iterator[Refuse]:
    """Makes the calls of a name fail: with a class of error, or as if AWS denied access."""

    wanted: set[str] = set()

    def use(name: str, error: type[ConnectionFailure] | None = None) -> None:
        wanted.add(name)

        def act(made: str, go: Go) -> Any:
            if made == name:
                raise error(f"{name} is refused.") if error else unavailable(go, "AccessDeniedException")
            return go()

        calls.act = act

    yield use
    assert wanted <= set(calls.made), f"{wanted - set(calls.made)} was never called"
