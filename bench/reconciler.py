"""Invokes `functions/reconcile` once with an event, in a separate process: `python -m bench.reconciler JSON`.

Prints the response and the measurements as one JSON line; the log of the function is discarded. Apart from the standard
library and a context, it imports nothing that the deployed function does not have.
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
    """What the function returns, the seconds that it took, and the peak memory before and after."""
    handler = load(ROOT / "functions" / "reconcile")
    before = peak_kib()
    context = Context(time.monotonic() + TIMEOUT_SECONDS, function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    began = time.perf_counter()
    result = handler(event, context)
    seconds = time.perf_counter() - began
    return {"result": result, "seconds": seconds, "idlePeakKib": before, "peakKib": peak_kib()}


if __name__ == "__main__":
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        measured = reconcile(json.loads(sys.argv[1]))
    print(json.dumps(measured))
