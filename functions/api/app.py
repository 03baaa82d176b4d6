"""Takes requests for base connections over HTTP, and shows what is known of each."""

from typing import Any

from aep_connections import wiring_api

api = wiring_api.build()


def handler(event: Any, context: Any) -> Any:
    return api.answer(event, context)
