"""The stack as it is deployed: the output of `sam build` in Lambda's runtime client, with moto and the simulators."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.aws.account import Aws
from local.aws.invocation import EventSource
from local.aws.runtime import BuiltFunction, Environment, Written, find_python
from local.gateway.http_api import HttpApi
from local.gateway.server import Gateway
from local.stack import DATABRICKS_SECRET, Stack
from tests.support.cloud import listening
from tests.support.iam import AwsCalls, Grant, grants
from tests.support.tls import certificate_for_localhost
from tests.support.world import REQUEST, SECRET_ID

REQUESTED = "AEP Base Connection Requested"
ROLES = {f"{name}Function": f"{name}Role" for name in ("Provision", "Api", "Explore", "Reconcile")}
"""The functions, and the role of each."""


@dataclass(slots=True)
class Deployed:
    """A stack of built functions. `environments` are the warm ones."""

    stack: Stack
    functions: Mapping[str, BuiltFunction]
    python: Path
    runtime: Path
    calls: AwsCalls
    announced_url: str
    written: Written
    environments: list[Environment] = field(default_factory=list)
    _taken: list[dict[str, Any]] = field(default_factory=list)
    _gateways: list[Gateway] = field(default_factory=list)

    def environment(self, function: str = "ProvisionFunction", **changes: Any) -> Environment:
        """A new execution environment. `changes` apply to the function as it is deployed."""
        made = Environment(replace(self.functions[function], **changes), self.python, self.runtime, self.written)
        self.environments.append(made)
        return made

    def serve(self, api: Environment) -> str:
        """Serve the HTTP API from this environment and a new one of the exploring function. Returns the URL."""
        self.stack.aws.functions[self.functions["ExploreFunction"].name] = self.environment("ExploreFunction")
        gateway = Gateway(HttpApi.read(self.stack.template, self.stack.resources.attribute), api)
        gateway.start()
        self._gateways.append(gateway)
        return gateway.url

    @contextmanager
    def working(self, environment: Environment) -> Iterator[None]:
        """Let an environment process messages in the background."""
        source, ended = self.source(environment), threading.Event()

        def work() -> None:
            while not ended.is_set():
                source.poll(wait_seconds=1)

        worker = threading.Thread(target=work)
        worker.start()
        try:
            yield
        finally:
            ended.set()
            worker.join()

    def source(self, environment: Environment) -> EventSource:
        """The event source mapping, delivering to one environment."""

        def deliver(event: Any, context: Any) -> Any:
            self._taken += event["Records"]
            return environment(event, context)

        return self.stack.event_source(deliver)

    def put(self, detail: Mapping[str, Any] = REQUEST, seconds_ago: float = 0) -> None:
        """Put a request on the bus, as a caller would."""
        entry = {
            "Time": datetime.now(UTC) - timedelta(seconds=seconds_ago),
            "Source": "e2e",
            "DetailType": REQUESTED,
            "Detail": json.dumps(detail),
            "EventBusName": self.stack.bus_name,
        }
        assert self.stack.aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def work(self, *environments: Environment) -> None:
        """Let environments process messages concurrently until there are none."""
        workers = [threading.Thread(target=self._drain, args=(self.source(one),)) for one in environments]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def time_passes(self) -> None:
        """Let leases end and changes settle, and make every remaining message visible again."""
        table, dynamodb = self.stack.environment["REGISTRY_TABLE"], self.stack.aws.client("dynamodb")
        for item in dynamodb.scan(TableName=table)["Items"]:
            item |= {"leaseUntil": {"N": "0"}, "updatedAt": {"N": "0"}}
            if "attempt" in item:
                item["attempt"]["M"]["sentAt"] = {"N": "0"}
            dynamodb.put_item(TableName=table, Item=item)
        sqs = self.stack.aws.client("sqs")
        for record in self._taken:
            handle = {"QueueUrl": self.stack.queue_url, "ReceiptHandle": record["receiptHandle"]}
            try:
                sqs.change_message_visibility(VisibilityTimeout=0, **handle)
            except sqs.exceptions.ClientError:  # it is done and deleted
                continue
        self._taken.clear()

    def parameter(self, name: str = "sales") -> str | None:
        """The published connection id."""
        ssm = self.stack.aws.client("ssm")
        full = f"{self.stack.environment['PARAMETER_PREFIX']}/dev/{name}/connection-id"
        try:
            return str(ssm.get_parameter(Name=full)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None

    def connections(self) -> list[str]:
        """The ids of the connections that exist in Adobe."""
        return [item["id"] for item in self.stack.adobe.living("dev")]

    def announced(self) -> list[tuple[str, str]]:
        """The outcome events since the last call, as (last word of the detail-type, outcome, code or action)."""
        sqs, found = self.stack.aws.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.announced_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                detail = event["detail"]
                how = detail.get("outcome") or detail.get("code") or detail["action"]
                found.append((event["detail-type"].rpartition(" ")[2], how))
        return found

    def _drain(self, source: EventSource) -> None:
        while source.poll():
            continue

    def granted(self, function: str) -> list[Grant]:
        """What the role of a function allows."""
        return grants(self.stack.template, self.stack.resources.attribute, ROLES[function])

    def stop(self) -> None:
        for gateway in self._gateways:
            gateway.stop()
        for environment in self.environments:
            environment.stop()
        self.stack.stop()


@contextmanager
def deployed(
    aws: Aws, calls: AwsCalls, built: Path, runtime: Path, folder: Path, **parameters: str
) -> Iterator[Deployed]:
    """A separate stack in a shared moto, created from the built template. Adobe has a certificate of a private CA."""
    name = f"e{uuid.uuid4().hex[:12]}"
    authority, tls = certificate_for_localhost(folder)
    given = {"ParameterPrefix": f"/{name}", **parameters}
    stack = Stack(name, given, aws, tls=tls, template=built / "template.yaml")
    stack.put_secret(SECRET_ID, DATABRICKS_SECRET)
    functions = {one: stack.built_function(built, {"SSL_CERT_FILE": str(authority)}, one) for one in ROLES}
    logs = folder / "logs"
    logs.mkdir()
    made = Deployed(stack, functions, find_python(), runtime, calls, listening(stack), Written(logs))
    calls.allow(name, [grant for function in ROLES for grant in made.granted(function)])
    try:
        yield made
    finally:
        made.stop()
