"""Each contract test runs twice: against the fake and against the adapter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.aws.account import Aws
from tests.adapters.platforms import NETWORKS, Platform
from tests.adapters.sides import AdapterSide, FakeSide, Side, Stand
from tests.support.iam import AwsCalls


@pytest.fixture(scope="session")
def stand(aws: Aws, aws_calls: AwsCalls) -> Stand:
    return Stand.new(aws, aws_calls)


@pytest.fixture(params=["fake", "adapter"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """The ports of AWS: the fakes, or the adapters over moto, which may do what the template's roles allow."""
    if request.param == "fake":
        yield FakeSide()
        return
    stand: Stand = request.getfixturevalue("stand")
    made = AdapterSide(stand)
    yield made
    made.close()
    refused = stand.calls.refused()
    assert not refused, f"template.yaml does not allow {refused}"


@pytest.fixture(params=list(NETWORKS))
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """Adobe and Databricks: in memory, or over sockets."""
    with NETWORKS[request.param]() as made:
        yield made
