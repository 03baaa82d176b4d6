"""The floor of the cold start of `api`: its clients, and nothing else."""

import json
import os
from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})

aws = boto3.Session(region_name=os.environ.get("AWS_REGION"))
clients = [aws.client(service, config=CONFIG) for service in ("sqs", "dynamodb", "lambda")]


def handler(event: Any, context: Any) -> Any:
    return {"statusCode": 422, "body": json.dumps({"code": "InvalidRequest"})}
