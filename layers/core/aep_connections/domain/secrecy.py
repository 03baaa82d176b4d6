"""Strikes secret values out of text that came from others, before it reaches a message of ours."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

STRUCK = "[struck]"


class SecretValues:
    """The secret values that one invocation holds in memory. Shows none of them."""

    __slots__ = ("_forms",)

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def __repr__(self) -> str:
        return "SecretValues(…)"

    def remember(self, value: str) -> None:
        """Have `value` struck from now on, in each form in which a service may echo it."""
        if not value:
            return
        raw = value.encode()
        self._forms |= {
            value,
            quote(value, safe=""),
            quote(value, safe="").lower(),
            quote_plus(value),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode(),
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode(),
        }

    def strike(self, text: str) -> str:
        """`text` without any remembered value."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, STRUCK)
        return text

    def clean(self, text: object, limit: int = 500) -> str:
        """`text` of others fit for a message: struck first, then printable, then at most `limit` characters."""
        struck = self.strike(str(text))
        shown = "".join(c if c.isprintable() else " " for c in struck)
        return shown if len(shown) <= limit else shown[: limit - 1] + "…"
