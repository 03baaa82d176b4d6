"""A local function in its own process works as in Lambda: one call at a time, a deadline, its own output."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.aws.invocation import FunctionFailed
from local.aws.process import Environments, FunctionProcess, LocalFunction

Written = Callable[..., LocalFunction]

ECHO = """
def handler(event, context):
    return {"event": event}
"""
COUNTS = """
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return calls
"""
HANGS = """
import time
def handler(event, context):
    print("begun")
    while event == "hang":
        time.sleep(60)
    return "done"
"""
VARIOUS = """
import os
def handler(event, context):
    match event:
        case "environment":
            return dict(os.environ)
        case "context":
            return [context.get_remaining_time_in_millis(), context.function_name, context.aws_request_id]
        case "layer":
            import aep_connections
            return aep_connections.__name__
        case "error":
            raise LookupError("no such thing")
        case "no JSON":
            return {1, 2}
    return {"event": event}
"""
ENDS = """
import os
def handler(event, context):
    os._exit(3)
"""


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Makes a function from source code."""
    return lambda code, seconds=20.0, **variables: write(tmp_path / "echo", code, seconds, **variables)


def write(folder: Path, code: str, seconds: float = 20.0, **variables: str) -> LocalFunction:
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(code)
    return LocalFunction("local-EchoFunction", folder, seconds, variables)


@pytest.fixture(scope="module")
def various(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionProcess]:
    """An environment of `VARIOUS` for all tests of this module. It was started with variables of the caller's own."""
    function = write(tmp_path_factory.mktemp("function"), VARIOUS, 9.0, REGISTRY_TABLE="r")
    made = FunctionProcess(function, io.StringIO())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "mine")
        made("start")
    yield made
    made.stop()


@pytest.fixture
def started() -> Iterator[Callable[[LocalFunction], FunctionProcess]]:
    """Makes environments, and stops them after the test."""
    made: list[FunctionProcess] = []

    def make(function: LocalFunction) -> FunctionProcess:
        made.append(FunctionProcess(function, io.StringIO()))
        return made[-1]

    yield make
    for one in made:
        one.stop()


Started = Callable[[LocalFunction], FunctionProcess]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def failed(environment: FunctionProcess | Environments, event: object = None) -> dict[str, object]:
    with pytest.raises(FunctionFailed) as raised:
        environment(event)
    return raised.value.payload


@pytest.mark.parametrize("event", [{"name": "Zürich\n"}, "x" * 5_000_000], ids=["text", "large"])
def test_an_event_gets_its_result(various: FunctionProcess, event: object) -> None:
    assert various(event) == {"event": event}


def test_nothing_is_started_before_the_first_event_and_one_process_serves_all(
    written: Written, started: Started
) -> None:
    counts = started(written(COUNTS))
    before = counts.process

    assert (before, counts({}), counts({})) == (None, 1, 2)


def test_the_function_has_its_own_environment_and_none_of_our_variables(various: FunctionProcess) -> None:
    variables = various("environment")

    assert (variables["REGISTRY_TABLE"], variables["AWS_LAMBDA_FUNCTION_NAME"]) == ("r", "local-EchoFunction")
    assert not {"AWS_PROFILE", "PYTEST_CURRENT_TEST"} & set(variables)


def test_the_layer_can_be_imported(various: FunctionProcess) -> None:
    assert various("layer") == "aep_connections"


def test_the_context_has_the_remaining_time_and_the_function_name(various: FunctionProcess) -> None:
    (left, name, first), (_, _, second) = various("context"), various("context")

    assert 0 < left <= 9000
    assert name == "local-EchoFunction"
    assert first != second


def test_output_is_shown_in_whole_lines_before_the_result_is_returned(written: Written) -> None:
    code = (
        "import sys\n"
        "print('loaded')\n"
        "def handler(event, context):\n"
        "    print('one')\n"
        "    print('two', file=sys.stderr)\n"
        "    sys.stdout.write('half')\n"
        "    return 1\n"
    )
    out = io.StringIO()
    environment = FunctionProcess(written(code), out)

    environment(None)
    after_the_result = out.getvalue()
    environment.stop()

    assert sorted(after_the_result.splitlines()) == ["loaded", "one", "two"]
    assert out.getvalue().endswith("half\n")


