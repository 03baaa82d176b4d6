"""Direct invocation: the event is the request, the return value is the result, the error type is the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aep_connections.domain.errors import Unavailable, forget_causes
from aep_connections.domain.model import Delivery, DesiredState
from aep_connections.domain.moment import order_at
from aep_connections.use_cases.answer import Answer

_ACTIONS = ("create", "update", "delete")


def once(event: object, now: float, invocation_id: str, do: Callable[[Delivery], Answer]) -> dict[str, Any]:
    """The result of one request. Raises its error, also when it is retryable: nobody else would try again."""
    answer = do(Delivery(order_at(now, invocation_id), _request_of(event), None))
    if answer.result is None:
        raise forget_causes(answer.error or Unavailable("The request has no answer."))
    return answer.result.document()


def _request_of(event: object) -> object:
    """The request; Terraform's `aws_lambda_invocation` adds `tf`, whose `action: delete` asks for absence."""
    if not isinstance(event, dict) or "tf" not in event:
        return event
    request = {name: value for name, value in event.items() if name != "tf"}
    tf = event["tf"]
    action = tf.get("action") if isinstance(tf, dict) else None
    if action not in _ACTIONS:
        return event  # refused: then it is not Terraform's field
    return request | {"desiredState": DesiredState.ABSENT.value} if action == "delete" else request
