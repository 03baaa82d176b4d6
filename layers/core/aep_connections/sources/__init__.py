"""The source types this product can connect, one module each; a new one is registered here."""

from aep_connections.domain.model import Source
from aep_connections.sources import databricks

SOURCES: tuple[Source, ...] = (databricks.SOURCE,)
