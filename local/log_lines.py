"""The functions' log and the outcome events as short lines for a person; metrics are left out."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TextIO

Line = Mapping[str, Any]

_COMMON = ("level", "location", "message", "timestamp", "service", "xray_trace_id")
"""Fields that every log line has."""
_COUNTED = {
    "Rechecks": ("1 recheck sent", "{} rechecks sent"),
    "Verifications": ("1 old test repeated", "{} old tests repeated"),
    "Skipped": ("1 skipped: it was changing", "{} skipped: they were changing"),
    "Unrepaired": ("1 not repaired", "{} not repaired"),
    "Unverified": ("1 ready but not tested in its current state", "{} ready but not tested in their current state"),
    "FailedSandboxes": ("1 sandbox not reconciled", "{} sandboxes not reconciled"),
    "StoppedSandboxes": ("1 sandbox stopped: too many missing", "{} sandboxes stopped: too many missing"),
}


class ShortLines(io.TextIOBase):
    """A stream that takes a function's log and writes it as short lines. Other lines pass unchanged."""

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
            print(short(document) if isinstance(document.get("message"), str) else line, file=self._out, flush=True)


def short(line: Line) -> str:
    """A log line of ours as a short line."""
    tag, text = _SHOWN.get(line["message"], _any)(line)
    return f"  {tag:10}  {text}"


def event(envelope: Line) -> str:
    """An outcome event, as EventBridge delivers it, as a short line."""
    detail = envelope["detail"]
    end = detail.get("outcome") or f"{detail.get('code')}: {detail.get('message')}"
    if "drift" in detail:
        because = f" ({detail['because']})" if detail["because"] else ""
        end = f"{', '.join(one['kind'] for one in detail['drift'])} → {detail['action']}{because}"
    return f"  {'event':10}  {envelope['detail-type']}  {_key(detail.get('sandbox'), detail.get('name'))}  {end}"


def reconciled(line: Line) -> str:
    """The counts of a reconcile run as a sentence."""
    drifted = line["Drifted"]
    kinds = ", ".join(f"{name.partition(':')[2]} {count}" for name, count in line.items() if name.startswith("Drift:"))
    parts = [f"{drifted} connection{'s' * (drifted != 1)} drifted ({kinds})" if drifted else "No drift"]
    counts = [(texts, line.get(name, 0)) for name, texts in _COUNTED.items()]
    parts += [texts[count != 1].format(count) for texts, count in counts if count]
    return ", ".join(parts) + "."


def rechecks_sent(line: Line) -> str:
    """An event that caused rechecks, as a sentence."""
    cause = f"New version of the secret {line['secret_id']}" if "secret_id" in line else ""
    cause = cause or f"Failed run of the dataflow {line.get('flow_id')} in {line.get('sandbox')}"
    return f"{cause}: {_COUNTED['Rechecks'][line['rechecks'] != 1].format(line['rechecks'])}."


def _key(sandbox: object, name: object) -> str:
    return f"{sandbox or '?'}/{name or '?'}" if sandbox or name else "(no key)"


def _key_of(line: Line) -> str:
    return _key(line.get("sandbox"), line.get("connection_name"))


def _failure(line: Line) -> list[str]:
    return [": ".join(filter(None, (line["code"], line.get("reason"))))] if line.get("code") else []


def _request(line: Line) -> tuple[str, str]:
    end = _failure(line) if line.get("code") else list(filter(None, [line.get("connection_id")]))
    faults = [fault for fault in line.get("faults", []) if fault.partition(": ")[2] not in line["reason"]]
    return line["outcome"], "  ".join([_key_of(line), *end, *faults, f"({line['duration_ms']} ms)"])


def _http(line: Line) -> tuple[str, str]:
    key = [_key_of(line)] if "sandbox" in line else []
    route = line["route"] if line["route"].startswith(line["method"]) else f"{line['method']} {line['route']}"
    return f"HTTP {line['status']}", "  ".join([route, *key, *_failure(line)])


def _explored(line: Line) -> tuple[str, str]:
    counts = [f"{line[kind]} {kind}" for kind in ("tables", "columns") if kind in line]
    return "explored", "  ".join([_key_of(line), *counts, *_failure(line)])


def _stopped(line: Line) -> tuple[str, str]:
    missing = f"{line['missing']} of {line['connections']} connections are missing"
    return "stopped", f"{line['sandbox']}  {missing}, more than MaxMissingPercent: nothing is repaired."


def _any(line: Line) -> tuple[str, str]:
    rest = [f"{name}={value}" for name, value in line.items() if name not in _COMMON and value is not None]
    return str(line.get("level", "log")).lower(), "  ".join([str(line["message"]), *rest])


_SHOWN: dict[str, Callable[[Line], tuple[str, str]]] = {
    "request processed": _request,
    "HTTP request processed": _http,
    "explored": _explored,
    "rechecks sent": lambda line: ("rechecks", rechecks_sent(line)),
    "fleet reconciled": lambda line: ("reconciled", reconciled(line)),
    "fleet continues": lambda line: ("reconciled", f"Up to sandbox {line['after']}: {reconciled(line)}"),
    "sandbox stopped": _stopped,
    "sandbox not reconciled": lambda line: ("failed", "  ".join([f"sandbox {line['sandbox']}", *_failure(line)])),
}
