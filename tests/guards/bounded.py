"""The guards of invariant 5, Bounded."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

TRANSPORT, RETRY, FLOW_SERVICE = (
    CORE + f"{name}.py" for name in ("http/transport", "http/retry", "adobe/flow_service")
)
PROVISION, RETIRE, FIND, UPDATE, READINESS = (
    CORE + f"provision/{name}.py" for name in ("provision", "retire", "find", "update", "readiness")
)
RECONCILE = CORE + "reconcile/run.py"
DEADLINE = CORE + "domain/time.py"
IN_BOUNDED, IN_TIME_LEFT, IN_TRANSPORT, IN_SETTLING, IN_OURS, IN_TOKENS, IN_FLOW_SERVICE = (
    f"tests/integration/test_{name}.py::"
    for name in ("bounded", "time_left", "transport", "settling", "ours_and_latest", "tokens", "flow_service")
)
COUNTED = "        run.checks -= len(rechecks)  # before sending: a call that fails may have sent some\n"
SENT = "        self.ports.queue.recheck(*rechecks)\n"
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
            "timeout=(min(self.timeouts.connect, usable), min(read_timeout, usable)),",
            "timeout=None,",
            (TIMEOUTS + "[False-180-timeouts1]",),
        ),
        Guard(
            "timeouts within the time left",
            "a call that begins late lasts longer than the invocation",
            TRANSPORT,
            "timeout=(min(self.timeouts.connect, usable), min(read_timeout, usable)),",
            "timeout=(self.timeouts.connect, read_timeout),",
            (TIMEOUTS + "[True-50-timeouts2]",),
        ),
        Guard(
            "total time of a call",
            "a response that arrives byte by byte lasts until Lambda ends the invocation",
            TRANSPORT,
            "                socket.socket.shutdown(held, socket.SHUT_RDWR)\n",
            "                socket.socket.fileno(held)\n",
            (IN_BOUNDED + "test_a_call_whose_reply_hangs_or_drips_in_ends_in_time[drip]",),
        ),
        Guard(
            "total time of a call whose socket was handed on",
            "a slow response that ends with its connection is not cut off",
            TRANSPORT,
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
            "if watch.expired or short or len(body)",
            "if short or len(body)",
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
            "    read_timeout=5,\n",
            "    read_timeout=60,\n",
            ("tests/unit/test_aws.py::test_an_aws_call_ends_within_the_time_kept_free_to_record",),
        ),
        Guard(
            "size limit of responses",
            "a response without end fills the memory",
            TRANSPORT,
            " or short or len(body) > MAX_BODY_BYTES:",
            " or short:",
            (
                IN_TRANSPORT
                + "test_a_reply_of_unknown_length_is_accepted_only_if_it_ends_and_is_not_too_large[too large]",
            ),
        ),
        Guard(
            "length limit of listings",
            "a listing that never ends is followed until Lambda ends the invocation",
            FLOW_SERVICE,
            "for _ in range(MAX_PAGES):",
            "for _ in range(MAX_PAGES + 100):",
            (IN_FLOW_SERVICE + "test_a_listing_with_too_many_pages_is_an_error_not_a_complete_list",),
        ),
        Guard(
            "time to start a cluster",
            "a cluster is started by an invocation that ends before it receives the response",
            CORE + "provision/readiness.py",
            '        job.deadline.require(READ_SECONDS, "starting the cluster")\n',
            "",
            ("tests/integration/test_waiting.py::test_no_cluster_is_started_without_time_for_the_reply",),
        ),
        Guard(
            "reads end with their delivery",
            "a read of the workspace outlives its invocation",
            CORE + "domain/concurrency.py",
            "    with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:\n",
            "    pool = ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1) + 1)\n"
            "    pool.submit(lambda: __import__('time').sleep(1))\n"
            "    if pool:\n",
            ("tests/integration/test_readiness.py::test_no_check_outlives_its_delivery",),
        ),
        Guard(
            "tries of a read",
            "a blocked path to the workspace uses up the time of a delivery",
            CORE + "sources/databricks/workspace.py",
            "            tries=READ_TRIES,\n",
            "",
            ("tests/integration/test_readiness.py::test_a_read_that_gets_no_reply_is_retried_only_once",),
        ),
        Guard(
            "tries of a call",
            "an upstream that is down is called until the time is over",
            RETRY,
            " or not repeatable or tries >= at_most:",
            " or not repeatable:",
            ("tests/unit/test_retry.py::test_tries_and_time_are_bounded",),
        ),
        Guard(
            "cap of `Retry-After`",
            "an upstream can make the invocation sleep as long as it likes",
            RETRY,
            "if (ended.retry_after or 0.0) > RETRY_AFTER_CAP_SECONDS or pause_before_retry",
            "if pause_before_retry",
            ("tests/unit/test_retry.py::test_a_temporary_failure_is_repeated_with_its_reason[ended7-None]",),
        ),
        Guard(
            "`Retry-After` is honored",
            "an upstream that requests a pause is called again at once",
            RETRY,
            "return max(ended.retry_after or 0.0, grown",
            "return max(0.0, grown",
            (IN_BOUNDED + "test_a_retry_after_is_honored_up_to_its_cap",),
        ),
        Guard(
            "pause within the time left",
            "a pause lasts longer than the invocation",
            RETRY,
            " or pause_before_retry(ended, tries) >= seconds_left:",
            ":",
            (IN_BOUNDED + "test_no_pause_reaches_beyond_the_deadline",),
        ),
        Guard(
            "tokens are renewed once a minute",
            "when Adobe rejects every token, each call requests a new one from IMS",
            CORE + "adobe/ims.py",
            "if version == credentials.version_id and now - at < RENEWAL_INTERVAL_SECONDS:",
            "if version == credentials.version_id and now < at:",
            (IN_TOKENS + "test_a_token_is_renewed_again_only_after_a_minute",),
        ),
        Guard(
            "three rereads after a 412",
            "a connection that someone edits all the time is patched forever",
            UPDATE,
            "STALE_ETAG_REREADS = 3",
            "STALE_ETAG_REREADS = 30",
            (IN_OURS + "test_an_etag_that_is_always_stale_ends_after_three_reads",),
        ),
        Guard(
            "concurrent reads end first",
            "a thread keeps running after its invocation has continued",
            CORE + "domain/concurrency.py",
            "    with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:\n",
            "    for pool in [ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1))]:\n",
            (IN_TRANSPORT + "test_a_read_in_another_thread_ends_before_its_invocation_continues",),
        ),
        Guard(
            "effects stay in the handler's thread",
            "a POST may outlive the invocation that sent it",
            PROVISION,
            "        connection = job.flow.create(desired, attempt.id)\n",
            "        _, connection = concurrently(lambda: None, lambda: job.flow.create(desired, attempt.id))\n",
            (IN_BOUNDED + "test_only_reads_run_outside_the_handlers_thread",),
        ),
        Guard(
            "time reserved for recording",
            "a response arrives when nothing can be recorded any more",
            DEADLINE,
            "return self.remaining() - self.kept",
            "return self.remaining()",
            (IN_BOUNDED + "test_no_call_begins_without_time_to_record_its_reply",),
            also=(4,),
        ),
        Guard(
            "time left before a call",
            "a call begins whose response cannot be received",
            TRANSPORT,
            "            if self.deadline.usable() < 1:\n",
            "            if self.deadline.usable() < -1000:\n",
            (IN_BOUNDED + "test_no_call_begins_without_time_to_record_its_reply",),
        ),
        Guard(
            "time left is required",
            "no call that changes something checks whether there is time for it",
            DEADLINE,
            "        if self.usable() < seconds:\n",
            "        if self.usable() < seconds - 1000:\n",
            (
                IN_BOUNDED + "test_no_post_starts_without_time_for_its_reply[60]",
                IN_TIME_LEFT + "test_nothing_is_published_without_time_to_announce_and_close",
            ),
        ),
        Guard(
            "time left before a POST",
            "a POST is sent whose response cannot be received",
            PROVISION,
            '    job.deadline.require(WRITE_SECONDS, "creating the connection")\n',
            "",
            (IN_BOUNDED + "test_no_post_starts_without_time_for_its_reply[60]",),
            also=(1,),
        ),
        Guard(
            "time left before a PATCH",
            "a PATCH is sent whose response cannot be received",
            UPDATE,
            '        job.deadline.require(WRITE_SECONDS, "updating the connection")\n',
            "",
            (IN_BOUNDED + "test_no_patch_starts_without_time_for_its_reply",),
        ),
        Guard(
            "time left before publishing",
            "an id is published that cannot be announced",
            PROVISION,
            '        job.deadline.require(0, "publishing the connection id")\n',
            "",
            (IN_TIME_LEFT + "test_nothing_is_published_without_time_to_announce_and_close",),
        ),
        Guard(
            "time left before a DELETE",
            "a DELETE is sent whose response cannot be received",
            RETIRE,
            '    job.deadline.require(READ_SECONDS, "deleting the connection")\n',
            "",
            (IN_BOUNDED + "test_no_delete_starts_without_time_for_its_reply",),
        ),
        Guard(
            "time left before the parameter is deleted",
            "a parameter is deleted, but its deletion cannot be announced",
            RETIRE,
            '        job.deadline.require(0, "deleting the parameter")\n',
            "",
            (IN_TIME_LEFT + "test_no_parameter_is_deleted_without_time_to_announce_and_close",),
        ),
        Guard(
            "time left before a duplicate is deleted",
            "a DELETE is sent whose response cannot be received",
            FIND,
            '        job.deadline.require(READ_SECONDS, "deleting a duplicate connection")\n',
            "",
            (IN_TIME_LEFT + "test_no_duplicate_is_deleted_without_time_for_the_reply",),
        ),
        Guard(
            "time left for a lookup",
            "a lookup begins whose response cannot be received, and its attempt is not reported as open",
            FIND,
            "if job.deadline.usable() < pause + READ_SECONDS:",
            "if job.deadline.usable() < pause:",
            (IN_SETTLING + "test_every_read_has_time_for_its_reply",),
        ),
        Guard(
            "waiting for a deletion ends",
            "the function waits for an unfinished deletion until no call is possible, and reports another reason",
            RETIRE,
            "        if job.deadline.usable() < POLL_SECONDS + READ_SECONDS:\n",
            "        if job.deadline.usable() < -1000:\n",
            (IN_TIME_LEFT + "test_a_deletion_that_does_not_end_is_left_to_the_next_delivery",),
        ),
        Guard(
            "a wait over HTTP ends before its invocation",
            "a caller who waits long gets a timeout, and not the path to check",
            CORE + "api/routes.py",
            "await_end(key, order, min(seconds, left))",
            "await_end(key, order, seconds)",
            (
                "tests/integration/test_http_waiting.py::test_a_wait_is_bounded_by_the_contract_and_by_the_invocation[20-12-20-10]",
            ),
        ),
        Guard(
            "a wait over HTTP has a maximum",
            "one caller keeps an environment busy as long as it likes",
            CORE + "api/parameters.py",
            "min(int(wait[1]), MAX_WAIT_SECONDS)",
            "int(wait[1])",
            (
                "tests/integration/test_http_waiting.py::test_a_wait_is_bounded_by_the_contract_and_by_the_invocation[99999-29-25-25]",
            ),
        ),
        Guard(
            "budget of a run",
            "a run causes as many tests as there is drift",
            RECONCILE,
            "elif len(rechecks) >= run.checks:",
            "elif run.checks < 0:",
            ("tests/integration/test_fleet.py::test_drift_beyond_the_budget_is_announced_as_left_for_the_next_run",),
        ),
        Guard(
            "budget of verifications",
            "a run tests every connection whose last test is old",
            RECONCILE,
            "heapq.nsmallest(run.checks, [*run.due, *candidates])",
            "sorted([*run.due, *candidates])",
            (
                "tests/integration/test_fleet.py::test_a_run_sends_no_more_rechecks_than_its_limit_and_drift_comes_first",
                "tests/integration/test_fleet.py::test_drift_in_a_later_sandbox_comes_before_due_tests",
            ),
        ),
        Guard(
            "a run continues later",
            "a run is killed in the middle, and no run ever reaches the end",
            RECONCILE,
            "            if begun and self.deadline.usable() < SANDBOX_SECONDS:\n                return False\n",
            "",
            ("tests/integration/test_fleet.py::test_a_run_that_reaches_its_deadline_continues_where_it_stopped",),
        ),
        Guard(
            "an unattended recheck opens nothing",
            "an unattended recheck that is retried starts a cluster as a request would",
            CORE + "provision/process.py",
            "        if job.unattended and job.before.status:\n            status = job.before.status\n",
            "",
            ("tests/integration/test_fleet.py::test_scheduled_work_that_is_retried_still_starts_no_cluster",),
        ),
        Guard(
            "an unattended recheck starts no cluster",
            "a schedule starts every cluster each night",
            READINESS,
            "is not Readiness.START or job.unattended:",
            "is not Readiness.START:",
            (
                "tests/integration/test_fleet.py::test_scheduled_work_starts_no_cluster_and_tests_nothing_while_the_cluster_is_stopped",
            ),
        ),
        Guard(
            "rechecks that may have been sent are counted",
            "a run whose sending fails halfway causes twice as many tests as it may",
            RECONCILE,
            COUNTED + SENT,
            SENT + COUNTED,
            ("tests/integration/test_fleet.py::test_rechecks_whose_send_failed_still_count_as_sent",),
        ),
    ),
)
