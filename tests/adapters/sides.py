"""The two sides of each contract test: the fakes, and the adapters of AWS over moto. Each test has its own names."""

from __future__ import annotations

import functools
import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from aep_connections.aws import items
from aep_connections.aws.client import clients
from aep_connections.aws.events import Events
from aep_connections.aws.functions import ONCE, Functions
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Queue
from aep_connections.aws.registry import Registry
from aep_connections.aws.secrets import Secrets
from aep_connections.domain.delivery import Message
from aep_connections.domain.model import Key
from local.aws.account import ACCOUNT, REGION, Aws, Resources
from local.aws.invocation import Handler
from local.aws.template import PSEUDO, Template
from tests import fakes
from tests.support.call_faults import CallFault, _moto
from tests.support.calls import Calls, Go
from tests.support.clock import FakeClock
from tests.support.iam import AwsCalls, grants

STACK = "adapters"
PREFIX = f"/{STACK}"
EXPLORE, RECONCILE = f"{STACK}-ExploreFunction", f"{STACK}-ReconcileFunction"
ROLES = ("ProvisionRole", "ReconcileRole", "ApiRole", "ExploreRole")


class Side(ABC):
    """The ports of AWS, and what a test may change or see behind them."""

    registry: Registry | fakes.Registry
    queue: Queue | fakes.Queue
    secrets: Secrets | fakes.Secrets
    parameters: Parameters | fakes.Parameters
    events: Events | fakes.Events
    functions: Functions | fakes.Functions
    asynchronous: Functions | fakes.Functions
    """For `invoke_later`; on AWS it has another client than `explore`."""
    adobe_secret_id: str
    """Of a secret with an empty object."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sandbox = f"s{uuid.uuid4().hex[:12]}"

    @property
    def key(self) -> Key:
        """The default key."""
        return Key(self.sandbox, "sales")

    def secret_id(self, name: str = "sales") -> str:
        """The name of a Databricks secret."""
        return f"aep/{self.sandbox}/databricks/{name}"

    @abstractmethod
    def put(self, *stored: Mapping[str, Any]) -> None:
        """Write items into the registry's table, in DynamoDB JSON."""

    @abstractmethod
    def remove(self, key: Key) -> None:
        """Delete a key's item, as DynamoDB does when it expires."""

    @abstractmethod
    def put_secret(self, name: str, text: str | None) -> str:
        """Create a secret, or a new version of it; without a text it is binary. Returns its ARN."""

    @abstractmethod
    def delete_secret(self, name: str) -> None:
        """Schedule a secret for deletion."""

    @abstractmethod
    def put_parameter(self, name: str, value: str) -> None:
        """Write any parameter."""

    @abstractmethod
    def receive(self) -> list[tuple[str, Message]]:
        """The messages in the request queue that are not hidden: bodies, and how the queue shows them."""

    @abstractmethod
    def hidden(self, message: Message) -> int | None:
        """For how many seconds a received message is hidden from now on, to ten seconds; None if unknown."""

    @abstractmethod
    def parked(self) -> list[dict[str, Any]]:
        """The new messages in the dead-letter queue."""

    @abstractmethod
    def announced(self) -> list[dict[str, Any]]:
        """The new events on the bus."""

    @abstractmethod
    def handle(self, function: str, handler: Handler) -> None:
        """Let a handler run when a function is invoked."""

    @abstractmethod
    def invoked(self, function: str) -> list[Any]:
        """The events that a function has still to receive. They are removed."""

    @abstractmethod
    def failing(self, name: str, fault: CallFault) -> AbstractContextManager[None]:
        """Calls of this name hit a fault of AWS."""

    @abstractmethod
    def watched(self, calls: Calls) -> AbstractContextManager[Calls]:
        """Let `calls` see the calls."""


