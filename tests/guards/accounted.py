"""The guards of invariant 4, Accounted."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

PROCESS, QUEUE = CORE + "provision/process.py", CORE + "aws/queue.py"
IN_ACCOUNTED, IN_ENDINGS, IN_CRASHES, IN_TOKENS = (
    f"tests/{name}.py::"
    for name in (
        "provision/test_accounted",
        "provision/test_endings",
        "provision/test_crashes",
        "provision/test_tokens",
    )
)
IN_REQUESTS = "tests/provision/test_requests.py::"
IN_WAITING = "tests/provision/test_waiting.py::"
IN_HTTP = "tests/api/test_http.py::"
WAIT = (
    'Wait(order=job.order, what=f"cluster {cluster.id} to run", since=now, '
    "until=now + job.limits.cluster_start_limit_seconds)"
)
ANNOUNCE = (
    "if _must_announce(job, end):\n"
    "    self._announce(DELETED if _is_absent(job.request) else READY, job.order, end.document())\n"
)

INVARIANT = Invariant(
    4,
    "Accounted",
    "Every accepted request ends published, deleted, superseded by a later one of its key, or failed. The reason of a "
    "failure is recorded, announced and counted. A request that cannot be recorded is not acknowledged, and ends in "
    "the dead-letter queue.",
    (
        Guard(
            "announced before it is closed",
            "a request whose delivery is killed in between is never announced",
            PROCESS,
            "Processor._run",
            ANNOUNCE,
            "self._close(job, end)\n" + ANNOUNCE,
            (
                IN_CRASHES + "test_a_create_killed_after_any_call_is_completed_by_a_later_delivery[16]",
                IN_CRASHES + "test_a_delete_killed_after_any_call_is_completed_by_a_later_delivery[9]",
            ),
        ),
        Guard(
            "nothing is recorded after a close",
            "a request that was closed, but whose close got no response, is recorded as open again, forever",
            PROCESS,
            "Processor._run",
            ANNOUNCE,
            ANNOUNCE + "return self._close(job, end)",
            (IN_ACCOUNTED + "test_a_close_whose_reply_was_lost_is_not_undone[present]",),
            also=(8,),
        ),
        Guard(
            "a recheck that completes a request announces it",
            "a request that a recheck completed is never announced",
            PROCESS,
            "_must_announce",
            "before.answered != before.order or before.status is Status.FAILED",
            "before.status is Status.FAILED",
            (IN_ENDINGS + "test_a_recheck_that_completes_an_open_request_announces_it",),
        ),
        Guard(
            "every failure is announced",
            "a request that fails like the one before it is not announced",
            PROCESS,
            "Processor._end",
            "not (job.recheck and known)",
            "not known",
            (IN_ENDINGS + "test_every_request_that_fails_is_announced_even_if_it_fails_like_the_one_before",),
        ),
        Guard(
            "refusal is announced",
            "a request that breaks a rule disappears without an event",
            PROCESS,
            "Processor._refuse",
            "self._announce(FAILED, delivery.order, _key_fields(delivery) | failure.document())",
            "",
            (IN_REQUESTS + "test_a_refused_request_names_every_fault_and_is_announced",),
        ),
        Guard(
            "given up after a time",
            "a request that keeps failing is delivered until the queue drops it, and no one learns why",
            PROCESS,
            "Processor._overdue",
            "self.ports.clock.now() - message.first_received >= self.limits.give_up_seconds",
            "self.ports.clock.now() < message.first_received",
            (IN_ACCOUNTED + "test_a_redriven_request_is_processed_with_its_original_order",),
        ),
        Guard(
            "a wait ends",
            "a request waits forever for a cluster that never runs",
            PROCESS,
            "Processor._given_up",
            "return self.ports.clock.now() >= wait.until",
            "return False",
            (IN_WAITING + "test_a_start_that_fails_for_a_temporary_reason_is_repeated_until_the_limit_then_parked",),
            also=(5,),
        ),
        Guard(
            "a wait is counted from its beginning",
            "a request waits forever, since each delivery starts its wait again",
            CORE + "provision/readiness.py",
            "_start_or_await_cluster",
            "job.wait() or " + WAIT,
            WAIT,
            (IN_WAITING + "test_a_start_that_fails_for_a_temporary_reason_is_repeated_until_the_limit_then_parked",),
        ),
        Guard(
            "a start without a response counts",
            "a start whose response was lost is forgotten, and a failing start is paid for again and again",
            CORE + "provision/readiness.py",
            "_start_or_await_cluster",
            "job.entry = job.entry.with_(wait=wait)\nworkspace.start()",
            "workspace.start()",
            (IN_WAITING + "test_a_start_whose_reply_was_lost_counts_and_its_permanent_failure_ends_the_request",),
        ),
        Guard(
            "a wait belongs to one request",
            "a new request is given up because an earlier one waited too long",
            CORE + "provision/job.py",
            "Job.wait",
            "return wait if wait and wait.order == self.order else None",
            "return wait",
            (IN_WAITING + "test_a_later_request_starts_a_new_wait",),
        ),
        Guard(
            "a wait has its own limit",
            "a request is given up while its cluster starts",
            PROCESS,
            "Processor._stop_if_given_up",
            "waits or not self._overdue(job)",
            "not self._overdue(job)",
            (IN_WAITING + "test_a_wait_has_its_own_limit_not_the_general_one[start]",),
        ),
        Guard(
            "time limit is checked when a delivery begins",
            "a request that was given up long ago is processed once more",
            PROCESS,
            "Processor._run",
            "self._stop_if_given_up(job)",
            "",
            (IN_ACCOUNTED + "test_a_delivery_after_the_time_limit_fails_with_the_last_reason_and_does_not_call_adobe",),
        ),
        Guard(
            "a request that is given up is parked",
            "a request that could succeed later cannot be redriven",
            PROCESS,
            "Processor._end",
            "parked = error.retryable and job.delivery.message is not None",
            "parked = error.retryable and job.delivery.message is None",
            (IN_ACCOUNTED + "test_a_redriven_request_is_processed_with_its_original_order",),
        ),
        Guard(
            "parked before it is recorded",
            "the registry says that a request was given up and parked, but it was not parked",
            PROCESS,
            "Processor._end",
            "if parked: self.ports.queue.park(job.order, _document(job.delivery), failure.code, failure.message)\n"
            "job.close(job.entry.failed(failure, self.ports.clock.now()))",
            "job.close(job.entry.failed(failure, self.ports.clock.now()))\n"
            "if parked: self.ports.queue.park(job.order, _document(job.delivery), failure.code, failure.message)",
            (IN_ACCOUNTED + "test_a_request_that_cannot_be_parked_is_not_recorded_as_failed",),
        ),
        Guard(
            "a message without a key is parked",
            "a message that no one could find again is acknowledged and lost",
            PROCESS,
            "Processor._refuse",
            "parked = delivery.message is not None and None in _key_of(delivery)",
            "parked = False",
            (
                IN_REQUESTS + "test_a_message_that_is_not_json_is_parked_and_acknowledged",
                IN_ENDINGS + "test_an_invalid_request_is_parked_if_half_of_its_key_is_invalid[changes0]",
            ),
        ),
        Guard(
            "parking must succeed",
            "a message that the dead-letter queue did not accept is acknowledged and lost",
            QUEUE,
            "Queue.park",
            "call",
            "attempt",
            (
                "tests/adapters/test_faults.py::"
                "test_a_fault_of_aws_ends_a_call_with_its_error_and_its_effect[adapter-park-AWS denies access]",
            ),
        ),
        Guard(
            "a message that is nested too deeply is parked",
            "such a message is delivered until the queue drops it",
            QUEUE,
            "_body",
            'return json.dumps(envelope(order, {"unreadable": "nested too deeply to be written"}, PARKED))',
            "raise",
            ("tests/adapters/test_queue.py::test_a_detail_that_is_nested_too_deeply_is_parked_without_it[adapter]",),
        ),
        Guard(
            "announcing must succeed",
            "an event that the bus did not accept counts as announced",
            CORE + "aws/events.py",
            "Events._put",
            'reply.get("FailedEntryCount")',
            'reply.get("FailedEntryCount") is None',
            ("tests/adapters/test_events.py::test_an_event_that_the_bus_does_not_accept_is_an_error[adapter]",),
        ),
        Guard(
            "publishing must succeed",
            "a parameter that could not be written counts as published",
            CORE + "aws/parameters.py",
            "Parameters.put",
            "call",
            "attempt",
            (
                "tests/adapters/test_faults.py::"
                "test_a_fault_of_aws_ends_a_call_with_its_error_and_its_effect[adapter-publish-AWS denies access]",
            ),
            also=(2,),
        ),
        Guard(
            "a request without a recorded result is not acknowledged",
            "a request whose result could not be recorded is acknowledged and lost",
            PROCESS,
            "Processor.process",
            "_processed(delivery, error=unrecorded, acknowledged=False)",
            "_processed(delivery, error=unrecorded)",
            (IN_ACCOUNTED + "test_a_message_is_not_acknowledged_if_its_result_cannot_be_recorded[accept]",),
        ),
        Guard(
            "every unfinished message is delivered again",
            "Lambda deletes a message that is not finished",
            CORE + "contract/messages.py",
            "batch_reply",
            'return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone]}',
            'return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone[1:]]}',
            ("tests/unit/test_triggers.py::test_only_unfinished_messages_of_a_batch_are_delivered_again",),
        ),
        Guard(
            "Lambda reads the partial batch response",
            "Lambda does not read which message is not finished, and deletes it",
            TEMPLATE,
            "ProvisionFunction",
            "FunctionResponseTypes: [ReportBatchItemFailures]",
            "",
            (
                "tests/template/test_requests_in.py::"
                "test_the_event_source_is_one_message_at_a_time_with_partial_failures[defaults]",
            ),
        ),
        Guard(
            "dead-letter queue of the requests",
            "a request that is never processed is deleted after two weeks",
            TEMPLATE,
            "Requests",
            "RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 100}",
            "",
            (
                "tests/template/test_requests_in.py::"
                "test_the_queue_hides_messages_for_six_timeouts_and_has_a_dead_letter_queue[defaults]",
            ),
        ),
        Guard(
            "dead-letter queue of the rule",
            "an event that cannot be sent to the queue is dropped",
            TEMPLATE,
            "RequestRule",
            "DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}",
            "",
            (
                "tests/template/test_requests_in.py::"
                "test_rules_and_schedules_retry_and_keep_what_they_cannot_deliver[defaults]",
            ),
        ),
        Guard(
            "the rule starts when it may send",
            "events are dropped while a stack is being created",
            TEMPLATE,
            "RequestRule",
            "DependsOn: QueuePolicy",
            "",
            ("tests/template/test_requests_in.py::test_a_rule_is_created_after_its_permission_to_send[defaults]",),
        ),
        Guard(
            "visibility hold",
            "a message that is being processed is delivered a second time",
            PROCESS,
            "Processor.process",
            "if message:\n"
            "    self.ports.queue.hide(message, self.deadline.remaining() + VISIBILITY_BEYOND_DEADLINE_SECONDS)",
            "",
            (IN_ACCOUNTED + "test_pauses_between_deliveries_grow_from_one_to_three_minutes",),
            also=(1,),
        ),
        Guard(
            "pause before the next delivery",
            "a request that failed is delivered again at once, or only when the hold ends",
            PROCESS,
            "Processor._fail",
            "self.ports.queue.hide(message, _pause(message, error))",
            "",
            (
                IN_ACCOUNTED + "test_pauses_between_deliveries_grow_from_one_to_three_minutes",
                IN_TOKENS + "test_a_message_is_delivered_again_after_adobes_retry_after[adobe]",
            ),
            also=(5,),
        ),
        Guard(
            "unexpected error is accounted for",
            "an unexpected error leaves its request in progress forever",
            PROCESS,
            "Processor._run",
            "Exception",
            "RecursionError",
            (IN_ENDINGS + "test_an_unexpected_error_is_recorded_and_announced_without_its_text",),
        ),
        Guard(
            "unexpected error before a request is accepted",
            "an unexpected error ends the invocation without a response",
            PROCESS,
            "Processor.process",
            "Exception",
            "RecursionError",
            (IN_ENDINGS + "test_an_unexpected_error_before_acceptance_returns_the_message_and_does_not_show_its_text",),
        ),
        Guard(
            "lease is released",
            "a request whose failure could not be announced stays busy until its lease ends",
            PROCESS,
            "Processor._run",
            "with contextlib.suppress(ConnectionFailure): job.release()",
            "",
            (IN_ENDINGS + "test_a_failure_that_cannot_be_announced_releases_the_lease",),
        ),
        Guard(
            "a failed direct invoke raises an error",
            "a direct invoke that failed looks like one that succeeded",
            CORE + "provision/service.py",
            "reply_to",
            'raise forget_causes(processed.error or Unavailable("The request has no result."))',
            'return {"error": str(processed.error or Unavailable("The request has no result."))}',
            ("tests/unit/test_triggers.py::test_a_direct_invoke_raises_a_retryable_error_at_once",),
        ),
        Guard(
            "every processed request is counted",
            "a processed request has no log line and no metric, and no alarm goes off",
            CORE + "provision/service.py",
            "ProvisionService._process",
            "self.observer.record(processed, measurements, upstream)",
            "",
            (IN_ACCOUNTED + "test_every_processed_request_writes_one_log_line_and_one_metric_document",),
        ),
        Guard(
            "a request that gets a 202 is in the queue",
            "an HTTP caller gets a 202, and the request is never processed",
            CORE + "api/submit.py",
            "Submitter.submit",
            "self.queue.submit(order, request.document)",
            "",
            (IN_HTTP + "test_a_requested_connection_is_created_and_its_event_carries_the_same_order",),
        ),
        Guard(
            "a note that cannot be written is skipped",
            "a request is in the queue, but its caller gets an error",
            CORE + "api/submit.py",
            "Submitter.submit",
            "with contextlib.suppress(ConnectionFailure): self.registry.note_pending(order, request)",
            "self.registry.note_pending(order, request)",
            (IN_HTTP + "test_a_request_is_queued_even_if_it_cannot_be_noted",),
        ),
        Guard(
            "drift is announced before it is repaired",
            "drift can be repaired without ever being announced",
            CORE + "reconcile/run.py",
            "Reconciler._act",
            "self.ports.events.announce(DRIFTED, *details)\n"
            "run.checks -= len(rechecks)\n"
            "self.ports.queue.recheck(*rechecks)",
            "run.checks -= len(rechecks)\n"
            "self.ports.queue.recheck(*rechecks)\n"
            "self.ports.events.announce(DRIFTED, *details)",
            ("tests/reconcile/test_reconcile.py::test_drift_is_announced_before_anything_changes",),
        ),
        Guard(
            "a sandbox that fails is counted",
            "a sandbox that could not be checked counts as one without drift",
            CORE + "reconcile/run.py",
            "Reconciler.reconcile",
            'run.counts["FailedSandboxes"] += 1',
            "",
            ("tests/reconcile/test_fleet.py::test_a_second_page_that_fails_reports_nothing_as_missing",),
        ),
    ),
)
