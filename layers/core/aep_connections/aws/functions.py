"""Invokes functions of the stack: the explore function, whose reply is awaited, and this one, which goes on later."""

import json
from typing import Any

import boto3
from botocore.config import Config

from aep_connections.aws import client
from aep_connections.aws.client import call
from aep_connections.domain.errors import Unavailable

INVOKE_SECONDS = 27
"""Longer than the explore function's timeout, shorter than that of the one that invokes it."""


def patient_client(session: boto3.Session) -> Any:
    """Lambda, called once: the reply takes long, and nobody waits for a second try."""
    once = Config(read_timeout=INVOKE_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
    return client.client(session, "lambda", once)


class Functions:
    """AWS Lambda's functions, by their names."""

    def __init__(self, lambda_: Any) -> None:
        self._lambda = lambda_

    def explore(self, function_name: str, question: dict[str, Any]) -> dict[str, Any]:
        """The explore function's reply. Raises Throttled, Unavailable."""
        reply = call(self._invoke, FunctionName=function_name, Payload=json.dumps(question).encode())
        if reply["failed"] or not isinstance(reply["document"], dict):
            raise Unavailable(
                "Exploring took too long, or ended unexpectedly.",
                remedy="Try again; if it stays so, the explore function's log says why.",
            )
        document: dict[str, Any] = reply["document"]
        return document

    def invoke_later(self, function_name: str, event: dict[str, Any]) -> None:
        """Invoke soon, without waiting. Raises Throttled, Unavailable; it may happen even then."""
        payload = json.dumps(event).encode()
        call(self._lambda.invoke, FunctionName=function_name, InvocationType="Event", Payload=payload)

    def _invoke(self, **arguments: Any) -> dict[str, Any]:
        reply = self._lambda.invoke(**arguments)
        return {"failed": "FunctionError" in reply, "document": json.loads(reply["Payload"].read() or b"null")}