class FakeSide(Side):
    """The fakes."""

    def __init__(self) -> None:
        super().__init__()
        self._account = fakes.Account(self.clock)
        self.adobe_secret_id = fakes.put_secret(self._account, f"{STACK}/adobe", "{}")
        self.registry = fakes.Registry(self._account)
        self.queue = fakes.Queue(self._account)
        self.secrets = fakes.Secrets(self._account)
        self.parameters = fakes.Parameters(self._account, PREFIX)
        self.events = fakes.Events(self._account)
        self.functions = self.asynchronous = fakes.Functions(self._account)

    def put(self, *stored: Mapping[str, Any]) -> None:
        for item in map(items.read, stored):
            key = items.key_in(item)
            self._account.entries[key] = items.entry_of(key, item)
            if "owner" in item:
                self._account.owners[key] = item["owner"]

    def remove(self, key: Key) -> None:
        del self._account.entries[key]
        self._account.owners.pop(key, None)

    def put_secret(self, name: str, text: str | None) -> str:
        return fakes.put_secret(self._account, name, text)

    def delete_secret(self, name: str) -> None:
        self._account.deleting.add(name)

    def put_parameter(self, name: str, value: str) -> None:
        self._account.parameters[name] = value

    def receive(self) -> list[tuple[str, Message]]:
        bodies = list(self._account.queue)
        self._account.queue.clear()
        return [(body, _message(uuid.uuid4().hex, f"receipt of {number}")) for number, body in enumerate(bodies)]

    def hidden(self, message: Message) -> int | None:
        found = [seconds for receipt, seconds in self._account.hidden if receipt == message.receipt_handle]
        return round(found[-1]) if found else None

    def parked(self) -> list[dict[str, Any]]:
        letters = list(self._account.dead_letters)
        self._account.dead_letters.clear()
        return letters

    def announced(self) -> list[dict[str, Any]]:
        events = list(self._account.events)
        self._account.events.clear()
        return events

    def handle(self, function: str, handler: Handler) -> None:
        self._account.functions[function] = handler

    def invoked(self, function: str) -> list[Any]:
        return self._account.invoked.pop(function, [])

    @contextmanager
    def failing(self, name: str, fault: CallFault) -> Iterator[None]:
        def around(made: str, _sent: Any, go: Go) -> Any:
            return fault._in_memory(made, go) if made == name else go()

        before, self._account.around = self._account.around, around
        try:
            yield
        finally:
            self._account.around = before

    def watched(self, calls: Calls) -> AbstractContextManager[Calls]:
        return calls.watched(self._account)


@dataclass(frozen=True, slots=True)
class Stand:
    """What all tests of the adapters share: moto with one table, one request queue, one dead-letter queue, one bus."""

    aws: Aws
    calls: AwsCalls
    adobe_secret_id: str
    table: str
    queue_url: str
    dead_letters_url: str
    bus: str
    announced_url: str
    client: Callable[..., Any]
    """The product's clients."""

    @classmethod
    def new(cls, aws: Aws, calls: AwsCalls) -> Stand:
        """The template's resources in moto. The adapters may do what the template's roles allow."""
        adobe = aws.client("secretsmanager").create_secret(Name=f"{STACK}/adobe", SecretString="{}")["ARN"]
        parameters = {"AdobeSecretArn": adobe, "ParameterPrefix": PREFIX}
        template = Template.load(parameters, {**PSEUDO, "AWS::StackName": STACK})
        resources = Resources(aws, template)
        for role in ROLES:
            calls.allow(f"{STACK} {role}", grants(template, resources.attribute, role))
        bus = resources.attribute("Bus", None)
        return cls(
            aws=aws,
            calls=calls,
            adobe_secret_id=adobe,
            table=resources.attribute("Registry", None),
            queue_url=resources.attribute("Requests", None),
            dead_letters_url=resources.attribute("DeadLetters", None),
            bus=bus,
            announced_url=_listening(aws, bus),
            client=functools.cache(clients()),
        )


