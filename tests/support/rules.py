"""An EventBridge rule whose target is a function, created by the local stack from a separate template."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from local.aws.account import Aws, Resources
from local.aws.template import PSEUDO, Template


def rule_to_function(aws: Aws, folder: Path, pattern: dict[str, Any], **properties: Any) -> Resources:
    """`Bus`, and `Rule`, whose events invoke `Worker`. `properties` are further properties of the rule."""
    target = {
        "Id": "worker",
        "Arn": {"Fn::GetAtt": ["Worker", "Arn"]},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 5},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Lost", "Arn"]}},
    }
    resources = {
        "Worker": {"Type": "AWS::Lambda::Function", "Properties": {}},
        "Invocations": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"MaximumRetryAttempts": 2}},
        "Lost": {"Type": "AWS::SQS::Queue"},
        "Bus": {"Type": "AWS::Events::EventBus"},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": pattern, "Targets": [target], **properties},
        },
    }
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Resources": resources}))
    made = Resources(aws, Template.load({}, {**PSEUDO, "AWS::StackName": f"r{uuid.uuid4().hex[:12]}"}, path))
    made.make()
    return made
