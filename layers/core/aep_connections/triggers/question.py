"""The API function's question to the explore function, and its answer: data both ways, a failure too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aep_connections.domain.entry import Failure
from aep_connections.domain.errors import ConnectionFailure, InvalidRequest, unexpected
from aep_connections.domain.model import Key
from aep_connections.use_cases.request import readable_key


def answer(event: Any, explore: Callable[[Key, str | None], dict[str, Any]]) -> dict[str, Any]:
    """What was found; or `failure`, with the contract's names."""
    try:
        sandbox, name = readable_key(event)
        if sandbox is None or name is None:
            raise InvalidRequest("A question names a sandbox, a name and perhaps a path.")
        return explore(Key(sandbox, name), event.get("path"))
    except ConnectionFailure as failure:
        return {"failure": Failure.of(failure).document()}
    except Exception as error:  # noqa: BLE001 - its text could hold anything, and is not shown
        return {"failure": Failure.of(unexpected(error)).document()}


def line(event: Any, answered: dict[str, Any]) -> dict[str, Any]:
    """What the log says of it."""
    sandbox, name = readable_key(event)
    failure = answered.get("failure") or {}
    shown = {"code": failure.get("code"), "reason": failure.get("message"), "request_id": failure.get("requestId")}
    counts: dict[str, Any] = {kind: len(answered[kind]) for kind in ("tables", "columns") if kind in answered}
    return {"sandbox": sandbox, "connection_name": name} | counts | (shown if failure else {})
