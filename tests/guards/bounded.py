"""What keeps invariant 5, Bounded."""

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
COUNTED = "        run.checks -= len(rechecks)  # some are sent, even if it is not known which\n"
SENT = "        self.ports.queue.recheck(*rechecks)\n"
TIMEOUTS = "tests/unit/test_transport.py::test_a_call_takes_its_timeouts_but_never_more_than_the_time_left"

INVARIANT = Invariant(
    5,
    "Bounded",
    "Every call has connect and read timeouts; no sleep, retry or thread outlives the invocation; only reads leave the "
    "handler's thread; a `Retry-After` is honoured up to a cap; no effect starts without time to hear and record its "
    "answer.",
    (
        Guard(
            "timeouts of a call",
            "a call to an upstream that says nothing lasts until Lambda ends the invocation",
            TRANSPORT,
            "timeout=(min(self.timeouts.connect, usable), min(read_timeout, usable)),",
            "timeout=None,",
            (TIMEOUTS + "[False-180-timeouts1]",),
        ),
        Guard(
            "timeouts within the time left",
            "a call that begins late lasts beyond the invocation",
            TRANSPORT,
            "timeout=(min(self.timeouts.connect, usable), min(read_timeout, usable)),",
            "timeout=(self.timeouts.connect, read_timeout),",
            (TIMEOUTS + "[True-50-timeouts2]",),
        ),
        Guard(
            "total time of a call",
            "an answer that drips in byte by byte lasts until Lambda ends the invocation",
            TRANSPORT,
            "                socket.socket.shutdown(held, socket.SHUT_RDWR)\n",
            "                socket.socket.fileno(held)\n",
            (IN_BOUNDED + "test_an_answer_that_does_not_come_or_drips_in_ends_in_time[drip]",),
        ),
        Guard(
            "total time of a call whose socket was handed on",
            "an answer that ends with its connection is not cut when it drips",
            TRANSPORT,
            'held = self._exchange["sock"] or getattr(self._exchange["connection"], "sock", None)',
            'held = getattr(self._exchange["connection"], "sock", None)',
            (
                IN_TRANSPORT
                + "test_an_answer_of_unknown_length_is_taken_only_when_it_ended_and_is_not_too_large[dripping]",
            ),
        ),
        Guard(
            "what was cut is no answer",
            "what came before an answer was cut counts as the whole of it",
            TRANSPORT,
            "if watch.expired or short or len(body)",
            "if short or len(body)",
            (
                IN_TRANSPORT
                + "test_an_answer_of_unknown_length_is_taken_only_when_it_ended_and_is_not_too_large[dripping]",
            ),
            also=(6,),
        ),
        Guard(
            "calls to AWS are short",
            "one AWS call takes longer than what is kept free to record",
            CORE + "aws/client.py",
            "    read_timeout=5,\n",
            "    read_timeout=60,\n",
            ("tests/unit/test_aws.py::test_an_aws_call_ends_within_the_time_kept_free_to_record",),
        ),
        Guard(
            "answers of a size",
            "an answer without end fills the memory",
            TRANSPORT,
            " or short or len(body) > MAX_BODY_BYTES:",
            " or short:",
            (
                IN_TRANSPORT
                + "test_an_answer_of_unknown_length_is_taken_only_when_it_ended_and_is_not_too_large[too large]",
            ),
        ),
        Guard(
            "lists of a length",
            "a list that never ends is followed until Lambda ends the invocation",
            FLOW_SERVICE,
            "for _ in range(MAX_PAGES):",
            "for _ in range(MAX_PAGES + 100):",
            (IN_FLOW_SERVICE + "test_a_listing_without_end_is_an_error_not_an_end",),
        ),
        Guard(
            "time to start a cluster",
            "a cluster is started by an invocation that ends before it hears of it",
            CORE + "provision/readiness.py",
            '        job.deadline.require(READ_SECONDS, "starting the cluster")\n',
            "",
            ("tests/integration/test_waiting.py::test_nothing_is_started_without_time_to_hear_the_answer",),
        ),
        Guard(
            "looks end with their delivery",
            "a read of the workspace outlives its invocation",
            CORE + "domain/concurrency.py",
            "    with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:\n",
            "    pool = ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1) + 1)\n"
            "    pool.submit(lambda: __import__('time').sleep(1))\n"
            "    if pool:\n",
            ("tests/integration/test_readiness.py::test_no_look_outlives_its_delivery",),
        ),
        Guard(
            "tries of a look",
            "a path to the workspace that is closed costs a delivery its time",
            CORE + "sources/databricks/workspace.py",
            "            tries=LOOK_TRIES,\n",
            "",
            ("tests/integration/test_readiness.py::test_a_read_that_gets_no_answer_is_tried_once_more_and_no_longer",),
        ),
        Guard(
            "tries of a call",
            "an upstream that is down is asked until the time is over",
            RETRY,
            " or not repeatable or tries >= at_most:",
            " or not repeatable:",
            ("tests/unit/test_retry.py::test_tries_and_time_are_bounded",),
        ),
        Guard(
            "cap of `Retry-After`",
            "an upstream has the invocation sleep as long as it likes",
            RETRY,
            "if (ended.retry_after or 0.0) > RETRY_AFTER_CAP_SECONDS or pause_before_retry",
            "if pause_before_retry",
            ("tests/unit/test_retry.py::test_what_may_pass_is_repeated_with_its_reason[ended7-None]",),
        ),
        Guard(
            "`Retry-After` is honoured",
            "an upstream that asks for a pause is asked again at once",
            RETRY,
            "return max(ended.retry_after or 0.0, grown",
            "return max(0.0, grown",
            (IN_BOUNDED + "test_a_retry_after_is_honoured_up_to_its_cap",),
        ),
        Guard(
            "pause within the time left",
            "a pause reaches beyond the invocation",
            RETRY,
            " or pause_before_retry(ended, tries) >= seconds_left:",
            ":",
            (IN_BOUNDED + "test_no_pause_reaches_beyond_the_deadline",),
        ),
        Guard(
            "tokens are renewed once a minute",
            "an Adobe that rejects every token has IMS asked for each call",
            CORE + "adobe/ims.py",
            "if version == credentials.version_id and now - at < RENEWAL_INTERVAL_SECONDS:",
            "if version == credentials.version_id and now < at:",
            (IN_TOKENS + "test_a_token_is_renewed_again_only_after_a_minute",),
        ),
        Guard(
            "412 is read again three times",
            "a connection that somebody edits all the time is patched for ever",
            UPDATE,
            "STALE_ETAG_REREADS = 3",
            "STALE_ETAG_REREADS = 30",
            (IN_OURS + "test_an_etag_that_is_always_stale_ends_after_three_reads",),
        ),
        Guard(
            "reads aside end first",
            "a thread works on after its invocation went on",
            CORE + "domain/concurrency.py",
            "    with ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1)) as pool:\n",
            "    for pool in [ThreadPoolExecutor(max_workers=min(MAX_THREADS, len(calls) - 1))]:\n",
            (IN_TRANSPORT + "test_a_read_aside_ends_before_its_invocation_goes_on",),
        ),
        Guard(
            "effects stay in the handler's thread",
            "a POST may outlive the invocation that sent it",
            PROVISION,
            "        connection = job.flow.create(desired, attempt.id)\n",
            "        _, connection = concurrently(lambda: None, lambda: job.flow.create(desired, attempt.id))\n",
            (IN_BOUNDED + "test_only_reads_leave_the_handlers_thread",),
        ),
        Guard(
            "time kept free to record",
            "an answer comes when nothing can be recorded any more",
            DEADLINE,
            "return self.remaining() - self.kept",
            "return self.remaining()",
            (IN_BOUNDED + "test_no_call_begins_without_time_to_record_its_answer",),
            also=(4,),
        ),
        Guard(
            "time left before a call",
            "a call begins that cannot be heard",
            TRANSPORT,
            "            if self.deadline.usable() < 1:\n",
            "            if self.deadline.usable() < -1000:\n",
            (IN_BOUNDED + "test_no_call_begins_without_time_to_record_its_answer",),
        ),
        Guard(
            "time left is required",
            "no effect asks whether there is time for it",
            DEADLINE,
            "        if self.usable() < seconds:\n",
            "        if self.usable() < seconds - 1000:\n",
            (
                IN_BOUNDED + "test_no_post_starts_without_time_for_its_answer[60]",
                IN_TIME_LEFT + "test_nothing_is_published_without_time_to_announce_and_close",
            ),
        ),
        Guard(
            "time left before a POST",
            "a POST is sent whose answer cannot be heard",
            PROVISION,
            '    job.deadline.require(WRITE_SECONDS, "creating the connection")\n',
            "",
            (IN_BOUNDED + "test_no_post_starts_without_time_for_its_answer[60]",),
            also=(1,),
        ),
        Guard(
            "time left before a PATCH",
            "a PATCH is sent whose answer cannot be heard",
            UPDATE,
            '        job.deadline.require(WRITE_SECONDS, "updating the connection")\n',
            "",
            (IN_BOUNDED + "test_no_patch_starts_without_time_for_its_answer",),
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
            "a DELETE is sent whose answer cannot be heard",
            RETIRE,
            '    job.deadline.require(READ_SECONDS, "deleting the connection")\n',
            "",
            (IN_BOUNDED + "test_no_delete_starts_without_time_to_hear_of_it",),
        ),
        Guard(
            "time left before the parameter is deleted",
            "a parameter is deleted, which cannot be announced",
            RETIRE,
            '        job.deadline.require(0, "deleting the parameter")\n',
            "",
            (IN_TIME_LEFT + "test_no_parameter_is_deleted_without_time_to_announce_and_close",),
        ),
        Guard(
            "time left before surplus is deleted",
            "a DELETE is sent whose answer cannot be heard",
            FIND,
            '        job.deadline.require(READ_SECONDS, "deleting a duplicate connection")\n',
            "",
            (IN_TIME_LEFT + "test_no_surplus_is_deleted_without_time_to_hear_of_it",),
        ),
        Guard(
            "time left for a look",
            "a look begins whose answer cannot be heard, and its attempt is not told as open",
            FIND,
            "if job.deadline.usable() < pause + READ_SECONDS:",
            "if job.deadline.usable() < pause:",
            (IN_SETTLING + "test_every_look_has_time_to_be_answered",),
        ),
        Guard(
            "waiting for a deletion ends",
            "a deletion that Adobe does not finish is waited for until no call can be made, and not told as what it is",
            RETIRE,
            "        if job.deadline.usable() < POLL_SECONDS + READ_SECONDS:\n",
            "        if job.deadline.usable() < -1000:\n",
            (IN_TIME_LEFT + "test_a_deletion_that_does_not_end_is_left_to_the_next_delivery",),
        ),
        Guard(
            "a wait ends before its invocation",
            "who waits long is told of a timeout, and not where to look",
            CORE + "api/routes.py",
            "await_end(key, order, min(seconds, left))",
            "await_end(key, order, seconds)",
            (
                "tests/integration/test_http_waiting.py::test_a_wait_is_bounded_by_the_contract_and_by_the_invocation[20-12-20-10]",
            ),
        ),
        Guard(
            "a wait is bounded by the contract",
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
            "a run has as many tests made as there is drift",
            RECONCILE,
            "elif len(rechecks) >= run.checks:",
            "elif run.checks < 0:",
            ("tests/integration/test_fleet.py::test_drift_beyond_the_budget_is_announced_as_left_for_the_next_run",),
        ),
        Guard(
            "budget of verifications",
            "a run tests every connection that was not tested for long",
            RECONCILE,
            "heapq.nsmallest(run.checks, [*run.due, *candidates])",
            "sorted([*run.due, *candidates])",
            (
                "tests/integration/test_fleet.py::test_a_run_rechecks_no_more_than_it_may_and_drift_first",
                "tests/integration/test_fleet.py::test_drift_in_a_later_sandbox_comes_before_old_tests",
            ),
        ),
        Guard(
            "a run goes on later",
            "a run is killed in the middle, and none ever reaches the end",
            RECONCILE,
            "            if begun and self.deadline.usable() < SANDBOX_SECONDS:\n                return False\n",
            "",
            ("tests/integration/test_fleet.py::test_a_run_that_meets_its_deadline_goes_on_where_it_stopped",),
        ),
        Guard(
            "nobody asked, nothing is open",
            "a recheck that is tried again starts a cluster as a request would",
            CORE + "provision/process.py",
            "        if job.unattended and job.before.status:\n            status = job.before.status\n",
            "",
            ("tests/integration/test_fleet.py::test_scheduled_work_that_is_tried_again_still_starts_no_cluster",),
        ),
        Guard(
            "nobody asked, nothing starts",
            "a schedule starts every cluster each night",
            READINESS,
            "is not Readiness.START or job.unattended:",
            "is not Readiness.START:",
            (
                "tests/integration/test_fleet.py::test_scheduled_work_starts_no_cluster_and_tests_nothing_where_none_runs",
            ),
        ),
        Guard(
            "what may have been sent is counted",
            "a run whose sending fails half-way has twice as many tests made as it may",
            RECONCILE,
            COUNTED + SENT,
            SENT + COUNTED,
            ("tests/integration/test_fleet.py::test_rechecks_of_which_nobody_knows_count_as_sent",),
        ),
    ),
)
