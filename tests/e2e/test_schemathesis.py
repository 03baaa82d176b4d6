"""Schemathesis tests the HTTP API against its OpenAPI document: every check, by field, at random and along links."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from local.aws.account import Aws
from local.gateway.server import DOCUMENT
from local.stack import ROOT
from tests.support.fuzz import SECRET_ID
from tests.support.iam import AwsCalls
from tests.support.served import LambdaResponse, served

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
ANY_SANDBOX = {"DatabricksSecretPrefix": "aep/"}
"""With this prefix, one secret is enough for every request."""


def schemathesis(url: str, *options: str) -> tuple[int, str]:
    """Status and report of a run."""
    ran = subprocess.run(
        ["schemathesis", "--config-file", CONFIGURATION, "run", DOCUMENT, "--url", url, "--checks", "all",
         "--no-color", *options],
        cwd=ROOT,
        env=os.environ | {"NO_PROXY": "*", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout


def test_the_api_conforms_to_its_document(aws: Aws, aws_calls: AwsCalls, tmp_path: Path) -> None:
    with served(aws, aws_calls, tmp_path, SECRET_ID, ANY_SANDBOX) as url:
        status, report = schemathesis(url)

    assert status == 0, report
    assert "Tested: 8" in report
    links = re.search(r"API Links: +(\d+) covered", report)
    assert links, report
    assert int(links[1]) >= 10, report


ALTERATIONS: dict[str, Callable[[LambdaResponse], LambdaResponse]] = {
    "Undocumented status code": lambda response: response | {"statusCode": 206},
    "Response violates schema": lambda response: response | {"body": '{"sandbox": "dev"}'},
    "Undocumented Content-Type": lambda response: response | {"headers": {"Content-Type": "text/plain"}},
    "Server error": lambda response: response | {"statusCode": 500},
}
"""What Schemathesis reports, and the change to a response that causes the report."""


def test_a_response_that_is_not_in_the_document_is_found(aws: Aws, aws_calls: AwsCalls, tmp_path: Path) -> None:
    changes = itertools.cycle(ALTERATIONS.values())

    def alter(response: LambdaResponse) -> LambdaResponse:
        return next(changes)(response)

    with served(aws, aws_calls, tmp_path, SECRET_ID, ANY_SANDBOX, alter) as url:
        status, report = schemathesis(url, "--phases", "stateful")

    assert status == 1
    assert [problem for problem in ALTERATIONS if problem not in report] == [], report
