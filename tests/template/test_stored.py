"""What the stack stores, and what remains after it is deleted."""

from __future__ import annotations

import json

import pytest

from local.aws.template import Template
from tests.support.cloud import CloudWorld
from tests.support.templates import BARE, BOTH, FULL, KEY, of_type
from tests.support.world import REQUEST


@BOTH
def test_exactly_what_must_survive_the_stack_is_retained(template: Template) -> None:
    policies = {
        name: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, resource in template.resources().items()
        if resource.get("DeletionPolicy", "Delete") != "Delete" or resource.get("UpdateReplacePolicy") == "Retain"
    }

    assert policies == {
        "Registry": ("Retain", "Retain"),
        "DeadLetters": ("RetainExceptOnCreate", "Retain"),
        **dict.fromkeys(
            ("ProvisionLogs", "ApiLogs", "ExploreLogs", "ReconcileLogs", "ApiAccessLogs"),
            ("RetainExceptOnCreate", "Retain"),
        ),
    }


@BOTH
def test_the_registry_is_protected_restorable_and_encrypted(template: Template) -> None:
    table = of_type(template, "AWS::DynamoDB::Table")["Registry"]

    assert table["DeletionProtectionEnabled"] is True
    assert [index["Projection"] for index in table["GlobalSecondaryIndexes"]] == [{"ProjectionType": "KEYS_ONLY"}]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}


def test_the_given_key_encrypts_the_logs_the_registry_and_the_environment() -> None:
    assert {group["KmsKeyId"] for group in of_type(FULL, "AWS::Logs::LogGroup").values()} == {KEY}
    assert of_type(FULL, "AWS::DynamoDB::Table")["Registry"]["SSESpecification"]["KMSMasterKeyId"] == KEY
    assert {function["KmsKeyArn"] for function in of_type(FULL, "AWS::Lambda::Function").values()} == {KEY}
    assert KEY not in json.dumps([of_type(BARE, resource["Type"]) for resource in BARE.resources().values()])


@pytest.mark.cloud
def test_the_table_has_the_keys_and_the_index_of_the_registry(world: CloudWorld) -> None:
    table = world.stack.aws.client("dynamodb").describe_table(TableName=world.environment["REGISTRY_TABLE"])
    world.request()

    assert [key["AttributeName"] for key in table["Table"]["KeySchema"]] == ["sandbox", "name"]
    found = world.stack.aws.client("dynamodb").query(
        TableName=world.environment["REGISTRY_TABLE"],
        IndexName="by-secret",
        KeyConditionExpression="databricksSecretId = :secret",
        ExpressionAttributeValues={":secret": {"S": REQUEST["databricksSecretId"]}},
    )
    assert [item["name"]["S"] for item in found["Items"]] == ["sales"]
