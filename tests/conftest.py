"""One moto server for the whole run, and a separate world for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.client import BaseClient

from local.aws.account import Aws
from tests.support.adobes import Adobes
from tests.support.aws import moto_server, refusal
from tests.support.iam import AwsCalls
from tests.support.keeper import Keeper
from tests.support.log import Log
from tests.support.web import Web
from tests.support.world import World, new_world

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


@pytest.fixture(autouse=True)
def least_privilege(request: pytest.FixtureRequest) -> Iterator[None]:
    """Invariant 7, Least: after each test, checks that the role allows every call that the service made."""
    calls = request.getfixturevalue("aws_calls") if "aws" in request.fixturenames else AwsCalls()
    yield
    refused = calls.refused()
    assert not refused, f"template.yaml does not allow {refused}"


@pytest.fixture
def world(aws: Aws, aws_calls: AwsCalls) -> Iterator[World]:
    with new_world(aws, aws_calls) as made:
        yield made


@pytest.fixture(scope="module")
def shared_world(aws: Aws, aws_calls: AwsCalls) -> Iterator[World]:
    """One world for all tests of a module. Each test uses its own connection name."""
    with new_world(aws, aws_calls) as made:
        yield made


@pytest.fixture
def log(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Log:
    """Everything that the function writes from now on."""
    return Log(monkeypatch, capsys)


@pytest.fixture
def adobe() -> Iterator[Adobes]:
    made = Adobes()
    yield made
    made.stop()


@pytest.fixture
def web(world: World, aws_calls: AwsCalls) -> Web:
    """The world's HTTP API."""
    return Web(world, aws_calls)


@pytest.fixture
def keeper(world: World, aws_calls: AwsCalls) -> Keeper:
    """The world's reconcile function."""
    return Keeper(world, aws_calls)


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes AWS refuse an operation."""
    whole = BaseClient._make_api_call  # type: ignore[attr-defined]

    def use(operation: str, code: str = "InternalServerError") -> None:
        def call(client: Any, name: str, arguments: Any) -> Any:
            if name == operation:
                raise refusal(name, code)
            return whole(client, name, arguments)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return use
