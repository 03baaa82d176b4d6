"""Puts the parts together: once per execution environment what is dear, once per delivery what is bound to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import boto3

from aep_connections.adobe.flow_service import Adobe
from aep_connections.adobe.ims import TokenSource
from aep_connections.aws import calls
from aep_connections.aws.events import Events
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Requests
from aep_connections.aws.registry import Registry
from aep_connections.aws.secrets import Secrets
from aep_connections.clock import SystemClock
from aep_connections.domain.deadline import Deadline
from aep_connections.domain.model import Delivery
from aep_connections.domain.ports import Clock
from aep_connections.domain.secrecy import SecretValues
from aep_connections.observability import Measured, Observer
from aep_connections.settings import Settings
from aep_connections.sources.workspaces import Workspaces
from aep_connections.triggers import invoke, sqs
from aep_connections.upstream.transport import Timeouts, Upstream, new_session
from aep_connections.use_cases.answer import Answer, answer
from aep_connections.use_cases.work import Ports, Rules


class Service:
    """An execution environment: clients, session and token are kept; a secret is not."""

    def __init__(self, settings: Settings, clock: Clock, timeouts: Timeouts) -> None:
        self._settings, self._clock, self._timeouts = settings, clock, timeouts
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        self._secrets = Secrets(calls.client(session, "secretsmanager"))
        self._registry = Registry(calls.client(session, "dynamodb"), settings.registry_table, clock)
        self._parameters = Parameters(calls.client(session, "ssm"), settings.parameter_prefix)
        self._events = Events(calls.client(session, "events"), settings.event_bus_name)
        self._requests = Requests(
            calls.client(session, "sqs"), settings.request_queue_url, settings.dead_letter_queue_url
        )
        self._http = new_session()
        self._tokens = TokenSource(settings.adobe_ims_url, clock)
        self._observer = Observer()
        self._rules = Rules(
            settings.databricks_secret_prefix,
            settings.adobe_settle_seconds,
            settings.give_up_after_seconds,
            settings.cluster_start_limit_seconds,
        )

    def provision(self, event: Any, context: Any) -> Any:
        """Answer an invocation: the queue's batch answer, or a direct invoke's result (or its error, raised)."""
        deadline = Deadline.after(self._clock, context.get_remaining_time_in_millis() / 1000)
        invocation_id = str(getattr(context, "aws_request_id", "") or "") or "unknown"

        def do(delivery: Delivery) -> Answer:
            return self._answer(delivery, deadline, invocation_id)

        now = self._clock.now()
        return sqs.each_record(event, now, do) if sqs.is_batch(event) else invoke.once(event, now, invocation_id, do)

    def _answer(self, delivery: Delivery, deadline: Deadline, invocation_id: str) -> Answer:
        started = self._clock.monotonic()
        secret_values = SecretValues()
        upstream = Upstream(self._http, self._timeouts, deadline, secret_values)
        settings = self._settings
        adobe = Adobe(settings.adobe_platform_url, settings.adobe_secret_id, self._secrets, self._tokens, upstream)
        ports = Ports(
            secret_values,
            self._clock,
            self._secrets,
            adobe,
            Workspaces(settings.databricks_url, upstream),
            self._registry,
            self._parameters,
            self._events,
            self._requests,
        )
        given = answer(delivery, ports, self._rules, deadline)
        count = delivery.message.receive_count if delivery.message else 1
        age = max(0.0, self._clock.now() - delivery.order.seconds)
        measured = Measured(self._clock.monotonic() - started, age, count, invocation_id)
        self._observer.note(given, measured, upstream)
        return given


def build(
    environment: Mapping[str, str] | None = None, clock: Clock | None = None, timeouts: Timeouts | None = None
) -> Service:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = Settings.from_environment(os.environ if environment is None else environment)
    return Service(settings, clock or SystemClock(), timeouts or Timeouts())
