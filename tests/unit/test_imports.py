"""What a cold start imports: a budget, held in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOO_DEAR = ("pydantic", "aws_xray_sdk", "jsonschema", "databricks", "moto", "local", "yaml", "asyncio", "pytest")
MOST_MODULES = 680
"""650 on Python 3.11, some 60 of them of libraries that only the tests need; fewer on 3.13."""
ENVIRONMENT = {
    "ADOBE_SECRET_ID": "a",
    "DATABRICKS_SECRET_PREFIX": "a/",
    "REGISTRY_TABLE": "t",
    "PARAMETER_PREFIX": "/p",
    "EVENT_BUS_NAME": "b",
    "REQUEST_QUEUE_URL": "https://q",
    "DEAD_LETTER_QUEUE_URL": "https://d",
    "AWS_REGION": "eu-west-1",
    "PATH": os.environ.get("PATH", ""),
}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that loading the function imports; nothing is called meanwhile."""
    code = "import app, sys; print(*sorted(sys.modules))"
    path = os.pathsep.join([str(ROOT / "functions" / "provision"), str(ROOT / "layers" / "core")])
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("name", TOO_DEAR)
def test_a_cold_start_does_not_import_what_it_does_not_need(imported: set[str], name: str) -> None:
    assert [module for module in imported if module == name or module.startswith(name + ".")] == []


def test_a_cold_start_stays_within_its_number_of_modules(imported: set[str]) -> None:
    assert len(imported) <= MOST_MODULES
