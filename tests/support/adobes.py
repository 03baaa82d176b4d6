"""Adobe and Databricks without AWS, called directly over HTTP."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import requests

from local.simulators.adobe import BASE, Adobe
from local.simulators.connections import DATABRICKS_SPEC
from local.simulators.databricks import Databricks
from local.simulators.ims import Ims
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.clock import FakeClock

BODY = {
    "name": "by hand",
    "auth": {"specName": "Access Token Authentication", "params": DATABRICKS_SECRET},
    "connectionSpec": {"id": DATABRICKS_SPEC, "version": "1.0"},
}
ROOT = {"objectType": "root"}
CUSTOMERS = {"objectType": "table", "object": "acme_db.customers"}
"""Parameters of an explore call."""


class Adobes:
    """Adobe and Databricks without AWS, and a caller with a token."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.databricks, self.ims = Databricks(self.clock.now), Ims(self.clock.now)
        self.adobe = Adobe(self.ims, self.databricks.url, self.clock.now)
        for simulator in (self.databricks, self.ims, self.adobe):
            simulator.start()
        self.session = requests.Session()
        self.session.trust_env = False
        self.headers = {
            "Authorization": f"Bearer {self.token()['access_token']}",
            "x-api-key": ADOBE_SECRET["clientId"],
            "x-gw-ims-org-id": ADOBE_SECRET["orgId"],
            "x-sandbox-name": "dev",
            "Content-Type": "application/json",
        }

    def token(self) -> dict[str, Any]:
        form = {
            "grant_type": "client_credentials",
            "client_id": "local-client",
            "client_secret": "x",
            "scope": "openid",
        }
        response: dict[str, Any] = self.session.post(f"{self.ims.url}/ims/token/v3", data=form).json()
        return response

    def call(self, method: str, path: str, *, without: str = "", **options: Any) -> requests.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        headers.pop(without, None)
        return self.session.request(method, self.adobe.url + BASE + path, headers=headers, **options)

    def create(self, **changes: Any) -> str:
        response = self.call("POST", "/connections", json=BODY | changes)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def listed(self, **params: Any) -> Any:
        return self.call("GET", "/connections", params=params).json()

    def id_of(self, name: str) -> str:
        """The id of the only connection with this name."""
        (item,) = self.listed(property=f"name=={name}")["items"]
        return str(item["id"])

    def used(self, *names: str) -> list[str]:
        """Create connections that one dataflow each uses. Returns their ids."""
        made = [self.create(name=name) for name in names]
        self.adobe.settings.in_use += made
        return made

    def flows(self, **params: Any) -> Any:
        return self.call("GET", "/flows", params=params).json()

    def explore(self, connection_id: str, params: dict[str, str]) -> requests.Response:
        return self.call("GET", f"/connections/{connection_id}/explore", params=params)

    def state(self) -> Any:
        """All that a call may change: settings, pending faults and connections."""
        simulators = (self.adobe, self.ims, self.databricks)
        items = [record.item for record in self.adobe.records.values()]
        return deepcopy([*((one.settings, one.faults.shown()) for one in simulators), items])

    def stop(self) -> None:
        self.session.close()
        for simulator in (self.adobe, self.ims, self.databricks):
            simulator.stop()


def number(response: requests.Response) -> str:
    """Prefix, number and status of an error, `FLOW-1439-404`."""
    return str(response.json()["type"]).rpartition("/")[2]
