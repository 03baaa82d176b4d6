"""AWS on this machine: moto's server with the resources that template.yaml declares."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.events.models import events_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

from local.aws.asynchronous import Asynchronous
from local.aws.invocation import Handler
from local.aws.lambda_api import invoking
from local.aws.secret_events import announcing
from local.aws.template import PSEUDO, Template

REGION, ACCOUNT = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
SKIPPED = {
    "AWS::IAM::Role": "moto does not enforce policies",
    "AWS::IAM::Policy": "moto does not enforce policies",
    "AWS::SQS::QueuePolicy": "moto does not enforce policies",
    "AWS::Logs::LogGroup": "logs go to stdout",
    "AWS::Lambda::LayerVersion": "the package is on the path",
    "AWS::Lambda::Function": "the function runs in this process or in its own",
    "AWS::Lambda::EventSourceMapping": "`local.aws.invocation` takes messages from the queue",
    "AWS::Lambda::EventInvokeConfig": "`local.aws.asynchronous` retries as often as Lambda does by default",
    "AWS::Lambda::Permission": "moto does not enforce policies",
    "AWS::ApiGatewayV2::Api": "`local.gateway` serves it",
    "AWS::ApiGatewayV2::Integration": "`local.gateway` reads it",
    "AWS::ApiGatewayV2::Authorizer": "`local.gateway` reads it",
    "AWS::ApiGatewayV2::Route": "`local.gateway` reads it",
    "AWS::ApiGatewayV2::Stage": "`local.gateway` reads it",
    "AWS::CloudWatch::Alarm": "metrics go to stdout, with the logs",
    "AWS::CloudWatch::Dashboard": "metrics go to stdout, with the logs",
}


def _one_at_a_time(aws: Aws, service: str) -> None:
    """Process one request at a time. Moto checks a condition and writes in two steps; in AWS this is one step."""
    inner, lock = aws.app, threading.Lock()

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith(service):
            return inner(environ, start_response)
        with lock:
            return list(inner(environ, start_response))

    aws.app = app


class Aws:
    """Moto's server. Its URL has `localhost`, because moto parses some URLs only with it; port 0 is any free port."""

    def __init__(self, port: int = 0) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self._server.start()
        self.url = f"http://localhost:{self._server.get_host_and_port()[1]}"
        self._clients: dict[str, Any] = {}
        self.functions: dict[str, Handler] = {}
        """The handlers that run when a function is invoked, by its name."""
        self.asynchronous = Asynchronous(sqs_backends[ACCOUNT][REGION])
        _one_at_a_time(self, "DynamoDB")
        self.app = announcing(self.app, secretsmanager_backends[ACCOUNT][REGION], events_backends[ACCOUNT][REGION])
        self.app = invoking(self.app, self.functions, FUNCTION_ARN, self.asynchronous.put)

    @property
    def app(self) -> Any:
        """The WSGI application that serves requests; a wrapper may replace it."""
        server: Any = self._server._server
        return server.app

    @app.setter
    def app(self, app: Any) -> None:
        server: Any = self._server._server
        server.app = app

    def stop(self) -> None:
        self._server.stop()

    def environment(self) -> dict[str, str]:
        """The environment variables with which an AWS SDK or the AWS CLI calls this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A client for the server."""
        if service not in self._clients:
            self._clients[service] = boto3.client(  # type: ignore[call-overload]
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )
        return self._clients[service]


