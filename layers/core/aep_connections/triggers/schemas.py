"""What the HTTP API's bodies look like, for its OpenAPI document; a request's rules are of `use_cases.request`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from aep_connections.domain.model import Outcome, Status
from aep_connections.sources import SOURCES
from aep_connections.use_cases.request import MAX_BYTES, RULES

_MEANINGS = {
    "name": "Part of the key, and of the parameter's name.",
    "sandbox": "Adobe's sandbox, by its name; there is no default.",
    "displayName": "What Adobe shows; the name if it is left out.",
    "description": "What Adobe shows, before our marker.",
    "desiredState": "Whether there is to be a connection.",
    "readiness": "`start` may start a stopped cluster, which costs money; `off` does not look at the workspace.",
    "adopt": "Take over a connection of that display name that is not ours.",
    **{
        source.secret_field: "Name of the secret, below the configured prefix; required when present."
        for source in SOURCES
    },
    **{name: "Instead of the secret's." for source in SOURCES for name in source.overrides},
}


def _request(required: list[str]) -> dict[str, Any]:
    """The schema of a request; null is as if a field were left out."""
    properties: dict[str, Any] = {}
    for name, rule in RULES.items():
        schema = rule.schema if name in required else {"anyOf": [rule.schema, {"type": "null"}]}
        properties[name] = {**schema, "description": _MEANINGS[name]}
    return {
        "type": "object",
        "description": f"What is to be true of one connection, in at most {MAX_BYTES} bytes.",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _shown_as(schema: dict[str, Any]) -> ConfigDict:
    def replace(generated: dict[str, Any]) -> None:
        title = generated["title"]
        generated.clear()
        generated |= {"title": title, **schema}

    return ConfigDict(json_schema_extra=replace)


class ConnectionRequest(RootModel[dict[str, Any]]):
    model_config = _shown_as(_request(["sandbox", "name"]))


class RequestOfKey(RootModel[dict[str, Any]]):
    """As `ConnectionRequest`; `sandbox` and `name` are the address', and may be left out."""

    model_config = _shown_as(_request([]))


class _Shape(BaseModel):
    """What only the document shows: nothing is validated with it, so a cold start does not build it."""

    model_config = ConfigDict(defer_build=True)


class Fault(_Shape):
    field: str
    rule: str


class Accepted(_Shape):
    sandbox: str
    name: str
    status: Literal["requested"]
    requestedAt: str = Field(description="ISO 8601, UTC; the outcome event carries it, if the queue's clock agrees.")  # noqa: N815
    requestEventId: str = Field(description="The outcome event carries it.")  # noqa: N815


class Verifying(_Shape):
    sandbox: str
    name: str


class Result(_Shape):
    sandbox: str
    name: str
    connectionId: str | None  # noqa: N815
    etag: str | None
    outcome: Outcome
    parameterName: str | None  # noqa: N815
    readiness: Literal["pass", "warn", "fail", "unknown"]
    duplicates: list[str] = Field(default=[], description="Other connections of that name.")


class Reason(_Shape):
    code: str
    message: str
    remedy: str
    retryable: bool
    requestId: str | None  # noqa: N815
    faults: list[Fault]


class Waiting(_Shape):
    for_: str = Field(alias="for")
    since: str
    until: str = Field(description="When it is given up.")


class Tested(_Shape):
    at: str
    passed: bool


class SecretVersion(_Shape):
    id: str
    createdAt: str  # noqa: N815
    ageSeconds: int  # noqa: N815


class Connection(_Shape):
    sandbox: str
    name: str
    status: Status
    since: str | None = Field(description="When the status began.")
    requestedAt: str | None  # noqa: N815
    requestEventId: str | None  # noqa: N815
    request: dict[str, Any] = Field(description="The latest request; it can be sent again by PUT as it is.")
    connectionId: str | None  # noqa: N815
    etag: str | None
    parameterName: str  # noqa: N815
    reason: Reason | None = Field(description="Why it failed, or is tried again.")
    waitsFor: Waiting | None  # noqa: N815
    result: Result | None
    tested: Tested | None = Field(description="Adobe's last test of the connection.")
    readiness: dict[str, Any] | None = Field(description="The last readiness report: status, checkedAt, checks.")
    secretVersion: SecretVersion | None = Field(description="The version of the secret that last passed its test.")  # noqa: N815


class Connections(_Shape):
    connections: list[Connection]
    cursor: str | None = Field(description="Where the next page begins; null at the end.")


class Table(_Shape):
    name: str
    path: str


class Tables(_Shape):
    tables: list[Table]


class Column(_Shape):
    name: str
    type: str
    format: str | None


class Columns(_Shape):
    path: str
    columns: list[Column]


class Problem(_Shape):
    type: str
    title: str
    status: int
    code: str
    detail: str
    remedy: str
    retryable: bool
    requestId: str | None  # noqa: N815
    faults: list[Fault]


class Message(BaseModel):
    """What API Gateway itself says."""

    message: str