class AdapterSide(Side):
    """The adapters, with the clients of the product, over moto."""

    def __init__(self, stand: Stand) -> None:
        super().__init__()
        self._stand, client = stand, stand.client
        self.adobe_secret_id = stand.adobe_secret_id
        self.registry = Registry(client("dynamodb"), stand.table, self.clock)
        self.queue = Queue(client("sqs"), stand.queue_url, stand.dead_letters_url)
        self.secrets = Secrets(client("secretsmanager"))
        self.parameters = Parameters(client("ssm"), PREFIX)
        self.events = Events(client("events"), stand.bus)
        self.functions = Functions(client("lambda", ONCE))
        self.asynchronous = Functions(_Read(client("lambda")))

    def close(self) -> None:
        """Leave nothing that another test would receive or read."""
        sandboxes = dynamodb_backends[ACCOUNT][REGION].tables[self._stand.table].items
        for sandbox in [one for one in sandboxes if one.value.startswith(self.sandbox)]:
            del sandboxes[sandbox]
        for function in (EXPLORE, RECONCILE):
            self._stand.aws.functions.pop(function, None)
            self._stand.aws.asynchronous.take(function)

    def put(self, *stored: Mapping[str, Any]) -> None:
        dynamodb, table = self._stand.aws.client("dynamodb"), self._stand.table
        for start in range(0, len(stored), 25):
            requests = [{"PutRequest": {"Item": item}} for item in stored[start : start + 25]]
            dynamodb.batch_write_item(RequestItems={table: requests})

    def remove(self, key: Key) -> None:
        self._stand.aws.client("dynamodb").delete_item(TableName=self._stand.table, Key=items.key_of(key))

    def put_secret(self, name: str, text: str | None) -> str:
        content: dict[str, Any] = {"SecretBinary": b"\x00\xff{}"} if text is None else {"SecretString": text}
        manager = self._stand.aws.client("secretsmanager")
        try:
            return str(manager.create_secret(Name=name, **content)["ARN"])
        except manager.exceptions.ResourceExistsException:
            return str(manager.put_secret_value(SecretId=name, **content)["ARN"])

    def delete_secret(self, name: str) -> None:
        self._stand.aws.client("secretsmanager").delete_secret(SecretId=name)

    def put_parameter(self, name: str, value: str) -> None:
        self._stand.aws.client("ssm").put_parameter(Name=name, Value=value, Type="String")

    def receive(self) -> list[tuple[str, Message]]:
        return [
            (one["Body"], _message(one["MessageId"], one["ReceiptHandle"]))
            for one in self._drain(self._stand.queue_url, delete=False)
        ]

    def hidden(self, message: Message) -> int | None:
        queue = sqs_backends[ACCOUNT][REGION].queues[self._stand.queue_url.rpartition("/")[2]]
        (found,) = [one for one in queue._messages if one.had_receipt_handle(message.receipt_handle)]
        return round((found.visible_at / 1000 - time.time()) / 10) * 10

    def parked(self) -> list[dict[str, Any]]:
        return self._drain(self._stand.dead_letters_url)

    def announced(self) -> list[dict[str, Any]]:
        return [json.loads(one["Body"]) for one in self._drain(self._stand.announced_url)]

    def handle(self, function: str, handler: Handler) -> None:
        self._stand.aws.functions[function] = handler

    def invoked(self, function: str) -> list[Any]:
        return self._stand.aws.asynchronous.take(function)

    @contextmanager
    def failing(self, name: str, fault: CallFault) -> Iterator[None]:
        with _moto(self._stand.aws, fault) as left:
            left[:] = [name] * fault.times
            yield

    def watched(self, calls: Calls) -> AbstractContextManager[Calls]:
        return calls.watched()

    def _drain(self, url: str, *, delete: bool = True) -> list[dict[str, Any]]:
        """The messages of this test in a queue. Those of other tests are deleted."""
        sqs, found = self._stand.aws.client("sqs"), list[dict[str, Any]]()
        receive = partial(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        while messages := receive().get("Messages"):
            mine = [message for message in messages if self.sandbox in message["Body"]]
            found += mine
            if done := [message for message in messages if delete or message not in mine]:
                entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(done)]
                sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return found


@dataclass(frozen=True, slots=True)
class _Read:
    """A client of Lambda that reads each response. The product leaves an empty one unread, which may leak a socket."""

    client: Any

    def invoke(self, **arguments: Any) -> Any:
        response = self.client.invoke(**arguments)
        response["Payload"].read()
        return response


def _message(message_id: str, receipt_handle: str) -> Message:
    return Message(id=message_id, receipt_handle=receipt_handle, receive_count=1, first_received=0.0)


def _listening(aws: Aws, bus: str) -> str:
    """The URL of a new queue that receives every event of a bus."""
    sqs, events, name = aws.client("sqs"), aws.client("events"), f"{STACK}-announced"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    events.put_rule(Name=name, EventPattern='{"source": [{"prefix": ""}]}', EventBusName=bus)
    target = {"Id": name, "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}
    events.put_targets(Rule=name, Targets=[target], EventBusName=bus)
    return str(url)
