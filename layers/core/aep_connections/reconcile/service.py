"""The function `reconcile`: it reads no value of a Databricks secret, and sends only events and rechecks."""

import os
from collections.abc import Mapping
from typing import Any

from aep_connections.aws.client import PATIENT
from aep_connections.aws.events import Events
from aep_connections.aws.functions import Functions
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Queue
from aep_connections.aws.registry import Registry
from aep_connections.aws.secrets import Secrets
from aep_connections.domain.errors import forget_causes
from aep_connections.domain.ports import Clock
from aep_connections.domain.time import RECORD_SECONDS, SystemClock
from aep_connections.environment import Environment
from aep_connections.http.transport import Timeouts, Upstream
from aep_connections.reconcile import triggers
from aep_connections.reconcile.observability import FleetObserver
from aep_connections.reconcile.run import FleetPorts, Policy, Reconciler, Run
from aep_connections.settings import ReconcileSettings


class ReconcileService:
    """An execution environment of the function."""

    def __init__(self, settings: ReconcileSettings, environment: Environment) -> None:
        self._environment = environment
        client, clock = environment.client, environment.clock
        self._secrets = Secrets(client("secretsmanager"))
        self._registry = Registry(client("dynamodb"), settings.registry_table, clock)
        self._parameters = Parameters(client("ssm", PATIENT), settings.parameter_prefix)
        self._queue = Queue(client("sqs"), settings.request_queue_url, None)
        self._events = Events(client("events"), settings.event_bus_name)
        self._functions = Functions(client("lambda"))
        self._observer = FleetObserver()
        self._policy = Policy(
            repairs=settings.repair_policy == "repair",
            checks=settings.checks_per_run,
            verify_after_seconds=settings.verify_after_seconds,
            max_missing_percent=settings.max_missing_percent,
            settle_seconds=settings.adobe_settle_seconds,
        )

    def reconcile(self, event: Any, context: Any) -> dict[str, Any]:
        """Process an event; returns what was found and sent. Raises an error that stops the work."""
        try:
            return self._reconcile(event, context)
        except Exception as error:  # noqa: BLE001 - raised again
            raise forget_causes(error)  # noqa: B904 - `from None` keeps the context

    def _reconcile(self, event: Any, context: Any) -> dict[str, Any]:
        work = triggers.work_of(event, self._policy.checks)
        upstream = self._environment.upstream(self._environment.deadline(context, kept=RECORD_SECONDS))
        upstream.redactor.silence()
        if isinstance(work, triggers.SecretRotated):
            rechecks = triggers.on_secret_rotated(work, self._registry, self._queue)
            return self._observer.rechecks_sent({"secret_id": work.secret_id}, rechecks)
        if isinstance(work, triggers.FlowRunFailed):
            adobe = self._environment.adobe(self._secrets, upstream)
            rechecks = triggers.on_flow_run_failed(work, adobe, self._registry, self._queue)
            return self._observer.rechecks_sent({"sandbox": work.sandbox, "flow_id": work.flow_id}, rechecks)
        return self._run(work, upstream, context)

    def _run(self, run: Run, upstream: Upstream, context: Any) -> dict[str, Any]:
        clock = self._environment.clock
        ports = FleetPorts(
            redactor=upstream.redactor,
            clock=clock,
            adobe=self._environment.adobe(self._secrets, upstream),
            registry=self._registry,
            parameters=self._parameters,
            secrets=self._secrets,
            queue=self._queue,
            events=self._events,
        )
        note = self._observer.note
        reconciler = Reconciler(ports=ports, policy=self._policy, deadline=upstream.deadline, note=note)
        ended = reconciler.reconcile(run)
        if not ended:
            self._functions.invoke_later(context.function_name, {triggers.CONTINUE: run.document()})
        return self._observer.reconciled(run, clock.now(), upstream, ended=ended)


def build(
    environment: Mapping[str, str] | None = None, clock: Clock | None = None, timeouts: Timeouts | None = None
) -> ReconcileService:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ReconcileSettings.from_environment(os.environ if environment is None else environment)
    return ReconcileService(settings, Environment(settings, clock or SystemClock(), timeouts or Timeouts()))
