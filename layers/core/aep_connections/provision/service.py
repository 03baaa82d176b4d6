"""The function `provision`: its parts are created once per execution environment, and bound to each delivery."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_connections.aws.client import clients
from aep_connections.aws.events import Events
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Queue
from aep_connections.contract.messages import batch_reply, is_batch, read_invoke, read_record
from aep_connections.domain import ports
from aep_connections.domain.delivery import Delivery, Processed
from aep_connections.domain.errors import Unavailable, forget_causes
from aep_connections.domain.time import RECORD_SECONDS, Deadline
from aep_connections.environment import Environment
from aep_connections.http.transport import Timeouts
from aep_connections.observability import Measurements, Observer
from aep_connections.provision.job import Limits, Ports
from aep_connections.provision.process import Processor
from aep_connections.settings import ProvisionSettings
from aep_connections.sources.workspaces import Workspaces


@dataclass(slots=True, kw_only=True)
class ProvisionService:
    """An execution environment of the function."""

    settings: ProvisionSettings
    environment: Environment
    parameters: ports.Parameters
    events: ports.Events
    queue: ports.Queue
    observer: Observer = field(default_factory=Observer)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.limits = Limits(
            secret_prefix=settings.databricks_secret_prefix,
            settle_seconds=settings.adobe_settle_seconds,
            give_up_seconds=settings.give_up_after_seconds,
            cluster_start_limit_seconds=settings.cluster_start_limit_seconds,
        )

    def provision(self, event: Any, context: Any) -> dict[str, Any]:
        """Reply to an invocation, see `reply_to`."""
        deadline = self.environment.deadline(context, kept=RECORD_SECONDS)
        invocation_id = str(getattr(context, "aws_request_id", "") or "") or "unknown"
        now = self.environment.clock.now()
        return reply_to(event, now, invocation_id, lambda delivery: self._process(delivery, deadline, invocation_id))

    def _process(self, delivery: Delivery, deadline: Deadline, invocation_id: str) -> Processed:
        environment = self.environment
        clock, upstream = environment.clock, environment.upstream(deadline)
        started = clock.monotonic()
        bound = Ports(
            redactor=upstream.redactor,
            clock=clock,
            secrets=environment.secrets,
            adobe=environment.adobe(upstream),
            workspaces=Workspaces(self.settings.databricks_url, upstream),
            registry=environment.registry,
            parameters=self.parameters,
            events=self.events,
            queue=self.queue,
        )
        processed = Processor(ports=bound, limits=self.limits, deadline=deadline).process(delivery)
        measurements = Measurements(
            duration=clock.monotonic() - started,
            age=max(0.0, clock.now() - delivery.order.seconds),
            receive_count=delivery.message.receive_count if delivery.message else 1,
            invocation_id=invocation_id,
        )
        self.observer.record(processed, measurements, upstream)
        return processed


def reply_to(event: Any, now: float, invocation_id: str, process: Callable[[Delivery], Processed]) -> dict[str, Any]:
    """The reply to a batch of the queue, or the result of a direct invoke.

    Raises:
        ConnectionFailure: for a direct invoke, even if it is retryable, since nothing else retries it.
    """
    if is_batch(event):
        undone = [r["messageId"] for r in event["Records"] if not process(read_record(r, now)).acknowledged]
        return batch_reply(undone)
    processed = process(read_invoke(event, now, invocation_id))
    if processed.result is None:
        raise forget_causes(processed.error or Unavailable("The request has no result."))
    return processed.result.document()


def build(
    environment: Mapping[str, str] | None = None, clock: ports.Clock | None = None, timeouts: Timeouts | None = None
) -> ProvisionService:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ProvisionSettings.from_environment(os.environ if environment is None else environment)
    client = clients()
    return ProvisionService(
        settings=settings,
        environment=Environment.on_aws(settings, client, clock, timeouts),
        parameters=Parameters(client("ssm"), settings.parameter_prefix),
        events=Events(client("events"), settings.event_bus_name),
        queue=Queue(client("sqs"), settings.request_queue_url, settings.dead_letter_queue_url),
    )
