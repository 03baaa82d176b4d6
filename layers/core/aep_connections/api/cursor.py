"""Where the next page of a list begins, as a text that is passed back as it is."""

from __future__ import annotations

import base64
import json

from aep_connections.contract.request import readable_key
from aep_connections.domain.model import Key


def encode(key: Key) -> str:
    """The cursor after a key."""
    return base64.urlsafe_b64encode(json.dumps([key.sandbox, key.name]).encode()).decode().rstrip("=")


def decode(text: str) -> Key | None:
    """The key of a cursor, None if the text is no cursor."""
    try:
        sandbox, name = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        return None
    sandbox, name = readable_key({"sandbox": sandbox, "name": name})
    return Key(sandbox, name) if sandbox and name else None
