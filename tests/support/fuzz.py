"""What Schemathesis cannot know of the HTTP API; `tests/e2e/schemathesis.toml` names this file."""

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
    """What is valid by its schema becomes a request that can be fulfilled.

    JSON Schema does not say that there has to be a secret below a prefix, that a body may name the key of its address
    only, nor what is printable. Chains of links ask for what there is and wait for it. What is tried field by field
    (coverage) names a secret that is not there and waits for nothing, so that it costs little.
    """
    asks, meta, body = case.operation.definition.raw["operationId"] in ASKING, case.meta, case.body
    if not asks or meta is None or meta.generation.mode != GenerationMode.POSITIVE or not isinstance(body, dict):
        return
    said = {field: _printable(value) for field, value in body.items() if field not in case.path_parameters}
    case.body = said | {"databricksSecretId": SECRET_ID}
    if meta.phase.name == TestPhase.COVERAGE:
        case.body["databricksSecretId"] = NO_SECRET_ID
        case.headers.pop("prefer", None)
    if meta.phase.name == TestPhase.STATEFUL:
        case.body |= {"desiredState": "present", **dict.fromkeys(OVERRIDES)}
        case.headers["Prefer"] = "wait=20"


@schemathesis.hook
def filter_failure(context: schemathesis.HookContext, failure: Failure, case: AnyCase, response: Response) -> bool:
    """Whether a failure is one."""
    if isinstance(failure, RejectedPositiveData) and response.status_code == 422:
        return [fault["field"] for fault in response.json()["faults"]] != ["cursor"]  # only a page's own is one
    if isinstance(failure, RejectedPositiveData):
        return response.status_code != 424  # what the request names is not there: another cluster, another catalog
    return not isinstance(failure, UseAfterFree)  # a retirement is queued, and what is retired stays visible


def _printable(value: Any) -> Any:
    """A text without what `displayName` and the like may not have."""
    return "".join(filter(str.isprintable, value)).strip() or "x" if isinstance(value, str) else value
