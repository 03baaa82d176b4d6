"""The commands of README and docs that can run on one machine, run exactly as written.

Each page has its own local stack, as `make local` starts it, and one shell that runs the page's blocks in order.
Only a whole stack can show that a page's commands fit together, and a real shell that they can be copied.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import ROOT

PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if "```sh" in path.read_text()]
LOCAL = [path for path in PAGES if "```sh local\n" in path.read_text()]
STARTED_SECONDS = 60
END = "=== end of a block ==="
CHECKED = r"""
status() { local want=$1 got; shift
  got=$("$@" -sS -o "$HOME/body" -w '%{http_code}') && [ "$got" = "$want" ] && cat "$HOME/body" && return
  echo "$* returned ${got:-nothing}, the page says $want: $(cat "$HOME/body")" >&2; return 1; }
"""
"""`status 202 signed …` runs a call that the page shows with `# 202`, and fails if its status is another."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, kind: str) -> list[tuple[str, list[str]]]:
    """The fenced blocks of one kind, in order, without the indentation of a list; and what the page promises to show.

    A promise is the code in the sentence "You should see …" right after the block.
    """
    fence = rf"^( *)```{kind}\n(.+?)^ *```$(?:\n+ *You should see (.+?)\.(?:\s|$))?"
    return [
        (re.sub(rf"^{indent}", "", text, flags=re.MULTILINE), re.findall(r"`([^`]+)`", promise))
        for indent, text, promise in re.findall(fence, page.read_text(), re.MULTILINE | re.DOTALL)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a clone has, so that what the commands write does not end in this one."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name != "local.env":
            (clone / path.name).symlink_to(path)
    (clone / ".venv").symlink_to(Path(sys.prefix))
    return clone


@pytest.fixture
def stack(folder: Path) -> Iterator[Path]:
    """The local stack, whose names are in `local.env` of the folder."""
    names = folder / "local.env"
    with (folder.parent / "log").open("w") as log:
        up = [sys.executable, "-m", "local", "up", "--port", "0", "--env", str(names)]
        running = subprocess.Popen(up, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            until = time.monotonic() + STARTED_SECONDS
            while not names.exists() and running.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            assert names.exists(), (folder.parent / "log").read_text()
            yield folder
        finally:
            os.killpg(running.pid, signal.SIGKILL)  # with its functions; ending in order takes two seconds a page
            running.wait(timeout=STARTED_SECONDS)


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("bash")
    assert shell
    assert shutil.which("aws"), "make e2e has the AWS CLI on the PATH"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "NO_PROXY": "*", "AWS_PAGER": ""}
    return subprocess.run(
        [shell, "-euo", "pipefail", "-c", CHECKED + script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@pytest.mark.parametrize("page", LOCAL, ids=relative)
def test_the_local_commands_of_a_page_run_exactly_as_written(page: Path, stack: Path) -> None:
    texts, promises = zip(*blocks(page, "sh local"), strict=True)
    script = "".join(f"{text}\necho {END}\n" for text in texts)
    checked = re.sub(r"^( *signed (?:.|\\\n)+?)  # (\d{3})$", r"status \2 \1", script, flags=re.MULTILINE)

    ran = run(stack, f". examples/names.sh local\n{checked}")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    for text, promised, shown in zip(texts, promises, ran.stdout.split(END), strict=False):
        missing = [code for code in promised if "".join(code.split()) not in "".join(shown.split())]
        assert missing == [], f"{text}\nshows\n{shown}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_command_of_a_page_can_be_copied(page: Path) -> None:
    for text, _ in blocks(page, r"sh(?: local)?"):
        ran = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)

        assert ran.returncode == 0, f"{text}\n{ran.stderr}"


def test_the_steps_that_the_local_stack_shows_run_with_another_file_of_names(stack: Path) -> None:
    log, until = stack.parent / "log", time.monotonic() + STARTED_SECONDS
    while "events follow" not in log.read_text() and time.monotonic() < until:
        time.sleep(0.1)
    steps = re.findall(r"^  (\..+?)\n\n", log.read_text(), re.MULTILINE | re.DOTALL)
    (stack / "local.env").rename(stack / "other names.env")
    elsewhere = [text.replace(str(stack / "local.env"), "'other names.env'") for text in steps]

    ran = [run(stack, text.replace("signed ", "status 201 signed ", 1)) for text in elsewhere]

    assert [(one.returncode, one.stderr) for one in ran] == [(0, "")]
    assert "/aep-connections/dev/lakehouse/connection-id" in ran[0].stdout


def test_a_command_that_fails_and_a_status_that_differs_are_seen(stack: Path) -> None:
    good = ". examples/names.sh local\n"

    assert run(stack, good + 'status 200 signed "$API/connections"').returncode == 0
    assert run(stack, good + 'status 201 signed "$API/connections"').returncode != 0
    assert run(stack, good + "false\ntrue").returncode != 0
    assert run(stack, good + "aws ssm get-parameter --name /no/such").returncode != 0
