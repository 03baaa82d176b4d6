"""Invokes functions of the stack: `explore`, whose reply it waits for, or any function without waiting."""

import json
from typing import Any

from botocore.config import Config

from aep_connections.aws.client import call
from aep_connections.domain.errors import Unavailable

INVOKE_SECONDS = 27
"""Longer than the explore function's timeout, shorter than the timeout of the function that invokes it."""


ONCE = Config(read_timeout=INVOKE_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
"""For an invocation whose reply takes long: no caller would wait for a second try."""


class Functions:
    """AWS Lambda's functions, by their names."""

    def __init__(self, lambda_: Any) -> None:
        self._lambda = lambda_

    def explore(self, function_name: str, question: dict[str, Any]) -> dict[str, Any]:
        """The explore function's reply. Raises Throttled, Unavailable."""
        reply = call(self._invoke, FunctionName=function_name, Payload=json.dumps(question).encode())
        if reply["failed"] or not isinstance(reply["document"], dict):
            raise Unavailable(
                "Reading the tables took too long or failed unexpectedly.",
                remedy="Try again. If this persists, the explore function's log shows the cause.",
            )
        document: dict[str, Any] = reply["document"]
        return document

    def invoke_later(self, function_name: str, event: dict[str, Any]) -> None:
        """Invoke asynchronously. Raises Throttled, Unavailable; the function may run even then."""
        payload = json.dumps(event).encode()
        call(self._lambda.invoke, FunctionName=function_name, InvocationType="Event", Payload=payload)

    def _invoke(self, **arguments: Any) -> dict[str, Any]:
        reply = self._lambda.invoke(**arguments)
        return {"failed": "FunctionError" in reply, "document": json.loads(reply["Payload"].read() or b"null")}
