"""Opens the workspace behind a connection, if its source type has one that can be checked."""

from collections.abc import Callable

from aep_connections.domain.model import AuthParams, Source
from aep_connections.domain.ports import Workspace
from aep_connections.http.transport import Upstream
from aep_connections.sources.databricks.secret import SOURCE as DATABRICKS
from aep_connections.sources.databricks.workspace import DatabricksWorkspace

_OPENERS: dict[str, Callable[[AuthParams, str, Upstream], Workspace]] = {DATABRICKS.name: DatabricksWorkspace}


class Workspaces:
    """The `Workspaces` port. A `databricks_url` that is not empty replaces the host of calls to Databricks."""

    def __init__(self, databricks_url: str, upstream: Upstream) -> None:
        self._url, self._upstream = databricks_url, upstream

    def open(self, source: Source, auth: AuthParams) -> Workspace | None:
        opener = _OPENERS.get(source.name)
        return opener(auth, self._url, self._upstream) if opener else None
