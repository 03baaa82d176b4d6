"""A copy of the project in which one guard at a time is removed, and the tests that run in it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from xml.etree import ElementTree

from tests.guards.guard import Guard
from tests.guards.removal import removed

RED, GREEN, BROKEN = "red", "GREEN!", "BROKEN!"
"""The test itself failed; it passed; neither, because its module or a fixture failed, or the test did not end."""
SECONDS, SECONDS_PER_TEST = 120, 5
"""A run that takes longer is ended: it hangs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one test, and the first words of its message."""

    test: str
    colour: str
    why: str = ""


def mutant(root: Path, guard: Guard) -> str:
    """The text of the guard's file without the guard. Raises NotOnce."""
    return removed((root / guard.file).read_text(), guard)


class Scratch:
    """A copy of the project: what git tracks, and new files that git does not ignore."""

    def __init__(self, project: Path, folder: Path) -> None:
        self._root, self._report, self._output = folder / "copy", folder / "report.xml", folder / "output"
        copy_of(project, self._root)
        self._pytest = subprocess.Popen(
            [sys.executable, "-P", str(self._root / "tests" / "guards" / "warm.py")],
            cwd=self._root,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pytest.kill()
        self._pytest.communicate()

    @contextmanager
    def without(self, guard: Guard) -> Iterator[None]:
        """Within this context, the copy lacks the guard."""
        path, changed = self._root / guard.file, mutant(self._root, guard)
        before = path.read_text()
        try:
            _write(path, changed)
            yield
        finally:
            _write(path, before)

    def run(self, tests: Sequence[str]) -> list[Verdict]:
        """The verdicts of tests in the copy as it is now."""
        self._report.unlink(missing_ok=True)
        options = ["-pno:cacheprovider", "-ppytest_socket", f"--junit-xml={self._report}", "--tb=line"]
        assert self._pytest.stdin is not None
        assert self._pytest.stdout is not None
        seconds = SECONDS + SECONDS_PER_TEST * len(tests)
        request = {"pytest": [*options, *tests], "output": str(self._output), "seconds": seconds}
        self._pytest.stdin.write(json.dumps(request) + "\n")
        self._pytest.stdin.flush()
        code = self._pytest.stdout.readline().strip()
        if code not in ("0", "1") or not self._report.exists():
            last = self._output.read_text(errors="replace").strip().splitlines()[-3:]
            end = f"did not end in {seconds} s" if code == str(-signal.SIGALRM) else f"ended with {code}"
            return [Verdict(test, BROKEN, f"pytest {end}: {' / '.join(last)}") for test in tests]
        reported = _verdicts(self._report)
        return [reported.get(test, Verdict(test, BROKEN, "it was not run")) for test in tests]


def copy_of(project: Path, root: Path) -> None:
    """Copy what git tracks, and new files that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = project / name, root / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _write(path: Path, text: str) -> None:
    """Write a source file and delete its bytecode: an edit within one second may keep both date and size."""
    path.write_text(text)
    if path.suffix == ".py":
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def _verdicts(report: Path) -> dict[str, Verdict]:
    """The verdict of each test in a JUnit report."""
    found: dict[str, Verdict] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        test = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
        ends = [(end.tag, end.attrib.get("message", "")) for end in case if end.tag in ("failure", "error", "skipped")]
        if not ends:
            found.setdefault(test, Verdict(test, GREEN))
            continue
        tag, message = ends[0]
        own = tag == "failure" or (tag == "error" and "teardown" in message.partition("\n")[0])
        found[test] = Verdict(test, RED if own else BROKEN, " ".join(message.split())[:200])
    return found
