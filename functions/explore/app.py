"""Shows the tables and columns that a connection reaches, for the API function."""

from typing import Any


def handler(event: Any, context: Any) -> Any:
    raise NotImplementedError
