"""The simulators, the gateway and the stack for the tests of this folder: new ones for each test, or shared ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from local import __main__ as command_line
from local.aws.account import Aws
from tests.support.adobes import Adobes
from tests.support.gateways import Front, front
from tests.support.iam import AwsCalls
from tests.support.stacks import NewStack, new_stacks
from tests.support.workspace import Workspace, client

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient  # its import takes a second


@pytest.fixture
def adobe() -> Iterator[Adobes]:
    made = Adobes()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def shared() -> Iterator[Adobes]:
    """Simulators with the connections `a` and `b`, for all tests of the run.

    A test only reads them, or its calls are refused; the end of the run checks that none changed them.
    """
    made = Adobes()
    for name in ("a", "b"):
        made.create(name=name)
    before = made.state()
    yield made
    made.stop()
    assert made.state() == before


@pytest.fixture
def workspace(adobe: Adobes) -> Workspace:
    return Workspace(adobe)


@pytest.fixture
def sdk(workspace: Workspace) -> WorkspaceClient:
    return client(workspace)


@pytest.fixture
def api() -> Iterator[Front]:
    """The gateway of the template's API with its defaults."""
    with front() as made:
        yield made


@pytest.fixture
def new_stack(aws: Aws, aws_calls: AwsCalls) -> Iterator[NewStack]:
    """Makes stacks in the shared AWS, until the test ends."""
    with new_stacks(aws, aws_calls) as make:
        yield make


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`python -m local` in this process, with the AWS settings of the tests. Returns the exit status."""
    monkeypatch.setattr(command_line, "forget_other_clouds", lambda: None)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["local", *arguments])
        return command_line.main()

    return run
