"""The two networks of each contract test of HTTP: sockets, and requests that reach the simulators in memory."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from aep_connections.adobe.flow_service import Adobe, FlowService
from aep_connections.adobe.ims import TokenSource
from aep_connections.domain.model import AuthParams, Desired
from aep_connections.domain.ports import Workspace
from aep_connections.http.transport import Timeouts, new_session
from aep_connections.sources import FIRST
from aep_connections.sources.workspaces import Workspaces
from local.simulators import adobe, databricks, ims
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests import fakes
from tests.support.clock import FakeClock
from tests.support.network import Network
from tests.support.upstreams import upstream_on

IMS_HOST, ADOBE_HOST, DATABRICKS_HOST = "adobelogin.com", "adobe.io", "azuredatabricks.net"
PATIENT, SHORT, SHORTEST = Timeouts(5.0, 10.0, 10.0), Timeouts(5.0, 0.1, 0.1), Timeouts(0.1, 0.1, 0.1)
"""With short ones only a call that gets no whole reply may be made: on a busy machine, a reply may take longer."""
MARK = "0123456789abcdef" * 2
SECRET = "adobe"


@dataclass(slots=True)
class Platform:
    """Adobe and Databricks on one kind of network, and the product's adapters for them.

    Attributes:
        session: the product's HTTP session on this network.
        urls: of IMS, of Adobe, and of Databricks; the latter is empty if the session reaches the host in the secret.
        nowhere: a URL where nothing accepts a connection.
    """

    clock: FakeClock
    ims: ims.Ims
    adobe: adobe.Adobe
    databricks: databricks.Databricks
    session: requests.Session
    urls: tuple[str, str, str]
    nowhere: str
    account: fakes.Account = field(init=False)
    tokens: TokenSource = field(init=False)

    def __post_init__(self) -> None:
        self.account, self.tokens = fakes.Account(self.clock), TokenSource(self.urls[0], self.clock)
        self.put_adobe_secret()

    def put_adobe_secret(self, **changes: str) -> None:
        """A new version of the Adobe secret."""
        fakes.put_secret(self.account, SECRET, json.dumps(ADOBE_SECRET | changes))

    def open(
        self, sandbox: str = "dev", *, timeouts: Timeouts = PATIENT, reached: bool = True, seconds: float = 180.0
    ) -> FlowService:
        """Flow Service in a sandbox, for one invocation. It is not `reached` if nothing accepts a connection."""
        upstream = upstream_on(self.clock, seconds, timeouts, self.session)
        url, secrets = self.urls[1] if reached else self.nowhere, fakes.Secrets(self.account)
        return Adobe(url, SECRET, secrets, self.tokens, upstream).open(sandbox)

    def workspace(
        self, *, timeouts: Timeouts = PATIENT, reached: bool = True, seconds: float = 180.0, **params: str
    ) -> Workspace:
        """The workspace of the sample secret, with other params."""
        upstream = upstream_on(self.clock, seconds, timeouts, self.session)
        made = Workspaces(self.urls[2] if reached else self.nowhere, upstream).open(FIRST, auth(**params))
        assert made
        return made

    def calls(self) -> list[Request]:
        """The requests that Flow Service received."""
        return [call.request for call in self.adobe.calls]


def auth(**params: str) -> AuthParams:
    """The auth params of the sample secret, with other params."""
    whole = DATABRICKS_SECRET | params
    return AuthParams(whole, {"accessToken": whole.pop("accessToken")})


def desired(name: str = "sales", description: str | None = None, **params: str) -> Desired:
    """A connection that a request describes."""
    return Desired(
        source=FIRST,
        name=name,
        description=description,
        auth=auth(**params),
        secret_arn="arn",
        secret_version_id="v-1",
    )


class _Refusing(BaseAdapter):
    """A host that refuses every connection."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raise requests.ConnectionError(NewConnectionError(HTTPConnection("localhost"), "refused"))

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def in_memory() -> Iterator[Platform]:
    clock, nowhere = FakeClock(), "http://nowhere.example"
    token_service, workspace = ims.Ims(clock.now), databricks.Databricks(clock.now)
    flow_service = adobe.Adobe(token_service, f"https://adb-1.{DATABRICKS_HOST}", clock.now)
    network = Network({IMS_HOST: token_service, ADOBE_HOST: flow_service, DATABRICKS_HOST: workspace})
    network.into(flow_service.http)
    session = network.into(new_session())
    session.mount(nowhere, _Refusing())
    urls = (f"https://ims-na1.{IMS_HOST}", f"https://platform.{ADOBE_HOST}", "")
    yield Platform(clock, token_service, flow_service, workspace, session, urls, nowhere)


@contextmanager
def over_sockets() -> Iterator[Platform]:
    clock = FakeClock()
    token_service, workspace = ims.Ims(clock.now), databricks.Databricks(clock.now)
    flow_service = adobe.Adobe(token_service, workspace.url, clock.now)
    servers = (token_service, workspace, flow_service)
    for server in servers:
        server.start()
    session, urls = new_session(), (token_service.url, flow_service.url, workspace.url)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nothing listens there
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        try:
            yield Platform(clock, token_service, flow_service, workspace, session, urls, nowhere)
        finally:
            session.close()
            for server in servers:
                server.stop()


NETWORKS: Mapping[str, Callable[[], Any]] = {"memory": in_memory, "sockets": over_sockets}
