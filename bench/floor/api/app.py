"""The floor of the HTTP API's cold start: its clients, and Powertools' resolver with one route, and nothing else."""

import os
from typing import Annotated, Any

import boto3
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from botocore.config import Config

CONFIG = Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})

aws = boto3.Session(region_name=os.environ.get("AWS_REGION"))
clients = [aws.client(service, config=CONFIG) for service in ("sqs", "dynamodb", "lambda")]
routes = APIGatewayHttpResolver(enable_validation=True)


@routes.get("/connections")
def connections(limit: Annotated[int, Query(ge=1, le=100)]) -> dict[str, Any]:
    return {"connections": []}


def handler(event: Any, context: Any) -> Any:
    return routes.resolve(event, context)
