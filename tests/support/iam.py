"""IAM without AWS: checks the service's calls to AWS against the statements of its role in the template."""

from __future__ import annotations

import functools
import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.aws.account import ACCOUNT, REGION, Aws
from local.aws.lambda_api import INVOCATION
from local.aws.template import Template

AGENT = "aep-connections"
"""Part of the User-Agent of the service's own AWS calls."""

BY_AWS = {
    "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
}  # fmt: skip
"""What Lambda itself does with a function's role."""


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One call as IAM evaluates it: an action on a resource, and the values that conditions may test."""

    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource of one statement: the smallest unit that can be missing or unnecessary."""

    role: str
    action: str
    resource: str
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.role}: {self.action} on {self.resource}"

    def permits(self, call: AwsCall) -> bool:
        return _like(self.action, call.action) and _like(self.resource, call.resource) and self._holds(call.context)

    def _holds(self, context: Mapping[str, str | tuple[str, ...]]) -> bool:
        return all(
            _CONDITIONS[operator](_list(values), _list(context.get(key, [])))
            for operator, required in self.conditions.items()
            for key, values in required.items()
        )


def _like(pattern: str, text: str) -> bool:
    """IAM's wildcards."""
    return _compiled(pattern).fullmatch(text) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


_CONDITIONS: dict[str, Callable[[list[str], list[str]], bool]] = {
    "StringEquals": lambda wanted, given: bool(set(wanted) & set(given)),
    "StringLike": lambda wanted, given: any(_like(pattern, text) for pattern in wanted for text in given),
    "ForAllValues:StringEquals": lambda wanted, given: set(given) <= set(wanted),
}
"""Whether a condition holds, given the statement's values and the call's values of that key."""


def grants(template: Template, attribute: Callable[[str, str | None], str], role: str) -> list[Grant]:
    """What a role of the template allows. Raises ValueError for a statement that this module does not understand."""
    found: list[Grant] = []
    for policy in _policies(template, role):
        for statement in template.resolve(policy["PolicyDocument"]["Statement"], attribute):
            unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}
            conditions = statement.get("Condition", {})
            if unknown or statement["Effect"] != "Allow" or set(conditions) - set(_CONDITIONS):
                raise ValueError(f"The statement {statement.get('Sid')} of {role} is not understood: {statement}")
            found += [
                Grant(role, action, resource, conditions)
                for action in _list(statement["Action"])
                for resource in _list(statement["Resource"])
            ]
    return found


def _policies(template: Template, role: str) -> list[dict[str, Any]]:
    """The policies inside the role, and the separate policies that are attached to it."""
    resources = template.resources()
    apart = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::IAM::Policy"]
    return [*resources[role]["Properties"]["Policies"], *(one for one in apart if {"Ref": role} in one["Roles"])]


def body_from_the_service(environ: dict[str, Any]) -> bytes | None:
    """The body of a request to moto's server, which moto can still read. None if the service did not send it."""
    if AGENT not in environ.get("HTTP_USER_AGENT", ""):
        return None
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def target_of(environ: Mapping[str, Any]) -> str:
    """Service and operation of a request to moto's server, as in `X-Amz-Target`. Lambda does not send this header."""
    return str(environ.get("HTTP_X_AMZ_TARGET") or "Lambda.Invoke")


