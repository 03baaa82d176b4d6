"""The source types this product can connect, one module each; a new one is registered here."""

from aep_connections.domain.model import JsonObject, Source
from aep_connections.sources import databricks

SOURCES: tuple[Source, ...] = (databricks.SOURCE,)


def source_of(request: JsonObject | None) -> Source:
    """The source type that a request is for, by the secret that it names; of one that names none, the first."""
    return next((source for source in SOURCES if source.secret_field in (request or {})), SOURCES[0])


def secret_id_of(request: JsonObject | None) -> str | None:
    """The name of the secret in a request."""
    named = (request or {}).get(source_of(request).secret_field)
    return str(named) if named else None
