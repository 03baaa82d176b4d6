"""AWS, Adobe and Databricks with canned responses: fast, with just enough state for a create and the calls after it.

The stubs check nothing: no condition of a write, no token, no workspace. The tests prove correctness, on moto and the
simulators. The stubs only serve to measure, since moto is slower than the code that is measured.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from bench import SECRET_ID
from local.aws.account import ACCOUNT, REGION
from local.simulators.adobe import BASE
from local.simulators.connections import new_etag, shown
from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response, Simulator, json_response
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET

ADOBE_SECRET_ID = "bench/adobe"
SECRETS = {ADOBE_SECRET_ID: ADOBE_SECRET, SECRET_ID: DATABRICKS_SECRET}


class CannedAws(Simulator):
    """The AWS operations that the service uses. In `calls`, the path is the operation."""

    name = "aws"

    def __init__(self) -> None:
        super().__init__(None)
        self._items: dict[str, dict[str, Any]] = {}
        self._parameters: dict[str, str] = {}

    def reply(self, request: Request) -> tuple[Response | None, Fault | None]:
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        return super().reply(replace(request, path=f"/{operation}"))

    def respond(self, request: Request, now: float) -> Response:
        given = request.json()
        match request.path:
            case "/UpdateItem":
                return json_response(200, self._update(given))
            case "/GetSecretValue":
                name = given["SecretId"]
                arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
                return json_response(
                    200,
                    {
                        "ARN": arn,
                        "Name": name,
                        "VersionId": "1",
                        "CreatedDate": 1_795_000_000.0,
                        "SecretString": json.dumps(SECRETS[name]),
                    },
                )
            case "/GetParameter" if given["Name"] in self._parameters:
                return json_response(200, {"Parameter": {"Value": self._parameters[given["Name"]]}})
            case "/GetParameter":
                return json_response(400, {"__type": "ParameterNotFound"})
            case "/PutParameter":
                self._parameters[given["Name"]] = given["Value"]
                return json_response(200, {"Version": 1})
            case "/PutEvents":
                return json_response(200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
            case "/ChangeMessageVisibility":
                return json_response(200, {})
        return json_response(400, {"__type": "UnknownOperationException"})

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        """Set and remove attributes as the expression states; its condition is ignored."""
        sets, _, removes = given["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
        names, values = given["ExpressionAttributeNames"], given["ExpressionAttributeValues"]
        key = json.dumps(given["Key"], sort_keys=True)
        old = self._items.get(key, {})
        new = dict(old)
        for change in re.split(", (?=#)", sets):
            name, _, value = change.partition(" = ")
            if not value.startswith("if_not_exists(") or names[name] not in old:
                new[names[name]] = values[value[value.index(":") :].rstrip(")")]
        gone = {names[name] for name in removes.split(", ") if name}
        self._items[key] = {name: value for name, value in new.items() if name not in gone}
        return {"Attributes": old} if old and given.get("ReturnValues") == "ALL_OLD" else {}


class CannedAdobe(Simulator):
    """IMS and Flow Service in one. It lists connections only by name."""

    name = "adobe"

    def __init__(self) -> None:
        super().__init__(None)
        self._items: dict[str, dict[str, Any]] = {}
        self._by_name: dict[str, list[str]] = {}

    def respond(self, request: Request, now: float) -> Response:
        match (request.method, *request.path.removeprefix(f"{BASE}/").split("/")):
            case ("POST", "connections"):
                return json_response(201, self._create(request.json()))
            case ("GET", "connections"):
                named = dict(value.split("==") for name, value in request.query if name == "property").get("name", "")
                found = [shown(self._items[one], masked=True) for one in self._by_name.get(named, [])]
                return json_response(200, {"items": found, "_links": {}})
            case ("GET", "connections", connection_id):
                return json_response(200, {"items": [shown(self._items[connection_id], masked=True)]})
            case ("GET", "connections", _, "test"):
                return json_response(200, {"result": True})
            case ("POST", _, "ims", "token", "v3"):
                return json_response(200, {"access_token": "token", "token_type": "bearer", "expires_in": 86_399})
        return json_response(501, {"message": f"This stub has no {request.method} {request.path}."})

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        known = {"id": str(uuid.uuid4()), "etag": new_etag()}
        self._items[known["id"]] = {**body, **known, "state": "enabled", "createdAt": 1}
        self._by_name.setdefault(body["name"], []).append(known["id"])
        return known


class CannedDatabricks(Simulator):
    """A workspace that passes every check of a connection without a catalog."""

    name = "databricks"
    _ANSWERS: ClassVar[dict[str, Any]] = {
        "Me": {"id": "1", "userName": "aep", "active": True},
        "get": {
            "state": "RUNNING",
            "cluster_source": "UI",
            "data_security_mode": "SINGLE_USER",
            "single_user_name": "aep",
        },
        "list": {"token_infos": [{"expiry_time": 4_102_444_800_000}]},
    }

    def __init__(self) -> None:
        super().__init__(None)

    def respond(self, request: Request, now: float) -> Response:
        return json_response(200, self._ANSWERS[request.path.rpartition("/")[2]])


@dataclass(frozen=True, slots=True)
class Stubs:
    """All stubs, running."""

    aws: CannedAws
    adobe: CannedAdobe
    databricks: CannedDatabricks

    def environment(self) -> Mapping[str, str]:
        """The functions' environment for these stubs."""
        return environment(self.aws.url, self.adobe.url, self.adobe.url, self.databricks.url)


@contextmanager
def canned(aws_seconds: float = 0.0, others_seconds: float = 0.0) -> Iterator[Stubs]:
    """Run stubs that wait this long before each response."""
    stubs = Stubs(CannedAws(), CannedAdobe(), CannedDatabricks())
    every = (stubs.aws, stubs.adobe, stubs.databricks)
    for stub, seconds in zip(every, (aws_seconds, others_seconds, others_seconds), strict=True):
        if seconds:
            stub.faults.add(Fault(times=0, delay=seconds))
        stub.start()
    try:
        yield stubs
    finally:
        for stub in every:
            stub.stop()


def environment(aws_url: str, ims_url: str, platform_url: str, databricks_url: str) -> Mapping[str, str]:
    """The environment of all functions in one, for services at these URLs."""
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
    return {
        "ADOBE_SECRET_ID": ADOBE_SECRET_ID,
        "DATABRICKS_SECRET_PREFIX": "aep/{sandbox}/databricks/",
        "REGISTRY_TABLE": "bench",
        "PARAMETER_PREFIX": "/bench",
        "EVENT_BUS_NAME": "bench",
        "REQUEST_QUEUE_URL": f"{queue}/requests",
        "DEAD_LETTER_QUEUE_URL": f"{queue}/dead",
        "EXPLORE_FUNCTION_NAME": "bench",
        "ADOBE_SETTLE_SECONDS": "5",
        "ADOBE_IMS_URL": ims_url,
        "ADOBE_PLATFORM_URL": platform_url,
        "DATABRICKS_URL": databricks_url,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BOTO_DISABLE_CRT": "true",  # the SDK would use CRT if it is installed; the deployed function has none
    }
