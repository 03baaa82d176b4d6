"""The simulated workspace for a caller with a token: over plain HTTP, and with Databricks' SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from local.simulators.databricks import DatabricksSettings
from local.stack import DATABRICKS_SECRET
from tests.support.adobes import Adobes

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

CLUSTER = DATABRICKS_SECRET["clusterId"]
METASTORE = "/api/2.1/unity-catalog/current-metastore-assignment"


class Workspace:
    """A workspace, its clock, and a caller with a token for it."""

    def __init__(self, adobe: Adobes) -> None:
        self.adobe, self.clock, self.url = adobe, adobe.clock, adobe.databricks.url
        self.settings: DatabricksSettings = adobe.databricks.settings

    def call(self, method: str, path: str, token: str = "good", **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return self.adobe.session.request(method, self.url + path, headers=headers, allow_redirects=False, **options)

    def cluster(self, cluster_id: str = CLUSTER, **headers: str) -> Any:
        response = self.call("GET", f"/api/2.1/clusters/get?cluster_id={cluster_id}", headers=headers)
        return response.json()

    def state(self, cluster_id: str = CLUSTER) -> str:
        return str(self.cluster(cluster_id)["state"])

    def move(self, verb: str, cluster_id: str = CLUSTER) -> tuple[int, Any]:
        response = self.call("POST", f"/api/2.1/clusters/{verb}", json={"cluster_id": cluster_id})
        return response.status_code, response.json()

    def order(self, **settings: Any) -> None:
        response = self.adobe.session.patch(f"{self.url}/_simulator/settings", json=settings)
        assert response.status_code == 200, response.text

    def refusal(self, path: str) -> tuple[int, str, str]:
        response = self.call("GET", path)
        return response.status_code, response.json()["error_code"], response.json()["message"]


def tables(catalog: str = "main", schema: str = "sales") -> str:
    """The path of a list of tables."""
    return f"/api/2.1/unity-catalog/tables?catalog_name={catalog}&schema_name={schema}&max_results=1"


def client(workspace: Workspace, token: str = "good") -> WorkspaceClient:
    """Databricks' SDK. It is imported here, because the import takes a second."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    config = Config(host=workspace.url, token=token, auth_type="pat", retry_timeout_seconds=2)
    return WorkspaceClient(config=config)
