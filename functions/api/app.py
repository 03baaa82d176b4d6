"""Takes requests for base connections over HTTP, and shows what is known of each."""

from typing import Any


def handler(event: Any, context: Any) -> Any:
    raise NotImplementedError
