"""`python -m local`: `up`, the stack until interrupted; `demo`, the main job shown; `preflight`, a readiness report.

Each takes `--json`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import threading

from local.aws.account import REGION
from local.aws.invocation import EventSource
from local.demo import demo
from local.drifted import drift
from local.gateway.callers import ACCESS_KEY, SECRET_KEY
from local.log_lines import Answers
from local.preflight import preflight
from local.scenario import cluster_terminated
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, Stack

CONCURRENCY = 2
STOP_SECONDS = 1.5
SCENARIOS = {"main": demo, "cluster-terminated": cluster_terminated, "drift": drift}


def up(*, as_json: bool) -> int:
    """Serve until SIGINT or SIGTERM, whatever is in work then; requests are answered as they come in."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    stack, out = Stack(), sys.stdout
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        with contextlib.redirect_stdout(sys.stderr if as_json else Answers(out)):
            sources = [stack.event_source(stack.function()) for _ in range(CONCURRENCY)]
            api = stack.serve_api().url
            print(json.dumps(_urls(stack, api)) if as_json else _shown(stack, api), file=out, flush=True)
            workers = [threading.Thread(target=_work, args=(source, stopping), daemon=True) for source in sources]
            for worker in workers:
                worker.start()
            while not stopping.wait(0.2):  # a signal that another thread got is handled when this one wakes
                continue
            for worker in workers:
                worker.join(STOP_SECONDS / CONCURRENCY)
    finally:
        stack.stop()
    return 0


def _work(source: EventSource, stopping: threading.Event) -> None:
    """One environment of the function: one request after the other."""
    while not stopping.is_set():
        try:
            source.poll(wait_seconds=1)
        except Exception:
            if not stopping.is_set():
                raise


def forget_other_clouds() -> None:
    """Nothing of a caller's AWS or proxy settings may reach what runs here."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": "*"}


def _urls(stack: Stack, api: str) -> dict[str, str]:
    return {
        "aws": stack.aws.url,
        "ims": stack.ims.url,
        "adobe": stack.adobe.url,
        "databricks": stack.databricks.url,
        "api": api,
        "eventBus": stack.bus_name,
        "queueUrl": stack.queue_url,
        "deadLetterQueueUrl": stack.environment["DEAD_LETTER_QUEUE_URL"],
        "registryTable": stack.environment["REGISTRY_TABLE"],
        "databricksSecretId": SAMPLE_SECRET_ID,
    }


def _shown(stack: Stack, api: str) -> str:
    detail = json.dumps({"sandbox": "dev", "name": "lakehouse", "databricksSecretId": SAMPLE_SECRET_ID})
    entry = {
        "Source": "me",
        "DetailType": "AEP Base Connection Requested",
        "EventBusName": stack.bus_name,
        "Detail": detail,
    }
    token, body = DATABRICKS_SECRET["accessToken"], json.dumps({"databricksSecretId": SAMPLE_SECRET_ID})
    variables = stack.aws.environment() | {"DATABRICKS_URL": stack.databricks.url}
    environment = " ".join(f"{name}={value}" for name, value in variables.items())
    return f"""The stack runs; Ctrl-C stops it.

  AWS (moto)    {stack.aws.url}
  Adobe IMS     {stack.ims.url}
  Adobe         {stack.adobe.url}
  Databricks    {stack.databricks.url}
  HTTP API      {api}
  documentation {api}/docs
  event bus     {stack.bus_name}
  request queue {stack.queue_url}
  dead letters  {stack.environment["DEAD_LETTER_QUEUE_URL"]}
  registry      {stack.environment["REGISTRY_TABLE"]}

Ask for a connection over HTTP, and wait for it (signed here, as AWS asks for; this machine lets in unsigned calls too):

  curl --aws-sigv4 "aws:amz:{REGION}:execute-api" --user {ACCESS_KEY}:{SECRET_KEY} \\
    -X PUT {api}/connections/dev/lakehouse -H 'Prefer: wait=20' -d '{body}'

Or send a request (the answer is shown here):

  export {environment}
  aws events put-events --entries '{json.dumps([entry])}'
  aws ssm get-parameters-by-path --path /aep-connections --recursive
  .venv/bin/python -m local preflight --secret {SAMPLE_SECRET_ID}

Make something go wrong, then ask for another name (README.md, "Rehearse", has every fault and setting):

  curl {stack.adobe.url}/_simulator/faults -d '{{"method": "POST", "when": "after", "status": 502}}'
  curl -X PATCH {stack.databricks.url}/_simulator/settings -d '{{"revokedTokens": ["{token}"]}}'
"""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole stack on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="the stack, until interrupted")
    demo_ = commands.add_parser("demo", help="the main job, shown")
    demo_.add_argument("--scenario", choices=SCENARIOS, default="main", help="what is shown")
    look = commands.add_parser("preflight", help="the readiness report of a secret, here or of the real services")
    look.add_argument("--secret", required=True, help="name of the Databricks secret in Secrets Manager")
    for name in ("clusterId", "catalog", "database"):
        option = re.sub("([A-Z])", r"-\1", name).lower()
        look.add_argument(f"--{option}", dest=name, help=f"{name}, as a request would give it")
    look.add_argument("--strict", action="store_true", help="exit with 1 also if something only may be wrong")
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args()
    if given.command == "preflight":
        asked = {name: getattr(given, name) for name in ("clusterId", "catalog", "database") if getattr(given, name)}
        return preflight(given.secret, asked, as_json=given.json, strict=given.strict)
    forget_other_clouds()
    if given.command == "up":
        return up(as_json=given.json)
    return SCENARIOS[given.scenario](as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
