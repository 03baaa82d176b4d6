"""The service's calls to AWS, for a test to note or to tamper with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

Act = Callable[[Callable[[], Any], dict[str, Any]], Any]
"""What to do in place of a call: gets the call and its arguments (which may be changed), gives the answer."""


def instead(monkeypatch: pytest.MonkeyPatch, operation: str, act: Act) -> None:
    """Have `act` stand in for each of the service's calls of one operation."""
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
