"""A whole world on a fake clock: Adobe, Databricks, AWS and the real service. Tests cause events and observe results.

There are two: `memory.MemoryWorld`, for rules, and `cloud.CloudWorld`, with HTTP and moto, for what only they can show.
"""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from aep_connections.api.service import ApiService
from aep_connections.domain.errors import ConnectionFailure
from aep_connections.explore.service import ExploreService
from aep_connections.http.transport import Timeouts
from aep_connections.provision.service import ProvisionService
from aep_connections.reconcile.service import ReconcileService
from local.aws.invocation import Context, Handler
from local.aws.template import Template
from local.simulators.adobe import Adobe
from local.simulators.connections import DATABRICKS_AUTH, DATABRICKS_SPEC, Record, new_item
from local.simulators.databricks import Databricks
from local.simulators.ims import Ims
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.calls import Calls
from tests.support.clock import FakeClock

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


class World(ABC):
    """Everything that a test needs to cause events and to observe the results."""

    def __init__(
        self,
        *,
        clock: FakeClock,
        timeouts: Timeouts,
        simulators: tuple[Adobe, Databricks, Ims],
        template: Template,
        environment: Mapping[str, str],
    ) -> None:
        self.clock, self.timeouts, self.template, self.environment = clock, timeouts, template, environment
        self.adobe, self.databricks, self.ims = simulators
        self.service = self.new_service()

    # ------------------------------------------------------------ the functions

    @abstractmethod
    def new_service(self, hurry: Timeouts | None = None, /, **environment: str) -> ProvisionService:
        """A new execution environment of the function `provision`."""

    @abstractmethod
    def new_reconcile(self, timeouts: Timeouts, **environment: str) -> ReconcileService:
        """A new execution environment of the function `reconcile`, which may do what its role allows."""

    @abstractmethod
    def new_explore(self, timeouts: Timeouts) -> ExploreService:
        """A new execution environment of the function `explore`, which may do what its role allows."""

    @abstractmethod
    def new_api(self, **environment: str) -> ApiService:
        """A new execution environment of the API's function, which may do what its role allows."""

    @abstractmethod
    def attribute(self, logical_id: str, name: str | None = None) -> str:
        """The value of `Ref` (`name` is None) or `GetAtt` of a resource in the template."""

    @abstractmethod
    def watched(self, calls: Calls) -> AbstractContextManager[Calls]:
        """Let `calls` see, change or stop each outside call of the functions."""

    @property
    @abstractmethod
    def functions(self) -> dict[str, Handler]:
        """The handlers that run when a function is invoked, by its name."""

    @abstractmethod
    def pending_events(self, function: str) -> list[Any]:
        """The events for a function that it has not received yet, oldest first. They are removed."""

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

    @abstractmethod
    def send_body(self, body: str) -> Sent:
        """Put any text on the queue."""

    @abstractmethod
    def arrived(self) -> list[Sent]:
        """The messages that others put on the queue, each of them once."""

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
            "eventSourceARN": self.attribute("Requests", "Arn"),
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
        """Create a Databricks secret, or a new version of it. Returns its ARN."""
        return self.put_values(name, DATABRICKS_SECRET | changes)

    def put_values(self, name: str, values: Mapping[str, Any]) -> str:
        """Create any secret, or a new version of it. Returns its ARN."""
        return self.put_text(name, json.dumps(values))

    @abstractmethod
    def put_text(self, name: str, text: str | None) -> str:
        """Create a secret, or a new version of it; without a text it is binary. Returns its ARN."""

    @abstractmethod
    def delete_secret(self, name: str = SECRET_ID) -> None:
        """Delete a secret at once."""

    def add_foreign(self, name: str = "sales", sandbox: str = "dev", age: float = 3600) -> str:
        """Add a connection that someone created by hand. Returns its id."""
        body = {
            "name": name,
            "auth": {"specName": DATABRICKS_AUTH, "params": dict(DATABRICKS_SECRET)},
            "connectionSpec": {"id": DATABRICKS_SPEC, "version": "1.0"},
        }
        org = ADOBE_SECRET["orgId"]
        item = new_item(body, org, sandbox, "exc_app", self.clock.now() - age)
        self.adobe.records[item["id"]] = Record(org, sandbox, item)
        return str(item["id"])

    @abstractmethod
    def edit(self, key: tuple[str, str] = ("dev", "sales"), **changes: Any) -> None:
        """Change fields of the registry's entry of a key directly."""

    @abstractmethod
    def replace_items(self, items: list[dict[str, Any]]) -> None:
        """Let the registry hold exactly these items, as `items()` gives them."""

    @abstractmethod
    def take_lease(self, owner: str, until: float | None = None) -> None:
        """Let another delivery hold the lease of the default key; without a time it lasts as long as before."""

    @abstractmethod
    def publish(self, connection_id: str) -> None:
        """Write a connection id into the default key's parameter."""

    @abstractmethod
    def unpublish(self, name: str = "sales", sandbox: str = "dev") -> None:
        """Remove a key's parameter."""

    def on_replies(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[Request, Callable[..., Any]], Any]) -> None:
        """Let `act` intercept each request to Adobe. It may return the response to another request."""
        reply = self.adobe.reply
        monkeypatch.setattr(self.adobe, "reply", lambda request: act(request, lambda other=request: reply(other)))

    # ------------------------------------------------------------ observing results

    def parameter_name(self, name: str = "sales", sandbox: str = "dev") -> str:
        """The name of the parameter that holds a key's connection id."""
        return f"{self.environment['PARAMETER_PREFIX']}/{sandbox}/{name}/connection-id"

    def connections(self, name: str | None = None) -> list[dict[str, Any]]:
        """The connections that exist in Adobe, with secrets unmasked."""
        return [item for item in self.adobe.living() if name in (None, item["name"])]

    @abstractmethod
    def parameter(self, name: str = "sales", sandbox: str = "dev") -> str | None:
        """The published connection id."""

    @abstractmethod
    def item(self, name: str = "sales", sandbox: str = "dev") -> dict[str, Any]:
        """The registry's item, in DynamoDB's own JSON."""

    @abstractmethod
    def items(self) -> list[dict[str, Any]]:
        """Every item of the registry."""

    @abstractmethod
    def parameters(self) -> dict[str, str]:
        """Every parameter: its name and its value."""

    def status(self, name: str = "sales") -> str:
        """The registry's status of a key."""
        return str(self.item(name)["status"]["S"])

    @abstractmethod
    def events(self) -> list[dict[str, Any]]:
        """Every outcome event so far, oldest first."""

    def announced(self) -> list[tuple[str, str]]:
        """Every outcome event so far, as (last word of its detail-type, outcome or code)."""
        return [
            (event["detail-type"].rpartition(" ")[2], event["detail"].get("outcome") or event["detail"]["code"])
            for event in self.events()
            if not event["detail-type"].endswith("Drifted")
        ]

    @abstractmethod
    def dead_letters(self) -> list[dict[str, Any]]:
        """The messages in the dead-letter queue that were not seen before."""

    @abstractmethod
    def hidden(self) -> list[int]:
        """For how many seconds each message was hidden, the first one first."""

    def calls(self, method: str = "", path: str = "") -> list[Request]:
        """The requests that Flow Service received, by method and end of path."""
        requests_ = [call.request for call in self.adobe.calls]
        return [r for r in requests_ if method in ("", r.method) and r.path.endswith(path)]

    def exchanges(self) -> int:
        """How often a token was requested from IMS."""
        return len(self.ims.calls)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
