"""One execution environment of a function: `python -m local.aws.worker FOLDER DESCRIPTOR`.

Events come in on stdin, a line of JSON each. What becomes of them goes out on the descriptor: a first line when the
function is loaded, or why it could not be, then a line for each event. What the function prints stays its own.
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
    """Work until stdin ends, as it does when whoever started this is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    try:
        handler = load(folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, the invocation that started this fails by it
        _tell(descriptor, {"error": failure(error)})
        return 1
    _tell(descriptor, {"ready": True})
    for line in sys.stdin:
        _tell(descriptor, _worked(handler, json.loads(line)))
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
        answer = handler(order["event"], context)
    except Exception as error:  # noqa: BLE001 - Lambda's runtime reports every one
        return {"error": failure(error)}
    try:
        json.dumps(answer)
    except (TypeError, ValueError) as error:
        return {"error": {"errorType": "Runtime.MarshalError", "errorMessage": f"Unable to marshal response: {error}"}}
    return {"answer": answer}


def _tell(descriptor: int, document: dict[str, Any]) -> None:
    """Write a line, after whatever was printed before."""
    sys.stdout.flush()
    sys.stderr.flush()
    rest = json.dumps(document).encode() + b"\n"
    while rest:
        rest = rest[os.write(descriptor, rest) :]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
