"""The HTTP API's function: replies to API Gateway. It uses no secrets and calls neither Adobe nor Databricks."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aep_connections.api import problems
from aep_connections.api.messages import HttpReply
from aep_connections.api.problems import Problem
from aep_connections.api.routes import Dependencies, dispatch
from aep_connections.api.submit import Submitter
from aep_connections.aws.client import clients
from aep_connections.aws.functions import ONCE, Functions
from aep_connections.aws.parameters import parameter_name
from aep_connections.aws.queue import Queue
from aep_connections.aws.registry import Registry
from aep_connections.domain.errors import ConnectionFailure, unexpected
from aep_connections.domain.ports import Clock
from aep_connections.domain.time import SystemClock
from aep_connections.observability import Log
from aep_connections.settings import ApiSettings


class ApiService:
    """Replies to calls, and writes one log line for each."""

    def __init__(self, dependencies: Dependencies, log: Callable[[str, dict[str, Any]], None]) -> None:
        self.dependencies = dependencies
        self._log = log

    def respond(self, event: Any, context: Any) -> dict[str, Any]:
        """The reply to one event of API Gateway."""
        line: dict[str, Any] = {}
        reply = self._reply(event, context, line)
        called = {"method": event["requestContext"]["http"]["method"], "route": event["routeKey"]}
        self._log("HTTP request processed", called | {"status": reply.status.value} | line)
        return reply.payload()

    def _reply(self, event: Any, context: Any, line: dict[str, Any]) -> HttpReply:
        try:
            return dispatch(event, context, line, self.dependencies)
        except Problem as refusal:
            problem = refusal
        except ConnectionFailure as failure:
            line["reason"] = failure.message
            problem = problems.service_unavailable(failure)
        except Exception as error:  # noqa: BLE001 - a defect must not show its text, which may hold anything
            line["reason"] = unexpected(error).message
            problem = problems.internal_error()
        line["code"] = problem.code
        return HttpReply.of(problem)


def build(environment: Mapping[str, str] | None = None, clock: Clock | None = None) -> ApiService:
    """The service of this environment. Calls nothing. Raises SettingsInvalid."""
    settings = ApiSettings.from_environment(os.environ if environment is None else environment)
    client, clock = clients(), clock or SystemClock()
    registry = Registry(client("dynamodb"), settings.registry_table, clock)
    queue = Queue(client("sqs"), settings.request_queue_url, None)
    explorer = Functions(client("lambda", ONCE))
    dependencies = Dependencies(
        clock=clock,
        registry=registry,
        submitter=Submitter(clock, queue, registry),
        explore=partial(explorer.explore, settings.explore_function_name),
        secret_prefix=settings.databricks_secret_prefix,
        parameter_name=partial(parameter_name, settings.parameter_prefix),
    )
    return ApiService(dependencies, Log().write)
