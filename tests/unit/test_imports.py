"""The imports of each function's cold start stay within a budget, measured in a new process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent.parent
TOO_EXPENSIVE = ("aws_xray_sdk", "jsonschema", "databricks", "moto", "local", "yaml", "pytest")
FRAMEWORKS = ("pydantic", "aws_lambda_powertools.event_handler", "asyncio")
"""Frameworks that could serve HTTP for us, and `asyncio`, which they import."""
FOR_NONE = TOO_EXPENSIVE + FRAMEWORKS
API = ("aep_connections.api",)
OTHERS = ("requests", "aep_connections.http", "aep_connections.adobe", "aep_connections.sources.workspaces")
"""Modules that call Adobe and Databricks."""
WORK = ("aep_connections.sources.workspaces", "aep_connections.provision")
"""Modules that create connections or call Databricks. The reconcile function does neither."""
UNWANTED = {
    "provision": FOR_NONE + API,
    "explore": FOR_NONE + API,
    "api": FOR_NONE + OTHERS,
    "reconcile": FOR_NONE + API + WORK,
}
MOST_MODULES = {"provision": 680, "explore": 670, "api": 552, "reconcile": 670}
"""666, 656, 538 and 657 on Python 3.11. About 60 are of libraries that only tests need. Python 3.13: up to 3 more."""
ENVIRONMENT = {
    "ADOBE_SECRET_ID": "a",
    "DATABRICKS_SECRET_PREFIX": "a/",
    "REGISTRY_TABLE": "t",
    "PARAMETER_PREFIX": "/p",
    "EVENT_BUS_NAME": "b",
    "REQUEST_QUEUE_URL": "https://q",
    "DEAD_LETTER_QUEUE_URL": "https://d",
    "EXPLORE_FUNCTION_NAME": "e",
    "AWS_REGION": "eu-west-1",
    "PATH": os.environ.get("PATH", ""),
}


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """The modules that loading each function imports, in order. No handler is called."""
    return {function: _imported_by(function) for function in UNWANTED}


def _imported_by(function: str) -> list[str]:
    code = "import app, sys; print(*sys.modules)"
    path = os.pathsep.join([str(ROOT / "functions" / function), str(ROOT / "layers" / "core")])
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.split()


def test_every_function_has_its_budget() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert set(UNWANTED) == set(MOST_MODULES) == functions


@pytest.mark.parametrize(("function", "name"), [(one, name) for one, names in UNWANTED.items() for name in names])
def test_a_cold_start_does_not_import_what_it_does_not_need(
    imported: dict[str, list[str]], function: str, name: str
) -> None:
    assert [module for module in imported[function] if module == name or module.startswith(name + ".")] == []


@pytest.mark.parametrize("function", UNWANTED)
def test_a_cold_start_stays_within_its_number_of_modules(imported: dict[str, list[str]], function: str) -> None:
    assert len(imported[function]) <= MOST_MODULES[function]


@pytest.mark.parametrize("function", UNWANTED)
def test_the_sdk_is_loaded_before_our_code(imported: dict[str, list[str]], function: str) -> None:
    """The SDK loads more slowly from deeper in the stack of imports: decision 20 has the figures."""
    modules = imported[function]

    assert modules.index("boto3") < modules.index("aep_connections")
