"""One Databricks workspace over its REST API: runs all reads concurrently, and starts its cluster.

The client is thin: the official SDK has 29.5 MB and takes more than a second to import. The token is sent only to
the workspace's own host, which `sources.databricks` builds from a pattern.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

from aep_connections.domain.concurrency import concurrently
from aep_connections.domain.errors import ConnectionFailure, NotReady, Throttled, Unavailable
from aep_connections.domain.model import AuthParams
from aep_connections.domain.readiness import Report
from aep_connections.domain.time import iso
from aep_connections.http.transport import Call, Upstream
from aep_connections.sources.databricks.access import ACCESS_CHECKS, data_checks, in_unity_catalog
from aep_connections.sources.databricks.cluster import CLUSTER_CHECKS, cluster_of
from aep_connections.sources.databricks.diagnosis import diagnosis_of
from aep_connections.sources.databricks.observation import Observation, run_checks
from aep_connections.sources.databricks.replies import ApiError, ApiReply, interpret

READ_TRIES = 2
"""The second try reopens a stale connection. A blocked network path costs at most twice the connect timeout."""
_HOST = re.compile(r"https://adb-([0-9]+)\.[0-9]+\.azuredatabricks\.net", re.ASCII)
_PAT = re.compile(r"dapi[0-9a-f]{32}(?:-[0-9]{1,2})?", re.ASCII)

Get = tuple[str, tuple[tuple[str, str], ...]]
"""The path and query of a GET."""
ME: Get = ("/api/2.0/preview/scim/v2/Me", (("attributes", "id,userName,active,groups"),))
"""Returns the owner of the token."""


class DatabricksWorkspace:
    """The `Workspace` port. `url` replaces the host that calls go to, if it is not empty."""

    def __init__(self, auth: AuthParams, url: str, upstream: Upstream) -> None:
        self._params, self._token, self._upstream = auth.public, auth.secret["accessToken"], upstream
        host = _HOST.fullmatch(self._params["domain"])
        if host is None:
            raise Unavailable("The domain in the secret is not the URL of a Databricks workspace.")
        self._workspace_id, self._base = host[1], url or host[0]

    def report(self) -> Report:
        gets = self._gets()
        replies = dict(zip(gets, concurrently(*(self._get(get) for get in gets.values())), strict=True))
        now = self._upstream.deadline.clock.now()
        odd = "" if _PAT.fullmatch(self._token) else "The token does not look like a Databricks personal access token."
        observation = Observation(
            params=self._params, workspace_id=self._workspace_id, token_form=odd, now=now, replies=replies
        )
        checks = run_checks((*ACCESS_CHECKS, *CLUSTER_CHECKS, *data_checks(self._params)), observation)
        return Report(checks, cluster_of(observation), iso(now))

    def accepts_token(self) -> bool:
        reply = self._call("GET", *ME)
        return reply.error in (None, ApiError.SCOPE)

    def start(self) -> None:
        body = json.dumps({"cluster_id": self._params["clusterId"]}).encode()
        reply = self._call("POST", "/api/2.1/clusters/start", body=body)
        if reply.error in (None, ApiError.STATE):  # it is already starting or running
            return
        message = f"Cluster {self._params['clusterId']} could not be started. {reply.words}"
        if reply.error is ApiError.THROTTLED:
            raise Throttled(message, request_id=reply.request_id)
        if reply.error in (ApiError.UNREACHED, ApiError.ELSEWHERE, ApiError.FAULT):
            raise Unavailable(message, request_id=reply.request_id)
        raise NotReady(
            message,
            remedy="Grant the token's identity CAN RESTART on the cluster, or start it. Then send the request again.",
            request_id=reply.request_id,
        )

    def diagnose(self, refusal: ConnectionFailure, report: Report) -> ConnectionFailure:
        return diagnosis_of(refusal, report)

    def _gets(self) -> dict[str, Get]:
        """All reads of a report. None needs the reply of another."""
        gets: dict[str, Get] = {
            "me": ME,
            "cluster": ("/api/2.1/clusters/get", (("cluster_id", self._params["clusterId"]),)),
            "tokens": ("/api/2.0/token/list", ()),
        }
        if not in_unity_catalog(self._params):
            return gets
        catalog, database = self._params["catalog"], self._params["database"]
        unity, name = "/api/2.1/unity-catalog", quote(catalog, safe="")
        of_one = (("catalog_name", catalog), ("schema_name", database), ("max_results", "1"), ("omit_columns", "true"))
        return gets | {
            "catalog": (f"{unity}/catalogs/{name}", ()),
            "schema": (f"{unity}/schemas/{name}.{quote(database, safe='')}", ()),
            "tables": (f"{unity}/tables", of_one),
        }

    def _get(self, get: Get) -> Callable[[], ApiReply]:
        return lambda: self._call("GET", get[0], get[1])

    def _call(
        self, method: str, path: str, params: tuple[tuple[str, str], ...] = (), body: bytes | None = None
    ) -> ApiReply:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Databricks-Workspace-Id": self._workspace_id,
        }
        call = Call(
            service="Databricks",
            method=method,
            url=self._base + path,
            headers=headers,
            params=params,
            body=body,
            repeatable=body is None,
            tries=READ_TRIES,
        )
        try:
            reply = self._upstream.send(call)
        except Unavailable as lost:
            words = lost.message
        else:
            return interpret(reply, self._upstream.redactor)
        return ApiReply(error=ApiError.UNREACHED, words=words)
