"""The local Secrets Manager sends an event to the default bus when a secret has a new current version."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws.account import Aws, Resources
from tests.support.rules import rule_to_function

PATTERN = {
    "source": ["aws.secretsmanager"],
    "detail-type": ["Secret Label Updated"],
    "detail": {"labelUpdated": ["AWSCURRENT"]},
}
TOKENS = [str(uuid.uuid4()) for _ in range(3)]
Call = Callable[..., Any]


class Secret:
    """A secret whose events are sent to a function by a rule."""

    def __init__(self, resources: Resources) -> None:
        self.client = resources.aws.client("secretsmanager")
        self._resources = resources
        self.id = f"s/{uuid.uuid4().hex}"
        self.arn = self.client.create_secret(Name=self.id, SecretString="a", ClientRequestToken=TOKENS[0])["ARN"]

    def call(self, operation: str, **arguments: Any) -> None:
        getattr(self.client, operation)(**{"SecretId": self.id} | arguments)

    def pending_events(self) -> list[Any]:
        return self._resources.aws.asynchronous.take(self._resources.attribute("Worker", None))


@pytest.fixture
def secret(aws: Aws, tmp_path: Path) -> Iterator[Secret]:
    resources = rule_to_function(aws, tmp_path, PATTERN, EventBusName="default")
    yield Secret(resources)
    resources.leave_the_default_bus()


def test_the_event_of_a_new_version_has_the_name_of_the_secret_and_the_version(secret: Secret) -> None:
    secret.call("put_secret_value", SecretString="b", ClientRequestToken=TOKENS[1])

    (event,) = secret.pending_events()

    assert event["detail"] == {"name": secret.id, "labelUpdated": "AWSCURRENT", "versionId": TOKENS[1]}
    assert (event["source"], event["detail-type"]) == ("aws.secretsmanager", "Secret Label Updated")
    assert event["resources"] == [secret.arn]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("put_secret_value", {"VersionStages": ["MINE", "AWSCURRENT"]}),
        ("update_secret", {"Description": "d"}),
    ],
)
def test_each_operation_that_makes_another_version_current_sends_an_event(
    secret: Secret, operation: str, arguments: dict[str, Any]
) -> None:
    for given in ({"SecretId": secret.id}, {"SecretId": secret.arn}):
        secret.call(operation, SecretString="b", **given, **arguments)

    assert len(secret.pending_events()) == 2


def test_moving_the_label_sends_an_event(secret: Secret) -> None:
    secret.call("put_secret_value", SecretString="b", ClientRequestToken=TOKENS[1], VersionStages=["AWSPENDING"])
    assert secret.pending_events() == []

    moved = {"VersionStage": "AWSCURRENT", "MoveToVersionId": TOKENS[1], "RemoveFromVersionId": TOKENS[0]}
    secret.call("update_secret_version_stage", **moved)

    assert [event["detail"]["versionId"] for event in secret.pending_events()] == [TOKENS[1]]


def test_operations_that_change_no_current_version_send_no_event(secret: Secret) -> None:
    secret.call("put_secret_value", SecretString="a", ClientRequestToken=TOKENS[0])
    secret.call("update_secret", Description="d")
    secret.call("get_secret_value")
    with pytest.raises(secret.client.exceptions.ResourceNotFoundException):
        secret.call("put_secret_value", SecretId="missing", SecretString="b")
    with pytest.raises(secret.client.exceptions.ResourceExistsException):
        secret.call("put_secret_value", SecretString="b", ClientRequestToken=TOKENS[0])

    assert secret.pending_events() == []
