"""Adobe's flow provider for Databricks: whether the workspace of a connection is there for it, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from local.simulators.clusters import ALL_PURPOSE, DEDICATED
from local.simulators.connections import Refused


def provider_refusal(text: str) -> Refused:
    """What Flow Service says when a provider refuses."""
    return Refused(400, 1100, f"The request could not be processed. Error from flow provider: {text}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace that a connection's `params` are for; with `echo_secrets` refusals quote the access token."""

    http: requests.Session
    url: str
    params: dict[str, Any]
    echo_secrets: bool

    def check(self) -> None:
        """Ask, as Adobe does, for the token, a cluster that can be used, the schema. Starts nothing. Raises Refused."""
        params = self.params
        me = self._ask("/api/2.0/preview/scim/v2/Me")
        cluster = self._ask(f"/api/2.1/clusters/get?cluster_id={quote(str(params['clusterId']), safe='')}")
        named = f"The cluster {params['clusterId']} is"
        if cluster.get("state") not in ("RUNNING", "RESIZING"):
            raise self._said(f"{named} in state {cluster.get('state')}.")
        if cluster.get("cluster_source") not in ALL_PURPOSE:
            raise self._said(f"{named} not an interactive one but of {cluster.get('cluster_source')}.")
        mine = [me.get("userName"), *(group.get("display") for group in me.get("groups") or [])]
        if cluster.get("data_security_mode") in DEDICATED and cluster.get("single_user_name") not in mine:
            raise self._said(f"{named} dedicated to {cluster.get('single_user_name')}.")
        if params.get("catalog", "hive_metastore") != "hive_metastore":
            schema = quote(f"{params['catalog']}.{params['database']}", safe="")
            self._ask(f"/api/2.1/unity-catalog/schemas/{schema}")

    def _ask(self, path: str) -> dict[str, Any]:
        """What Databricks answers. Raises Refused with its words, or with trouble on the way to it."""
        headers = {"Authorization": f"Bearer {self.params['accessToken']}", "User-Agent": "adobe"}
        try:
            answer = self.http.get(self.url + path, headers=headers, timeout=30, allow_redirects=False)
        except requests.Timeout:
            raise Refused(504, 1104, "The flow provider did not answer in time.") from None
        except requests.RequestException:
            raise Refused(503, 1103, "The flow provider is not available.") from None
        try:
            document = answer.json()
        except ValueError:
            document = None
        known = document if isinstance(document, dict) else {}
        if answer.status_code != 200 or not known:
            raise self._said(str(known.get("message") or f"Rest call failed, status code {answer.status_code}"))
        return known

    def _said(self, text: str) -> Refused:
        return provider_refusal(text + (f" Token: {self.params['accessToken']}" if self.echo_secrets else ""))
