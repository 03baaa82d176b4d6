"""Puts the parts of the explore function together: once per environment what is dear, once per question the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import boto3

from aep_connections.adobe.flow_service import Adobe
from aep_connections.adobe.ims import TokenSource
from aep_connections.aws import calls
from aep_connections.aws.overview import Overview
from aep_connections.aws.secrets import Secrets
from aep_connections.clock import SystemClock
from aep_connections.domain.deadline import Deadline
from aep_connections.domain.ports import Clock
from aep_connections.domain.secrecy import SecretValues
from aep_connections.observability import Log
from aep_connections.settings import ExploreSettings
from aep_connections.sources.workspaces import Workspaces
from aep_connections.triggers import question
from aep_connections.upstream.transport import Timeouts, Upstream, new_session
from aep_connections.use_cases.explore import Surroundings, explore

ANSWER_SECONDS = 2.0
"""Kept free to tell the answer; there is nothing to record."""


class Service:
    """An execution environment: clients, session and token are kept; a secret is not."""

    def __init__(self, settings: ExploreSettings, clock: Clock, timeouts: Timeouts) -> None:
        self._settings, self._clock, self._timeouts = settings, clock, timeouts
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        self._secrets = Secrets(calls.client(session, "secretsmanager"))
        self._overview = Overview(calls.client(session, "dynamodb"), settings.registry_table)
        self._http = new_session()
        self._tokens = TokenSource(settings.adobe_ims_url, clock)
        self._log = Log()

    def explore(self, event: Any, context: Any) -> dict[str, Any]:
        """What the API function asked for, or the failure that stood in the way, as data."""
        seconds = context.get_remaining_time_in_millis() / 1000
        upstream = Upstream(
            self._http, self._timeouts, Deadline.after(self._clock, seconds, ANSWER_SECONDS), SecretValues()
        )
        settings = self._settings
        adobe = Adobe(settings.adobe_platform_url, settings.adobe_secret_id, self._secrets, self._tokens, upstream)
        workspaces = Workspaces(settings.databricks_url, upstream)
        around = Surroundings(upstream.secrets, self._secrets, adobe, workspaces, self._overview)
        answer = question.answer(event, lambda key, path: explore(key, path, around))
        self._log.note("explored", question.line(event, answer))
        return answer


def build(
    environment: Mapping[str, str] | None = None, clock: Clock | None = None, timeouts: Timeouts | None = None
) -> Service:
    """The service of this environment. Calls nothing and reads no secret. Raises SettingsInvalid."""
    settings = ExploreSettings.from_environment(os.environ if environment is None else environment)
    return Service(settings, clock or SystemClock(), timeouts or Timeouts())
