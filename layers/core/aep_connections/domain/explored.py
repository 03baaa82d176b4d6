"""What Adobe shows of a connection's surroundings: the tables behind it, and the dataflows that use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a connection reaches; `path` is what Adobe wants to hear of it."""

    name: str
    path: str

    def document(self) -> dict[str, str]:
        """The table as JSON."""
        return {"name": self.name, "path": self.path}


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with Adobe's type for it and, where Adobe tells one, the format (`date-time`) of its XDM type."""

    name: str
    type: str
    format: str | None

    def document(self) -> dict[str, str | None]:
        """The column as JSON."""
        return {"name": self.name, "type": self.type, "format": self.format}


@dataclass(frozen=True, slots=True)
class Flow:
    """A dataflow that uses a connection. Its name is somebody's free text, and not read."""

    id: str
    state: str
