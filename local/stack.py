"""The whole stack on one machine: AWS, Adobe and Databricks as real HTTP servers, and the function on its queue."""

from __future__ import annotations

import importlib.util
import json
import os
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
from local.template import PSEUDO, Template

ROOT = Path(__file__).resolve().parent.parent
ADOBE_SECRET = {
    "clientId": "local-client",
    "clientSecret": "local-client-secret",
    "orgId": "5C1328435BF324E90A49402A@AdobeOrg",
}
DATABRICKS_SECRET = {
    "domain": "https://adb-1234567890123456.7.azuredatabricks.net",
    "clusterId": "0923-164208-meows279",
    "accessToken": "local-access-token",
    "database": "acme_db",
}
SAMPLE_SECRET_ID = "aep/dev/databricks/lakehouse"


class Stack:
    """Everything running, with the template's resources; `now` is the clock of the simulators."""

    def __init__(
        self,
        name: str = "local",
        parameters: Mapping[str, str] | None = None,
        aws: Aws | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.aws = aws or Aws()
        self._owns_aws = aws is None
        self.databricks = Databricks(now)
        self.ims = Ims(now)
        self.adobe = Adobe(self.ims, self.databricks.url, now)
        for simulator in (self.databricks, self.ims, self.adobe):
            simulator.start()
        self._secrets = self.aws.client("secretsmanager")
        arn = self.put_secret(f"{name}/adobe", ADOBE_SECRET)
        given = {"AdobeSecretArn": arn, "AdobeImsUrl": self.ims.url, "AdobePlatformUrl": self.adobe.url}
        template = Template.load(given | dict(parameters or {}), {**PSEUDO, "AWS::StackName": name})
        self.resources = Resources(self.aws, template)
        self.resources.make()
        function = template.resources()["ProvisionFunction"]["Properties"]
        self.timeout_seconds = float(function["Timeout"])
        self.environment = self.resources.environment("ProvisionFunction")
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
        layer = str(ROOT / "layers" / "core")
        if layer not in sys.path:
            sys.path.insert(0, layer)
        spec = importlib.util.spec_from_file_location(f"functions_{name}", ROOT / "functions" / name / "app.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"There is no function {name}.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        handler: Handler = module.handler
        return handler

    def event_source(self, handler: Handler) -> EventSource:
        """The mapping from the request queue to a handler."""
        queue_arn = self.resources.attribute("Requests", "Arn")
        return EventSource(self.aws.client("sqs"), self.queue_url, queue_arn, handler, self.timeout_seconds)

    def stop(self) -> None:
        for simulator in (self.adobe, self.ims, self.databricks):
            simulator.stop()
        if self._owns_aws:
            self.aws.stop()
