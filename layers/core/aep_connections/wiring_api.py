"""Puts the parts of the HTTP API together, without those that it does not need: no secret, no Adobe, no Databricks."""

from __future__ import annotations

import os
from collections.abc import Mapping

import boto3

from aep_connections.aws import calls, functions
from aep_connections.aws.overview import Overview
from aep_connections.aws.parameters import name_below
from aep_connections.aws.queue import Inbox
from aep_connections.clock import SystemClock
from aep_connections.domain.ports import Clock
from aep_connections.observability import Log
from aep_connections.settings import ApiSettings
from aep_connections.triggers.http import Api, Counter
from aep_connections.use_cases.ask import Desk


def build(environment: Mapping[str, str] | None = None, clock: Clock | None = None) -> Api:
    """The API of this environment. Calls nothing. Raises SettingsInvalid."""
    settings = ApiSettings.from_environment(os.environ if environment is None else environment)
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    desk = Desk(
        clock or SystemClock(),
        Inbox(calls.client(session, "sqs"), settings.request_queue_url),
        Overview(calls.client(session, "dynamodb"), settings.registry_table),
    )
    explorer = functions.Explorer(functions.client(session), settings.explore_function_name)
    prefix = settings.parameter_prefix
    counter = Counter(desk, explorer, settings.databricks_secret_prefix, lambda key: name_below(prefix, key))
    return Api(counter, Log().note)
