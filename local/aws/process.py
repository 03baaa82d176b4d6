"""Functions in separate processes, as in Lambda: each processes one invocation at a time and is killed at the
function's timeout. One process could confuse two calls, because Powertools keeps the current event in a class."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

from local.aws.functions import ROOT
from local.aws.invocation import FunctionFailed

START_SECONDS = 30.0
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """A function of the checkout: its folder with `app.py`, and its properties in the template."""

    name: str
    folder: Path
    timeout_seconds: float
    variables: Mapping[str, str]
    memory_mb: int = 512


class FunctionProcess:
    """One execution environment: call it as a handler. Raises FunctionFailed.

    It starts with its first invocation, and again after a kill. The function's output goes to `out` line by line
    (None: to `sys.stdout` at that moment). The output of an invocation is written before its result is returned.
    """

    def __init__(self, function: LocalFunction, out: TextIO | None = None) -> None:
        self.function = function
        self._out = out
        self._process: subprocess.Popen[bytes] | None = None
        self._watched = selectors.DefaultSelector()
        self._results = -1
        self._received, self._printed = b"", b""
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process, or None before the first invocation and after a kill."""
        return self._process

    def __call__(self, event: Any, _context: Any = None) -> Any:
        """Invoke the function. Returns its result, as read from JSON."""
        request_id, seconds = str(uuid.uuid4()), self.function.timeout_seconds
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            self._send({"event": event, "requestId": request_id, "seconds": seconds})
            message = self._receive(seconds, request_id)
        if "error" in message:
            raise FunctionFailed(message["error"])
        return message["result"]

    def stop(self) -> None:
        """End the process, even in the middle of an invocation, and start no other."""
        self._stopped = True
        if process := self._process:
            process.kill()
        with self._lock:
            self._end()

    def variables(self) -> dict[str, str]:
        """The environment variables of the process."""
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "*",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_LAMBDA_FUNCTION_NAME": self.function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.function.memory_mb),
            **self.function.variables,
        }

    def _start(self) -> None:
        self._end()
        self._results, theirs = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.aws.worker", str(self.function.folder), str(theirs)],
                cwd=ROOT,
                env=self.variables(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
            )
        finally:
            os.close(theirs)
        self._process = process
        if self._stopped:
            process.kill()
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._watched = selectors.DefaultSelector()
        self._watched.register(self._results, selectors.EVENT_READ)
        self._watched.register(process.stdout, selectors.EVENT_READ)
        message = self._receive(START_SECONDS, "start")
        if "error" in message:
            self._end()
            raise FunctionFailed(message["error"])

    def _send(self, order: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            """The process has ended, which `_receive` detects next."""

    def _receive(self, seconds: float, request_id: str) -> dict[str, Any]:
        """The next line that the process reports. If none comes in time, kill it and raise FunctionFailed."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            ready = self._watched.select(left) if left > 0 else []
            if not ready:
                self._fail(request_id, "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
            for key, _ in ready:
                if key.fd != self._results:
                    self._show()
                elif piece := os.read(self._results, 1 << 16):
                    self._received += piece
                else:
                    assert self._process is not None
                    status = self._process.wait()
                    self._fail(request_id, "Runtime.ExitError", f"Runtime exited with status {status}")
        self._show()
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _fail(self, request_id: str, kind: str, message: str) -> NoReturn:
        self._end()
        raise FunctionFailed({"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"})

    def _show(self, *, whole: bool = False) -> None:
        """Write the lines that were printed so far; with `whole` also an incomplete one."""
        assert self._process is not None
        assert self._process.stdout is not None
        stdout = self._process.stdout
        piece = _read(stdout.fileno())
        self._printed += piece or b""
        if piece == b"" and stdout in self._watched.get_map():
            self._watched.unregister(stdout)
        lines, newline, self._printed = self._printed.rpartition(b"\n")
        if whole and self._printed:
            lines, newline, self._printed = lines + newline + self._printed, b"\n", b""
        if lines or newline:
            out = self._out or sys.stdout
            out.write((lines + newline).decode(errors="replace"))
            out.flush()

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._show(whole=True)
        self._watched.close()
        os.close(self._results)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process, self._received = None, b""


def _read(descriptor: int) -> bytes | None:
    """The content of a pipe. Empty: the other end is closed. None: there is nothing yet."""
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        return None


class Environments:
    """The environments of a function: call it as a handler, from many threads at a time.

    An idle environment is used before a new one is started. Beyond `limit` a caller waits; Lambda would refuse it.
    """

    def __init__(self, function: LocalFunction, out: TextIO | None = None, limit: int = 8) -> None:
        self.function = function
        self._out, self._limit = out, limit
        self._all: list[FunctionProcess] = []
        self._idle: list[FunctionProcess] = []
        self._changed = threading.Condition()
        self._stopped = False

    def __call__(self, event: Any, context: Any = None) -> Any:
        """Invoke the function in one of the environments. Raises FunctionFailed."""
        with self._lent() as environment:
            return environment(event, context)

    @property
    def processes(self) -> list[subprocess.Popen[bytes]]:
        """The running processes."""
        return [one.process for one in self._all if one.process is not None]

    def stop(self) -> None:
        """End all environments, even in the middle of invocations."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for environment in self._all:
            environment.stop()

    @contextmanager
    def _lent(self) -> Iterator[FunctionProcess]:
        with self._changed:
            while not self._idle and len(self._all) >= self._limit and not self._stopped:
                self._changed.wait()
            if self._stopped:
                raise FunctionFailed({"errorType": "Sandbox.Stopped", "errorMessage": "The local stack is stopping."})
            if not self._idle:
                self._all.append(FunctionProcess(self.function, self._out))
                self._idle.append(self._all[-1])
            environment = self._idle.pop()
        try:
            yield environment
        finally:
            with self._changed:
                self._idle.append(environment)
                self._changed.notify()
