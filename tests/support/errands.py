"""Further stories of the fault matrix: calls of the HTTP API and of the exploring function, and the events that the
reconcile function receives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.reconcile.run import Run
from aep_connections.reconcile.triggers import CONTINUE
from local.simulators.flows import flows
from local.stack import ADOBE_SECRET
from tests.support.keeper import LATER
from tests.support.stories import Case, Story
from tests.support.web import Web
from tests.support.world import STOPPED

SOON_OVER = 130.0
"""Seconds that are enough for one sandbox only."""
FINE = range(200, 300)
TROUBLE = {424, 429, 503}
"""The statuses that a caller may get when an outside call fails. Never 404: without a response, it may exist."""


@dataclass(slots=True)
class Errand:
    """A call that its caller repeats until it succeeds. Then everything in the queue is delivered.

    The result is an HTTP status, or an equivalent number for calls without HTTP.
    """

    call: Callable[[], int]
    statuses: list[int]
    """The statuses so far. A call that was killed adds none."""

    def __call__(self) -> None:
        self.statuses.append(self.call())

    def broken(self) -> list[str]:
        """The statuses that no caller should get."""
        return [f"a caller got {status}" for status in self.statuses if status not in FINE and status not in TROUBLE]


def _address(case: Case) -> str:
    return f"/connections/{case.sandbox}/sales"


def _over_http(case: Case, method: str, path: str, body: Any = None, prefer: str = "") -> Errand:
    return Errand(lambda: case.web(method, path, body, prefer=prefer).status, [])


def request(case: Case) -> Errand:
    """A request that waits for its result for a short time."""
    case.requested = case.present()
    return _over_http(case, "PUT", _address(case), case.requested, prefer="wait=1")


def retire(case: Case) -> Errand:
    """A request for absence."""
    case.done(case.present())
    case.requested = case.absent()
    return _over_http(case, "DELETE", _address(case))


def verify(case: Case) -> Errand:
    """A request for a verification."""
    case.done(case.present())
    return _over_http(case, "POST", _address(case) + "/verify")


def read(case: Case) -> Errand:
    """A read of the connection, alone and in lists."""
    case.done(case.present())
    paths = (_address(case), f"/connections?sandbox={case.sandbox}", "/connections?limit=1")
    return Errand(lambda: max(case.web("GET", path).status for path in paths), [])


def request_tables(case: Case) -> Errand:
    """A request for tables, with an exploring function that always responds."""
    case.done(case.present())
    functions, name = case.world.functions, case.web.explore_name
    functions[name] = lambda *_: {"tables": []}
    return _over_http(case, "GET", _address(case) + "/tables")


def explore(case: Case) -> Errand:
    """The exploring function shows tables."""
    case.done(case.present())
    return Errand(lambda: _explored(case.web, case), [])


def explore_on_a_stopped_cluster(case: Case) -> Errand:
    """The exploring function cannot show tables, because the cluster is stopped."""
    errand = explore(case)
    case.world.databricks.settings.clusters = dict(STOPPED)
    return errand


def _explored(web: Web, case: Case) -> int:
    response = web.explore({"sandbox": case.sandbox, "name": "sales", "path": None}, None)
    if "failure" in response:
        return 500 if "This is a defect" in response["failure"]["message"] else 424
    gone = response.get("notFound", "").startswith("Adobe ")  # Adobe itself may return 404
    return 424 if gone else 404 if "notFound" in response else 200


def reconcile(case: Case) -> Errand:
    """A reconcile run, one sandbox at a time: a connection that someone deleted in Adobe is created again."""
    case.done(case.present())
    later = {"name": "sales", "sandbox": f"{case.sandbox}b", "databricksSecretId": f"aep/{case.sandbox}b/databricks/x"}
    case.world.put_secret(later["databricksSecretId"])
    assert case.judge.deliver(case.world.send(later))
    (connection_id,) = case.judge.living(case.key)
    case.world.adobe.records[connection_id].deleted_at = case.world.clock.now()
    case.world.clock.advance(LATER)
    run = Run(checks=10, after=f"{case.sandbox[:-1]}{chr(ord(case.sandbox[-1]) - 1)}~")
    return Errand(lambda: _woken(case, {CONTINUE: run.document()}), [])


def receive_secret_event(case: Case) -> Errand:
    """The secret has a new version."""
    case.done(case.present())
    case.new_version("second")
    detail = {"name": case.secret_id, "labelUpdated": "AWSCURRENT"}
    return Errand(lambda: _woken(case, {"detail-type": "Secret Label Updated", "detail": detail}), [])


def receive_dataflow_event(case: Case) -> Errand:
    """A run of a dataflow failed."""
    case.done(case.present())
    adobe, in_use = case.world.adobe, case.judge.living(case.key)
    adobe.settings.in_use += in_use
    (flow,) = flows(in_use, adobe.records, ADOBE_SECRET["orgId"], case.sandbox)
    run = {"flowId": flow["id"], "sandboxName": case.sandbox}
    return Errand(lambda: _woken(case, {"detail-type": "sources_flow_run_failed", "detail": run}), [])


def _woken(case: Case, event: dict[str, Any]) -> int:
    """200 if everything was checked, including the invocations that continue the run."""
    try:
        result = case.keeper.wake(event, seconds=SOON_OVER)
        for continued in case.keeper.pending_events():
            if CONTINUE in continued:
                result = case.keeper.wake(continued)
    except ConnectionFailure as failure:
        return 500 if "This is a defect" in failure.message else 424
    return 424 if result.get("FailedSandboxes") else 200


ERRANDS: tuple[Story, ...] = (
    Story("request over HTTP", request),
    Story("delete over HTTP", retire, "absent"),
    Story("verify over HTTP", verify, quiet=True),
    Story("read over HTTP", read, "read-only"),
    Story("tables over HTTP", request_tables, "read-only"),
    Story("explore", explore, "read-only"),
    Story("explore, stopped cluster", explore_on_a_stopped_cluster, "read-only"),
    Story("reconcile", reconcile),
    Story("secret event", receive_secret_event),
    Story("dataflow event", receive_dataflow_event, "read-only"),
)
