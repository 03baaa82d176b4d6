"""The whole stack on one machine: AWS, Adobe and Databricks as real HTTP servers, and the function on its queue."""

from __future__ import annotations

import importlib.util
import json
import os
import ssl
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.adobe import Adobe
from local.aws import Aws, Resources
from local.databricks import Databricks
from local.ims import Ims
from local.invocation import EventSource, Handler
from local.runtime import BuiltFunction
from local.template import PATH, PSEUDO, Template

ROOT = Path(__file__).resolve().parent.parent
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


def use_the_layer() -> None:
    """Have the layer's code importable, as Lambda has it."""
    layer = str(ROOT / "layers" / "core")
    if layer not in sys.path:
        sys.path.insert(0, layer)


class Stack:
    """Everything running, with the template's resources; `now` is the clock of the simulators, `tls` Adobe's."""

    def __init__(
        self,
        name: str = "local",
        parameters: Mapping[str, str] | None = None,
        aws: Aws | None = None,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        template: Path = PATH,
    ) -> None:
        self.aws = aws or Aws()
        self._owns_aws = aws is None
        self.databricks = Databricks(now)
        self.ims = Ims(now, tls)
        self.adobe = Adobe(self.ims, self.databricks.url, now, tls)
        for simulator in (self.databricks, self.ims, self.adobe):
            simulator.start()
        self._secrets = self.aws.client("secretsmanager")
        arn = self.put_secret(f"{name}/adobe", ADOBE_SECRET)
        given = {"AdobeSecretArn": arn, "AdobeImsUrl": self.ims.url, "AdobePlatformUrl": self.adobe.url}
        self.template = Template.load(given | dict(parameters or {}), {**PSEUDO, "AWS::StackName": name}, template)
        self.resources = Resources(self.aws, self.template)
        self.resources.make()
        self.environment = self.resources.environment("ProvisionFunction") | {"DATABRICKS_URL": self.databricks.url}
        self.queue_url = self.resources.attribute("Requests", None)
        self.bus_name = self.environment["EVENT_BUS_NAME"]

    def put_secret(self, name: str, values: Mapping[str, Any]) -> str:
        """Create a secret or put a new version of it; its ARN."""
        text = json.dumps(values)
        try:
            arn = self._secrets.create_secret(Name=name, SecretString=text, ClientRequestToken=str(uuid.uuid4()))["ARN"]
        except self._secrets.exceptions.ResourceExistsException:
            arn = self._secrets.put_secret_value(SecretId=name, SecretString=text)["ARN"]
        return str(arn)

    def function(self, name: str = "provision") -> Handler:
        """The handler of `functions/<name>/app.py`, loaded with this stack's environment."""
        os.environ.update(self.environment | self.aws.environment())
        use_the_layer()
        spec = importlib.util.spec_from_file_location(f"functions_{name}", ROOT / "functions" / name / "app.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"There is no function {name}.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        handler: Handler = module.handler
        return handler

    def built_function(
        self, folder: Path, variables: Mapping[str, str], name: str = "ProvisionFunction"
    ) -> BuiltFunction:
        """A function as `sam build` left it in `folder`, with the template's environment and `variables`."""
        properties = self.template.resources()[name]["Properties"]
        (layer,) = (self.template.resources()[one["Ref"]] for one in properties["Layers"])
        return BuiltFunction(
            name=self.resources.attribute(name, None),
            folder=folder / properties["Code"]["S3Key"],
            layer=folder / layer["Properties"]["Content"]["S3Key"],
            handler=properties["Handler"],
            timeout_seconds=float(properties["Timeout"]),
            memory_mb=properties["MemorySize"],
            variables=self.environment | self.aws.environment() | dict(variables),
        )

    def event_source(self, handler: Handler, name: str = "ProvisionFunction") -> EventSource:
        """The mapping from its queue to a function, whose handler is given."""
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
        for simulator in (self.adobe, self.ims, self.databricks):
            simulator.stop()
        if self._owns_aws:
            self.aws.stop()
