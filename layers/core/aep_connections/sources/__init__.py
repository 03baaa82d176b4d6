"""The source types that this product can connect, a room each; a new one is registered here.

Everything here is pure: what has to be opened over HTTP is in `workspaces`, which not every function loads.
"""

from aep_connections.domain.model import JsonObject, Source
from aep_connections.sources.databricks import secret as databricks

SOURCES: tuple[Source, ...] = (databricks.SOURCE,)


def source_of(request: JsonObject | None) -> Source:
    """The source type that a request is for, by the secret that it names; of one that names none, the first."""
    return next((source for source in SOURCES if source.secret_field in (request or {})), SOURCES[0])


def secret_id_of(request: JsonObject | None) -> str | None:
    """The name of the secret in a request."""
    named = (request or {}).get(source_of(request).secret_field)
    return str(named) if named else None
