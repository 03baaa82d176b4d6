"""Checks a workspace before Adobe uses it, starts its cluster if allowed, and diagnoses refusals by Adobe.

Nothing here sleeps: a cluster that has to run first raises `Waiting`, and the queue delivers the request again.
"""

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
from aep_connections.provision.job import READ_SECONDS, Job


def ensure_ready(job: Job, workspace: Workspace, *, worked: bool) -> bool:
    """Check the workspace before Adobe is called, as the request's `readiness` demands.

    An unknown result does not block: Adobe may reach the workspace where this function cannot.

    Args:
        worked: whether the key is ready, and its parameter names the existing connection.

    Returns:
        Whether to run Adobe's test. False if this is unattended, the connection worked and its cluster is stopped:
        a test would fail, and prove nothing.

    Raises:
        NotReady: a check failed; the message and `faults` name each.
        Waiting: the only failed check is a cluster that is starting, or was just started.
    """
    off = job.request.readiness is Readiness.OFF
    if off and not (job.verifies or job.unattended):
        job.entry = job.entry.with_(readiness=None)
        return True
    report = _check(job, workspace)
    failed = report.failed()
    tests = not (job.unattended and worked and any(check.id == CLUSTER_STATE for check in failed))
    if off:  # but unattended work gives Adobe no token that Databricks refuses
        failed = [check for check in failed if job.unattended and check.id == TOKEN_VALID]
    if not failed:
        return tests
    _start_or_await_cluster(job, workspace, report)
    if not tests and [check.id for check in failed] == [CLUSTER_STATE]:
        return False
    raise report.as_failure(NotReady, "The workspace is not ready.", failed)


def token_refused(job: Job) -> bool:
    """Whether the source itself refused the token at this delivery's last check."""
    return job.report is not None and job.report.token_refused


def diagnose(job: Job, workspace: Workspace, refusal: TestFailed | DatabricksRefused) -> ConnectionFailure:
    """The cause of Adobe's refusal, from the source's own report on the token and the cluster's state.

    Raises the same errors as starting a cluster.
    """
    try:
        report = _check(job, workspace)
    except OutOfTime:
        return refusal
    if not report.token_refused:
        try:
            _start_or_await_cluster(job, workspace, report)
        except Waiting as waiting:
            return waiting
    return workspace.diagnose(refusal, report)


def _check(job: Job, workspace: Workspace) -> Report:
    report = job.report = workspace.report()
    job.entry = job.entry.with_(readiness=report.document())
    return report


def _start_or_await_cluster(job: Job, workspace: Workspace, report: Report) -> None:
    """Raise Waiting if the only failed check is a cluster that will run: it is starting, or is started here.

    A start costs money. Only a request with readiness `start` starts the cluster, but not again after a start that
    ended for a lasting reason.
    """
    cluster = report.cluster
    if cluster is None or not report.waits_for_cluster:
        return
    now = job.ports.clock.now()
    wait = job.wait() or Wait(
        order=job.order,
        what=f"cluster {cluster.id} to run",
        since=now,
        until=now + job.limits.cluster_start_limit_seconds,
    )
    if cluster.phase is Phase.STARTING:
        doing = f"is starting ({cluster.state})"
    elif job.request.readiness is not Readiness.START or job.unattended:
        return
    elif cluster.phase is Phase.STOPPING:
        doing = "is stopping, and will be started afterwards"
    elif cluster.lasting and wait.started_after not in (None, cluster.terminated_at):
        return
    elif now >= wait.until:
        doing = f"is {cluster.state}"
    else:
        job.deadline.require(READ_SECONDS, "starting the cluster")
        wait = replace(wait, started_after=cluster.terminated_at)
        job.entry = job.entry.with_(wait=wait)  # a start whose reply is lost may have happened
        workspace.start()
        doing = f"was {cluster.state} and is being started"
    job.entry = job.entry.with_(wait=wait)
    over = f"Cluster {cluster.id} did not run within {round(wait.until - wait.since)} s. " if now >= wait.until else ""
    ended = f" Last termination: {cluster.ended} {cluster.remedy}" if cluster.ended else ""
    raise Waiting(f"{over}Cluster {cluster.id} {doing}.{ended}")
