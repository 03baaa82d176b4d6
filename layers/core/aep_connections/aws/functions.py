"""Asks another function of the stack directly and waits for its answer, or has this one go on later."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from aep_connections.aws import calls
from aep_connections.aws.calls import call
from aep_connections.domain.errors import Unavailable

ANSWER_SECONDS = 27
"""Longer than the explore function's timeout, shorter than that of the one that asks."""


def client(session: boto3.Session) -> Any:
    """Lambda, asked once: the answer takes long, and nobody waits for a second try."""
    once = Config(read_timeout=ANSWER_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
    return calls.client(session, "lambda", once)


class Explorer:
    """The explore function."""

    def __init__(self, lambda_: Any, function_name: str) -> None:
        self._lambda, self._function_name = lambda_, function_name

    def __call__(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises Throttled, Unavailable."""
        answer = call(self._invoke, FunctionName=self._function_name, Payload=json.dumps(asked).encode())
        if answer["failed"] or not isinstance(answer["document"], dict):
            raise Unavailable(
                "Exploring took too long, or ended unexpectedly.",
                remedy="Try again; if it stays so, the explore function's log says why.",
            )
        document: dict[str, Any] = answer["document"]
        return document

    def _invoke(self, **arguments: Any) -> dict[str, Any]:
        answer = self._lambda.invoke(**arguments)
        return {"failed": "FunctionError" in answer, "document": json.loads(answer["Payload"].read() or b"null")}


def go_on(lambda_: Any, function_name: str, event: dict[str, Any]) -> None:
    """Invoke a function some time soon, and not wait for it. Raises Throttled, Unavailable; it may happen even then."""
    call(lambda_.invoke, FunctionName=function_name, InvocationType="Event", Payload=json.dumps(event).encode())
