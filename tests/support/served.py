"""The HTTP API of a separate stack, over the functions of the checkout, while messages of its queue are processed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.aws.account import Aws
from local.aws.invocation import Handler
from local.gateway.http_api import HttpApi, Limit
from local.gateway.server import Gateway
from local.stack import DATABRICKS_SECRET, Stack
from tests.support.deployed import ROLES
from tests.support.iam import AwsCalls, grants

UNTHROTTLED = Limit(5000, 5000)

LambdaResponse = dict[str, Any]


@contextmanager
def served(
    aws: Aws,
    calls: AwsCalls,
    folder: Path,
    secret_id: str,
    parameters: Mapping[str, str] | None = None,
    alter: Callable[[LambdaResponse], LambdaResponse] | None = None,
) -> Iterator[str]:
    """The URL of the HTTP API, not throttled. Functions run in separate processes, and the queue is processed too.

    `spoil` changes the responses of the API's function that show one connection.
    """
    name, ended = f"f{uuid.uuid4().hex[:12]}", threading.Event()
    stack = Stack(name, {"ParameterPrefix": f"/{name}", **(parameters or {})}, aws)
    calls.allow(name, [g for r in ROLES.values() for g in grants(stack.template, stack.resources.attribute, r)])
    stack.put_secret(secret_id, DATABRICKS_SECRET)
    with (folder / "log").open("w") as out:
        api = stack.environments("api", out)
        stack.aws.functions[stack.resources.attribute("ExploreFunction", None)] = stack.environments("explore", out)
        declared = HttpApi.read(stack.template, stack.resources.attribute)
        open_to_all = replace(declared, routes=tuple(replace(r, limit=UNTHROTTLED) for r in declared.routes))
        gateway = Gateway(open_to_all, _altered(api, alter) if alter else api)
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


def _altered(api: Handler, alter: Callable[[LambdaResponse], LambdaResponse]) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        response = api(event, context)
        shows = event["routeKey"] == "GET /connections/{sandbox}/{name}" and response["statusCode"] == 200
        return alter(response) if shows else response

    return handler
