"""A whole world on a fake clock: moto as AWS, our simulators as Adobe and Databricks, and the real service."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.http.transport import Timeouts
from aep_connections.provision.service import ProvisionService, build
from local.aws.account import ACCOUNT, REGION, Aws
from local.aws.invocation import Context
from local.simulators.connections import DATABRICKS_AUTH, DATABRICKS_SPEC, Record, new_item
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET, Stack
from tests.support.clock import FakeClock
from tests.support.iam import AwsCalls, grants

SECRET_ID = "aep/dev/databricks/sales"
REQUEST = {"name": "sales", "sandbox": "dev", "databricksSecretId": SECRET_ID}
ABSENT = {"name": "sales", "sandbox": "dev", "desiredState": "absent"}
UNCHECKED = REQUEST | {"readiness": "off"}
"""A request without a check of the workspace."""
RECHECK = json.dumps({"recheck": {"sandbox": "dev", "name": "sales", "reason": "test"}})
STOPPED = {DATABRICKS_SECRET["clusterId"]: "TERMINATED"}
GONE = '{"type":"https://ns.adobe.com/aep/errors/FLOW-1439-404","status":404,"report":{"request-id":"r-1"}}'
TIMEOUT_SECONDS = 180.0


class Killed(BaseException):
    """Ends the process here, as when Lambda kills it. No code may catch it."""


@dataclass(slots=True)
class Sent:
    """A message on the real queue, with the times of the fake clock."""

    id: str
    receipt_handle: str
    body: str
    sent_at: float
    receive_count: int = 0
    first_received: float | None = None


@dataclass(slots=True)
class World:
    """Everything that a test needs to cause events and to observe the results."""

    stack: Stack
    clock: FakeClock
    timeouts: Timeouts
    announced_url: str
    service: ProvisionService = field(init=False)
    _events: list[dict[str, Any]] = field(default_factory=list)
    _arrived: dict[str, Sent] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.service = self.new_service()

    def new_service(self, **environment: str) -> ProvisionService:
        """A new execution environment of the function."""
        return build(self.stack.environment | environment, self.clock, self.timeouts)

    # ------------------------------------------------------------ causing events

    def invoke(self, event: Any, service: ProvisionService | None = None, seconds: float = TIMEOUT_SECONDS) -> Any:
        """Invoke the function directly. Returns the result, or raises the error."""
        context = Context(self.clock.now() + seconds, self.clock.now)
        self.clock.advance(1)
        return (service or self.service).provision(event, context)

    def refused(self, event: Any, **options: Any) -> ConnectionFailure:
        """The error that a direct invoke raises."""
        with pytest.raises(ConnectionFailure) as raised:
            self.invoke(event, **options)
        return raised.value

    def send(self, detail: Any, *, at: float | None = None, order_id: str | None = None, bare: bool = False) -> Sent:
        """Put a request on the queue, in EventBridge's envelope unless `bare`."""
        self.clock.advance(1)
        envelope = {
            "version": "0",
            "id": order_id or str(uuid.uuid4()),
            "detail-type": "AEP Base Connection Requested",
            "source": "tests",
            "time": _iso(self.clock.now() if at is None else at),
            "detail": detail,
        }
        return self.send_body(json.dumps(detail if bare else envelope))

    def send_body(self, body: str) -> Sent:
        """Put any text on the queue."""
        sent = self.stack.aws.client("sqs").send_message(QueueUrl=self.stack.queue_url, MessageBody=body)
        self._receive()
        return self._arrived.pop(sent["MessageId"])

    def arrived(self) -> list[Sent]:
        """The messages that others put on the queue, each of them once."""
        self._receive()
        found = list(self._arrived.values())
        self._arrived.clear()
        return found

    def _receive(self) -> None:
        """Receive all visible messages. Moto shows earlier ones again, by its own clock: these are left out."""
        sqs, most = self.stack.aws.client("sqs"), 10
        wanted = {"QueueUrl": self.stack.queue_url, "MaxNumberOfMessages": most, "VisibilityTimeout": 3600}
        messages: list[dict[str, Any]] = [{}] * most
        while len(messages) == most:
            messages = sqs.receive_message(**wanted).get("Messages", [])
            for message in messages:
                if message["MessageId"] not in self._seen:
                    sent = Sent(message["MessageId"], message["ReceiptHandle"], message["Body"], self.clock.now())
                    self._seen.add(sent.id)
                    self._arrived[sent.id] = sent

    def deliver(self, sent: Sent, service: ProvisionService | None = None, seconds: float = TIMEOUT_SECONDS) -> bool:
        """Have Lambda deliver a message. Returns whether it is done; the log and the event show the outcome."""
        sent.receive_count += 1
        sent.first_received = sent.first_received or self.clock.now()
        record = {
            "messageId": sent.id,
            "receiptHandle": sent.receipt_handle,
            "body": sent.body,
            "attributes": {
                "ApproximateReceiveCount": str(sent.receive_count),
                "SentTimestamp": str(round(sent.sent_at * 1000)),
                "ApproximateFirstReceiveTimestamp": str(round(sent.first_received * 1000)),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": self.stack.resources.attribute("Requests", "Arn"),
            "awsRegion": "eu-west-1",
        }
        context = Context(self.clock.now() + seconds, self.clock.now)
        response = (service or self.service).provision({"Records": [record]}, context)
        return not response["batchItemFailures"]

    def request(self, detail: Any = REQUEST, **options: Any) -> bool:
        """Send and deliver once."""
        return self.deliver(self.send(detail, **options))

    def until_done(self, sent: Sent, service: ProvisionService | None = None, deliveries: int = 60) -> None:
        """Deliver repeatedly, three minutes apart, as the queue would."""
        for _ in range(deliveries):
            if self.deliver(sent, service):
                return
            self.clock.advance(180)
        raise AssertionError(f"not done after {deliveries} deliveries")

    def put_secret(self, name: str = SECRET_ID, **changes: str) -> str:
        """Create a Databricks secret, or a new version of it."""
        return self.stack.put_secret(name, DATABRICKS_SECRET | changes)

    def add_foreign(self, name: str = "sales", sandbox: str = "dev", age: float = 3600) -> str:
        """Add a connection that someone created by hand. Returns its id."""
        body = {
            "name": name,
            "auth": {"specName": DATABRICKS_AUTH, "params": dict(DATABRICKS_SECRET)},
            "connectionSpec": {"id": DATABRICKS_SPEC, "version": "1.0"},
        }
        org = ADOBE_SECRET["orgId"]
        item = new_item(body, org, sandbox, "exc_app", self.clock.now() - age)
        self.stack.adobe.records[item["id"]] = Record(org, sandbox, item)
        return str(item["id"])

    def edit_item(
        self,
        expression: str,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        key: tuple[str, str] = ("dev", "sales"),
    ) -> None:
        """Change the registry's item of a key directly, by an update expression."""
        used = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        self.stack.aws.client("dynamodb").update_item(
            TableName=self.stack.environment["REGISTRY_TABLE"],
            Key={"sandbox": {"S": key[0]}, "name": {"S": key[1]}},
            UpdateExpression=expression,
            **{name: value for name, value in used.items() if value},
        )

    def publish(self, connection_id: str) -> None:
        """Write a connection id into the default key's parameter."""
        ssm = self.stack.aws.client("ssm")
        ssm.put_parameter(Name=self.parameter_name(), Value=connection_id, Type="String", Overwrite=True)

    def unpublish(self) -> None:
        """Remove the default key's parameter."""
        self.stack.aws.client("ssm").delete_parameter(Name=self.parameter_name())

    def on_replies(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[Request, Callable[..., Any]], Any]) -> None:
        """Let `act` intercept each request to Adobe. It may return the response to another request."""
        reply = self.stack.adobe.reply
        monkeypatch.setattr(self.stack.adobe, "reply", lambda request: act(request, lambda other=request: reply(other)))

    # ------------------------------------------------------------ observing results

    def parameter_name(self, name: str = "sales", sandbox: str = "dev") -> str:
        """The name of the parameter that holds a key's connection id."""
        return f"{self.stack.environment['PARAMETER_PREFIX']}/{sandbox}/{name}/connection-id"

    def connections(self, name: str | None = None) -> list[dict[str, Any]]:
        """The connections that exist in Adobe, with secrets unmasked."""
        return [item for item in self.stack.adobe.living() if name in (None, item["name"])]

    def parameter(self, name: str = "sales", sandbox: str = "dev") -> str | None:
        """The published connection id."""
        ssm = self.stack.aws.client("ssm")
        try:
            return str(ssm.get_parameter(Name=self.parameter_name(name, sandbox))["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None

    def item(self, name: str = "sales", sandbox: str = "dev") -> dict[str, Any]:
        """The registry's item, in DynamoDB's own JSON."""
        key = {"sandbox": {"S": sandbox}, "name": {"S": name}}
        table = self.stack.environment["REGISTRY_TABLE"]
        found = self.stack.aws.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
        return dict(found.get("Item", {}))

    def status(self, name: str = "sales") -> str:
        """The registry's status of a key."""
        return str(self.item(name)["status"]["S"])

    def events(self) -> list[dict[str, Any]]:
        """Every outcome event so far, oldest first."""
        self._events += [json.loads(message["Body"]) for message in self._drain(self.announced_url)]
        return self._events

    def announced(self) -> list[tuple[str, str]]:
        """Every outcome event so far, as (last word of its detail-type, outcome or code)."""
        return [
            (event["detail-type"].rpartition(" ")[2], event["detail"].get("outcome") or event["detail"]["code"])
            for event in self.events()
            if not event["detail-type"].endswith("Drifted")
        ]

    def dead_letters(self) -> list[dict[str, Any]]:
        """The messages in the dead-letter queue that were not seen before."""
        return self._drain(self.stack.environment["DEAD_LETTER_QUEUE_URL"])

    def calls(self, method: str = "", path: str = "") -> list[Request]:
        """The requests that Flow Service received, by method and end of path."""
        requests_ = [call.request for call in self.stack.adobe.calls]
        return [r for r in requests_ if method in ("", r.method) and r.path.endswith(path)]

    def exchanges(self) -> int:
        """How often a token was requested from IMS."""
        return len(self.stack.ims.calls)

    def _drain(self, url: str) -> list[dict[str, Any]]:
        """The messages that were not seen before."""
        sqs = self.stack.aws.client("sqs")
        wanted = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "VisibilityTimeout": 43_000}
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=url, **wanted).get("Messages"):
            found += messages
        return found


def listening(stack: Stack) -> str:
    """The URL of a new queue that receives every outcome event of a stack."""
    sqs, events, name = stack.aws.client("sqs"), stack.aws.client("events"), f"{uuid.uuid4().hex}-announced"
    url, arn = sqs.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    rule = {"EventBusName": stack.bus_name}
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aep.connections"]}), **rule)
    events.put_targets(Rule=name, Targets=[{"Id": "announced", "Arn": arn}], **rule)
    return str(url)


@contextmanager
def new_world(
    aws: Aws, calls: AwsCalls, parameters: Mapping[str, str] | None = None, timeouts: Timeouts | None = None
) -> Iterator[World]:
    """A separate world in a shared moto. `calls` may do what the role of the world's function allows."""
    clock = FakeClock()
    name = f"w{uuid.uuid4().hex[:12]}"
    stack = Stack(name, {"ParameterPrefix": f"/{name}", **(parameters or {})}, aws, clock.now)
    calls.allow(name, grants(stack.template, stack.resources.attribute, "ProvisionRole"))
    try:
        world = World(stack, clock, timeouts or Timeouts(5, 10, 10), listening(stack))
        world.put_secret()
        yield world
    finally:
        stack.stop()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
