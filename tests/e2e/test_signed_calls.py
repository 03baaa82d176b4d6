"""Calls that `signed` of examples/names.sh signs, made by a real curl. test_pages.py runs the calls of the pages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.account import REGION, Aws
from local.gateway.callers import ACCESS_KEY, SECRET_KEY
from local.stack import ROOT
from tests.support.iam import AwsCalls
from tests.support.served import served
from tests.support.world import SECRET_ID

CALLS = (ROOT / "docs" / "reference" / "http-api.md").read_text().split("\n## Calls\n")[1].split("\n## ")[0]


@pytest.fixture
def url(aws: Aws, aws_calls: AwsCalls, tmp_path: Path) -> Iterator[str]:
    with served(aws, aws_calls, tmp_path, SECRET_ID) as made:
        yield made


@pytest.mark.parametrize(
    ("environment", "status"),
    [({}, 200), ({"AWS_SESSION_TOKEN": "token"}, 200), ({"AWS_SECRET_ACCESS_KEY": "another"}, 403)],
)
def test_the_signature_of_curl_is_verified_with_a_session_token_too(
    url: str, tmp_path: Path, environment: dict[str, str], status: int
) -> None:
    shell = shutil.which("bash")
    assert shell
    known = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "AWS_REGION": REGION, "API": url}
    credentials = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    call = 'signed "$API/connections?limit=1&sandbox=dev" -sS -o /dev/null -w "%{http_code}"'

    ran = subprocess.run(
        [shell, "-uo", "pipefail", "-c", f". {ROOT}/examples/names.sh 2>/dev/null\n{call}"],
        cwd=tmp_path,
        env=known | credentials | environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (ran.stdout, ran.stderr) == (str(status), "")


def test_the_page_shows_a_call_of_every_route_but_the_one_for_any_connection() -> None:
    for route in ("-X PUT", "/verify", "/tables", "/tables/", "?limit", "-X DELETE", "Prefer: wait"):
        assert re.search(rf"^signed .*{re.escape(route)}", CALLS, re.MULTILINE), route
