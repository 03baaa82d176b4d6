"""The floor of the cold start of `reconcile`: its clients and its HTTP session, and nothing else."""

import os
from typing import Any

import boto3
import requests
from botocore.config import Config

CONFIG = Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})

aws = boto3.Session(region_name=os.environ.get("AWS_REGION"))
clients = [
    aws.client(service, config=CONFIG) for service in ("secretsmanager", "dynamodb", "ssm", "sqs", "events", "lambda")
]
http = requests.Session()


class InvalidRequest(Exception):  # noqa: N818 - the name of our error
    pass


def handler(event: Any, context: Any) -> Any:
    raise InvalidRequest
