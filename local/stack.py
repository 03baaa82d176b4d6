"""The whole stack on one machine: AWS, Adobe and Databricks as real HTTP servers, and the functions."""

from __future__ import annotations

import json
import os
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from local.aws.account import Aws, Resources
from local.aws.asynchronous import Invoker
from local.aws.functions import ROOT as ROOT
from local.aws.functions import load
from local.aws.invocation import EventSource, Handler
from local.aws.process import Environments, LocalFunction
from local.aws.runtime import BuiltFunction
from local.aws.template import PATH, PSEUDO, Template
from local.gateway.http_api import HttpApi
from local.gateway.server import Gateway
from local.simulators.adobe import Adobe
from local.simulators.databricks import Databricks
from local.simulators.ims import Ims

ADOBE_SECRET = {
    "clientId": "local-client",
    "clientSecret": "local-client-secret",
    "orgId": "5C1328435BF324E90A49402A@AdobeOrg",
}
DATABRICKS_SECRET = {
    "domain": "https://adb-1234567890123456.16.azuredatabricks.net",
    "clusterId": "0923-164208-meows279",
    "accessToken": "dapi0123456789abcdef0123456789abcdef",
    "database": "acme_db",
}
SAMPLE_SECRET_ID = "aep/dev/databricks/lakehouse"
FUNCTIONS = ("provision", "api", "explore", "reconcile")
CALLS_DATABRICKS = ("ProvisionFunction", "ExploreFunction")
SERVERS = ("aws", "ims", "adobe", "databricks", "api")


def logical_id(name: str) -> str:
    """The logical id in the template of the function in `functions/<name>`."""
    return f"{name.capitalize()}Function"


def ports_from(base: int) -> dict[str, int]:
    """The port of each server, counted from a base port; with 0 each is 0, which means any free port."""
    return {server: base and base + number for number, server in enumerate(SERVERS)}