def test_output_goes_to_the_stdout_at_the_time_of_the_call(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = FunctionProcess(written("def handler(event, context): print('shown')"))

    environment(None)
    environment.stop()

    assert capsys.readouterr().out == "shown\n"


def test_an_error_is_reported_as_lambda_reports_it_and_the_process_stays(various: FunctionProcess) -> None:
    payload, process = failed(various, "error"), various.process

    assert (payload["errorType"], payload["errorMessage"]) == ("LookupError", "no such thing")
    assert payload["stackTrace"]
    assert (failed(various, "error"), various.process) == (payload, process)


def test_a_result_that_is_not_json_is_an_error(various: FunctionProcess) -> None:
    assert failed(various, "no JSON")["errorType"] == "Runtime.MarshalError"


def test_a_function_that_cannot_be_loaded_reports_why_and_is_loaded_again_next_time(
    written: Written, started: Started
) -> None:
    environment = started(written("import no_such_module"))
    first = failed(environment)
    written(ECHO)

    assert (first["errorType"], first["errorMessage"]) == ("ModuleNotFoundError", "No module named 'no_such_module'")
    assert environment(1) == {"event": 1}


def test_a_process_that_ends_is_an_error_and_the_next_call_gets_another(written: Written, started: Started) -> None:
    environment = started(written(ENDS))

    payload = failed(environment)
    written(ECHO)

    assert payload["errorType"] == "Runtime.ExitError"
    assert str(payload["errorMessage"]).endswith("Runtime exited with status 3")
    assert environment(1) == {"event": 1}


def test_a_call_is_killed_when_the_timeout_is_over_and_the_next_gets_another_process(
    written: Written, started: Started
) -> None:
    environment = started(written(HANGS, 0.5))
    environment("warm")
    hanging = environment.process
    assert hanging is not None

    payload = failed(environment, "hang")

    assert payload["errorType"] == "Sandbox.Timedout"
    assert str(payload["errorMessage"]).endswith("Task timed out after 0.50 seconds")
    assert not is_alive(hanging.pid)
    assert environment("again") == "done"


def test_a_call_that_never_stops_printing_is_killed_too(written: Written, started: Started) -> None:
    code = "def handler(event, context):\n    while True: print('x' * 1000)"

    assert failed(started(written(code, 0.1)))["errorType"] == "Sandbox.Timedout"


def test_stopping_ends_a_running_call_at_once(written: Written) -> None:
    begun = Begun()
    environment = FunctionProcess(written(HANGS, 60.0), begun)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(failed, environment, "hang")
        begun.wait()
        process = environment.process
        environment.stop()
        payload = hanging.result()

    assert payload["errorType"] == "Runtime.ExitError"
    assert process is not None
    assert not is_alive(process.pid)
    assert failed(environment, "again")["errorType"] == "Runtime.ExitError"


class Begun(io.StringIO):
    """Notices when something is printed."""

    def __init__(self) -> None:
        super().__init__()
        self._event = threading.Event()

    def write(self, text: str) -> int:
        self._event.set()
        return super().write(text)

    def wait(self) -> None:
        assert self._event.wait(20)


# ---------------------------------------------------------------- several environments


MEETS = """
import pathlib, time
def handler(event, context):
    here = pathlib.Path(event["folder"])
    (here / event["mine"]).touch()
    while not (here / event["other"]).exists():
        time.sleep(0.001)
    return event["mine"]
"""


def test_simultaneous_calls_run_in_parallel(written: Written, tmp_path: Path) -> None:
    environments = Environments(written(MEETS), io.StringIO())
    events = [{"folder": str(tmp_path), "mine": one, "other": other} for one, other in (("a", "b"), ("b", "a"))]

    with ThreadPoolExecutor() as pool:
        responses = list(pool.map(environments, events))
    processes = environments.processes
    environments.stop()

    assert responses == ["a", "b"]
    assert len(processes) == 2
    assert not any(is_alive(process.pid) for process in processes)


def test_an_idle_environment_is_taken_before_another_is_started(written: Written) -> None:
    environments = Environments(written(COUNTS), io.StringIO())

    responses = [environments({}) for _ in range(3)]
    processes = environments.processes
    environments.stop()

    assert (responses, len(processes)) == ([1, 2, 3], 1)


def test_beyond_the_limit_calls_wait_for_an_idle_environment(written: Written) -> None:
    environments = Environments(written(COUNTS), io.StringIO(), limit=1)

    with ThreadPoolExecutor() as pool:
        responses = sorted(pool.map(environments, range(4)))
    environments.stop()

    assert responses == [1, 2, 3, 4]


def test_an_environment_that_failed_is_used_again(written: Written) -> None:
    environments = Environments(written(ENDS), io.StringIO(), limit=1)

    errors = {failed(environments)["errorType"] for _ in range(2)}
    environments.stop()

    assert errors == {"Runtime.ExitError"}


def test_stopped_environments_refuse_new_calls_and_end_the_waiting_ones(written: Written) -> None:
    begun = Begun()
    environments = Environments(written(HANGS, 60.0), begun, limit=1)

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(failed, environments, "hang") for _ in range(2)]
        begun.wait()
        environments.stop()
        ends = sorted(str(call.result()["errorType"]) for call in calls)

    assert ends[0] == "Runtime.ExitError"
    assert ends[1] in ("Runtime.ExitError", "Sandbox.Stopped")
    assert failed(environments)["errorType"] == "Sandbox.Stopped"
