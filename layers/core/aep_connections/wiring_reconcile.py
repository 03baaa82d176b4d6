"""Puts the parts of the function that reconciles together; it reads no Databricks secret and writes no registry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import boto3

from aep_connections.adobe.flow_service import Adobe
from aep_connections.adobe.ims import TokenSource
from aep_connections.aws import calls
from aep_connections.aws.events import Events
from aep_connections.aws.fleet import Fleet
from aep_connections.aws.functions import go_on
from aep_connections.aws.parameters import Published
from aep_connections.aws.queue import Inbox
from aep_connections.aws.secrets import Secrets, Versions
from aep_connections.clock import SystemClock
from aep_connections.domain.deadline import Deadline
from aep_connections.domain.errors import forget_causes
from aep_connections.domain.ports import Clock
from aep_connections.domain.secrecy import SecretValues
from aep_connections.observability_fleet import FleetObserver
from aep_connections.settings import ReconcileSettings
from aep_connections.triggers.fleet import GO_ON, FlowRunFailed, SecretChanged, woken_by
from aep_connections.upstream.transport import Timeouts, Upstream, new_session
from aep_connections.use_cases.follow import follow_flow_run, follow_secret
from aep_connections.use_cases.reconcile import Policy, Run, Surroundings, reconcile


class Service:
    """An execution environment: clients, session and token are kept; a secret is not."""

    def __init__(self, settings: ReconcileSettings, clock: Clock, timeouts: Timeouts) -> None:
        self._settings, self._clock, self._timeouts = settings, clock, timeouts
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        secretsmanager, patient = calls.client(session, "secretsmanager"), calls.PATIENT
        self._secrets, self._versions = Secrets(secretsmanager), Versions(secretsmanager)
        self._fleet = Fleet(calls.client(session, "dynamodb"), settings.registry_table)
        self._published = Published(calls.client(session, "ssm", patient), settings.parameter_prefix)
        self._inbox = Inbox(calls.client(session, "sqs"), settings.request_queue_url)
        self._events = Events(calls.client(session, "events"), settings.event_bus_name)
        self._lambda = calls.client(session, "lambda")
        self._http = new_session()
        self._tokens = TokenSource(settings.adobe_ims_url, clock)
        self._observer = FleetObserver()
        self._policy = Policy(
            settings.repair_policy == "repair",
            settings.checks_per_run,
            settings.verify_after_seconds,
            settings.missing_brake_percent,
            settings.adobe_settle_seconds,
        )

    def reconcile(self, event: Any, context: Any) -> dict[str, Any]:
        """Do what an event asks for: what was found and sent. Raises what stands in the way of all of it."""
        try:
            return self._reconcile(event, context)
        except Exception as error:  # noqa: BLE001 - raised again
            raise forget_causes(error)  # noqa: B904 - `from None` keeps the context

    def _reconcile(self, event: Any, context: Any) -> dict[str, Any]:
        woken = woken_by(event, self._policy.checks)
        deadline = Deadline.after(self._clock, context.get_remaining_time_in_millis() / 1000)
        upstream = Upstream(self._http, self._timeouts, deadline, SecretValues())
        upstream.secrets.withhold()
        if isinstance(woken, SecretChanged):
            rechecks = follow_secret(woken.secret_id, self._fleet, self._inbox)
            return self._observer.followed({"secret_id": woken.secret_id}, rechecks)
        settings = self._settings
        adobe = Adobe(settings.adobe_platform_url, settings.adobe_secret_id, self._secrets, self._tokens, upstream)
        if isinstance(woken, FlowRunFailed):
            rechecks = follow_flow_run(woken.sandbox, woken.flow_id, adobe, self._fleet, self._inbox)
            return self._observer.followed({"sandbox": woken.sandbox, "flow_id": woken.flow_id}, rechecks)
        return self._go_on(woken, adobe, upstream, context)

    def _go_on(self, run: Run, adobe: Adobe, upstream: Upstream, context: Any) -> dict[str, Any]:
        around = Surroundings(
            upstream.secrets,
            self._clock,
            adobe,
            self._fleet,
            self._published,
            self._versions,
            self._inbox,
            self._events,
        )
        ended = reconcile(run, around, self._policy, upstream.deadline, self._observer.note)
        if not ended:
            go_on(self._lambda, context.function_name, {GO_ON: run.document()})
        return self._observer.reconciled(run, self._clock.now(), upstream, ended=ended)


def build(
    environment: Mapping[str, str] | None = None, clock: Clock | None = None, timeouts: Timeouts | None = None
) -> Service:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ReconcileSettings.from_environment(os.environ if environment is None else environment)
    return Service(settings, clock or SystemClock(), timeouts or Timeouts())
