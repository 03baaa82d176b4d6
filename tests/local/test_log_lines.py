"""The function's log, reconcile runs and outcome events as the short lines that `python -m local` shows."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from local.log_lines import ShortLines, event, reconciled
from tests.support.log import Log
from tests.support.world import World


def test_the_function_log_is_shown_as_one_short_line_for_each_request(world: World, log: Log) -> None:
    world.request()
    world.request({"name": "sales", "sandbox": "dev", "surprise": 1})
    world.deliver(world.send_body("garbage"))
    shown = io.StringIO()
    lines = ShortLines(shown)
    for piece in (log.text[:50], log.text[50:], "no JSON\n", '{"level": "ERROR"}\n'):
        lines.write(piece)

    created, refused, keyless, other, error = shown.getvalue().splitlines()
    assert re.fullmatch(rf"  created     dev/sales  {world.parameter()}  \(\d+ ms\)", created)
    assert re.match(r"  failed      dev/sales  InvalidRequest: .*surprise: ", refused)
    assert keyless.startswith("  failed      (no key)  InvalidRequest: ")
    assert (other, error) == ("no JSON", '{"level": "ERROR"}')


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {"message": "HTTP request processed", "method": "PUT", "route": "PUT /connections/{sandbox}/{name}",
             "status": 202, "sandbox": "dev", "connection_name": "sales"},
            "HTTP 202    PUT /connections/{sandbox}/{name}  dev/sales",
        ),
        (
            {"message": "HTTP request processed", "method": "GET", "route": "$default", "status": 404, "code": "N"},
            "HTTP 404    GET $default  N",
        ),
        (
            {"message": "explored", "sandbox": "dev", "connection_name": "sales", "columns": 3},
            "explored    dev/sales  3 columns",
        ),
        (
            {"message": "explored", "sandbox": None, "connection_name": None, "code": "C", "reason": "R"},
            "explored    (no key)  C: R",
        ),
        (
            {"message": "rechecks sent", "secret_id": "aep/x", "rechecks": 2},
            "rechecks    New version of the secret aep/x: 2 rechecks sent.",
        ),
        (
            {"message": "rechecks sent", "sandbox": "dev", "flow_id": "f", "rechecks": 1},
            "rechecks    Failed run of the dataflow f in dev: 1 recheck sent.",
        ),
        (
            {"message": "fleet reconciled", "Drifted": 0, "Skipped": 1},
            "reconciled  No drift, 1 skipped: it was changing.",
        ),
        ({"message": "fleet continues", "after": "dev", "Drifted": 0}, "reconciled  Up to sandbox dev: No drift."),
        (
            {"message": "sandbox stopped", "sandbox": "dev", "missing": 3, "connections": 4},
            "stopped     dev  3 of 4 connections are missing, more than MaxMissingPercent: nothing is repaired.",
        ),
        (
            {"message": "sandbox not reconciled", "sandbox": "dev", "code": "C", "reason": "R"},
            "failed      sandbox dev  C: R",
        ),
        ({"level": "ERROR", "message": "broken", "service": "s", "exception": "E"}, "error       broken  exception=E"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_every_other_log_line_is_short_too(line: dict[str, Any], expected: str) -> None:
    shown = io.StringIO()

    ShortLines(shown).write(json.dumps(line) + "\n")

    assert shown.getvalue() == f"  {expected}\n"


def test_a_reconcile_run_is_a_sentence() -> None:
    counts = {"Drifted": 3, "Rechecks": 2, "Unrepaired": 1, "Drift:moved": 2, "Drift:renamed": 1, "StoppedSandboxes": 0}

    sentence = "3 connections drifted (moved 2, renamed 1), 2 rechecks sent, 1 not repaired."
    assert reconciled(counts) == sentence
    assert reconciled({"Drifted": 0, "Unverified": 1}) == "No drift, 1 ready but not tested in its current state."
    assert reconciled({"Drifted": 0, "Unverified": 2}) == "No drift, 2 ready but not tested in their current state."


def test_outcome_events_are_short_lines() -> None:
    key = {"sandbox": "dev", "name": "sales"}
    failed = {"detail-type": "Failed", "detail": {**key, "code": "NotReady", "message": "No."}}
    drift = {**key, "drift": [{"kind": "moved"}, {"kind": "renamed"}], "action": "none", "because": "policy"}

    assert event(failed) == "  event       Failed  dev/sales  NotReady: No."
    assert event({"detail-type": "Drifted", "detail": drift}).endswith("dev/sales  moved, renamed → none (policy)")
