"""The calls of a delivery or a reconcile run, in order, as the simulators and the AWS SDK record them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local.simulators.simulator import Call
from local.stack import Stack

PROVISION = {
    "GetSecretValue": "reads a secret (never cached)",
    "GetParameter": "reads the published id",
    "PutParameter": "publishes the connection id",
    "DeleteParameter": "removes the parameter",
    "DescribeSecret": "reads the secret's current version",
    "PutEvents": "announces the outcome",
    "SendMessage": "parks the request",
    "POST /ims/token/v3": "gets a token for Adobe",
    "POST /connections": "creates the base connection",
    "GET /connections": "looks for an existing connection",
    "PATCH /connections/…": "updates the connection with its etag",
    "DELETE /connections/…": "deletes the connection",
    "GET /connections/…": "compares the connection with the registry",
    "GET /connections/…/test": "runs Adobe's test of the connection",
    "GET /api/2.0/preview/scim/v2/Me": "checks that the token is valid, and who owns it",
    "GET /api/2.0/token/list": "checks when the token expires",
    "GET /api/2.1/clusters/get": "reads the cluster's state",
    "POST /api/2.1/clusters/start": "starts the cluster",
}
RECONCILE = PROVISION | {
    "Query": "reads the registry's keys",
    "Scan": "lists the registry's sandboxes",
    "BatchGetItem": "checks which keys were changed meanwhile",
    "GetParametersByPath": "reads the published ids",
    "SendMessageBatch": "sends rechecks",
    "PutEvents": "announces the drift",
    "GET /connections": "lists the sandbox's connections",
}
_WRITES = (
    ("#order = ", "accepts the request and takes the lease"),
    ("#leaseUntil = ", "takes the lease"),
    ("#answered = ", "closes the request and releases the lease"),
    ("#attempt = ", "records the attempt, before the POST"),
    ("#connectionId = ", "records the connection id"),
    ("#failure = ", "records the wait or the failure, and releases the lease"),
    ("#result = ", "records the result and releases the lease"),
    ("#etag = ", "records the new etag"),
)
_POLLING = ("ReceiveMessage", "DeleteMessage")
"""Calls of the event source, not of the function."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call: when (milliseconds after the beginning), to which service, which call, and its purpose."""

    at_ms: int
    service: str
    call: str
    meaning: str


@dataclass(slots=True)
class Timeline:
    """The steps, in order, and their total duration."""

    steps: list[Step] = field(default_factory=list)
    took_ms: int = 0


class _Recorder(logging.Handler):
    """Records botocore's log of its calls: only the names of operations, and the attributes that they write."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        super().__init__(logging.DEBUG)
        self._meanings = meanings
        self.seen: list[tuple[float, str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not str(record.msg).startswith("Making request for") or not isinstance(record.args, tuple):
            return
        model: Any = record.args[0]
        request: Any = record.args[1]
        meaning = self._meanings.get(model.name, "")
        if model.name == "ChangeMessageVisibility":
            meaning = f"hides the message for {json.loads(request['body'])['VisibilityTimeout']} s"
        if model.name == "UpdateItem":
            expression = json.loads(request["body"])["UpdateExpression"].partition(" REMOVE ")[0]
            meaning = next((text for part, text in _WRITES if part in expression), "releases the lease")
        service = str(model.service_model.metadata.get("serviceId", "AWS"))
        self.seen.append((record.created, service, model.name, meaning))


@contextmanager
def steps_of(stack: Stack, meanings: Mapping[str, str] = PROVISION) -> Iterator[Timeline]:
    """The calls made inside the `with` block; complete when it ends."""
    recorder, logger = _Recorder(meanings), logging.getLogger("botocore.endpoint")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    simulators = {"Adobe IMS": stack.ims, "Adobe": stack.adobe, "Databricks": stack.databricks}
    before = {service: len(simulator.calls) for service, simulator in simulators.items()}
    timeline, began = Timeline(), time.time()
    try:
        yield timeline
    finally:
        timeline.took_ms = round((time.time() - began) * 1000)
        logger.removeHandler(recorder)
        logger.setLevel(level)
        logger.propagate = propagate
    seen = [one for one in recorder.seen if one[2] not in _POLLING]
    for service, simulator in simulators.items():
        ours = [call for call in simulator.calls[before[service] :] if call.request.headers["user-agent"] != "adobe"]
        seen += [(call.at, service, *_described(call, meanings)) for call in ours]
    timeline.steps += [
        Step(round((at - began) * 1000), service, call, meaning) for at, service, call, meaning in sorted(seen)
    ]


def _described(call: Call, meanings: Mapping[str, str]) -> tuple[str, str]:
    """A simulator's call with the status of its reply, and its purpose."""
    path = call.request.path.removeprefix("/data/foundation/flowservice")
    parts = path.split("/")
    short = "/".join([*parts[:2], "…", *parts[3:]]) if path.startswith("/connections/") else path
    return f"{call.request.method} {short} → {call.status}", meanings.get(f"{call.request.method} {short}", "")
