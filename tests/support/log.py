"""What the function writes to stdout, as CloudWatch would get it."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest


class _Stdout:
    """Writes to the current stdout. Without this, the logger would keep the stdout that it saw first."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class Log:
    """Log lines and metric documents, from the moment it is created."""

    def __init__(self, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._captured, self._text, self._errors = captured, "", ""
        captured.readouterr()
        for handler in logging.getLogger("aep-connections").handlers:
            if isinstance(handler, logging.StreamHandler):
                patch.setattr(handler, "stream", _Stdout())

    @property
    def text(self) -> str:
        """Everything that went to stdout."""
        self._read()
        return self._text

    @property
    def errors(self) -> str:
        """Everything that went to stderr."""
        self._read()
        return self._errors

    def lines(self) -> list[dict[str, Any]]:
        """The log lines."""
        return [line for line in self._documents() if "_aws" not in line]

    def metrics(self) -> list[dict[str, Any]]:
        """The metric documents."""
        return [line for line in self._documents() if "_aws" in line]

    def _read(self) -> None:
        out, err = self._captured.readouterr()
        self._text += out
        self._errors += err

    def _documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]
