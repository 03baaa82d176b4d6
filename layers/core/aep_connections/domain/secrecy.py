"""Strikes secret values out of text that came from others, before it reaches a message of ours."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

STRUCK = "[struck]"
_TOKENS = re.compile(r"\b(?:dapi[\w.~+/=-]{8,}|eyJ[\w.~+/=-]{16,})|(?<=\bBearer )[^\s\"']+", re.ASCII | re.IGNORECASE)
"""What is a token by its looks: one that Adobe still holds from an earlier version of a secret, for example."""


class SecretValues:
    """The secret values that one invocation holds in memory. Shows none of them."""

    __slots__ = ("_forms", "_withheld")

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._withheld = False

    def __repr__(self) -> str:
        return "SecretValues(…)"

    def remember(self, value: str) -> None:
        """Have `value` struck from now on, in each form in which a service may echo it."""
        if not value:
            return
        raw = value.encode(errors="surrogatepass")  # what Adobe shows may hold half a character
        self._forms |= {
            value,
            quote(raw, safe=""),
            quote(raw, safe="").lower(),
            quote_plus(raw),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode(),
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode(),
        }

    def withhold(self) -> None:
        """From now on show nothing of what others say: they may quote a secret that this invocation does not read."""
        self._withheld = True

    def strike(self, text: str) -> str:
        """`text` without any remembered value, and without what is a token by its looks."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, STRUCK)
        return _TOKENS.sub(STRUCK, text)

    def quoted(self, text: str) -> str:
        """What others said in `text`, for a message."""
        if self._withheld and text:
            return "its words are not shown, as they could quote a token that is not known here"
        return self.clean(text) if text else "no message that can be read"

    def clean(self, text: object, limit: int = 500) -> str:
        """`text` of others fit for a message: struck first, then printable, then at most `limit` characters."""
        struck = self.strike(str(text))
        shown = "".join(c if c.isprintable() else " " for c in struck)
        return shown if len(shown) <= limit else shown[: limit - 1] + "…"
