"""`functions/reconcile` in a process of its own, invoked once: `python -m bench.reconciler JSON`, the event.

Prints what it answered and what that took as one JSON line; what the function logs goes nowhere. It imports nothing
that the deployed function does not have but the standard library and a context.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any

from bench.memory import peak_kib
from local.aws.functions import ROOT, load
from local.aws.invocation import Context

TIMEOUT_SECONDS = 900.0


def reconcile(event: Any) -> dict[str, Any]:
    """What the function answers, after how long, and the most memory in use until then."""
    handler = load(ROOT / "functions" / "reconcile")
    before = peak_kib()
    context = Context(time.monotonic() + TIMEOUT_SECONDS, function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    began = time.perf_counter()
    answer = handler(event, context)
    seconds = time.perf_counter() - began
    return {"answer": answer, "seconds": seconds, "idlePeakKib": before, "peakKib": peak_kib()}


if __name__ == "__main__":
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        measured = reconcile(json.loads(sys.argv[1]))
    print(json.dumps(measured))
