"""`python -m local up`, as a person or a program starts it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests

from local import up
from local.aws.account import Aws
from local.stack import Stack
from tests.support.cloud import listening
from tests.support.commands import started, until
from tests.support.log import Log
from tests.support.stacks import NewStack

BODY = {"databricksSecretId": "aep/dev/databricks/lakehouse"}


def test_a_stack_for_a_person_serves_requests_and_ends_with_ctrl_c_even_while_another_one_hangs(tmp_path: Path) -> None:
    base, file = _free_ports(), tmp_path / "local.env"
    process = started("up", "--port", str(base), "--env", str(file))
    assert process.stdout is not None
    try:
        text = "".join(iter(process.stdout.readline, "Requests and outcome events follow.\n"))
        names = dict(line.removeprefix("export ").split("=") for line in file.read_text().splitlines())
        _let_a_request_hang(names)
        connection = f"{names['API']}/connections/dev/lakehouse"
        reply = requests.put(connection, json=BODY, headers={"Prefer": "wait=20"}, timeout=30)
        shown = [process.stdout.readline() for _ in range(5)]
        forged = requests.get(connection, headers={"Authorization": "AWS4-HMAC-SHA256 forged"}, timeout=30)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert [names[name].rpartition(":")[2] for name in ("AWS_ENDPOINT_URL", "IMS", "ADOBE", "DATABRICKS", "API")] == [
        str(base + number) for number in range(5)
    ]
    assert (names["BUS"], names["FUNCTION"], names["DATABRICKS_URL"]) == (
        "local", "local-ProvisionFunction", names["DATABRICKS"],
    )  # fmt: skip
    assert f"  . examples/names.sh local {file}\n" in text
    assert (reply.status_code, bool(reply.headers["Apigw-Requestid"])) == (201, True)
    assert {line.split()[0] for line in shown if line.strip()} == {"created", "event", "HTTP"}
    assert "  event       AEP Base Connection Ready  dev/lakehouse  created\n" in shown
    assert (forged.status_code, forged.json()) == (403, {"message": "Forbidden"})
    assert process.returncode == 0, errors
    assert not file.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_stack_for_programs_prints_its_urls_and_processes_requests_until_it_gets_a_signal(
    command: Callable[..., int],
    new_stack: NewStack,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stacks: list[Stack] = []
    handlers: dict[int, Callable[..., None]] = {}
    printed = io.StringIO()

    def made(**options: Any) -> Stack:
        stacks.append(new_stack(**options))
        return stacks[-1]

    def drive() -> Any:
        """Once the URLs are printed, send a request, wait for its outcome, and send the signal."""
        try:
            until(lambda: printed.getvalue().endswith("\n"))
            urls, announced = json.loads(printed.getvalue()), listening(stacks[0])
            for name in ("ims", "adobe", "databricks"):
                assert requests.get(f"{urls[name]}/_simulator/settings", timeout=5).status_code == 200
            assert requests.get(f"{urls['api']}/openapi.json", timeout=5).json()
            detail = json.dumps(
                {"sandbox": "dev", "name": "requested", "databricksSecretId": urls["databricksSecretId"]}
            )
            entry = {"Source": "t", "DetailType": "AEP Base Connection Requested", "EventBusName": urls["eventBus"]}
            aws.client("events").put_events(Entries=[entry | {"Detail": detail}])
            received = aws.client("sqs").receive_message(QueueUrl=announced, WaitTimeSeconds=15)
            assert printed.getvalue().count("\n") == 1  # the log goes to stderr
            return json.loads(received["Messages"][0]["Body"])["detail"]
        finally:
            handlers[signal.SIGTERM]()

    Log(monkeypatch, capsys)
    monkeypatch.setattr(up, "Stack", made)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    with ThreadPoolExecutor() as pool:
        driven = pool.submit(drive)
        with mock.patch.dict(os.environ), contextlib.redirect_stdout(printed):
            assert command("up", "--json") == 0

    detail = driven.result()
    assert (detail["name"], detail["outcome"]) == ("requested", "created")
    assert set(handlers) == {signal.SIGINT, signal.SIGTERM}


def _let_a_request_hang(names: dict[str, str]) -> None:
    """Send a request whose POST gets no reply from Adobe, and wait until Adobe has the POST."""
    hang = {"method": "POST", "hang": True}
    requests.post(f"{names['ADOBE']}/_simulator/faults", json=hang, timeout=5).raise_for_status()
    requests.put(f"{names['API']}/connections/dev/hangs", json=BODY, timeout=30).raise_for_status()
    until(lambda: not requests.get(f"{names['ADOBE']}/_simulator/faults", timeout=5).json()["faults"])


def test_a_port_that_is_in_use_is_refused_with_the_option_for_others(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])

        assert command("up", "--port", port) == 2

    refusal = capsys.readouterr().err
    assert "--port" in refusal
    assert port in refusal


def _free_ports() -> int:
    """A base port: it and the next four were free a moment ago."""
    for base in range(21_000 + os.getpid() % 9_000, 60_000, 5):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + 5):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return base
    raise AssertionError("no five free ports")
