"""One moto server for the run, a world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from local.aws import Aws
from tests.support.world import World, new_world


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """Moto's server, which every AWS client of this process talks to; they share one session, for speed."""
    server = Aws()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        session = boto3.Session()
        patch.setattr(boto3, "Session", lambda: session)
        yield server
    server.stop()


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    with new_world(aws) as made:
        yield made
