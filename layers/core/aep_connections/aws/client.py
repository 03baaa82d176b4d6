"""Makes every AWS call with timeouts and few tries, and turns AWS's refusals into our errors."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from aep_connections.domain.errors import ConnectionFailure, Throttled, Unavailable

CONFIG = Config(
    connect_timeout=5,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent_extra="aep-connections",
)
"""At most 20 s per call, including the SDK's one retry: `RECORD_SECONDS` reserves this time."""

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 6})
"""For many reads in a row, which AWS may throttle for a while."""

FAILED_CONDITION = "ConditionalCheckFailedException"

_THROTTLING = {
    "ThrottlingException", "Throttling", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
    "TooManyUpdates", "RequestThrottled", "TooManyRequestsException",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal by AWS: its code and, if a condition failed, the item."""

    code: str
    item: Mapping[str, Any]


def clients() -> Callable[..., Any]:
    """`client(service, changes)` of one session: a client with our limits, except for `changes`."""
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    return lambda service, changes=None: session.client(service, config=CONFIG.merge(changes) if changes else CONFIG)


def call(operation: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """The reply. Raises Throttled or Unavailable if there is none."""
    reply, refused = attempt(operation, **arguments)
    if refused is not None:
        raise unavailable(operation, refused.code)
    return reply


def attempt(operation: Callable[..., Any], **arguments: Any) -> tuple[dict[str, Any], Refused | None]:
    """The reply, or the error code that AWS gave. Raises Unavailable if AWS does not reply."""
    try:
        return operation(**arguments), None
    except ClientError as error:
        response: Any = error.response
        return {}, Refused(str(response.get("Error", {}).get("Code", "Unknown")), response.get("Item") or {})
    except BotoCoreError as error:
        raise unavailable(operation, type(error).__name__) from None


def unavailable(operation: Callable[..., Any], code: str) -> ConnectionFailure:
    """Our error for an AWS refusal that only time or an operator can resolve."""
    name = getattr(operation, "__name__", "call")
    if code in _THROTTLING:
        return Throttled(f"AWS throttled {name} ({code}).")
    return Unavailable(
        f"The AWS call {name} failed ({code}).",
        remedy="If this persists, check the function's role and AWS Health.",
    )
