"""The runtime of the local stack behaves like Lambda's runtime, as seen by small probe functions."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws.invocation import FunctionFailed
from local.aws.runtime import BuiltFunction, Environment, Written, find_python

Made = Callable[..., Environment]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    folder = tmp_path / "logs"
    folder.mkdir()
    return Written(folder)


@pytest.fixture
def made(tmp_path: Path, runtime: Path, written: Written) -> Iterator[Made]:
    """Creates an environment of a function from its source."""
    environments: list[Environment] = []

    def make(source: str, seconds: float = 10, **variables: str) -> Environment:
        for folder in ("function", "layer"):
            (tmp_path / folder).mkdir()
        (tmp_path / "function" / "app.py").write_text(source)
        function = BuiltFunction(
            "look", tmp_path / "function", tmp_path / "layer", "app.handler", seconds, 512, variables
        )
        environments.append(Environment(function, find_python(), runtime, written))
        return environments[-1]

    yield make
    for environment in environments:
        environment.stop()


def test_a_function_sees_its_remaining_time_and_its_name(made: Made) -> None:
    environment = made(
        "def handler(event, context):\n"
        "    left_ms = context.get_remaining_time_in_millis()\n"
        "    return [event, left_ms, context.function_name, context.memory_limit_in_mb]\n",
        seconds=10,
    )

    event, left_ms, name, memory = environment({"ä": 1})

    assert (event, name, memory) == ({"ä": 1}, "look", "512")
    assert 9_000 < left_ms <= 10_000


def test_a_function_has_the_variables_of_lambda_and_its_own_but_none_of_the_caller(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "1")
    environment = made("import os\ndef handler(event, context):\n    return dict(os.environ)\n", OWN="2")

    seen = environment({})

    assert "OF_THE_CALLER" not in seen
    assert seen["OWN"] == "2"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert set(seen) - set(environment.variables()) <= {"LC_CTYPE", "_X_AMZN_TRACE_ID", "PWD", "SHLVL"}


def test_an_environment_keeps_its_state_between_invocations_until_it_dies(made: Made) -> None:
    environment = made(
        "import os\ncount = 0\n"
        "def handler(event, context):\n"
        "    global count\n    count += 1\n"
        "    return os._exit(3) if event == 'die' else count\n"
    )

    assert [environment({}), environment({})] == [1, 2]
    with pytest.raises(FunctionFailed, match=r"Runtime\.ExitError: .*status 3"):
        environment("die")
    assert (environment({}), environment.starts) == (1, 2)


def test_an_error_is_reported_with_its_type_and_the_environment_stays(made: Made) -> None:
    environment = made("class Odd(Exception): pass\ndef handler(event, context):\n    raise Odd('so …')\n")

    for _ in range(2):
        with pytest.raises(FunctionFailed) as failed:
            environment({})
        assert (failed.value.payload["errorType"], failed.value.payload["errorMessage"]) == ("Odd", "so …")
    assert environment.starts == 1


def test_a_function_that_cannot_start_reports_why_and_is_retried(made: Made) -> None:
    environment = made("import nothing_like_this\n")

    for _ in range(2):
        with pytest.raises(FunctionFailed, match=r"Runtime\.ImportModuleError.*nothing_like_this"):
            environment({})
    assert environment.starts == 2


def test_a_function_that_takes_too_long_is_killed_and_started_again(made: Made) -> None:
    environment = made(
        "import time\ndef handler(event, context):\n    return time.sleep(60) if event == 'slow' else 'quick'\n",
        seconds=0.5,
    )

    with pytest.raises(FunctionFailed, match=r"Sandbox\.Timedout: .*Task timed out after 0\.50 seconds"):
        environment("slow")
    assert environment.process is None
    assert (environment({}), environment.starts) == ("quick", 2)


def test_an_invocation_that_was_never_taken_is_not_taken_by_the_next_process(made: Made) -> None:
    environment = made("def handler(event, context):\n    return event\n", seconds=0.5)
    environment("warm")
    assert environment.process
    os.kill(environment.process.pid, signal.SIGSTOP)

    with pytest.raises(FunctionFailed, match=r"Sandbox\.Timedout"):
        environment("frozen")
    assert environment("next") == "next"


def test_every_line_of_both_streams_is_kept_in_order(made: Made, written: Written) -> None:
    environment = made(
        "import json, sys\n"
        "def handler(event, context):\n"
        "    for number, stream in enumerate((sys.stdout, sys.stderr, sys.stdout)):\n"
        "        print(json.dumps({'number': number, 'text': 'ä'}), file=stream)\n"
    )
    environment({})

    assert [(line["number"], line["text"]) for line in map(json.loads, written.lines)] == [
        (0, "ä"), (1, "ä"), (2, "ä"),
    ]  # fmt: skip


def test_only_lambdas_python_version_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PYENV_ROOT", "/nowhere")

    with pytest.raises(FileNotFoundError, match=r"Python 3\.13, the version in Lambda, is required"):
        find_python()


def test_the_path_is_the_function_the_layer_and_the_runtime_in_this_order(made: Made, runtime: Path) -> None:
    environment = made("import sys\ndef handler(event, context):\n    return sys.path\n")

    seen: list[Any] = environment({})

    folder, layer = str(environment.function.folder), str(environment.function.layer / "python")
    ours = [entry for entry in seen if entry in (folder, layer, str(runtime))]
    assert list(dict.fromkeys(ours)) == [folder, layer, str(runtime)]
    assert not [
        entry for entry in seen if "site-packages" in entry and not entry.startswith(str(find_python().parents[1]))
    ]
