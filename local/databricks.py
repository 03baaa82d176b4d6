"""A simulated Databricks workspace: which tokens are valid and which clusters run. One serves every workspace.

Until told otherwise every token is valid and every cluster is RUNNING. Shapes are those of Databricks' REST API:
an invalid token is a 403 with an integer code, a cluster that does not exist a 400.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.simulator import Request, Response, Simulator, json_response


@dataclass(slots=True)
class DatabricksSettings:
    """Tokens that are revoked, states of clusters (`RUNNING`, `TERMINATED`, …), and clusters that do not exist."""

    revoked_tokens: list[str] = field(default_factory=list)
    clusters: dict[str, str] = field(default_factory=dict)
    missing_clusters: list[str] = field(default_factory=list)


class Databricks(Simulator):
    """`GET /api/2.0/preview/scim/v2/Me` and `GET /api/2.1/clusters/get`."""

    name = "databricks"
    settings: DatabricksSettings

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__(DatabricksSettings(), now)

    def respond(self, request: Request, now: float) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return json_response(401, {"error_code": 401, "message": "Credential was not sent."})
        if token in self.settings.revoked_tokens:
            refusal = {"error_code": 403, "message": "Invalid access token."}
            return json_response(403, refusal, X_Databricks_Reason_Phrase="Invalid access token.")
        if request.path == "/api/2.0/preview/scim/v2/Me":
            return json_response(200, {"id": "1", "userName": "aep-connector", "active": True, "groups": []})
        if request.path in ("/api/2.1/clusters/get", "/api/2.0/clusters/get"):
            return self._cluster(dict(request.query).get("cluster_id", ""))
        return json_response(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"No API found for {request.path}"})

    def _cluster(self, cluster_id: str) -> Response:
        if not cluster_id or cluster_id in self.settings.missing_clusters:
            message = f"Cluster {cluster_id} does not exist"
            return json_response(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": message})
        state = self.settings.clusters.get(cluster_id, "RUNNING")
        return json_response(
            200,
            {"cluster_id": cluster_id, "state": state, "cluster_source": "UI", "data_security_mode": "SINGLE_USER"},
        )
