"""Each function of the local stack has its own environment. It can be invoked once the HTTP API is served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.aws.account import Aws
from local.stack import DATABRICKS_SECRET, Stack
from tests.support.cloud import listening
from tests.support.iam import AwsCalls
from tests.support.stacks import NewStack, new_stacks
from tests.support.world import REQUEST, SECRET_ID


@pytest.fixture
def stack(new_stack: NewStack) -> Stack:
    return new_stack()


@pytest.fixture(scope="module")
def serving(aws: Aws, aws_calls: AwsCalls) -> Iterator[Stack]:
    """A stack that serves its API, for all tests of this module. Each test requests a connection of its own."""
    with new_stacks(aws, aws_calls) as make:
        stack = make()
        stack.put_secret(SECRET_ID, DATABRICKS_SECRET)
        stack.serve_api()
        yield stack


def invoked(stack: Stack, function: str, event: Any) -> Any:
    response = stack.aws.client("lambda").invoke(
        FunctionName=stack.resources.attribute(function, None), Payload=json.dumps(event)
    )
    return json.loads(response["Payload"].read())


def test_each_function_has_the_environment_that_the_template_gives_it(stack: Stack) -> None:
    its = {name: stack.variables(name) for name in ("ProvisionFunction", "ApiFunction", "ExploreFunction")}

    assert its["ProvisionFunction"] == stack.environment
    assert {name for name, variables in its.items() if "DATABRICKS_URL" in variables} == {
        "ProvisionFunction", "ExploreFunction",
    }  # fmt: skip
    assert {name for name, variables in its.items() if "ADOBE_SECRET_ID" in variables} == {
        "ProvisionFunction", "ExploreFunction",
    }  # fmt: skip
    assert its["ApiFunction"]["EXPLORE_FUNCTION_NAME"] == stack.resources.attribute("ExploreFunction", None)


def test_a_stack_that_serves_no_api_does_not_serve_the_functions_of_the_api(stack: Stack) -> None:
    client = stack.aws.client("lambda")

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName=stack.resources.attribute("ExploreFunction", None))


def test_a_handler_may_replace_the_function_of_the_api(stack: Stack) -> None:
    gateway = stack.serve_api(lambda event, context: {"key": event["pathParameters"]})

    response = requests.get(f"{gateway.url}/connections/dev/sales", timeout=20)

    assert response.json() == {"key": {"sandbox": "dev", "name": "sales"}}


def test_the_provision_function_can_be_invoked_by_its_name(serving: Stack) -> None:
    result = invoked(serving, "ProvisionFunction", REQUEST | {"name": "invoked"})

    assert result["outcome"] == "created"
    assert result["connectionId"] in [item["id"] for item in serving.adobe.living() if item["name"] == "invoked"]


def test_a_stack_that_serves_its_functions_processes_their_queued_events(serving: Stack) -> None:
    announced = listening(serving)

    function = serving.resources.attribute("ProvisionFunction", None)
    serving.aws.asynchronous.put(function, REQUEST | {"name": "queued"})

    (message,) = serving.aws.client("sqs").receive_message(QueueUrl=announced, WaitTimeSeconds=20)["Messages"]
    detail = json.loads(message["Body"])["detail"]
    assert (detail["name"], detail["outcome"]) == ("queued", "created")


def test_stopping_ends_the_processes_of_every_function(stack: Stack) -> None:
    stack.serve_api()
    invoked(stack, "ProvisionFunction", {"no": "key"})
    environments = stack.aws.functions[stack.resources.attribute("ProvisionFunction", None)]
    (process,) = environments.processes  # type: ignore[attr-defined]

    stack.stop()

    assert process.poll() is not None
