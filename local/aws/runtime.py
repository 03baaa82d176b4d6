"""Built functions on this machine, in AWS's own runtime client: each environment is a separate process.

An `Environment` serves the Runtime API to one `awslambdaric` process. That process has the artifact and the layer, but
no source tree, no installed packages and no inherited variables. As in Lambda it processes one invocation at a time, is
killed when the function's timeout is over, and is then started again. Its output is recorded line by line.

Source of the protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import glob
import json
import os
import queue
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.aws.account import ACCOUNT, REGION
from local.aws.invocation import FunctionFailed

PYTHON = (3, 13)
INIT_SECONDS = 10.0
"""The time in which Lambda lets a function start."""


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """A function as it is deployed: its folder, the folder that becomes `/opt`, and its properties in the template."""

    name: str
    folder: Path
    layer: Path
    handler: str
    timeout_seconds: float
    memory_mb: int
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """The output of environments, as CloudWatch Logs gets it: one stream each, here a file in `folder`."""

    folder: Path

    @property
    def lines(self) -> list[str]:
        """Every line so far; those of one environment are in order."""
        return [line for stream in sorted(self.folder.iterdir()) for line in stream.read_text().splitlines()]

    def documents(self) -> list[dict[str, Any]]:
        """Every line as JSON. Raises ValueError if one is not JSON, which LogFormat JSON rules out."""
        return [json.loads(line) for line in self.lines]

    def logs(self) -> list[dict[str, Any]]:
        """The log lines."""
        return [document for document in self.documents() if "_aws" not in document]

    def metrics(self) -> list[dict[str, Any]]:
        """The metric documents (EMF) that CloudWatch extracts."""
        return [document for document in self.documents() if "_aws" in document]


class Environment:
    """One execution environment: call it as a handler. Raises FunctionFailed."""

    def __init__(self, function: BuiltFunction, python: Path, runtime: Path, written: Written) -> None:
        self.function = function
        self._python, self._runtime, self._stream = python, runtime, written.folder / uuid.uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None
        self._next: queue.Queue[tuple[str, Any, float]] = queue.Queue()
        self._ended: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._starting = False
        self._api = _Api(("127.0.0.1", 0), _handler_for(self))
        threading.Thread(target=self._api.serve_forever, args=(0.01,), daemon=True).start()
        self.starts = 0
        self.init_seconds, self.first_seconds = 0.0, 0.0
        """Seconds of the last start: until the process requested an invocation, and until the first one ended."""

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process of the runtime client, or None before the first invocation and after a kill."""
        return self._process

    def __call__(self, event: Any, _context: Any = None) -> Any:
        """Invoke the function. Returns its result, as read from JSON."""
        began = time.monotonic()
        cold = self._process is None or self._process.poll() is not None
        if cold:
            self._start()
        request_id, timeout = str(uuid.uuid4()), self.function.timeout_seconds
        self._next.put((request_id, event, time.time() + timeout))
        kind, payload = self._end(timeout)
        if cold:
            self.first_seconds = time.monotonic() - began
        if kind == "response":
            return payload
        if kind != "error":
            self._kill()
            payload = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {payload}"}
        raise FunctionFailed(payload)

    def stop(self) -> None:
        self._kill()
        self._api.shutdown()
        self._api.server_close()

    def variables(self) -> dict[str, str]:
        """The environment variables of the process: Lambda's and the function's, none inherited."""
        function = self.function
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(map(str, (function.folder, function.layer / "python", self._runtime))),
            "LAMBDA_TASK_ROOT": str(function.folder),
            "LAMBDA_RUNTIME_DIR": str(self._runtime),
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/local/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream.name,
            "_HANDLER": function.handler,
            **function.variables,
        }

    def _start(self) -> None:
        self.starts += 1
        self._starting, self._next, self._ended = True, queue.Queue(), queue.Queue()
        began = time.monotonic()
        with self._stream.open("ab") as stream:
            self._process = subprocess.Popen(
                [str(self._python), "-s", "-m", "awslambdaric", self.function.handler],
                cwd=self.function.folder,
                env=self.variables(),
                stdout=stream,
                stderr=stream,
            )
        kind, payload = self._end(INIT_SECONDS)
        if kind != "ready":
            self._kill()
            raise FunctionFailed(payload if kind == "init" else {"errorType": kind, "errorMessage": payload})
        self.init_seconds = time.monotonic() - began

    def _end(self, seconds: float) -> tuple[str, Any]:
        """The result that the process reports, or the error that it ended or timed out."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                return self._ended.get(timeout=min(left, 0.05))
            except queue.Empty:
                if self._process is not None and self._process.poll() is not None and self._ended.empty():
                    return "Runtime.ExitError", f"Runtime exited with status {self._process.returncode}"
        return "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"

    def _wait_for_invocation(self) -> tuple[str, Any, float]:
        """Called when the process has started, or has ended an invocation."""
        waiting = self._next
        if self._starting:
            self._starting = False
            self._ended.put(("ready", None))
        return waiting.get()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None


class _Api(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignored: a process may be killed at any time."""


def _handler_for(environment: Environment) -> type[BaseHTTPRequestHandler]:
    """The Runtime API of one environment."""

    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Nothing: only the process's own lines are recorded."""

        def do_GET(self) -> None:
            request_id, event, deadline = environment._wait_for_invocation()
            self._send(
                200,
                json.dumps(event).encode(),
                {
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(round(deadline * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": (
                        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{environment.function.name}"
                    ),
                    "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
                },
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = "init" if self.path.endswith("/init/error") else self.path.rpartition("/")[2]
            environment._ended.put((kind, json.loads(body or b"null")))
            self._send(202, b"{}", {})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return RuntimeApi


def find_python() -> Path:
    """A Python of Lambda's version on this machine. Raises FileNotFoundError with the remedy."""
    name = ".".join(map(str, PYTHON))
    root = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    for candidate in (shutil.which(f"python{name}"), *sorted(glob.glob(f"{root}/versions/{name}.*/bin/python"))):
        if candidate and _version(candidate) == name:
            return Path(candidate)
    raise FileNotFoundError(f"Python {name}, the version in Lambda, is required. Install it and add it to the PATH.")


def _version(python: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
