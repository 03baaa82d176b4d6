"""What the function logs, as a person wants to read it: a line for each answer, no metrics."""

from __future__ import annotations

import io
import json
import threading
from typing import Any, TextIO


class Answers(io.TextIOBase):
    """A stream to write a function's log to; what is no answer passes as it is."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._rest, self._lock = out, "", threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._show(line)
        return len(text)

    def _show(self, line: str) -> None:
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            print(line, file=self._out, flush=True)
        elif "_aws" not in document:
            print(answer(document) or line, file=self._out, flush=True)


def answer(line: dict[str, Any]) -> str | None:
    """A log line of an answer as a sentence; None for any other."""
    if line.get("message") != "request processed":
        return None
    key = f"{line.get('sandbox')}/{line.get('connection_name')}"
    ends = (
        [f"{line['code']}: {line['reason']}", *line["faults"]] if "code" in line else [line.get("connection_id") or ""]
    )
    return f"  {line['outcome']:10}  {key}  {'  '.join(ends)}  ({line['duration_ms']} ms)"