class AwsCalls:
    """Every call that the service makes to moto, from any process, recorded at the server."""

    def __init__(self) -> None:
        self.made: list[AwsCall] = []
        self._roles: dict[str, list[Grant]] = {}
        self._judged = 0
        self._lock = threading.Lock()

    def watch(self, aws: Aws) -> None:
        """Record the calls from now on."""
        inner = aws.app

        def app(environ: dict[str, Any], start_response: Any) -> Any:
            if (body := body_from_the_service(environ)) is not None:
                target = environ.get("HTTP_X_AMZ_TARGET", "")
                if invoked := INVOCATION.fullmatch(environ["PATH_INFO"]):
                    target, body = "Lambda.InvokeFunction", json.dumps({"FunctionName": invoked[1]}).encode()
                with self._lock:
                    self.made += _calls_in(target, body)
            return inner(environ, start_response)

        aws.app = app

    def allow(self, stack: str, allowed: list[Grant]) -> None:
        """From now on, these grants also permit calls."""
        self._roles[stack] = allowed

    def refused(self) -> list[AwsCall]:
        """The calls since the previous use of this method that no role permits."""
        with self._lock:
            fresh, self._judged = self.made[self._judged :], len(self.made)
        return [call for call in fresh if not any(grant.permits(call) for grant in self._all())]

    def unused(self, allowed: Iterable[Grant], calls: Iterable[AwsCall]) -> list[Grant]:
        """The grants that none of the calls needed."""
        made = list(calls)
        return [g for g in allowed if g.action not in BY_AWS and not any(g.permits(call) for call in made)]

    def _all(self) -> Iterator[Grant]:
        for allowed in reversed(self._roles.values()):  # most calls are those of the newest stack
            yield from allowed


def _calls_in(target: str, body: bytes) -> list[AwsCall]:
    """The calls in a request. An unknown operation becomes a call that no role permits."""
    try:
        return list(calls_of(target, json.loads(body)))
    except (KeyError, ValueError):
        return [AwsCall(target or "?", "not described in tests/support/iam.py")]


def calls_of(target: str, body: dict[str, Any]) -> Iterator[AwsCall]:
    """A request as IAM evaluates it. Raises KeyError for an unknown operation: add its resource to this module."""
    service, _, operation = target.partition(".")
    prefix, resource = _SERVICES[service.partition("_")[0]]
    if operation == "PutEvents":
        for entry in body["Entries"]:
            of_entry = {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]}
            yield AwsCall("events:PutEvents", resource(entry), of_entry)
        return
    context: dict[str, str | tuple[str, ...]] = {}
    if "VersionStage" in body:
        context["secretsmanager:VersionStage"] = body["VersionStage"]
    if operation == "UpdateItem":
        context["dynamodb:Attributes"] = _attributes(body)
    yield AwsCall(f"{prefix}:{operation.removesuffix('Batch')}", resource(body), context)


def _attributes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Every attribute that an update names: in its key, by a placeholder, or directly in an expression."""
    expressions = " ".join(str(body.get(name, "")) for name in ("UpdateExpression", "ConditionExpression"))
    written = set(re.findall(r"(?<![#:\w])[A-Za-z_]\w*", expressions)) - _WORDS
    return tuple(sorted({*body["Key"], *body.get("ExpressionAttributeNames", {}).values(), *written}))


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _secret(body: Mapping[str, Any]) -> str:
    """The ARN of a secret. For an id that is a name, the ARN ends with six more characters."""
    given = str(body["SecretId"])
    return given if given.startswith("arn:") else _arn("secretsmanager", f"secret:{given}-AbCdEf")


def _table(body: Mapping[str, Any]) -> str:
    index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
    (table,) = body["RequestItems"] if "RequestItems" in body else [body["TableName"]]
    return _arn("dynamodb", f"table/{table}{index}")


_SERVICES: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "secretsmanager": ("secretsmanager", _secret),
    "AmazonSSM": ("ssm", lambda body: _arn("ssm", f"parameter{body.get('Path') or body['Name']}")),
    "DynamoDB": ("dynamodb", _table),
    "AWSEvents": ("events", lambda entry: _arn("events", f"event-bus/{entry['EventBusName']}")),
    "Lambda": ("lambda", lambda body: _arn("lambda", f"function:{body['FunctionName']}")),
    "AmazonSQS": ("sqs", lambda body: _arn("sqs", str(body["QueueUrl"]).rpartition("/")[2])),
}


_WORDS = {
    "SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN", "if_not_exists", "list_append",
    "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size",
}  # fmt: skip
"""The words of a DynamoDB expression that are not attributes."""


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
