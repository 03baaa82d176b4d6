"""The calls of the AWS adapters, and how they handle each response."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from aep_connections.aws import client
from aep_connections.aws.events import Events
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Queue
from aep_connections.aws.registry import Registry
from aep_connections.aws.secrets import Secrets
from aep_connections.domain.delivery import Message
from aep_connections.domain.errors import ConnectionFailure, SecretRefused, Throttled, Unavailable
from aep_connections.domain.model import Key, Order, Page, Status
from aep_connections.domain.time import RECORD_SECONDS
from tests.support.aws import refusal
from tests.support.clock import FakeClock

NOW = 1_795_000_000.0


class Aws:
    """An AWS client whose every operation returns the same response, or raises it."""

    def __init__(self, reply: Any) -> None:
        self.reply, self.arguments = reply, {}  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def operation(**arguments: Any) -> Any:
            self.arguments = arguments
            if isinstance(self.reply, Exception):
                raise self.reply
            return self.reply

        operation.__name__ = name
        return operation


MESSAGE = Message(id="m-1", receipt_handle="r-1", receive_count=1, first_received=NOW)


def test_an_aws_call_ends_within_the_time_kept_free_to_record() -> None:
    config = client.CONFIG

    one_try = config.connect_timeout + config.read_timeout  # type: ignore[attr-defined]
    assert one_try * config.retries["total_max_attempts"] <= RECORD_SECONDS  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TooManyUpdates",
        "RequestThrottled",
    ],
)
def test_every_throttling_code_of_aws_becomes_throttled(code: str) -> None:
    with pytest.raises(Throttled):
        Parameters(Aws(refusal("PutParameter", code)), "/p").put(Key("dev", "sales"), "c-1")


@pytest.mark.parametrize(
    "error", [EndpointConnectionError(endpoint_url="https://x"), ConnectTimeoutError(endpoint_url="https://x")]
)
def test_aws_without_a_response_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable):
        Parameters(Aws(error), "/p").get(Key("dev", "sales"))


def test_an_event_that_the_bus_did_not_accept_is_an_error() -> None:
    failed = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}

    with pytest.raises(Unavailable, match="InternalFailure"):
        Events(Aws(failed), "bus").announce("AEP Base Connection Ready", {})


def test_a_parameter_is_a_plain_string_in_the_tier_that_fits() -> None:
    ssm = Aws({})

    Parameters(ssm, "/p").put(Key("dev", "sales"), "c-1")

    assert ssm.arguments == {
        "Name": "/p/dev/sales/connection-id",
        "Value": "c-1",
        "Type": "String",
        "Tier": "Intelligent-Tiering",
        "Overwrite": True,
    }


def test_only_a_parameter_that_is_already_gone_counts_as_deleted() -> None:
    Parameters(Aws(refusal("DeleteParameter", "ParameterNotFound")), "/p").delete(Key("dev", "sales"))

    with pytest.raises(Unavailable):
        Parameters(Aws(refusal("DeleteParameter", "AccessDeniedException")), "/p").delete(Key("dev", "sales"))


@pytest.mark.parametrize("sandbox", [None, "dev"])
def test_a_page_without_entries_has_a_key_if_there_is_more_to_read(sandbox: str | None) -> None:
    """As when many items were read, and none of them has the wanted status."""
    dynamodb = Aws({"Items": [], "LastEvaluatedKey": {"sandbox": {"S": "dev"}, "name": {"S": "sales"}}})

    page = Registry(dynamodb, "table", FakeClock()).page(
        Page(sandbox=sandbox, status=Status.FAILED, limit=5, after=None)
    )

    assert page == ([], Key("dev", "sales"))


def test_a_secret_is_read_in_its_current_version() -> None:
    client = Aws(
        {"ARN": "arn", "VersionId": "v1", "CreatedDate": datetime.fromtimestamp(NOW, UTC), "SecretString": "{}"}
    )

    Secrets(client).read("aep/x")

    assert client.arguments == {"SecretId": "aep/x", "VersionStage": "AWSCURRENT"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ResourceNotFoundException", SecretRefused),
        ("AccessDeniedException", SecretRefused),
        ("DecryptionFailure", SecretRefused),
        ("InvalidRequestException", SecretRefused),
        ("InternalServiceError", Unavailable),
        ("ThrottlingException", Throttled),
    ],
)
def test_a_secret_that_cannot_be_read_is_refused_or_retried(code: str, kind: type[ConnectionFailure]) -> None:
    with pytest.raises(kind):
        Secrets(Aws(refusal("GetSecretValue", code))).read("aep/x")


@pytest.mark.parametrize(("seconds", "held"), [(270.4, 270), (-3.0, 0), (99_999.0, 43_200)])
def test_a_message_is_hidden_no_longer_than_the_queue_allows(seconds: float, held: int) -> None:
    queue = Aws({})

    Queue(queue, "queue", "dead").hide(MESSAGE, seconds)

    assert queue.arguments["VisibilityTimeout"] == held


@pytest.mark.parametrize(
    "error", [refusal("ChangeMessageVisibility", "x"), EndpointConnectionError(endpoint_url="https://x")]
)
def test_hiding_a_message_is_best_effort(error: Exception) -> None:
    Queue(Aws(error), "queue", "dead").hide(MESSAGE, 1)


def test_what_is_parked_fits_into_a_message() -> None:
    queue = Aws({})
    parking = Queue(queue, "queue", "dead")

    parking.park(Order("2026-11-18T10:00:00.000Z", "e-1"), {"x": "é" * 200_000}, "InvalidRequest", "r" * 5000)

    body = json.loads(queue.arguments["MessageBody"])
    assert len(queue.arguments["MessageBody"].encode()) <= 256 * 1024
    assert (body["id"], body["time"], set(body["detail"])) == ("e-1", "2026-11-18T10:00:00.000Z", {"unreadable"})
    assert len(queue.arguments["MessageAttributes"]["reason"]["StringValue"]) == 1000

    parking.park(Order("2026-11-18T10:00:00.000Z", "e-1"), {}, "Unavailable", "")
    assert queue.arguments["MessageAttributes"]["reason"]["StringValue"] == "Unavailable"
