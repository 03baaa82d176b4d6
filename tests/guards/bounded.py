"""The guards of invariant 5, Bounded."""

from __future__ import annotations

from tests.guards import time_left
from tests.guards.guard import CORE, Guard, Invariant

TRANSPORT, RETRY, FLOW_SERVICE = (
    CORE + f"{name}.py" for name in ("http/transport", "http/retry", "adobe/flow_service")
)
PROVISION, UPDATE, READINESS = (CORE + f"provision/{name}.py" for name in ("provision", "update", "readiness"))
RECONCILE = CORE + "reconcile/run.py"
IN_BOUNDED, IN_TRANSPORT, IN_OURS, IN_TOKENS, IN_FLOW_SERVICE = (
    f"tests/{name}.py::"
    for name in (
        "adapters/test_bounded",
        "adapters/test_transport",
        "provision/test_ours_and_latest",
        "provision/test_tokens",
        "provision/test_flow_service",
    )
)
AWS_CONFIG = (
    'Config(connect_timeout=5, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}, '
    'user_agent_extra="aep-connections")'
)
READ = (
    'Call(service="Databricks", method=method, url=self._base + path, headers=headers, params=params, body=body, '
    "repeatable=body is None, tries=READ_TRIES)"
)
CONCURRENT = (
    "    others = [pool.submit(call) for call in calls[1:]]\n"
    "    return (calls[0](), *(other.result() for other in others))"
)
TIMEOUTS = "tests/unit/test_transport.py::test_a_call_takes_its_timeouts_but_never_more_than_the_time_left"

