"""AWS for tests: moto's server, and ways to record or change the service's calls to it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import moto.backends
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff
from moto.core.serialize import XFormedAttributePicker

from local.aws.account import Aws

_TYPES = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}

Act = Callable[[Callable[[], Any], dict[str, Any]], Any]
"""Replaces a call: receives the call and its arguments (which it may change), and returns the response."""


@contextmanager
def moto_server() -> Iterator[Aws]:
    """Moto's server. Every AWS client of this process uses it.

    For speed, clients are made once, and moto does not search its folder at every request. It does not parse an event
    path twice, and does not look for other names of what a value of DynamoDB holds. The SDK repeats a call without a
    pause, however many calls failed in earlier tests.
    """
    server, paths = Aws(), importlib.import_module("jsonpath_ng.ext")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        session = boto3.Session()
        session.client = functools.cache(session.client)  # type: ignore[method-assign]
        patch.setattr(boto3, "Session", lambda **_: session)
        patch.setattr(paths, "parse", functools.cache(paths.parse))
        modules = list(moto.backends.list_of_moto_modules())
        patch.setattr(moto.backends, "list_of_moto_modules", lambda: modules)
        patch.setattr(XFormedAttributePicker, "__call__", _picked)
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
        patch.setattr(RetryQuota, "acquire", lambda *_: True)
        yield server
    server.stop()


_whole_pick = XFormedAttributePicker.__call__


def _picked(picker: XFormedAttributePicker, context: Any) -> Any:
    """What moto's serializer finds under a key. A value of DynamoDB has only the one key of its type."""
    value = context.obj
    if type(value) is dict and len(value) == 1 and not _TYPES.isdisjoint(value):
        return value.get(context.key)
    return _whole_pick(picker, context)


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
