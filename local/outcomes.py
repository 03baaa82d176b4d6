"""The outcome events that a stack puts on its bus, read from a queue by a rule, as any consumer reads them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from local.aws.account import ACCOUNT, REGION
from local.stack import Stack


class Outcomes:
    """A queue that gets every outcome event of a stack from now on, or those of one detail-type."""

    def __init__(self, stack: Stack, detail_type: str | None = None) -> None:
        self._sqs, events = stack.aws.client("sqs"), stack.aws.client("events")
        name, rule = f"shown-{uuid.uuid4().hex[:8]}", {"EventBusName": stack.bus_name}
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        pattern = {"source": ["aep.connections"]} | ({"detail-type": [detail_type]} if detail_type else {})
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), **rule)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        events.put_targets(Rule=name, Targets=[{"Id": name, "Arn": arn}], **rule)

    def take(self, wait_seconds: int = 0) -> list[dict[str, Any]]:
        """The next events, each once; waits for one up to `wait_seconds`."""
        wanted = {"QueueUrl": self._url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait_seconds}
        messages = self._sqs.receive_message(**wanted).get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]
