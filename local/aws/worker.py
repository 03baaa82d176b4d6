"""One execution environment of a function: `python -m local.aws.worker FOLDER DESCRIPTOR`.

It reads events from stdin, one line of JSON each. It writes results to the descriptor: a first line when the function
is loaded or failed to load, then one line for each event. The function's own output goes to stdout and stderr.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from local.aws.functions import load
from local.aws.invocation import Context, Handler, failure


def main(folder: Path, descriptor: int) -> int:
    """Process events until stdin ends, which it does when the parent process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process
    try:
        handler = load(folder)
    except Exception as error:  # noqa: BLE001 - any error fails the invocation that started this process
        _report(descriptor, {"error": failure(error)})
        return 1
    _report(descriptor, {"ready": True})
    for line in sys.stdin:
        _report(descriptor, _worked(handler, json.loads(line)))
    return 0


def _worked(handler: Handler, order: dict[str, Any]) -> dict[str, Any]:
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    context = Context(
        time.monotonic() + order["seconds"],
        aws_request_id=order["requestId"],
        function_name=name,
        memory_limit_in_mb=os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        invoked_function_arn=f"arn:aws:lambda:eu-west-1:123456789012:function:{name}",
    )
    try:
        result = handler(order["event"], context)
    except Exception as error:  # noqa: BLE001 - Lambda's runtime reports every one
        return {"error": failure(error)}
    try:
        json.dumps(result)
    except (TypeError, ValueError) as error:
        return {"error": {"errorType": "Runtime.MarshalError", "errorMessage": f"Unable to marshal response: {error}"}}
    return {"result": result}


def _report(descriptor: int, document: dict[str, Any]) -> None:
    """Write a line, after the output that was printed before."""
    sys.stdout.flush()
    sys.stderr.flush()
    rest = json.dumps(document).encode() + b"\n"
    while rest:
        rest = rest[os.write(descriptor, rest) :]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
