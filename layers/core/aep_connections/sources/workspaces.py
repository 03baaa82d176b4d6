"""Opens what stands behind a connection, where its source type has a workspace that can be looked at."""

from collections.abc import Callable

from aep_connections.domain.model import AuthParams, Source
from aep_connections.domain.ports import Workspace
from aep_connections.http.transport import Upstream
from aep_connections.sources.databricks.secret import SOURCE as DATABRICKS
from aep_connections.sources.databricks.workspace import DatabricksWorkspace

_OPENERS: dict[str, Callable[[AuthParams, str, Upstream], Workspace]] = {DATABRICKS.name: DatabricksWorkspace}


class Workspaces:
    """The `Workspaces` port. `databricks_url` replaces the host that calls to Databricks go to, if it is not empty."""

    def __init__(self, databricks_url: str, upstream: Upstream) -> None:
        self._url, self._upstream = databricks_url, upstream

    def open(self, source: Source, auth: AuthParams) -> Workspace | None:
        opener = _OPENERS.get(source.name)
        return opener(auth, self._url, self._upstream) if opener else None
