"""Redacts secret values in text from other systems before it reaches our messages."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
_TOKENS = re.compile(r"\b(?:dapi[\w.~+/=-]{8,}|eyJ[\w.~+/=-]{16,})|(?<=\bBearer )[^\s\"']+", re.ASCII | re.IGNORECASE)
"""Text that looks like a token, for example from an earlier version of a secret, which Adobe still holds."""

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z0-9]{32}", re.ASCII)
"""The form of Adobe's request ids. No token matches it."""

MIN_INSIDE = 8
"""In characters: a shorter piece of Base64 could come from any other text."""


class Redactor:
    """The secret values that one invocation holds in memory. It never shows them."""

    __slots__ = ("_forms", "_silent")

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._silent = False

    def __repr__(self) -> str:
        return "Redactor(…)"

    def remember(self, value: str) -> None:
        """Redact `value` from now on, in each form in which a service may echo it."""
        if not value:
            return
        raw = value.encode(errors="surrogatepass")  # Adobe's text may hold a lone surrogate
        escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
        in_urls = {quote(raw, safe=""), quote(raw), quote_plus(raw), quote_plus(raw, safe="/")}
        self._forms |= {value, *escaped, *in_urls, *(form.lower() for form in in_urls - {value}), *_in_base64(raw)}

    def silence(self) -> None:
        """Withhold text from other systems from now on: it may quote a secret that this invocation does not read."""
        self._silent = True

    def redact(self, text: str) -> str:
        """`text` without any remembered value, and without anything that looks like a token."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, REDACTED)
        return _TOKENS.sub(REDACTED, text)

    def quote(self, text: str) -> str:
        """`text` from another system, for one of our messages."""
        if self._silent and text:
            return "message withheld: it may contain a token"
        return self.printable(text) if text else "no readable message"

    def quote_id(self, text: str) -> str | None:
        """An id from another system, for one of our messages; after `silence`, only an id that cannot be a token."""
        return None if self._silent and not _ID.fullmatch(text) else self.printable(text, 128)

    def printable(self, text: object, limit: int = 500) -> str:
        """`text` for a message: first redacted, then made printable, then cut to at most `limit` characters."""
        redacted = self.redact(str(text))
        shown = "".join(c if c.isprintable() else " " for c in redacted)
        return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _in_base64(raw: bytes) -> set[str]:
    """`raw` as Base64 in both alphabets: whole, and inside a longer text at each of the three possible offsets."""
    whole = base64.b64encode(raw).decode()
    found = {whole, whole.rstrip("=")}
    for shift in range(3):
        shifted = base64.b64encode(bytes(shift) + raw).decode()
        inside = shifted[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        if len(inside) >= MIN_INSIDE:
            found.add(inside)
    return found | {form.replace("+", "-").replace("/", "_") for form in found}
