"""What a delivery did, call by call, as its servers and the SDK saw it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.simulators.simulator import Call
from local.stack import Stack

_MEANINGS = {
    "GetSecretValue": "a secret is read, not cached",
    "GetParameter": "what is published now",
    "PutParameter": "the connection id is published",
    "DeleteParameter": "the parameter is removed",
    "PutEvents": "the outcome is announced",
    "SendMessage": "the request is parked",
    "SendMessageBatch": "rechecks are sent",
    "Query": "which keys are there?",
    "Scan": "which sandboxes are there?",
    "BatchGetItem": "did anybody work on them meanwhile?",
    "GetParametersByPath": "what is published now",
    "DescribeSecret": "which version is current?",
}
_WRITES = (
    ("#leaseUntil = ", "the request is accepted and the lease taken"),
    ("#answered = ", "the request is closed, the lease given back"),
    ("#attempt = ", "the attempt is recorded, before the POST"),
    ("#connectionId = ", "the connection id is recorded"),
    ("#failure = ", "what it waits for or what went wrong is recorded, the lease given back"),
)
_ADOBE = {
    "POST /ims/token/v3": "a token for Adobe",
    "POST /connections": "the base connection is created",
    "GET /connections": "is there one already?",
    "PATCH /connections/…": "the connection is updated under its etag",
    "DELETE /connections/…": "the connection is deleted",
    "GET /connections/…": "is it still as recorded?",
    "GET /connections/…/test": "Adobe tests it",
}


_DATABRICKS = {
    "GET /api/2.0/preview/scim/v2/Me": "is the token valid, and whose is it?",
    "GET /api/2.0/token/list": "when does it expire?",
    "GET /api/2.1/clusters/get": "what is the cluster's state?",
    "POST /api/2.1/clusters/start": "the cluster is started",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One call: milliseconds since the delivery began, who was called, what, and what for."""

    at_ms: int
    service: str
    call: str
    meaning: str


class _Recorder(logging.Handler):
    """Keeps what botocore says it sends; operations and expressions only."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[tuple[float, str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not str(record.msg).startswith("Making request for") or not isinstance(record.args, tuple):
            return
        model: Any = record.args[0]
        request: Any = record.args[1]
        meaning = _MEANINGS.get(model.name, "")
        if model.name == "ChangeMessageVisibility":
            meaning = f"the message is hidden for {json.loads(request['body'])['VisibilityTimeout']} s"
        if model.name == "UpdateItem":
            expression = json.loads(request["body"])["UpdateExpression"].partition(" REMOVE ")[0]
            meaning = next((text for part, text in _WRITES if part in expression), "the lease is given back")
        service = str(model.service_model.metadata.get("serviceId", "AWS"))
        self.seen.append((record.created, service, model.name, meaning))


@contextmanager
def steps_of(stack: Stack) -> Iterator[list[Step]]:
    """The steps of what runs inside, in order; filled when it ends."""
    recorder, logger = _Recorder(), logging.getLogger("botocore.endpoint")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    simulators = {"Adobe IMS": stack.ims, "Adobe": stack.adobe, "Databricks": stack.databricks}
    before = {service: len(simulator.calls) for service, simulator in simulators.items()}
    began = time.time()
    steps: list[Step] = []
    try:
        yield steps
    finally:
        logger.removeHandler(recorder)
        logger.setLevel(level)
        logger.propagate = propagate
    seen = list(recorder.seen)
    for service, simulator in simulators.items():
        ours = [call for call in simulator.calls[before[service] :] if call.request.headers["user-agent"] != "adobe"]
        seen += [(call.at, service, *_told(call)) for call in ours]
    own = ("ReceiveMessage", "DeleteMessage")
    steps += [
        Step(round((at - began) * 1000), service, call, meaning)
        for at, service, call, meaning in sorted(seen)
        if call not in own
    ]


def _told(call: Call) -> tuple[str, str]:
    path = call.request.path.removeprefix("/data/foundation/flowservice")
    parts = path.split("/")
    short = "/".join([*parts[:2], "…", *parts[3:]]) if path.startswith("/connections/") else path
    meaning = (_ADOBE | _DATABRICKS).get(f"{call.request.method} {short}", "")
    return f"{call.request.method} {short} → {call.status}", meaning
