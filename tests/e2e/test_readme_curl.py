"""The calls of the README's "Over HTTP", made by curl as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.account import Aws
from local.gateway.callers import ACCESS_KEY, SECRET_KEY
from local.stack import ROOT
from tests.support.iam import AwsCalls
from tests.support.served import served
from tests.support.world import SECRET_ID

SECTION = (ROOT / "README.md").read_text().split("\n### Over HTTP\n")[1].split("\n## ")[0]
SETTING_UP, *BLOCKS = re.findall(r"^```sh\n(.+?)^```$", SECTION, re.MULTILINE | re.DOTALL)
CALLS = re.findall(r"^(signed (?:.|\\\n)+?)  # (\d{3})$", "".join(BLOCKS), re.MULTILINE)


@pytest.fixture
def url(aws: Aws, aws_calls: AwsCalls, tmp_path: Path) -> Iterator[str]:
    with served(aws, aws_calls, tmp_path, SECRET_ID) as made:
        yield made


def run(url: str, call: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Status and body of a call, made in a shell that was set up as the README says."""
    shell, told = shutil.which("bash"), folder / "body"
    assert shell
    known = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "AWS_ACCESS_KEY_ID": ACCESS_KEY}
    setting_up = re.sub("^API=.*$", f"API={url}", SETTING_UP, flags=re.MULTILINE)
    ran = subprocess.run(
        [shell, "-euo", "pipefail", "-c", f"{setting_up}\n{call} -sS -o {told} -w '%{{http_code}}'"],
        env=known | {"AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    return int(ran.stdout), told.read_text()


def test_every_call_gives_the_status_that_is_shown(url: str, tmp_path: Path) -> None:
    cursor, answers = "", []

    for call, _ in CALLS:
        if "$CURSOR" in call:
            cursor = json.loads(run(url, 'signed "$API/connections?limit=1&sandbox=dev"', tmp_path)[1])["cursor"]
        answers.append((call, str(run(url, call, tmp_path, CURSOR=cursor)[0])))

    assert cursor
    assert answers == CALLS


def test_every_route_is_called_but_the_one_that_asks_for_any_connection() -> None:
    calls = "".join(call for call, _ in CALLS)
    assert len(CALLS) == sum(block.count("signed ") for block in BLOCKS)

    for route in ("-X PUT", "/verify", "/tables", "/tables/", "?limit", "-X DELETE", "Prefer: wait"):
        assert route in calls


@pytest.mark.parametrize(
    ("environment", "status"), [({"AWS_SESSION_TOKEN": "token"}, 200), ({"AWS_SECRET_ACCESS_KEY": "another"}, 403)]
)
def test_what_curl_signs_is_verified_with_a_session_token_too(
    url: str, tmp_path: Path, environment: dict[str, str], status: int
) -> None:
    assert run(url, 'signed "$API/connections"', tmp_path, **environment)[0] == status
