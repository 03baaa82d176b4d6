"""The function `explore`: the API function calls it and gets data. A failure is returned as data too."""

import os
from collections.abc import Mapping
from typing import Any

from aep_connections.aws.client import clients
from aep_connections.contract.request import readable_key
from aep_connections.domain.errors import ConnectionFailure, Failure, InvalidRequest, unexpected
from aep_connections.domain.model import Key
from aep_connections.domain.ports import Clock
from aep_connections.domain.time import REPLY_SECONDS
from aep_connections.environment import Environment
from aep_connections.explore.explore import ExplorePorts, explore
from aep_connections.http.transport import Timeouts
from aep_connections.observability import Log
from aep_connections.settings import ExploreSettings
from aep_connections.sources.workspaces import Workspaces


class ExploreService:
    """An execution environment of the function."""

    def __init__(self, settings: ExploreSettings, environment: Environment) -> None:
        self._environment, self._databricks_url = environment, settings.databricks_url
        self._log = Log()

    def explore(self, event: Any, context: Any) -> dict[str, Any]:
        """The data that the API function requested; or `failure`, with the contract's names."""
        environment = self._environment
        upstream = environment.upstream(environment.deadline(context, kept=REPLY_SECONDS))
        ports = ExplorePorts(
            redactor=upstream.redactor,
            secrets=environment.secrets,
            adobe=environment.adobe(upstream),
            workspaces=Workspaces(self._databricks_url, upstream),
            registry=environment.registry,
        )
        reply = _reply(event, ports)
        self._log.write("explored", _line(event, reply))
        return reply


def _reply(event: Any, ports: ExplorePorts) -> dict[str, Any]:
    try:
        sandbox, name = readable_key(event)
        if sandbox is None or name is None:
            raise InvalidRequest("The event must have a sandbox and a name, and may have a path.")
        return explore(Key(sandbox, name), event.get("path"), ports)
    except ConnectionFailure as failure:
        return {"failure": Failure.of(failure).document()}
    except Exception as error:  # noqa: BLE001 - its text could hold anything, and is not shown
        return {"failure": Failure.of(unexpected(error)).document()}


def _line(event: Any, reply: dict[str, Any]) -> dict[str, Any]:
    """The fields of the log line."""
    sandbox, name = readable_key(event)
    failure = reply.get("failure") or {}
    shown = {"code": failure.get("code"), "reason": failure.get("message"), "request_id": failure.get("requestId")}
    counts: dict[str, Any] = {kind: len(reply[kind]) for kind in ("tables", "columns") if kind in reply}
    return {"sandbox": sandbox, "connection_name": name} | counts | (shown if failure else {})


def build(
    environment: Mapping[str, str] | None = None, clock: Clock | None = None, timeouts: Timeouts | None = None
) -> ExploreService:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ExploreSettings.from_environment(os.environ if environment is None else environment)
    return ExploreService(settings, Environment.on_aws(settings, clients(), clock, timeouts))
