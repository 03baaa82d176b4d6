"""A world over HTTP: moto as AWS, and the simulators as servers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from aep_connections.api import service as api
from aep_connections.api.service import ApiService
from aep_connections.aws import items
from aep_connections.domain.model import Key
from aep_connections.explore import service as explore
from aep_connections.explore.service import ExploreService
from aep_connections.http.transport import Timeouts
from aep_connections.provision import service as provision
from aep_connections.provision.service import ProvisionService
from aep_connections.reconcile import service as reconcile
from aep_connections.reconcile.service import ReconcileService
from local.aws.account import ACCOUNT, REGION, Aws
from local.aws.invocation import Handler
from local.stack import Stack
from tests.support.calls import Calls
from tests.support.clock import FakeClock
from tests.support.iam import AwsCalls, grants
from tests.support.memory import typed_item
from tests.support.world import SECRET_ID, Sent, World


class CloudWorld(World):
    """A world in moto. Its functions may do what their roles allow."""

    def __init__(self, stack: Stack, clock: FakeClock, timeouts: Timeouts, aws_calls: AwsCalls) -> None:
        self.stack, self._aws_calls = stack, aws_calls
        self._announced_url = listening(stack)
        self._events: list[dict[str, Any]] = []
        self._arrived: dict[str, Sent] = {}
        self._seen: set[str] = set()
        self._allowed: set[str] = set()
        super().__init__(
            clock=clock,
            timeouts=timeouts,
            simulators=(stack.adobe, stack.databricks, stack.ims),
            template=stack.template,
            environment=stack.environment,
        )

    # ------------------------------------------------------------ the functions

    def new_service(self, hurry: Timeouts | None = None, /, **environment: str) -> ProvisionService:
        self._allow("ProvisionRole")
        return provision.build({**self.environment, **environment}, self.clock, hurry or self.timeouts)

    def new_reconcile(self, timeouts: Timeouts, **environment: str) -> ReconcileService:
        self._allow("ReconcileRole")
        return reconcile.build(self._variables("ReconcileFunction", environment), self.clock, timeouts)

    def new_explore(self, timeouts: Timeouts) -> ExploreService:
        self._allow("ExploreRole")
        variables = self._variables("ExploreFunction", {"DATABRICKS_URL": self.databricks.url})
        return explore.build(variables, self.clock, timeouts)

    def new_api(self, **environment: str) -> ApiService:
        self._allow("ApiRole")
        return api.build(self._variables("ApiFunction", environment), self.clock)

    def attribute(self, logical_id: str, name: str | None = None) -> str:
        return self.stack.resources.attribute(logical_id, name)

    def watched(self, calls: Calls) -> AbstractContextManager[Calls]:
        return calls.watched()

    @property
    def functions(self) -> dict[str, Handler]:
        return self.stack.aws.functions

    def pending_events(self, function: str) -> list[Any]:
        return self.stack.aws.asynchronous.take(function)

    def _variables(self, function: str, more: Mapping[str, str]) -> dict[str, str]:
        return {**self.stack.resources.environment(function), **more}

    def _allow(self, role: str) -> None:
        if role not in self._allowed:
            self._allowed.add(role)
            allowed = grants(self.stack.template, self.stack.resources.attribute, role)
            self._aws_calls.allow(f"{self.environment['REGISTRY_TABLE']} {role}", allowed)

    # ------------------------------------------------------------ causing events

    def send_body(self, body: str) -> Sent:
        sent = self.stack.aws.client("sqs").send_message(QueueUrl=self.stack.queue_url, MessageBody=body)
        self._receive()
        return self._arrived.pop(sent["MessageId"])

    def arrived(self) -> list[Sent]:
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

    def put_text(self, name: str, text: str | None) -> str:
        return self.stack.put_secret_text(name, text)

    def delete_secret(self, name: str = SECRET_ID) -> None:
        self.stack.aws.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def edit(self, key: tuple[str, str] = ("dev", "sales"), **changes: Any) -> None:
        item, whole = self.item(key[1], key[0]), Key(*key)
        entry = replace(items.entry_of(whole, items.read(item)), **changes)
        kept = {name: item[name] for name in ("owner", *items.key_of(whole)) if name in item}
        self._put({**kept, **typed_item(entry)})

    def replace_items(self, items: list[dict[str, Any]]) -> None:
        dynamodb, table = self.stack.aws.client("dynamodb"), self.environment["REGISTRY_TABLE"]
        for item in self.items():
            dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("sandbox", "name")})
        for item in items:
            self._put(item)

    def take_lease(self, owner: str, until: float | None = None) -> None:
        lease = {} if until is None else {"leaseUntil": items.serialize(items.decimal(until))}
        self._put({**self.item(), "owner": {"S": owner}, **lease})

    def _put(self, item: dict[str, Any]) -> None:
        self.stack.aws.client("dynamodb").put_item(TableName=self.environment["REGISTRY_TABLE"], Item=item)

    def publish(self, connection_id: str) -> None:
        ssm = self.stack.aws.client("ssm")
        ssm.put_parameter(Name=self.parameter_name(), Value=connection_id, Type="String", Overwrite=True)

    def unpublish(self, name: str = "sales", sandbox: str = "dev") -> None:
        self.stack.aws.client("ssm").delete_parameter(Name=self.parameter_name(name, sandbox))

    # ------------------------------------------------------------ observing results

    def parameter(self, name: str = "sales", sandbox: str = "dev") -> str | None:
        ssm = self.stack.aws.client("ssm")
        try:
            return str(ssm.get_parameter(Name=self.parameter_name(name, sandbox))["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None

    def parameters(self) -> dict[str, str]:
        path, ssm = self.environment["PARAMETER_PREFIX"], self.stack.aws.client("ssm")
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
        return {one["Name"]: one["Value"] for page in pages for one in page["Parameters"]}

    def item(self, name: str = "sales", sandbox: str = "dev") -> dict[str, Any]:
        key = {"sandbox": {"S": sandbox}, "name": {"S": name}}
        table = self.environment["REGISTRY_TABLE"]
        found = self.stack.aws.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
        return dict(found.get("Item", {}))

    def items(self) -> list[dict[str, Any]]:
        dynamodb = self.stack.aws.client("dynamodb")
        return list(dynamodb.scan(TableName=self.environment["REGISTRY_TABLE"])["Items"])

    def events(self) -> list[dict[str, Any]]:
        self._events += [json.loads(message["Body"]) for message in self._drain(self._announced_url)]
        return self._events

    def dead_letters(self) -> list[dict[str, Any]]:
        return self._drain(self.environment["DEAD_LETTER_QUEUE_URL"])

    def hidden(self) -> list[int]:
        pytest.skip("Moto does not show for how long a message is hidden.")

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
def new_cloud(
    aws: Aws, calls: AwsCalls, parameters: Mapping[str, str] | None = None, timeouts: Timeouts | None = None
) -> Iterator[CloudWorld]:
    """A separate world in a shared moto."""
    clock = FakeClock()
    name = f"w{uuid.uuid4().hex[:12]}"
    stack = Stack(name, {"ParameterPrefix": f"/{name}", **(parameters or {})}, aws, clock.now)
    try:
        world = CloudWorld(stack, clock, timeouts or Timeouts(5, 10, 10), calls)
        world.put_secret()
        yield world
    finally:
        stack.stop()