class Stack:
    """Everything running, with the template's resources.

    `now` is the clock of the simulators, and `tls` is for Adobe's servers. `ports_from` defines the ports.
    """

    def __init__(
        self,
        name: str = "local",
        parameters: Mapping[str, str] | None = None,
        aws: Aws | None = None,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        template: Path = PATH,
        base_port: int = 0,
    ) -> None:
        ports = self._ports = ports_from(base_port)
        self.aws = aws or Aws(ports["aws"])
        self._owns_aws = aws is None
        self.databricks = Databricks(now, ports["databricks"])
        self.ims = Ims(now, tls, ports["ims"])
        self.adobe = Adobe(self.ims, self.databricks.url, now, tls, ports["adobe"])
        for simulator in (self.databricks, self.ims, self.adobe):
            simulator.start()
        self._serving: list[Gateway | Environments | Invoker] = []
        self._secrets = self.aws.client("secretsmanager")
        arn = self.put_secret(f"{name}/adobe", ADOBE_SECRET)
        given = {"AdobeSecretArn": arn, "AdobeImsUrl": self.ims.url, "AdobePlatformUrl": self.adobe.url}
        self.template = Template.load(given | dict(parameters or {}), {**PSEUDO, "AWS::StackName": name}, template)
        self.resources = Resources(self.aws, self.template)
        self.resources.make()
        self.environment = self.variables("ProvisionFunction")
        self.queue_url = self.resources.attribute("Requests", None)
        self.bus_name = self.environment["EVENT_BUS_NAME"]

    def put_secret(self, name: str, values: Mapping[str, Any]) -> str:
        """Create a secret, or put a new version of it. Returns its ARN."""
        return self.put_secret_text(name, json.dumps(values))

    def put_secret_text(self, name: str, text: str | None) -> str:
        """As `put_secret`, with any text; without a text, the secret is binary."""
        content: dict[str, Any] = {"SecretBinary": b"\x00\xff{}"} if text is None else {"SecretString": text}
        try:
            arn = self._secrets.create_secret(Name=name, ClientRequestToken=str(uuid.uuid4()), **content)["ARN"]
        except self._secrets.exceptions.ResourceExistsException:
            arn = self._secrets.put_secret_value(SecretId=name, **content)["ARN"]
        return str(arn)

    def function(self, name: str = "provision") -> Handler:
        """The handler of `functions/<name>/app.py`, loaded in this process with its environment."""
        os.environ.update(self.variables(logical_id(name)) | self.aws.environment())
        return load(ROOT / "functions" / name)

    def variables(self, function: str) -> dict[str, str]:
        """The environment of a function in the template; for those that call Databricks, also the simulator's URL."""
        url = {"DATABRICKS_URL": self.databricks.url} if function in CALLS_DATABRICKS else {}
        return self.resources.environment(function) | url

    def environments(self, name: str, out: TextIO | None = None, limit: int = 8) -> Environments:
        """Environments of `functions/<name>` in separate processes, until the stack stops. None is started yet."""
        function = logical_id(name)
        properties = self.template.resources()[function]["Properties"]
        local = LocalFunction(
            name=self.resources.attribute(function, None),
            folder=ROOT / "functions" / name,
            timeout_seconds=float(properties["Timeout"]),
            variables=self.variables(function) | self.aws.environment(),
            memory_mb=properties["MemorySize"],
        )
        made = Environments(local, out, limit)
        self._serving.append(made)
        return made

    def serve_functions(self, out: TextIO | None = None) -> None:
        """Make every function invocable by its name, in separate processes, until the stack stops.

        Asynchronous invocations are processed as well. The functions' output goes to `out`, or to `sys.stdout` at that
        moment.
        """
        serving = {self.resources.attribute(logical_id(name), None): self.environments(name, out) for name in FUNCTIONS}
        self.aws.functions |= serving
        invoker = Invoker(self.aws.asynchronous, serving, self.aws.functions)
        invoker.start()
        self._serving.insert(0, invoker)

    def serve_api(
        self, handler: Handler | None = None, out: TextIO | None = None, now: Callable[[], float] = time.time
    ) -> Gateway:
        """Start the HTTP API and the functions (`serve_functions`), until the stack stops.

        The API's function runs in separate processes too, unless `handler` replaces it. `now` is the clock of
        signatures and throttling.
        """
        self.serve_functions(out)
        own = self.aws.functions[self.resources.attribute("ApiFunction", None)]
        api = HttpApi.read(self.template, self.resources.attribute)
        gateway = Gateway(api, handler or own, now, port=self._ports["api"])
        gateway.start()
        self._serving.insert(0, gateway)
        return gateway

    def built_function(
        self, folder: Path, variables: Mapping[str, str], name: str = "ProvisionFunction"
    ) -> BuiltFunction:
        """A function as `sam build` wrote it to `folder`, with the template's environment and `variables`."""
        properties = self.template.resources()[name]["Properties"]
        (layer,) = (self.template.resources()[one["Ref"]] for one in properties["Layers"])
        return BuiltFunction(
            name=self.resources.attribute(name, None),
            folder=folder / properties["Code"]["S3Key"],
            layer=folder / layer["Properties"]["Content"]["S3Key"],
            handler=properties["Handler"],
            timeout_seconds=float(properties["Timeout"]),
            memory_mb=properties["MemorySize"],
            variables=self.variables(name) | self.aws.environment() | dict(variables),
        )

    def event_source(self, handler: Handler, name: str = "ProvisionFunction") -> EventSource:
        """The event source mapping from its queue to a function, whose handler is `handler`."""
        properties = (
            self.template.resolve(resource["Properties"], self.resources.attribute)
            for resource in self.template.resources().values()
            if resource["Type"] == "AWS::Lambda::EventSourceMapping"
        )
        (mapping,) = (one for one in properties if one["FunctionName"] == self.resources.attribute(name, None))
        timeout = float(self.template.resources()[name]["Properties"]["Timeout"])
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName=mapping["EventSourceArn"].rpartition(":")[2])["QueueUrl"]
        return EventSource(sqs, url, mapping, handler, timeout)

    def stop(self) -> None:
        for serving in self._serving:
            serving.stop()
        self.resources.leave_the_default_bus()
        for simulator in (self.adobe, self.ims, self.databricks):
            simulator.stop()
        if self._owns_aws:
            self.aws.stop()
