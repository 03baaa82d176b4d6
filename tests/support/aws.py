"""AWS for tests: moto's server, and ways to record or change the service's calls to it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from local.aws.account import Aws
from tests.support.quick_moto import quicken

Act = Callable[[Callable[[], Any], dict[str, Any]], Any]
"""Replaces a call: receives the call and its arguments (which it may change), and returns the response."""


@contextmanager
def moto_server() -> Iterator[Aws]:
    """Moto's server. Every AWS client of this process uses it.

    For speed, clients are made once. The SDK repeats a call without a pause, however many calls failed in earlier
    tests.
    """
    server = Aws()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        session = boto3.Session()
        session.client = functools.cache(session.client)  # type: ignore[method-assign]
        patch.setattr(boto3, "Session", lambda **_: session)
        quicken(patch)
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
        patch.setattr(RetryQuota, "acquire", lambda *_: True)
        yield server
    server.stop()


def instead(monkeypatch: pytest.MonkeyPatch, operation: str, act: Act) -> None:
    """Let `act` replace each of the service's calls of one operation."""
    api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, operation_name: str, arguments: dict[str, Any]) -> Any:
        if operation_name != operation or self.meta.config.user_agent_extra != "aep-connections":
            return api_call(self, operation_name, arguments)
        return act(lambda: api_call(self, operation_name, arguments), arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def noted(monkeypatch: pytest.MonkeyPatch, operation: str) -> list[dict[str, Any]]:
    """The arguments of each of the service's calls of one operation, from now on."""
    made: list[dict[str, Any]] = []

    def note(call: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        made.append(arguments)
        return call()

    instead(monkeypatch, operation, note)
    return made


def refusal(operation: str, code: str) -> ClientError:
    """What the SDK raises when AWS refuses."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
