"""Runs pytest repeatedly in forks of one process that has imported the libraries, but nothing of the project.

Run it as a script in the folder of the tests. Each line of JSON on stdin holds pytest's arguments and the seconds after
which a run is ended. The reply is a line with the exit code, or the negative number of the signal that ended pytest.
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


def run(arguments: list[str], output: Path, seconds: int) -> int:
    """The exit code of one pytest run, whose output goes into a file. A run that takes longer is ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.alarm(seconds)
    code = pytest.main(arguments)
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # so that the garbage collection of a child skips these objects
    for line in sys.stdin:
        given = json.loads(line)
        print(run(given["pytest"], Path(given["output"]), given["seconds"]), flush=True)


if __name__ == "__main__":
    main()
