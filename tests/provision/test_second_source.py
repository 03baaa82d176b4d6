"""A second source type needs one package and one line: an invented one is added to a copy of the project and works.

The copy is needed because the request rules, the schema and the samples are built from the source types at import.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.aws.functions import ROOT
from tests.guards.scratch import copy_of

LINE = "SOURCES: tuple[Source, ...] = (databricks.SOURCE,)"
WITH_BOTH = (
    "from aep_connections.sources import ledger\nSOURCES: tuple[Source, ...] = (databricks.SOURCE, ledger.SOURCE)"
)


@pytest.mark.slow
def test_a_second_source_type_goes_through_its_whole_life(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_of(ROOT, copy)
    room = copy / "layers" / "core" / "aep_connections" / "sources" / "ledger"
    room.mkdir()
    (room / "__init__.py").write_text((copy / "tests" / "second_source" / "room.py").read_text())
    registry = room.parent / "__init__.py"
    assert registry.read_text().count(LINE) == 1
    registry.write_text(registry.read_text().replace(LINE, WITH_BOTH))

    life = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/second_source/life.py"],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert life.returncode == 0, life.stdout[-4000:] + life.stderr[-2000:]
    assert "passed" in life.stdout
