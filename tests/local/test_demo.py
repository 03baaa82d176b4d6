"""`python -m local demo` and its scenarios, as a person runs them."""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest import mock

import pytest

from local import drifted, scenario
from tests.support.commands import started
from tests.support.log import Log
from tests.support.stacks import NewStack

Shown = Callable[[str], str]


@pytest.fixture
def shown(
    command: Callable[..., int],
    new_stack: NewStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shown:
    """What a scenario prints. It runs in this process, must succeed and write nothing to stderr."""
    for module in (scenario, drifted):
        monkeypatch.setattr(module, "Stack", new_stack)

    def show(name: str) -> str:
        log = Log(monkeypatch, capsys)
        with mock.patch.dict(os.environ):
            assert command("demo", "--scenario", name) == 0
        assert log.errors == ""
        return log.text

    return show


def test_the_demo_shows_the_main_use_case_and_succeeds() -> None:
    process = started("demo")

    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert "→ created in" in out
    assert "→ unchanged in" in out
    assert "POST /connections → 201" in out
    assert "/aep-connections/dev/lakehouse/connection-id" in out
    assert "dapi0123456789abcdef0123456789abcdef" not in out


def test_the_scenario_of_a_stopped_cluster_shows_the_whole_wait(shown: Shown) -> None:
    out = shown("cluster-terminated")

    assert "POST /api/2.1/clusters/start → 200" in out
    assert "Waiting: Cluster 0923-164208-meows279 was TERMINATED and is being started." in out
    assert "Registry status: waiting, for cluster 0923-164208-meows279 to run, until " in out
    assert "Waiting: Cluster 0923-164208-meows279 is starting (PENDING)." in out
    assert "→ created in" in out
    assert "150 s after the request." in out


def test_the_scenario_of_drift_shows_the_drift_and_its_repair(shown: Shown) -> None:
    out = shown("drift")

    assert '"AEP Base Connection Drifted"' in out
    assert "→ 1 connection drifted (moved 1, parameterMissing 1), 1 recheck sent (in " in out
    assert "lists the sandbox's connections" in out
    assert "→ No drift (in " in out
    assert '"labelUpdated": "AWSCURRENT"' in out
    assert out.count("→ updated in") == 2
    assert "dapi" not in out