@dataclass(slots=True)
class Resources:
    """The template's resources in `aws`. Each is created at the first reference to it."""

    aws: Aws
    template: Template
    default_rules: dict[str, list[str]] = field(default_factory=dict)
    """The rules on the default bus, each with the ids of its targets."""
    _made: dict[str, dict[str | None, str]] = field(default_factory=dict)

    def make(self) -> None:
        """Create every resource. Raises ValueError for a type that is not supported."""
        for logical_id in self.template.resources():
            self.attribute(logical_id, None)

    def leave_the_default_bus(self) -> None:
        """Remove this stack's rules from the default bus, which other stacks continue to use."""
        events = self.aws.client("events")
        while self.default_rules:
            rule, ids = self.default_rules.popitem()
            events.remove_targets(Rule=rule, Ids=ids)
            events.delete_rule(Name=rule)

    def attribute(self, logical_id: str, name: str | None) -> str:
        """The value of `Ref` (`name` is None) or `GetAtt`."""
        if logical_id not in self._made:
            self._made[logical_id] = self._make(logical_id)
        return self._made[logical_id][name]

    def environment(self, function: str) -> dict[str, str]:
        """The environment variables of a function."""
        declared = self.template.resources()[function]["Properties"]["Environment"]["Variables"]
        resolved = self.template.resolve(declared, self.attribute)
        return {name: str(value) for name, value in resolved.items()}

    def _make(self, logical_id: str) -> dict[str | None, str]:
        resource = self.template.resources()[logical_id]
        kind = resource["Type"]
        name = f"{self.template.values['AWS::StackName']}-{logical_id}"
        if kind in SKIPPED:
            prefix = FUNCTION_ARN if kind == "AWS::Lambda::Function" else f"arn:aws:local:{REGION}:{ACCOUNT}:"
            return {None: name, "Arn": f"{prefix}{name}"}
        if kind not in _MAKERS:
            raise ValueError(f"The local stack cannot make {kind} ({logical_id}).")
        properties = self.template.resolve(resource.get("Properties", {}), self.attribute)
        return _MAKERS[kind](self, properties.get("Name", name), properties)


def _queue(resources: Resources, name: str, properties: dict[str, Any]) -> dict[str | None, str]:
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in properties.items()}
    url = resources.aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return {None: url, "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "QueueName": name}


def _table(resources: Resources, name: str, properties: dict[str, Any]) -> dict[str | None, str]:
    dynamodb = resources.aws.client("dynamodb")
    apart = ("TimeToLiveSpecification", "PointInTimeRecoverySpecification", "SSESpecification")
    plain = {key: value for key, value in properties.items() if key not in apart}
    dynamodb.create_table(TableName=name, SSESpecification={"Enabled": True}, **plain)
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties[apart[0]])
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=properties[apart[1]])
    return {None: name, "Arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"}


def _bus(resources: Resources, name: str, properties: dict[str, Any]) -> dict[str | None, str]:
    arn = resources.aws.client("events").create_event_bus(Name=name)["EventBusArn"]
    return {None: name, "Arn": arn, "Name": name}


def _rule(resources: Resources, name: str, properties: dict[str, Any]) -> dict[str | None, str]:
    bus = {"EventBusName": properties.get("EventBusName", "default")}
    pattern, state = json.dumps(properties["EventPattern"]), properties.get("State", "ENABLED")
    targets = [{**target, "Arn": _target(resources.aws, target["Arn"])} for target in properties["Targets"]]
    events = resources.aws.client("events")
    arn = events.put_rule(Name=name, EventPattern=pattern, State=state, **bus)["RuleArn"]
    if state != "DISABLED":  # moto ignores State
        events.put_targets(Rule=name, Targets=targets, **bus)
    if bus["EventBusName"] == "default":
        resources.default_rules[name] = [target["Id"] for target in targets]
    return {None: name, "Arn": arn}


def _target(aws: Aws, arn: str) -> str:
    """A rule's target for moto, which cannot invoke a function: a queue stands in for it."""
    if not arn.startswith(FUNCTION_ARN):
        return arn
    return aws.asynchronous.stand_in(arn.removeprefix(FUNCTION_ARN).partition(":")[0])


def _schedule(resources: Resources, name: str, properties: dict[str, Any]) -> dict[str | None, str]:
    arn = resources.aws.client("scheduler").create_schedule(Name=name, **properties)["ScheduleArn"]
    return {None: name, "Arn": arn}


_MAKERS: dict[str, Callable[[Resources, str, dict[str, Any]], dict[str | None, str]]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _bus,
    "AWS::Events::Rule": _rule,
    "AWS::Scheduler::Schedule": _schedule,
}
