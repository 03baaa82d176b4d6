"""Schemathesis against the HTTP API by its OpenAPI document: every check, field by field, at random and along links."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.aws import Aws
from local.gateway import DOCUMENT, Gateway
from local.http_api import HttpApi, Limit
from local.invocation import Handler
from local.stack import DATABRICKS_SECRET, ROOT, Stack
from tests.support.deployed import ROLES
from tests.support.fuzz import SECRET_ID
from tests.support.iam import AwsCalls, grants

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
UNTHROTTLED = Limit(5000, 5000)
ENDPOINTS = {"NO_PROXY": "*", "PYTHONUTF8": "1"}

Answer = dict[str, Any]


@contextmanager
def served(aws: Aws, calls: AwsCalls, folder: Path, spoil: Callable[[Answer], Answer] | None = None) -> Iterator[str]:
    """The HTTP API over functions in processes of their own, the queue being worked beside; its URL.

    Any sandbox may use the one secret there is, so that whatever is asked for can be made. `spoil` changes what the
    API's function answers to those who want to be shown one connection.
    """
    name, ended = f"f{uuid.uuid4().hex[:12]}", threading.Event()
    stack = Stack(name, {"DatabricksSecretPrefix": "aep/", "ParameterPrefix": f"/{name}"}, aws)
    calls.allow(name, [g for r in ROLES.values() for g in grants(stack.template, stack.resources.attribute, r)])
    stack.put_secret(SECRET_ID, DATABRICKS_SECRET)
    with (folder / "log").open("w") as out:
        api = stack.environments("api", out)
        stack.aws.functions[stack.resources.attribute("ExploreFunction", None)] = stack.environments("explore", out)
        declared = HttpApi.read(stack.template, stack.resources.attribute)
        open_to_all = replace(declared, routes=tuple(replace(r, limit=UNTHROTTLED) for r in declared.routes))
        gateway = Gateway(open_to_all, _spoiled(api, spoil) if spoil else api)
        gateway.start()
        source = stack.event_source(stack.environments("provision", out))

        def work() -> None:
            while not ended.is_set():
                source.poll(wait_seconds=1)

        worker = threading.Thread(target=work)
        worker.start()
        try:
            yield gateway.url
        finally:
            gateway.stop()
            ended.set()
            worker.join()
            stack.stop()


def _spoiled(api: Handler, spoil: Callable[[Answer], Answer]) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        answer = api(event, context)
        shows = event["routeKey"] == "GET /connections/{sandbox}/{name}" and answer["statusCode"] == 200
        return spoil(answer) if shows else answer

    return handler


def schemathesis(url: str, *options: str) -> tuple[int, str]:
    """Status and report of a run."""
    ran = subprocess.run(
        ["schemathesis", "--config-file", CONFIGURATION, "run", DOCUMENT, "--url", url, "--checks", "all",
         "--no-color", *options],
        cwd=ROOT,
        env=os.environ | ENDPOINTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout


def test_the_api_does_what_its_document_says(aws: Aws, aws_calls: AwsCalls, tmp_path: Path) -> None:
    with served(aws, aws_calls, tmp_path) as url:
        status, report = schemathesis(url)

    assert status == 0, report
    assert "Tested: 8" in report
    links = re.search(r"API Links: +(\d+) covered", report)
    assert links, report
    assert int(links[1]) >= 10, report


SPOILT: dict[str, Callable[[Answer], Answer]] = {
    "Undocumented status code": lambda answer: answer | {"statusCode": 206},
    "Response violates schema": lambda answer: answer | {"body": '{"sandbox": "dev"}'},
    "Undocumented Content-Type": lambda answer: answer | {"headers": {"Content-Type": "text/plain"}},
    "Server error": lambda answer: answer | {"statusCode": 500},
}
"""What Schemathesis says of an answer that was changed so."""


def test_an_answer_that_is_not_in_the_document_is_found(aws: Aws, aws_calls: AwsCalls, tmp_path: Path) -> None:
    changes = itertools.cycle(SPOILT.values())

    with served(aws, aws_calls, tmp_path, lambda answer: next(changes)(answer)) as url:
        status, report = schemathesis(url, "--phases", "stateful")

    assert status == 1
    assert [said for said in SPOILT if said not in report] == [], report
