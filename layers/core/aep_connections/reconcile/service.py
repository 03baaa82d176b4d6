"""The function `reconcile`: it reads no value of a Databricks secret, and sends only events and rechecks."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_connections.aws.client import PATIENT, clients
from aep_connections.aws.events import Events
from aep_connections.aws.functions import Functions
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Queue
from aep_connections.domain import ports
from aep_connections.domain.errors import forget_causes
from aep_connections.domain.time import RECORD_SECONDS
from aep_connections.environment import Environment
from aep_connections.http.transport import Timeouts, Upstream
from aep_connections.reconcile import triggers
from aep_connections.reconcile.observability import FleetObserver
from aep_connections.reconcile.run import FleetPorts, Policy, Reconciler, Run
from aep_connections.settings import ReconcileSettings


@dataclass(slots=True, kw_only=True)
class ReconcileService:
    """An execution environment of the function."""

    settings: ReconcileSettings
    environment: Environment
    parameters: ports.Parameters
    events: ports.Events
    queue: ports.Queue
    invoke_later: Callable[[str, dict[str, Any]], None]
    observer: FleetObserver = field(default_factory=FleetObserver)
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.policy = Policy(
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
        work = triggers.work_of(event, self.policy.checks)
        environment = self.environment
        registry, upstream = (
            environment.registry,
            environment.upstream(environment.deadline(context, kept=RECORD_SECONDS)),
        )
        upstream.redactor.silence()
        if isinstance(work, triggers.SecretRotated):
            rechecks = triggers.on_secret_rotated(work, registry, self.queue)
            return self.observer.rechecks_sent({"secret_id": work.secret_id}, rechecks)
        if isinstance(work, triggers.FlowRunFailed):
            adobe = environment.adobe(upstream)
            rechecks = triggers.on_flow_run_failed(work, adobe, registry, self.queue)
            return self.observer.rechecks_sent({"sandbox": work.sandbox, "flow_id": work.flow_id}, rechecks)
        return self._run(work, upstream, context)

    def _run(self, run: Run, upstream: Upstream, context: Any) -> dict[str, Any]:
        environment = self.environment
        bound = FleetPorts(
            redactor=upstream.redactor,
            clock=environment.clock,
            adobe=environment.adobe(upstream),
            registry=environment.registry,
            parameters=self.parameters,
            secrets=environment.secrets,
            queue=self.queue,
            events=self.events,
        )
        note = self.observer.note
        reconciler = Reconciler(ports=bound, policy=self.policy, deadline=upstream.deadline, note=note)
        ended = reconciler.reconcile(run)
        if not ended:
            self.invoke_later(context.function_name, {triggers.CONTINUE: run.document()})
        return self.observer.reconciled(run, environment.clock.now(), upstream, ended=ended)


def build(
    environment: Mapping[str, str] | None = None, clock: ports.Clock | None = None, timeouts: Timeouts | None = None
) -> ReconcileService:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ReconcileSettings.from_environment(os.environ if environment is None else environment)
    client = clients()
    return ReconcileService(
        settings=settings,
        environment=Environment.on_aws(settings, client, clock, timeouts),
        parameters=Parameters(client("ssm", PATIENT), settings.parameter_prefix),
        events=Events(client("events"), settings.event_bus_name),
        queue=Queue(client("sqs"), settings.request_queue_url, None),
        invoke_later=Functions(client("lambda")).invoke_later,
    )
