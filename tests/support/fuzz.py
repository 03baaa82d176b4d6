"""What Schemathesis cannot derive from the OpenAPI document. `tests/e2e/schemathesis.toml` names this file."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

SECRET_ID, NO_SECRET_ID = "aep/sales", "aep/none"
ASKING = ("request", "requestAny")
OVERRIDES = ("clusterId", "catalog", "database")
AnyCase = Case[Any]


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: AnyCase, kwargs: dict[str, Any]) -> None:
    """Turns a request that is valid by its schema into one that can be fulfilled.

    JSON Schema does not express that a secret must exist below a prefix, that a body must name the key of its URL, or
    what is printable. Chains of links request what exists and wait for it. The tests of single fields (coverage) name
    a secret that does not exist and do not wait, so that they are fast.
    """
    requested, meta, body = case.operation.definition.raw["operationId"] in ASKING, case.meta, case.body
    if not requested or meta is None or meta.generation.mode != GenerationMode.POSITIVE or not isinstance(body, dict):
        return
    fields = {field: _printable(value) for field, value in body.items() if field not in case.path_parameters}
    case.body = fields | {"databricksSecretId": SECRET_ID}
    if meta.phase.name == TestPhase.COVERAGE:
        case.body["databricksSecretId"] = NO_SECRET_ID
        case.headers.pop("prefer", None)
    if meta.phase.name == TestPhase.STATEFUL:
        case.body |= {"desiredState": "present", **dict.fromkeys(OVERRIDES)}
        case.headers["Prefer"] = "wait=20"


@schemathesis.hook
def filter_failure(context: schemathesis.HookContext, failure: Failure, case: AnyCase, response: Response) -> bool:
    """Whether a failure is a real failure."""
    if isinstance(failure, RejectedPositiveData) and response.status_code == 422:
        return [fault["field"] for fault in response.json()["faults"]] != ["cursor"]  # a cursor must come from a page
    if isinstance(failure, RejectedPositiveData):
        return response.status_code != 424  # the cluster or catalog that the request names does not exist
    return not isinstance(failure, UseAfterFree)  # a deletion is queued, and a retired key stays visible


def _printable(value: Any) -> Any:
    """A text without the characters that `displayName` and similar fields do not allow."""
    return "".join(filter(str.isprintable, value)).strip() or "x" if isinstance(value, str) else value