INVARIANT = Invariant(
    5,
    "Bounded",
    "Every call has connect and read timeouts. No sleep, retry or thread outlives the invocation. Only reads run "
    "outside the handler's thread. A `Retry-After` is honored up to a cap. No call that changes something starts "
    "without time to receive and record its response.",
    (
        Guard(
            "timeouts of a call",
            "a call to an upstream that does not respond lasts until Lambda ends the invocation",
            TRANSPORT,
            "Upstream._exchange",
            "(min(self.timeouts.connect, usable), min(read_timeout, usable))",
            "None",
            (TIMEOUTS + "[False-180-timeouts1]",),
        ),
        Guard(
            "timeouts within the time left",
            "a call that begins late lasts longer than the invocation",
            TRANSPORT,
            "Upstream._exchange",
            "(min(self.timeouts.connect, usable), min(read_timeout, usable))",
            "(self.timeouts.connect, read_timeout)",
            (TIMEOUTS + "[True-50-timeouts2]",),
        ),
        Guard(
            "total time of a call",
            "a response that arrives byte by byte lasts until Lambda ends the invocation",
            TRANSPORT,
            "_Watch._expire",
            "socket.socket.shutdown(held, socket.SHUT_RDWR)",
            "socket.socket.fileno(held)",
            (IN_BOUNDED + "test_a_call_whose_reply_hangs_or_drips_in_ends_in_time[drip]",),
        ),
        Guard(
            "total time of a call whose socket was handed on",
            "a slow response that ends with its connection is not cut off",
            TRANSPORT,
            "_Watch._expire",
            'held = self._exchange["sock"] or getattr(self._exchange["connection"], "sock", None)',
            'held = getattr(self._exchange["connection"], "sock", None)',
            (
                IN_TRANSPORT
                + "test_a_reply_of_unknown_length_is_accepted_only_if_it_ends_and_is_not_too_large[dripping]",
            ),
        ),
        Guard(
            "a cut response is not a response",
            "the part that arrived before a response was cut off counts as the whole response",
            TRANSPORT,
            "Upstream._exchange",
            "watch.expired or short or len(body) > MAX_BODY_BYTES",
            "short or len(body) > MAX_BODY_BYTES",
            (
                IN_TRANSPORT
                + "test_a_reply_of_unknown_length_is_accepted_only_if_it_ends_and_is_not_too_large[dripping]",
            ),
            also=(6,),
        ),
        Guard(
            "calls to AWS are short",
            "one AWS call takes longer than the time reserved for recording",
            CORE + "aws/client.py",
            "CONFIG",
            AWS_CONFIG,
            AWS_CONFIG.replace("read_timeout=5", "read_timeout=60"),
            ("tests/adapters/test_faults.py::test_a_call_to_aws_ends_within_the_time_kept_free_to_record[dynamodb]",),
        ),
        Guard(
            "size limit of responses",
            "a response without end fills the memory",
            TRANSPORT,
            "Upstream._exchange",
            "watch.expired or short or len(body) > MAX_BODY_BYTES",
            "watch.expired or short",
            (
                IN_TRANSPORT
                + "test_a_reply_of_unknown_length_is_accepted_only_if_it_ends_and_is_not_too_large[too large]",
            ),
        ),
        Guard(
            "length limit of listings",
            "a listing that never ends is followed until Lambda ends the invocation",
            FLOW_SERVICE,
            "FlowService.listing",
            "range(MAX_PAGES)",
            "range(MAX_PAGES + 100)",
            ("tests/adapters/test_flow_service.py::test_a_list_with_too_many_pages_is_an_error_not_complete[memory]",),
        ),
        Guard(
            "time to start a cluster",
            "a cluster is started by an invocation that ends before it receives the response",
            CORE + "provision/readiness.py",
            "_start_or_await_cluster",
            'job.deadline.require(READ_SECONDS, "starting the cluster")',
            "",
            ("tests/provision/test_waiting.py::test_no_cluster_is_started_without_time_for_the_reply",),
        ),
        Guard(
            "reads end with their delivery",
            "a read of the workspace outlives its invocation",
            CORE + "domain/concurrency.py",
            "concurrently",
            "with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:\n" + CONCURRENT,
            "pool = ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1) + 1)\n"
            "pool.submit(lambda: __import__('time').sleep(1))\n"
            "if pool:\n" + CONCURRENT,
            ("tests/provision/test_readiness.py::test_no_check_outlives_its_delivery",),
        ),
        Guard(
            "tries of a read",
            "a blocked path to the workspace uses up the time of a delivery",
            CORE + "sources/databricks/workspace.py",
            "DatabricksWorkspace._call",
            READ,
            READ.replace(", tries=READ_TRIES", ""),
            ("tests/provision/test_readiness.py::test_a_read_that_gets_no_reply_is_retried_only_once",),
        ),
        Guard(
            "tries of a call",
            "an upstream that is down is called until the time is over",
            RETRY,
            "reason_to_retry",
            "reason is None or not repeatable or tries >= at_most",
            "reason is None or not repeatable",
            ("tests/unit/test_retry.py::test_tries_and_time_are_bounded",),
        ),
        Guard(
            "cap of `Retry-After`",
            "an upstream can make the invocation sleep as long as it likes",
            RETRY,
            "reason_to_retry",
            "(ended.retry_after or 0.0) > RETRY_AFTER_CAP_SECONDS or pause_before_retry(ended, tries) >= seconds_left",
            "pause_before_retry(ended, tries) >= seconds_left",
            ("tests/unit/test_retry.py::test_a_temporary_failure_is_repeated_with_its_reason[ended7-None]",),
        ),
        Guard(
            "`Retry-After` is honored",
            "an upstream that requests a pause is called again at once",
            RETRY,
            "pause_before_retry",
            "ended.retry_after or 0.0",
            "0.0",
            (IN_BOUNDED + "test_a_retry_after_is_honored_up_to_its_cap",),
        ),
        Guard(
            "pause within the time left",
            "a pause lasts longer than the invocation",
            RETRY,
            "reason_to_retry",
            "(ended.retry_after or 0.0) > RETRY_AFTER_CAP_SECONDS or pause_before_retry(ended, tries) >= seconds_left",
            "(ended.retry_after or 0.0) > RETRY_AFTER_CAP_SECONDS",
            (IN_BOUNDED + "test_no_pause_reaches_beyond_the_deadline",),
        ),
        Guard(
            "tokens are renewed once a minute",
            "when Adobe rejects every token, each call requests a new one from IMS",
            CORE + "adobe/ims.py",
            "TokenSource.renewed",
            "version == credentials.version_id and now - at < RENEWAL_INTERVAL_SECONDS",
            "version == credentials.version_id and now < at",
            (IN_TOKENS + "test_a_token_is_renewed_again_only_after_a_minute",),
        ),
        Guard(
            "three rereads after a 412",
            "a connection that someone edits all the time is patched forever",
            UPDATE,
            "STALE_ETAG_REREADS",
            "3",
            "30",
            (IN_OURS + "test_an_etag_that_is_always_stale_ends_after_three_reads",),
        ),
        Guard(
            "concurrent reads end first",
            "a thread keeps running after its invocation has continued",
            CORE + "domain/concurrency.py",
            "concurrently",
            "with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:\n" + CONCURRENT,
            "for pool in [ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1))]:\n" + CONCURRENT,
            (IN_TRANSPORT + "test_a_read_in_another_thread_ends_before_its_invocation_continues",),
        ),
        Guard(
            "effects stay in the handler's thread",
            "a POST may outlive the invocation that sent it",
            PROVISION,
            "_create",
            "connection = job.flow.create(desired, attempt.id)",
            "_, connection = concurrently(lambda: None, lambda: job.flow.create(desired, attempt.id))",
            (IN_BOUNDED + "test_only_reads_run_outside_the_handlers_thread",),
        ),
        *time_left.GUARDS,
        Guard(
            "budget of a run",
            "a run causes as many tests as there is drift",
            RECONCILE,
            "Reconciler._act",
            "len(rechecks) >= run.checks",
            "run.checks < 0",
            ("tests/reconcile/test_fleet.py::test_drift_beyond_the_budget_is_announced_as_left_for_the_next_run",),
        ),
        Guard(
            "budget of verifications",
            "a run tests every connection whose last test is old",
            RECONCILE,
            "Reconciler._verify",
            "heapq.nsmallest(run.checks, [*run.due, *candidates])",
            "sorted([*run.due, *candidates])",
            (
                "tests/reconcile/test_fleet.py::test_a_run_sends_no_more_rechecks_than_its_limit_and_drift_comes_first",
                "tests/reconcile/test_fleet.py::test_drift_in_a_later_sandbox_comes_before_due_tests",
            ),
        ),
        Guard(
            "a run continues later",
            "a run is killed in the middle, and no run ever reaches the end",
            RECONCILE,
            "Reconciler.reconcile",
            "if begun and self.deadline.usable() < SANDBOX_SECONDS: return False",
            "",
            ("tests/reconcile/test_fleet.py::test_a_run_that_reaches_its_deadline_continues_where_it_stopped",),
        ),
        Guard(
            "an unattended recheck opens nothing",
            "an unattended recheck that is retried starts a cluster as a request would",
            CORE + "provision/process.py",
            "Processor._fail",
            "if job.unattended and job.before.status: status = job.before.status",
            "",
            ("tests/reconcile/test_fleet.py::test_scheduled_work_that_is_retried_still_starts_no_cluster",),
        ),
        Guard(
            "an unattended recheck starts no cluster",
            "a schedule starts every cluster each night",
            READINESS,
            "_start_or_await_cluster",
            "job.request.readiness is not Readiness.START or job.unattended",
            "job.request.readiness is not Readiness.START",
            (
                "tests/reconcile/test_fleet.py::"
                "test_scheduled_work_starts_no_cluster_and_tests_nothing_while_the_cluster_is_stopped",
            ),
        ),
        Guard(
            "rechecks that may have been sent are counted",
            "a run whose sending fails halfway causes twice as many tests as it may",
            RECONCILE,
            "Reconciler._act",
            "run.checks -= len(rechecks)\nself.ports.queue.recheck(*rechecks)",
            "self.ports.queue.recheck(*rechecks)\nrun.checks -= len(rechecks)",
            ("tests/reconcile/test_fleet.py::test_rechecks_whose_send_failed_still_count_as_sent",),
        ),
    ),
)
