"""The function `provision`: its parts are created once per execution environment, and bound to each delivery."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from aep_connections.aws.events import Events
from aep_connections.aws.parameters import Parameters
from aep_connections.aws.queue import Queue
from aep_connections.aws.registry import Registry
from aep_connections.aws.secrets import Secrets
from aep_connections.contract.messages import batch_reply, is_batch, read_invoke, read_record
from aep_connections.domain.delivery import Delivery, Processed
from aep_connections.domain.errors import Unavailable, forget_causes
from aep_connections.domain.ports import Clock
from aep_connections.domain.time import RECORD_SECONDS, Deadline, SystemClock
from aep_connections.environment import Environment
from aep_connections.http.transport import Timeouts
from aep_connections.observability import Measurements, Observer
from aep_connections.provision.job import Limits, Ports
from aep_connections.provision.process import Processor
from aep_connections.settings import ProvisionSettings
from aep_connections.sources.workspaces import Workspaces


class ProvisionService:
    """An execution environment of the function."""

    def __init__(self, settings: ProvisionSettings, environment: Environment) -> None:
        self._environment, self._databricks_url = environment, settings.databricks_url
        client, clock = environment.client, environment.clock
        self._secrets = Secrets(client("secretsmanager"))
        self._registry = Registry(client("dynamodb"), settings.registry_table, clock)
        self._parameters = Parameters(client("ssm"), settings.parameter_prefix)
        self._events = Events(client("events"), settings.event_bus_name)
        self._queue = Queue(client("sqs"), settings.request_queue_url, settings.dead_letter_queue_url)
        self._observer = Observer()
        self._limits = Limits(
            secret_prefix=settings.databricks_secret_prefix,
            settle_seconds=settings.adobe_settle_seconds,
            give_up_seconds=settings.give_up_after_seconds,
            cluster_start_limit_seconds=settings.cluster_start_limit_seconds,
        )

    def provision(self, event: Any, context: Any) -> dict[str, Any]:
        """Reply to an invocation, see `reply_to`."""
        deadline = self._environment.deadline(context, kept=RECORD_SECONDS)
        invocation_id = str(getattr(context, "aws_request_id", "") or "") or "unknown"
        now = self._environment.clock.now()
        return reply_to(event, now, invocation_id, lambda delivery: self._process(delivery, deadline, invocation_id))

    def _process(self, delivery: Delivery, deadline: Deadline, invocation_id: str) -> Processed:
        environment = self._environment
        clock, upstream = environment.clock, environment.upstream(deadline)
        started = clock.monotonic()
        ports = Ports(
            redactor=upstream.redactor,
            clock=clock,
            secrets=self._secrets,
            adobe=environment.adobe(self._secrets, upstream),
            workspaces=Workspaces(self._databricks_url, upstream),
            registry=self._registry,
            parameters=self._parameters,
            events=self._events,
            queue=self._queue,
        )
        processed = Processor(ports=ports, limits=self._limits, deadline=deadline).process(delivery)
        measurements = Measurements(
            duration=clock.monotonic() - started,
            age=max(0.0, clock.now() - delivery.order.seconds),
            receive_count=delivery.message.receive_count if delivery.message else 1,
            invocation_id=invocation_id,
        )
        self._observer.record(processed, measurements, upstream)
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
    environment: Mapping[str, str] | None = None, clock: Clock | None = None, timeouts: Timeouts | None = None
) -> ProvisionService:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ProvisionSettings.from_environment(os.environ if environment is None else environment)
    return ProvisionService(settings, Environment(settings, clock or SystemClock(), timeouts or Timeouts()))
