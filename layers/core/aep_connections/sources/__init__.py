"""The source types that this product can connect, a room each; a new one is registered here.

Everything here is pure: what has to be opened over HTTP is in `workspaces`, which not every function loads.
"""

from aep_connections.domain.entry import Summary
from aep_connections.domain.errors import Unavailable
from aep_connections.domain.model import Source
from aep_connections.sources.databricks import secret as databricks

SOURCES: tuple[Source, ...] = (databricks.SOURCE,)
FIRST = SOURCES[0]
"""The only one that version 0.1.0 had: its entries do not name it."""


def source_of(entry: Summary) -> Source:
    """The source type of a key, as recorded; of a key that names none, the first one.

    Raises:
        Unavailable: this version does not have it.
    """
    if entry.source is None:
        return FIRST
    for source in SOURCES:
        if source.name == entry.source:
            return source
    raise Unavailable(
        f"{entry.key} is a connection of type {entry.source}, which this version does not have.",
        remedy="Deploy the version that made it, or a later one.",
    )


def secret_id_of(entry: Summary) -> str | None:
    """The name of the secret in a key's request; None if it names none of the key's source type."""
    named = (entry.request or {}).get(source_of(entry).secret_field)
    return str(named) if named else None
