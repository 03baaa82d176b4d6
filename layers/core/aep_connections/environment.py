"""What a function's execution environment keeps: AWS clients, the HTTP session and Adobe's token; never a secret.

The HTTP API's function does not need it: that function neither calls Adobe nor loads an HTTP client.
"""

import os
from typing import Any

import boto3
from botocore.config import Config

from aep_connections.adobe.flow_service import Adobe
from aep_connections.adobe.ims import TokenSource
from aep_connections.aws import client
from aep_connections.domain.ports import Clock, Secrets
from aep_connections.domain.redaction import Redactor
from aep_connections.domain.time import Deadline
from aep_connections.http.transport import Timeouts, Upstream, new_session
from aep_connections.settings import AdobeSettings


class Environment:
    """Created once per execution environment. Its methods create what each invocation needs."""

    def __init__(self, settings: AdobeSettings, clock: Clock, timeouts: Timeouts) -> None:
        self.clock = clock
        self._settings, self._timeouts = settings, timeouts
        self._session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        self._http = new_session()
        self._tokens = TokenSource(settings.adobe_ims_url, clock)

    def client(self, service: str, changes: Config | None = None) -> Any:
        """A client of an AWS service, with our limits except for `changes`."""
        return client.client(self._session, service, changes)

    def deadline(self, context: Any, *, kept: float) -> Deadline:
        """The end of an invocation; `kept` seconds before it are reserved."""
        return Deadline.after(self.clock, context.get_remaining_time_in_millis() / 1000, kept=kept)

    def upstream(self, deadline: Deadline) -> Upstream:
        """The calls of one invocation or delivery, with their own redactor."""
        return Upstream(session=self._http, timeouts=self._timeouts, deadline=deadline, redactor=Redactor())

    def adobe(self, secrets: Secrets, upstream: Upstream) -> Adobe:
        """Adobe, with the credential of the current secret."""
        settings = self._settings
        return Adobe(settings.adobe_platform_url, settings.adobe_secret_id, secrets, self._tokens, upstream)
