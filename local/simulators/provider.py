"""Adobe's flow provider for Databricks: checks over HTTP whether a connection's workspace is usable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from local.simulators.clusters import ALL_PURPOSE, DEDICATED
from local.simulators.connections import Refused


def provider_refusal(text: str) -> Refused:
    """Flow Service's reply if a provider refuses."""
    return Refused(400, 1100, f"The request could not be processed. Error from flow provider: {text}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace in a connection's `params`. With `echo_secrets`, refusals quote the access token."""

    http: requests.Session
    url: str
    params: dict[str, Any]
    echo_secrets: bool

    def check(self) -> None:
        """Check the token, the cluster and the schema, as Adobe does. Starts nothing. Raises Refused."""
        params = self.params
        me = self._get("/api/2.0/preview/scim/v2/Me")
        cluster = self._get(f"/api/2.1/clusters/get?cluster_id={quote(str(params['clusterId']), safe='')}")
        named = f"The cluster {params['clusterId']} is"
        if cluster.get("state") not in ("RUNNING", "RESIZING"):
            raise self._refused(f"{named} in state {cluster.get('state')}.")
        if cluster.get("cluster_source") not in ALL_PURPOSE:
            raise self._refused(f"{named} not an interactive one but of {cluster.get('cluster_source')}.")
        mine = [me.get("userName"), *(group.get("display") for group in me.get("groups") or [])]
        if cluster.get("data_security_mode") in DEDICATED and cluster.get("single_user_name") not in mine:
            raise self._refused(f"{named} dedicated to {cluster.get('single_user_name')}.")
        if params.get("catalog", "hive_metastore") != "hive_metastore":
            schema = quote(f"{params['catalog']}.{params['database']}", safe="")
            self._get(f"/api/2.1/unity-catalog/schemas/{schema}")

    def _get(self, path: str) -> dict[str, Any]:
        """The JSON that Databricks returns. Raises Refused: with its message, or if there is no reply."""
        headers = {"Authorization": f"Bearer {self.params['accessToken']}", "User-Agent": "adobe"}
        try:
            reply = self.http.get(self.url + path, headers=headers, timeout=30, allow_redirects=False)
        except requests.Timeout:
            raise Refused(504, 1104, "The flow provider did not respond in time.") from None
        except requests.RequestException:
            raise Refused(503, 1103, "The flow provider is not available.") from None
        try:
            document = reply.json()
        except ValueError:
            document = None
        known = document if isinstance(document, dict) else {}
        if reply.status_code != 200 or not known:
            raise self._refused(str(known.get("message") or f"Rest call failed, status code {reply.status_code}"))
        return known

    def _refused(self, text: str) -> Refused:
        return provider_refusal(text + (f" Token: {self.params['accessToken']}" if self.echo_secrets else ""))
