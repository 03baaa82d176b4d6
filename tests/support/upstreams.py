"""Calls to Adobe and Databricks outside a function, for tests of the transport and of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from aep_connections.adobe.ims import Credentials, TokenSource
from aep_connections.domain.ports import Clock
from aep_connections.domain.redaction import Redactor
from aep_connections.domain.time import RECORD_SECONDS, Deadline
from aep_connections.http.transport import Timeouts, Upstream, new_session

if TYPE_CHECKING:
    from tests.support.world import World

CREDENTIALS = Credentials(client_id="c", org_id="o", scopes="s", version_id="v1", client_secret="secret")


def upstream_on(
    clock: Clock,
    seconds: float = 180.0,
    timeouts: Timeouts | None = None,
    session: requests.Session | None = None,
) -> Upstream:
    """The upstream of an invocation that has `seconds` left."""
    return Upstream(
        session=session or new_session(),
        timeouts=timeouts or Timeouts(),
        deadline=Deadline.after(clock, seconds, kept=RECORD_SECONDS),
        redactor=Redactor(),
    )


def upstream_in(world: World, seconds: float = 180.0) -> Upstream:
    """The upstream of an invocation of a world's function that has `seconds` left."""
    return world.service.environment.upstream(Deadline.after(world.clock, seconds, kept=RECORD_SECONDS))


def tokens_of(world: World) -> TokenSource:
    """The tokens of a new execution environment in a world."""
    return TokenSource(world.environment["ADOBE_IMS_URL"], world.clock)
