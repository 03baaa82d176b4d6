"""The source types that this product can connect, one package each. A new source type is registered here.

Everything here is pure. Code that opens HTTP connections is in `workspaces`, which not every function loads.
"""

from aep_connections.domain.entry import Summary
from aep_connections.domain.errors import Unavailable
from aep_connections.domain.model import Source
from aep_connections.sources.databricks import secret as databricks

SOURCES: tuple[Source, ...] = (databricks.SOURCE,)
FIRST = SOURCES[0]
"""The only source type of version 0.1.0, whose entries do not name it."""


def source_of(entry: Summary) -> Source:
    """The source type that is recorded for a key; the first one if the entry names none.

    Raises:
        Unavailable: this version does not have that source type.
    """
    if entry.source is None:
        return FIRST
    for source in SOURCES:
        if source.name == entry.source:
            return source
    raise Unavailable(
        f"{entry.key} is a connection of type {entry.source}, which this version does not support.",
        remedy="Deploy the version that created it, or a later one.",
    )


def secret_id_of(entry: Summary) -> str | None:
    """The secret's name in a key's request; None if the request names no secret of the key's source type."""
    named = (entry.request or {}).get(source_of(entry).secret_field)
    return str(named) if named else None
