"""An error leaves the process without its causes: they could quote a secret. Inside, Python chains them as usual."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aep_connections.adobe.flow_service import Adobe, FlowService
from aep_connections.domain.errors import AdobeCredentialRejected, AdobeRefused, ConnectionFailure, Unavailable
from tests.support.calls import Calls
from tests.support.canaries import TOKEN, found, kept, whole_story
from tests.support.keeper import Keeper
from tests.support.log import Log
from tests.support.web import Web
from tests.support.world import REQUEST, World


def raising(error: ConnectionFailure) -> Callable[..., Any]:
    """A stand-in for any call: it raises `error` while it handles an error that contains a canary."""

    def call(*_: Any, **__: Any) -> Any:
        try:
            raise RuntimeError(f"a request with {TOKEN}")
        except RuntimeError as cause:
            raise error from cause

    return call


def assert_silent(world: World, log: Log, **places: str) -> None:
    assert found(kept(world) | places | {"log": log.text, "stderr": log.errors}, [TOKEN]) == []


def test_a_direct_invoke_raises_its_error_without_causes(
    world: World, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FlowService, "create", raising(AdobeRefused("No.")))

    error = world.refused(REQUEST)

    assert error.code == "AdobeRefused"
    assert_silent(world, log, error=whole_story(error))


def test_a_delivery_shows_no_causes_of_its_error(world: World, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlowService, "create", raising(AdobeRefused("No.")))

    assert world.request()

    assert world.announced() == [("Failed", "AdobeRefused")]
    assert_silent(world, log)


def test_reconcile_raises_the_error_that_stops_it_without_causes(
    world: World, keeper: Keeper, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    monkeypatch.setattr(Adobe, "open", raising(AdobeCredentialRejected("No.")))

    with pytest.raises(AdobeCredentialRejected) as raised:
        keeper.reconcile()

    assert_silent(world, log, error=whole_story(raised.value))


def test_a_sandbox_that_cannot_be_reconciled_is_reported_without_causes(
    world: World, keeper: Keeper, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    monkeypatch.setattr(FlowService, "listing", raising(Unavailable("No.")))

    result = keeper.reconcile()

    assert result["FailedSandboxes"] == 1
    assert_silent(world, log, result=repr(result))


@pytest.mark.parametrize(("failing", "what"), [("explore", "/tables"), ("read entry", "")], ids=["explore", "api"])
def test_http_responses_show_no_causes(world: World, web: Web, log: Log, calls: Calls, failing: str, what: str) -> None:
    world.request()
    calls.act = lambda name, go: raising(Unavailable("No."))() if name == failing else go()

    response = web("GET", f"/connections/dev/sales{what}")

    assert response.status == 503
    assert_silent(world, log, result=json.dumps(response.document))
