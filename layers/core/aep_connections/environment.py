"""What a function's execution environment keeps: AWS clients, the HTTP session and Adobe's token; never a secret.

The HTTP API's function does not need it: that function neither calls Adobe nor loads an HTTP client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from aep_connections.adobe.flow_service import Adobe
from aep_connections.adobe.ims import TokenSource
from aep_connections.aws.registry import Registry
from aep_connections.aws.secrets import Secrets
from aep_connections.domain import ports
from aep_connections.domain.redaction import Redactor
from aep_connections.domain.time import Deadline, SystemClock
from aep_connections.http.transport import Timeouts, Upstream, new_session
from aep_connections.settings import AdobeSettings


@dataclass(slots=True, kw_only=True, repr=False)
class Environment:
    """Created once per execution environment. Its methods create what each invocation needs."""

    settings: AdobeSettings
    clock: ports.Clock
    timeouts: Timeouts
    http: requests.Session
    secrets: ports.Secrets
    registry: ports.Registry
    tokens: TokenSource = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = TokenSource(self.settings.adobe_ims_url, self.clock)

    @classmethod
    def on_aws(
        cls, settings: AdobeSettings, client: Callable[..., Any], clock: ports.Clock | None, timeouts: Timeouts | None
    ) -> Environment:
        """The environment with real adapters. Without a clock or timeouts, it has those of Lambda."""
        clock = clock or SystemClock()
        return cls(
            settings=settings,
            clock=clock,
            timeouts=timeouts or Timeouts(),
            http=new_session(),
            secrets=Secrets(client("secretsmanager")),
            registry=Registry(client("dynamodb"), settings.registry_table, clock),
        )

    def deadline(self, context: Any, *, kept: float) -> Deadline:
        """The end of an invocation; `kept` seconds before it are reserved."""
        return Deadline.after(self.clock, context.get_remaining_time_in_millis() / 1000, kept=kept)

    def upstream(self, deadline: Deadline) -> Upstream:
        """The calls of one invocation or delivery, with their own redactor."""
        return Upstream(session=self.http, timeouts=self.timeouts, deadline=deadline, redactor=Redactor())

    def adobe(self, upstream: Upstream) -> Adobe:
        """Adobe, with the credential of the current secret."""
        settings = self.settings
        return Adobe(settings.adobe_platform_url, settings.adobe_secret_id, self.secrets, self.tokens, upstream)
