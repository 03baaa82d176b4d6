"""`python -m local up`: the whole stack, until SIGINT or SIGTERM."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from local.aws.account import REGION
from local.gateway.callers import ACCESS_KEY, SECRET_KEY
from local.log_lines import ShortLines, event
from local.outcomes import Outcomes
from local.stack import DATABRICKS_SECRET, SAMPLE_SECRET_ID, SERVERS, Stack, ports_from

BASE_PORT = 4510
ENV_FILE = "local.env"
CONCURRENCY = 2
STOP_SECONDS = 1.5


def up(*, as_json: bool, base_port: int | None = None, env_file: str | None = None) -> int:
    """Serve until SIGINT or SIGTERM, even in the middle of a request. Raises PortTaken.

    For a person: fixed ports and the environment in a file. For programs (`as_json`): free ports and no file.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    base_port = (0 if as_json else BASE_PORT) if base_port is None else base_port
    _check_ports(base_port)
    env_file = env_file or ("" if as_json else ENV_FILE)
    stack, out = Stack(base_port=base_port), sys.stdout
    try:
        stack.put_secret(SAMPLE_SECRET_ID, DATABRICKS_SECRET)
        with contextlib.redirect_stdout(sys.stderr if as_json else ShortLines(out)):
            tasks = [_request_task(stack) for _ in range(CONCURRENCY)]
            api = stack.serve_api().url
            if not as_json:
                tasks.append(_events_task(stack))
            with _written(env_file, variables(stack, api)):
                print(json.dumps(_urls(stack, api)) if as_json else _shown(stack, api, env_file), file=out, flush=True)
                _work(tasks, stopping)
    finally:
        stack.stop()
    return 0


class PortTaken(Exception):  # noqa: N818 - its text is what the person needs
    """A port that the stack needs is in use."""


def _check_ports(base: int) -> None:
    """Raise PortTaken unless every port of the stack is free; moto would wait forever for a port that is in use."""
    for server, port in ports_from(base).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                why = f"Port {port} ({server}) cannot be used: {error.strerror}. Another local stack may be running."
                last = len(SERVERS) - 1
                remedy = f"Stop it, or use other ports: --port N (takes N to N+{last}), or --port 0 (any free ports)."
                raise PortTaken(f"{why} {remedy}") from None


def _request_task(stack: Stack) -> Callable[[], object]:
    """One environment of the function: it processes one request after the other."""
    source = stack.event_source(stack.function())
    return lambda: source.poll(wait_seconds=1)


def _events_task(stack: Stack) -> Callable[[], object]:
    """Show the outcome events."""
    outcomes = Outcomes(stack)

    def show() -> None:
        for envelope in outcomes.take(wait_seconds=1):
            sys.stdout.write(event(envelope) + "\n")

    return show


def _work(tasks: list[Callable[[], object]], stopping: threading.Event) -> None:
    """Repeat every task in its own thread, until the stack must stop."""

    def repeat(task: Callable[[], object]) -> None:
        while not stopping.is_set():
            try:
                task()
            except Exception:
                if not stopping.is_set():
                    raise

    threads = [threading.Thread(target=repeat, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    while not stopping.wait(0.2):  # a signal that another thread received is handled when this thread wakes up
        continue
    for thread in threads:
        thread.join(STOP_SECONDS / len(threads))


@contextlib.contextmanager
def _written(file: str, values: Mapping[str, str]) -> Iterator[None]:
    """Keep the values in a file, as `export` lines, inside the `with` block. If there is no file name, do nothing."""
    if not file:
        yield
        return
    path, text = Path(file), "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    path.write_text(text)
    try:
        yield
    finally:
        if path.exists() and path.read_text() == text:  # another stack may have written the file since
            path.unlink()


def variables(stack: Stack, api: str) -> dict[str, str]:
    """The variables that the documentation's commands use."""
    return {
        "API": api,
        "BUS": stack.bus_name,
        "FUNCTION": stack.resources.attribute("ProvisionFunction", None),
        "RECONCILE_FUNCTION": stack.resources.attribute("ReconcileFunction", None),
        "QUEUE_URL": stack.queue_url,
        "DEAD_LETTER_QUEUE_URL": stack.environment["DEAD_LETTER_QUEUE_URL"],
        "REGISTRY_TABLE": stack.environment["REGISTRY_TABLE"],
        "PARAMETER_PREFIX": stack.environment["PARAMETER_PREFIX"],
        "ADOBE": stack.adobe.url,
        "DATABRICKS": stack.databricks.url,
        "IMS": stack.ims.url,
        "AWS_ENDPOINT_URL": stack.aws.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "DATABRICKS_URL": stack.databricks.url,
    }


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


def _shown(stack: Stack, api: str, env_file: str) -> str:
    """What a person needs to begin; `docs/` has the rest."""
    body = json.dumps({"databricksSecretId": SAMPLE_SECRET_ID})
    stopped = json.dumps({"clusters": {DATABRICKS_SECRET["clusterId"]: "TERMINATED"}})
    file = "" if env_file == ENV_FILE else f" {shlex.quote(str(Path(env_file).resolve()))}"
    return f"""The local stack is running. Ctrl-C stops it and deletes its data.

  AWS (moto)    {stack.aws.url}
  Adobe IMS     {stack.ims.url}
  Adobe         {stack.adobe.url}
  Databricks    {stack.databricks.url}
  HTTP API      {api}    page to try calls: {api}/docs

In another terminal, load the names (from {env_file}) and request a connection:

  . examples/names.sh local{file}
  signed -X PUT "$API/connections/dev/lakehouse" -H 'Prefer: wait=20' -d '{body}'
  aws ssm get-parameters-by-path --path "$PARAMETER_PREFIX" --recursive
  .venv/bin/python -m local preflight --secret {SAMPLE_SECRET_ID}

You need AWS CLI 2.13 or later. Older ones ignore AWS_ENDPOINT_URL and call the real AWS, which refuses the key `local`.

Make something go wrong, then request a connection with another name:

  curl "$ADOBE/_simulator/faults" -d '{{"method": "POST", "when": "after", "status": 502}}'
  curl -X PATCH "$DATABRICKS/_simulator/settings" -d '{stopped}'

Documentation: docs/how-to/rehearse-failures.md (faults and drift), docs/reference/local-stack.md (every option).
Requests and outcome events follow.
"""
