"""Runs pytest again and again in forks of one process that has imported the libraries, but nothing of the project.

Run as a script in the folder of the tests. A line of JSON on stdin holds pytest's arguments; the answer is a line with
its exit code, or minus the signal that ended it. Whatever lasts longer than `SECONDS` is ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

SECONDS = 120
LIBRARIES = (
    "aws_lambda_powertools",
    "boto3.dynamodb.types",
    "cryptography.x509",
    "jsonpath_ng.ext",
    "moto.backends",
    "moto.cloudwatch.responses",
    "moto.dynamodb.responses",
    "moto.ec2.models",
    "moto.events.responses",
    "moto.iam.responses",
    "moto.kms.responses",
    "moto.moto_api._internal.urls",
    "moto.s3.responses",
    "moto.scheduler.responses",
    "moto.secretsmanager.responses",
    "moto.server",
    "moto.sqs.responses",
    "moto.ssm.responses",
    "moto.sts.responses",
    "requests",
    "samtranslator.translator.translator",
    "werkzeug.serving",
)


def run(arguments: list[str], output: Path) -> int:
    """The exit code of one pytest, whose output goes into a file."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.alarm(SECONDS)
    code = pytest.main(arguments)
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # no child goes through all this when it collects its own garbage
    for line in sys.stdin:
        arguments = json.loads(line)
        print(run(arguments["pytest"], Path(arguments["output"])), flush=True)


if __name__ == "__main__":
    main()
