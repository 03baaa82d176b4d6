"""What others wake the functions with, as stories of the fault matrix: calls of the API and of the function that
explores, and what the function hears that looks after the fleet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.reconcile.run import Run
from aep_connections.reconcile.triggers import GO_ON
from local.simulators.flows import flows
from local.stack import ADOBE_SECRET
from tests.support.keeper import LATER
from tests.support.stories import Case, Story
from tests.support.web import Web
from tests.support.world import STOPPED

SOON_OVER = 130.0
"""Seconds in which only one sandbox is looked at."""
FINE = range(200, 300)
TROUBLE = {424, 429, 503}
"""What a caller may be told when something outside goes wrong. Never 404: what is not heard of may be there."""


@dataclass(slots=True)
class Errand:
    """A call that somebody makes again until it is answered well; then everything in the queue is delivered.

    It is answered with a status of HTTP, or what comes to the same.
    """

    call: Callable[[], int]
    told: list[int]
    """The statuses that were answered; none for a call that nobody heard the end of."""

    def __call__(self) -> None:
        self.told.append(self.call())

    def broken(self) -> list[str]:
        """Answers that nobody should get."""
        return [f"it was answered {status}" for status in self.told if status not in FINE and status not in TROUBLE]


def _address(case: Case) -> str:
    return f"/connections/{case.sandbox}/sales"


def _over_http(case: Case, method: str, path: str, body: Any = None, prefer: str = "") -> Errand:
    return Errand(lambda: case.web(method, path, body, prefer=prefer).status, [])


def ask(case: Case) -> Errand:
    """Asked for and waited for, for a while."""
    case.asked = case.present()
    return _over_http(case, "PUT", _address(case), case.asked, prefer="wait=1")


def retire(case: Case) -> Errand:
    """Asked to be gone."""
    case.done(case.present())
    case.asked = case.absent()
    return _over_http(case, "DELETE", _address(case))


def verify(case: Case) -> Errand:
    """Asked to be verified."""
    case.done(case.present())
    return _over_http(case, "POST", _address(case) + "/verify")


def look(case: Case) -> Errand:
    """Looked at, in lists too."""
    case.done(case.present())
    paths = (_address(case), f"/connections?sandbox={case.sandbox}", "/connections?limit=1")
    return Errand(lambda: max(case.web("GET", path).status for path in paths), [])


def ask_to_explore(case: Case) -> Errand:
    """Tables asked for, of a function that answers."""
    case.done(case.present())
    functions, name = case.world.stack.aws.functions, case.web.explore_name
    functions[name] = lambda *_: {"tables": []}
    return _over_http(case, "GET", _address(case) + "/tables")


def explore(case: Case) -> Errand:
    """Tables shown; then what is in the way of it."""
    case.done(case.present())
    return Errand(lambda: _explored(case.web, case), [])


def explore_in_vain(case: Case) -> Errand:
    """Tables that a stopped cluster does not show."""
    errand = explore(case)
    case.world.stack.databricks.settings.clusters = dict(STOPPED)
    return errand


def _explored(web: Web, case: Case) -> int:
    answer = web.explore({"sandbox": case.sandbox, "name": "sales", "path": None}, None)
    if "failure" in answer:
        return 500 if "This is a defect" in answer["failure"]["message"] else 424
    gone = answer.get("notFound", "").startswith("Adobe ")  # which may say so of itself
    return 424 if gone else 404 if "notFound" in answer else 200


def reconcile(case: Case) -> Errand:
    """Looked after, a sandbox at a time: what somebody deleted in Adobe is made again."""
    case.done(case.present())
    later = {"name": "sales", "sandbox": f"{case.sandbox}b", "databricksSecretId": f"aep/{case.sandbox}b/databricks/x"}
    case.world.put_secret(later["databricksSecretId"])
    assert case.judge.deliver(case.world.send(later))
    (connection_id,) = case.judge.living(case.key)
    case.world.stack.adobe.records[connection_id].deleted_at = case.world.clock.now()
    case.world.clock.advance(LATER)
    run = Run(checks=10, after=f"{case.sandbox[:-1]}{chr(ord(case.sandbox[-1]) - 1)}~")
    return Errand(lambda: _woken(case, {GO_ON: run.document()}), [])


def hear_of_a_secret(case: Case) -> Errand:
    """The secret has a new version."""
    case.done(case.present())
    case.new_version("second")
    detail = {"name": case.secret_id, "labelUpdated": "AWSCURRENT"}
    return Errand(lambda: _woken(case, {"detail-type": "Secret Label Updated", "detail": detail}), [])


def hear_of_a_dataflow(case: Case) -> Errand:
    """A run of a dataflow failed."""
    case.done(case.present())
    adobe, in_use = case.world.stack.adobe, case.judge.living(case.key)
    adobe.settings.in_use += in_use
    (flow,) = flows(in_use, adobe.records, ADOBE_SECRET["orgId"], case.sandbox)
    run = {"flowId": flow["id"], "sandboxName": case.sandbox}
    return Errand(lambda: _woken(case, {"detail-type": "sources_flow_run_failed", "detail": run}), [])


def _woken(case: Case, event: dict[str, Any]) -> int:
    """200 once all of it was looked at. A run that another invocation goes on with is part of it."""
    try:
        said = case.keeper.wake(event, seconds=SOON_OVER)
        for went_on in case.keeper.told():
            if GO_ON in went_on:
                said = case.keeper.wake(went_on)
    except ConnectionFailure as failure:
        return 500 if "This is a defect" in failure.message else 424
    return 424 if said.get("FailedSandboxes") else 200


ERRANDS: tuple[Story, ...] = (
    Story("asked over HTTP", ask),
    Story("retired over HTTP", retire, "absent"),
    Story("verified over HTTP", verify, quiet=True),
    Story("looked at over HTTP", look, "told"),
    Story("tables over HTTP", ask_to_explore, "told"),
    Story("explored", explore, "told"),
    Story("explored in vain", explore_in_vain, "told"),
    Story("looked after", reconcile),
    Story("told of a secret", hear_of_a_secret),
    Story("told of a dataflow", hear_of_a_dataflow, "told"),
)
