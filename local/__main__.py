"""`python -m local up [--json]`: the stack, until interrupted. `python -m local demo [--json]`: the main job, shown."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading

from local.demo import demo
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, Stack


def up(*, as_json: bool) -> int:
    """Serve until SIGINT or SIGTERM; requests are answered as they come in."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    stack = Stack()
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        print(json.dumps(_urls(stack)) if as_json else _shown(stack), flush=True)
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
            source = stack.event_source(stack.function())
            while not stopping.is_set():
                source.poll(wait_seconds=1)
    finally:
        stack.stop()
    return 0


def _urls(stack: Stack) -> dict[str, str | None]:
    return {
        "aws": stack.aws.url,
        "ims": stack.ims.url,
        "adobe": stack.adobe.url,
        "databricks": stack.databricks.url,
        "api": None,
        "eventBus": stack.bus_name,
        "queueUrl": stack.queue_url,
        "databricksSecretId": SAMPLE_SECRET_ID,
    }


def _shown(stack: Stack) -> str:
    detail = json.dumps({"sandbox": "dev", "name": "lakehouse", "databricksSecretId": SAMPLE_SECRET_ID})
    entry = {
        "Source": "me",
        "DetailType": "AEP Base Connection Requested",
        "EventBusName": stack.bus_name,
        "Detail": detail,
    }
    environment = " ".join(f"{name}={value}" for name, value in stack.aws.environment().items())
    return f"""The stack runs; Ctrl-C stops it.

  AWS (moto)    {stack.aws.url}
  Adobe IMS     {stack.ims.url}
  Adobe         {stack.adobe.url}
  Databricks    {stack.databricks.url}

Send a request (the answer is logged here):

  export {environment}
  aws events put-events --entries '{json.dumps([entry])}'
  aws ssm get-parameters-by-path --path /aep-connections --recursive

Make something go wrong (local/faults.py has every fault, local/adobe.py and local/databricks.py what can be set):

  curl {stack.adobe.url}/_simulator/faults -d '{{"method": "POST", "when": "after", "drop": true}}'
  curl -X PATCH {stack.databricks.url}/_simulator/settings -d '{{"revokedTokens": ["local-access-token"]}}'
"""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole stack on this machine.")
    parser.add_argument("command", choices=("up", "demo"), help="up: until interrupted; demo: the main job, shown")
    parser.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args()
    return up(as_json=given.json) if given.command == "up" else demo(as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
