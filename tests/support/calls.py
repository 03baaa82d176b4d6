"""The service's outside calls, each named by its purpose, so that a test can stop, change or kill it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from botocore.client import BaseClient

from tests.fakes import Account
from tests.support.iam import AGENT, target_of

Go = Callable[..., Any]
"""Makes the call. Keyword arguments replace options of an HTTP request."""
Act = Callable[[str, Go], Any]
"""Receives a call's name and the call itself, and returns the call's result."""
Refuse = Callable[..., None]
"""Makes the calls of a name fail with a class of error."""
Note = Callable[[str, Any], None]
"""Receives each call before it is made: its name and its content."""

_OPERATIONS = {
    "GetParameter": "read parameter",
    "PutParameter": "publish",
    "DeleteParameter": "delete parameter",
    "PutEvents": "announce",
    "ChangeMessageVisibility": "visibility",
    "GetItem": "read entry",
    "Scan": "list all",
    "SendMessageBatch": "send rechecks",
    "DescribeSecret": "secret's version",
    "GetParametersByPath": "list parameters",
    "BatchGetItem": "read entries again",
}
_WRITES = (
    ("SET #noted =", "note"),
    ("SET #order =", "accept"),
    ("#attempt =", "record attempt"),
    ("#connectionId =", "record id"),
    ("#answered =", "close"),
    ("#failure =", "record failure"),
    ("#leaseUntil =", "resume"),
    ("#attempt", "forget attempt"),
    ("SET #updatedAt = :updatedAt REMOVE #leaseUntil", "release"),
)
"""A part of an update expression, and the purpose of that write. The first match counts."""

DATABRICKS_CALLS = {
    "token owner": ("GET", r".*/scim/v2/Me"),
    "cluster": ("GET", r".*/clusters/get"),
    "tokens": ("GET", r".*/token/list"),
    "catalog": ("GET", r".*/unity-catalog/catalogs/.*"),
    "database": ("GET", r".*/unity-catalog/schemas/.*"),
    "tables": ("GET", r".*/unity-catalog/tables"),
    "start cluster": ("POST", r".*/clusters/start"),
}
"""The calls to a workspace, and how each is recognized. Most are made concurrently."""
HTTP_CALLS = {
    "IMS token", "explore", "flows", "flow",
    "create", "find by name", "list", "get", "confirm deletion", "patch", "delete", "test", *DATABRICKS_CALLS,
}  # fmt: skip


class Calls:
    """Every call of the service while `watched`. A call without a name here keeps the name from AWS or HTTP."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.act: Act | None = None
        self.notes: list[Note] = []

    @contextmanager
    def watched(self, account: Account | None = None) -> Iterator[Calls]:
        """Watch the service's calls over HTTP, and to AWS: to an account in memory, or with the SDK."""
        api_call = BaseClient._make_api_call  # type: ignore[attr-defined]
        http_request = requests.Session.request

        def aws(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            def go() -> Any:
                return api_call(client, operation, arguments)

            ours = client.meta.config.user_agent_extra == AGENT
            return self._call(_of_aws(operation, arguments), arguments, go) if ours else go()

        def http(session: Any, method: str, url: str, **options: Any) -> Any:
            responses = []

            def go(**changes: Any) -> Any:
                responses.append(http_request(session, method, url, **options | changes))
                return responses[-1]

            ours = str(session.headers.get("User-Agent", "")).startswith(AGENT)
            name = _of_http(method, url, options.get("params") or (), self.made)
            try:
                return self._call(name, None, go) if ours else go()
            except BaseException:
                for response in responses:  # as when a process ends
                    response.close()
                raise

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", aws)
            patch.setattr(requests.Session, "request", http)
            if account:
                patch.setattr(account, "around", self._call)
            yield self

    def _call(self, name: str, sent: Any, go: Go) -> Any:
        self.made.append(name)
        for note in self.notes:
            note(name, sent)
        return self.act(name, go) if self.act else go()


def named(environ: Mapping[str, Any], body: bytes) -> str:
    """The name of a call as it reaches AWS, from its headers and its JSON body."""
    asynchronous = {"InvocationType": "Event"} if environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "Event" else {}
    return _of_aws(target_of(environ).rpartition(".")[2], {**json.loads(body), **asynchronous})


def _of_aws(operation: str, arguments: Mapping[str, Any]) -> str:
    if operation == "GetSecretValue":
        return _secret_read(arguments)
    if operation == "UpdateItem":
        text = arguments["UpdateExpression"]
        return next((name for part, name in _WRITES if part in text), _other_write(text))
    if operation == "Invoke":
        return "continue" if "InvocationType" in arguments else "explore function"
    if "IndexName" in arguments:
        return "keys of a secret" if operation == "Query" else "sandboxes"
    if operation == "Query" and "#leaseUntil" in arguments.get("ProjectionExpression", ""):
        return "keys of a sandbox"
    if operation == "SendMessage":
        return "park" if "MessageAttributes" in arguments else "send request"
    if operation == "Query":
        return "ids held by others" if "ProjectionExpression" in arguments else "list sandbox"
    return _OPERATIONS.get(operation, operation)


def _other_write(text: str) -> str:
    """The name of a write that has no name of its own: the attributes that it sets or removes."""
    names = [name for name in re.findall(r"#(\w+)", text.replace(":", "")) if name not in ("updatedAt", "leaseUntil")]
    return f"{'close with' if '#leaseUntil' in text else 'record'} {', '.join(names)}"


def _secret_read(arguments: Mapping[str, Any]) -> str:
    if arguments["VersionStage"] == "AWSPREVIOUS":
        return "former secret"
    return "Databricks secret" if "/databricks/" in arguments["SecretId"] else "Adobe secret"


def _of_http(method: str, url: str, params: Any, made: list[str]) -> str:
    if "/flowservice/flows" in url:
        return "flows" if url.endswith("/flows") else "flow"
    _, found, path = url.partition("/flowservice/connections")
    if not found:
        known = (name for name, (of, path) in DATABRICKS_CALLS.items() if of == method and re.fullmatch(path, url))
        return "IMS token" if "/ims/" in url else next(known, f"{method} {url}")
    match method, path.count("/"), path.endswith("/test"):
        case "POST", 0, _:
            return "create"
        case "GET", 0, _:
            return "find by name" if any("name==" in value for _, value in params) else "list"
        case "GET", 1, _:
            return "confirm deletion" if "delete" in made else "get"
        case "GET", 2, True:
            return "test"
        case "GET", 2, False:
            return "explore"
        case (("PATCH" | "DELETE"), 1, _):
            return method.lower()
    return f"{method} /connections{path}"
