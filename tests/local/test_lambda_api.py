"""The local stack lets the SDK invoke functions by name, as one function invokes another in AWS."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.account import Aws
from local.aws.invocation import FunctionFailed, Handler


class Functions:
    """A function of this test in the shared AWS."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.name = f"f{uuid.uuid4().hex}"

    def serve(self, handler: Handler) -> None:
        self._aws.functions[self.name] = handler

    def invoke(self, event: Any = None, **options: Any) -> Any:
        arguments = {"FunctionName": self.name, "Payload": json.dumps(event)} | options
        return self._aws.client("lambda").invoke(**arguments)


@pytest.fixture
def functions(aws: Aws) -> Iterator[Functions]:
    made = Functions(aws)
    yield made
    aws.functions.pop(made.name, None)


def test_an_invocation_returns_the_result_of_the_handler(functions: Functions) -> None:
    functions.serve(lambda event, context: {"got": event})

    response = functions.invoke({"sandbox": "dev", "größe": 1})

    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in response
    assert json.loads(response["Payload"].read()) == {"got": {"sandbox": "dev", "größe": 1}}


def test_a_function_can_be_invoked_by_its_arn_too(functions: Functions) -> None:
    functions.serve(lambda event, context: event)

    response = functions.invoke(7, FunctionName=f"arn:aws:lambda:eu-west-1:123456789012:function:{functions.name}")

    assert json.loads(response["Payload"].read()) == 7


@pytest.mark.parametrize(
    ("error", "payload"),
    [
        (FunctionFailed({"errorType": "NotReady"}), {"errorType": "NotReady"}),
        (LookupError("no"), {"errorType": "LookupError", "errorMessage": "no"}),
    ],
    ids=["reported", "raised"],
)
def test_a_function_error_is_returned_as_lambda_returns_it(
    functions: Functions, error: Exception, payload: dict[str, Any]
) -> None:
    def fails(event: Any, context: Any) -> Any:
        raise error

    functions.serve(fails)
    response = functions.invoke()

    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert payload.items() <= json.loads(response["Payload"].read()).items()


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_unknown_function_is_refused_as_lambda_refuses_it(aws: Aws, kind: str) -> None:
    client = aws.client("lambda")

    with pytest.raises(client.exceptions.ResourceNotFoundException, match=r"not found: arn:.*:function:missing"):
        client.invoke(FunctionName="missing", InvocationType=kind, Payload=b"{}")
    assert aws.asynchronous.take("missing") == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"Payload": b"{"}, "InvalidRequestContentException"),
        ({"Payload": b"{", "InvocationType": "Event"}, "InvalidRequestContentException"),
        ({"InvocationType": "DryRun"}, "InvalidParameterValueException"),
    ],
)
def test_an_unsupported_invocation_is_refused(functions: Functions, options: dict[str, Any], code: str) -> None:
    functions.serve(lambda event, context: event)

    with pytest.raises(ClientError) as refused:
        functions.invoke({}, **options)

    assert refused.value.response["Error"]["Code"] == code


def test_an_asynchronous_invocation_is_queued_and_returns_at_once(functions: Functions, aws: Aws) -> None:
    functions.serve(lambda event, context: pytest.fail("invoked"))

    responses = [functions.invoke({"n": n}, InvocationType="Event") for n in (1, 2)]

    assert [(response["StatusCode"], response["Payload"].read()) for response in responses] == [(202, b"")] * 2
    assert aws.asynchronous.take(functions.name) == [{"n": 1}, {"n": 2}]
    assert aws.asynchronous.take(functions.name) == []


def test_a_function_may_call_aws_and_run_several_times_in_parallel(functions: Functions, aws: Aws) -> None:
    both = threading.Barrier(2, timeout=20)

    def calls(event: Any, context: Any) -> Any:
        both.wait()
        return aws.client("sts").get_caller_identity()["Account"]

    functions.serve(calls)
    with ThreadPoolExecutor() as pool:
        responses = list(pool.map(functions.invoke, range(2)))

    assert [json.loads(response["Payload"].read()) for response in responses] == ["123456789012"] * 2
