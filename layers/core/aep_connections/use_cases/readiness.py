"""Finds out about a workspace before Adobe does, starts its cluster if it may, and tells what a refusal really was.

Nothing here sleeps: a cluster that has to run first is a `Waiting`, and the queue brings the request back.
"""

from __future__ import annotations

from dataclasses import replace

from aep_connections.domain.entry import Wait
from aep_connections.domain.errors import (
    ConnectionFailure,
    DatabricksRefused,
    NotReady,
    OutOfTime,
    TestFailed,
    Waiting,
)
from aep_connections.domain.ports import Workspace
from aep_connections.domain.readiness import CLUSTER_STATE, TOKEN_VALID, Phase, Readiness, Report
from aep_connections.use_cases.work import READ_SECONDS, Work


def ensure_ready(work: Work, workspace: Workspace, *, worked: bool) -> bool:
    """Look before Adobe is asked, as the request's `readiness` says.

    What is not known stands in nobody's way: Adobe's path to the workspace may be open where ours is not.

    Args:
        worked: whether the key is ready, and its parameter names the connection that is there.

    Returns:
        Whether Adobe's test is to be run. Not if nobody asked, the connection worked and its cluster stands still: a
        test would fail, and prove nothing.

    Raises:
        NotReady: a check failed; the message and `faults` name each.
        Waiting: all that fails is a cluster that starts, or was started now.
    """
    off = work.request.readiness is Readiness.OFF
    if off and not (work.verifies or work.unattended):
        work.entry = work.entry.with_(readiness=None)
        return True
    report = _look(work, workspace)
    failed = report.failed()
    tests = not (work.unattended and worked and any(check.id == CLUSTER_STATE for check in failed))
    if off:  # but a token that Databricks refuses is not given to Adobe by ourselves
        failed = [check for check in failed if work.unattended and check.id == TOKEN_VALID]
    if not failed:
        return tests
    _wait_if_that_helps(work, workspace, report)
    if not tests and [check.id for check in failed] == [CLUSTER_STATE]:
        return False
    raise report.explaining(NotReady, "The workspace is not ready.", failed)


def token_refused(work: Work) -> bool:
    """Whether the source itself refused the token, when this delivery last looked."""
    return work.report is not None and work.report.token_refused


def told_apart(work: Work, workspace: Workspace, refusal: TestFailed | DatabricksRefused) -> ConnectionFailure:
    """What Adobe's refusal really was, by the source's own words on the token and the cluster's state.

    Raises what starting a cluster may raise.
    """
    try:
        report = _look(work, workspace)
    except OutOfTime:
        return refusal
    if not report.token_refused:
        try:
            _wait_if_that_helps(work, workspace, report)
        except Waiting as waiting:
            return waiting
    return workspace.diagnose(refusal, report)


def _look(work: Work, workspace: Workspace) -> Report:
    report = work.report = workspace.report()
    work.entry = work.entry.with_(readiness=report.document())
    return report


def _wait_if_that_helps(work: Work, workspace: Workspace, report: Report) -> None:
    """Raise Waiting if all that fails is a cluster that will run: by itself, or because the request says `start`.

    A start that ended for a reason that stays is not repeated: that costs money and mends nothing.
    """
    cluster = report.cluster
    if cluster is None or not report.waits_for_cluster:
        return
    now = work.ports.clock.now()
    wait = work.wait() or Wait(
        work.order, f"cluster {cluster.id} to run", now, now + work.rules.cluster_start_limit_seconds
    )
    if cluster.phase is Phase.STARTING:
        doing = f"is starting ({cluster.state})"
    elif work.request.readiness is not Readiness.START or work.unattended:
        return
    elif cluster.phase is Phase.STOPPING:
        doing = "is stopping, and will be started then"
    elif cluster.lasting and wait.started_after not in (None, cluster.terminated_at):
        return
    elif now >= wait.until:
        doing = f"is {cluster.state}"
    else:
        work.deadline.require(READ_SECONDS, "starting the cluster")
        wait = replace(wait, started_after=cluster.terminated_at)
        work.entry = work.entry.with_(wait=wait)  # a start whose answer is lost may have happened
        workspace.start()
        doing = f"was {cluster.state} and is being started"
    work.entry = work.entry.with_(wait=wait)
    over = f"Cluster {cluster.id} did not run within {round(wait.until - wait.since)} s. " if now >= wait.until else ""
    ended = f" Before, it ended so: {cluster.ended} {cluster.remedy}" if cluster.ended else ""
    raise Waiting(f"{over}Cluster {cluster.id} {doing}.{ended}")
