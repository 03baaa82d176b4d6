"""What keeps invariant 4, Accounted."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

ANSWER, QUEUE = CORE + "provision/process.py", CORE + "aws/queue.py"
IN_ACCOUNTED, IN_ENDINGS, IN_PROVISIONING, IN_CRASHES, IN_TOKENS = (
    f"tests/integration/test_{name}.py::" for name in ("accounted", "endings", "provisioning", "crashes", "tokens")
)
ANNOUNCE = (
    "            if self._is_news(was, ended):\n"
    "                self._announce(DELETED if _absent(job.request) else READY, job.order, ended.document())\n"
)
CLOSE = "            self._close(job, ended)\n"
PARK = (
    "        if parked:\n            self._ports.requests.park(order, self._asked(), failure.code, failure.message)\n"
)
RECORD = "        self._ports.registry.close_failed(lease, now, failure)\n"
DRIFTED = "        self._around.events.announce(DRIFTED, *details)\n"
SENT = (
    "        self._run.checks -= len(rechecks)  # some are sent, even if it is not known which\n"
    "        self._around.inbox.recheck(*rechecks)\n"
)
IN_REQUESTS = "tests/integration/test_requests.py::"
IN_WAITING = "tests/integration/test_waiting.py::"
IN_HTTP = "tests/integration/test_http.py::"

INVARIANT = Invariant(
    4,
    "Accounted",
    "Every accepted request ends published, deleted, superseded by a later one of its key, or failed with a reason "
    "that is recorded, announced and counted; what cannot be recorded is not acknowledged, and ends in the dead-letter "
    "queue.",
    (
        Guard(
            "announce before close",
            "a request whose delivery is killed in between is never announced",
            ANSWER,
            "            if _is_news(job, end):\n"
            "                self._announce(DELETED if _is_absent(job.request) else READY, "
            "job.order, end.document())\n",
            "            self._close(job, end)\n"
            "            if _is_news(job, end):\n"
            "                self._announce(DELETED if _is_absent(job.request) else READY, "
            "job.order, end.document())\n",
            (
                IN_CRASHES + "test_a_create_killed_after_any_call[16]",
                IN_CRASHES + "test_a_delete_killed_after_any_call[9]",
            ),
        ),
        Guard(
            "nothing is recorded after a close",
            "a request that was closed, though nobody heard of it, is recorded as one still to do, for ever",
            ANSWER,
            "            if _is_news(job, end):\n"
            "                self._announce(DELETED if _is_absent(job.request) else READY, "
            "job.order, end.document())\n",
            "            if _is_news(job, end):\n"
            "                self._announce(DELETED if _is_absent(job.request) else READY, "
            "job.order, end.document())\n"
            "            return self._close(job, end)\n",
            (IN_ACCOUNTED + "test_a_close_that_happened_though_its_answer_was_lost_is_not_undone[present]",),
            also=(8,),
        ),
        Guard(
            "recheck that ends a request announces it",
            "a request that a recheck made true is never announced",
            ANSWER,
            "ends = before.answered != before.order or before",
            "ends = before",
            (IN_ENDINGS + "test_a_recheck_that_ends_an_open_request_announces_it",),
        ),
        Guard(
            "every failure is announced",
            "a request that fails as the one before it is not answered",
            ANSWER,
            "        if not (job.recheck and known):\n",
            "        if not known:\n",
            (IN_ENDINGS + "test_every_request_that_fails_is_announced_also_if_it_fails_as_the_one_before",),
        ),
        Guard(
            "refusal is announced",
            "a request that breaks a rule vanishes",
            ANSWER,
            "        self._announce(FAILED, delivery.order, _key_fields(delivery) | failure.document())\n",
            "",
            (IN_REQUESTS + "test_a_refused_request_names_every_fault_and_is_announced",),
        ),
        Guard(
            "given up after a time",
            "a request that keeps failing is delivered until the queue drops it, and nobody is told why",
            ANSWER,
            "self.ports.clock.now() - message.first_received >= self.limits.give_up_seconds",
            "self.ports.clock.now() < message.first_received",
            (IN_ACCOUNTED + "test_a_redriven_request_is_done_with_its_own_order",),
        ),
        Guard(
            "a wait ends",
            "a request waits for ever for a cluster that never runs",
            ANSWER,
            "return self.ports.clock.now() >= wait.until",
            "return False",
            (
                IN_WAITING
                + "test_a_start_that_ends_for_a_passing_reason_is_repeated_until_the_limit_then_parked_with_the_reason",
            ),
            also=(5,),
        ),
        Guard(
            "a wait is counted from its beginning",
            "a request waits for ever, since each delivery begins its wait anew",
            CORE + "provision/readiness.py",
            "wait = job.wait() or Wait(",
            "wait = Wait(",
            (
                IN_WAITING
                + "test_a_start_that_ends_for_a_passing_reason_is_repeated_until_the_limit_then_parked_with_the_reason",
            ),
        ),
        Guard(
            "a start may have happened",
            "a start whose answer was lost is forgotten, and what it ended with is paid for again and again",
            CORE + "provision/readiness.py",
            "        job.entry = job.entry.with_(wait=wait)  # a start whose answer is lost may have happened\n",
            "",
            (IN_WAITING + "test_a_start_whose_answer_was_lost_counts_as_one_and_its_lasting_end_ends_the_request",),
        ),
        Guard(
            "a wait is of one request",
            "a new request is given up for how long an earlier one waited",
            CORE + "provision/job.py",
            "return wait if wait and wait.order == self.order else None",
            "return wait",
            (IN_WAITING + "test_a_later_request_waits_anew",),
        ),
        Guard(
            "a wait has its own limit",
            "a request is given up while its cluster starts",
            ANSWER,
            "if waits or not self._overdue(job):",
            "if not self._overdue(job):",
            (IN_WAITING + "test_a_wait_has_its_own_limit_not_the_general_one[start]",),
        ),
        Guard(
            "given up when a delivery begins",
            "a request that was given up long ago is worked on once more",
            ANSWER,
            "            self._stop_if_given_up(job)\n",
            "",
            (IN_ACCOUNTED + "test_a_delivery_that_begins_after_giving_up_fails_with_the_last_reason_and_calls_nobody",),
        ),
        Guard(
            "parked when given up",
            "a request that time would have mended cannot be redriven",
            ANSWER,
            "parked = error.retryable and job.delivery.message is not None",
            "parked = error.retryable and job.delivery.message is None",
            (IN_ACCOUNTED + "test_a_redriven_request_is_done_with_its_own_order",),
        ),
        Guard(
            "parked before it is recorded",
            "the registry says that a request was given up and parked, which it is not",
            ANSWER,
            "        if parked:\n"
            "            self.ports.queue.park(job.order, _document(job.delivery), failure.code, "
            "failure.message)\n"
            "        job.close(job.entry.failed(failure, self.ports.clock.now()))\n",
            "        job.close(job.entry.failed(failure, self.ports.clock.now()))\n"
            "        if parked:\n"
            "            self.ports.queue.park(job.order, _document(job.delivery), failure.code, "
            "failure.message)\n",
            (IN_ACCOUNTED + "test_a_request_that_cannot_be_parked_is_not_recorded_as_given_up",),
        ),
        Guard(
            "parked without a key",
            "a message that nobody could find again is acknowledged and lost",
            ANSWER,
            "parked = delivery.message is not None and None in _key_of(delivery)",
            "parked = False",
            (
                IN_REQUESTS + "test_a_message_that_is_no_json_is_parked_and_done",
                IN_ENDINGS + "test_an_invalid_request_is_parked_if_half_of_its_key_is_unreadable[changes0]",
            ),
        ),
        Guard(
            "parked for certain",
            "a message that the dead-letter queue did not take is acknowledged and lost",
            QUEUE,
            "        call(\n            self._sqs.send_message,",
            "        attempt(\n            self._sqs.send_message,",
            (IN_ACCOUNTED + "test_a_failure_that_cannot_be_announced_or_parked_is_not_acknowledged",),
        ),
        Guard(
            "parked in a form that can be written",
            "a message that is nested too deeply is delivered until the queue drops it",
            QUEUE,
            "    except RecursionError:\n"
            '        return json.dumps(envelope(order, {"unreadable": "nested too deeply to be '
            'written"}, PARKED))\n',
            "    except RecursionError:\n        raise\n",
            (IN_ACCOUNTED + "test_what_is_nested_too_deeply_to_be_written_is_parked_all_the_same",),
        ),
        Guard(
            "announced for certain",
            "an event that the bus did not take counts as announced",
            CORE + "aws/events.py",
            'if reply.get("FailedEntryCount"):',
            'if reply.get("FailedEntryCount") is None:',
            ("tests/unit/test_aws.py::test_an_event_that_the_bus_did_not_take_is_an_error",),
        ),
        Guard(
            "published for certain",
            "a parameter that could not be written counts as published",
            CORE + "aws/parameters.py",
            "        call(\n            self._ssm.put_parameter,",
            "        attempt(\n            self._ssm.put_parameter,",
            (
                IN_ACCOUNTED
                + "test_who_invokes_directly_is_told_to_send_again_what_nobody_else_tries_again[PutParameter]",
            ),
            also=(2,),
        ),
        Guard(
            "not recorded, not acknowledged",
            "a request that nobody could write down is acknowledged and lost",
            ANSWER,
            "error=unrecorded, acknowledged=False)",
            "error=unrecorded)",
            (IN_ACCOUNTED + "test_what_cannot_be_recorded_is_not_acknowledged[UpdateItem]",),
        ),
        Guard(
            "only what failed is delivered again",
            "Lambda deletes a message that is not done",
            CORE + "contract/messages.py",
            'return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone]}',
            'return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone[1:]]}',
            ("tests/unit/test_triggers.py::test_of_a_batch_only_what_is_not_done_is_delivered_again",),
        ),
        Guard(
            "Lambda hears of it",
            "Lambda does not read which message is not done, and deletes it",
            TEMPLATE,
            "            FunctionResponseTypes: [ReportBatchItemFailures]\n",
            "",
            (
                "tests/template/test_requests_in.py::"
                "test_the_event_source_is_one_message_at_a_time_with_partial_failures[defaults]",
            ),
        ),
        Guard(
            "dead-letter queue of the requests",
            "what never reaches an answer is deleted after two weeks",
            TEMPLATE,
            "      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 100}\n",
            "",
            (
                "tests/template/test_requests_in.py::"
                "test_the_queue_holds_messages_longer_than_six_timeouts_and_is_drained_to_the_dead_letters[defaults]",
            ),
        ),
        Guard(
            "dead-letter queue of the rule",
            "an event that cannot be sent to the queue is dropped",
            TEMPLATE,
            "          Arn: !GetAtt Requests.Arn\n"
            "          RetryPolicy: {MaximumEventAgeInSeconds: 86400, MaximumRetryAttempts: 185}\n"
            "          DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}\n",
            "          Arn: !GetAtt Requests.Arn\n"
            "          RetryPolicy: {MaximumEventAgeInSeconds: 86400, MaximumRetryAttempts: 185}\n",
            (
                "tests/template/test_requests_in.py::"
                "test_what_sends_to_the_queue_tries_again_and_keeps_what_it_cannot_deliver[defaults]",
            ),
        ),
        Guard(
            "rule begins when it may send",
            "events of a stack that is being made are dropped",
            TEMPLATE,
            "    DependsOn: QueuePolicy # a rule that may not send loses what it matches\n",
            "",
            ("tests/template/test_requests_in.py::test_the_rule_begins_when_it_may_send[defaults]",),
        ),
        Guard(
            "visibility hold",
            "a message that is worked on is delivered a second time",
            ANSWER,
            "        if message:\n"
            "            self.ports.queue.hide(message, self.deadline.remaining() + "
            "VISIBILITY_BEYOND_DEADLINE_SECONDS)\n",
            "",
            (IN_ACCOUNTED + "test_pauses_between_deliveries_grow_from_one_to_three_minutes",),
            also=(1,),
        ),
        Guard(
            "pause before the next delivery",
            "a request that failed comes back only when the hold ends, or at once",
            ANSWER,
            "        self.ports.queue.hide(message, _pause(message, error))\n",
            "",
            (
                IN_ACCOUNTED + "test_pauses_between_deliveries_grow_from_one_to_three_minutes",
                IN_TOKENS + "test_a_message_comes_back_when_adobe_wants_it[adobe]",
            ),
            also=(5,),
        ),
        Guard(
            "unforeseen error is accounted for",
            "an error that nobody foresaw leaves its request in progress for ever",
            ANSWER,
            "        except Exception as error:  # noqa: BLE001 - whatever it is, the request is accounted for\n",
            "        except RecursionError as error:\n",
            (IN_ENDINGS + "test_an_unforeseen_error_is_recorded_and_announced_without_its_text",),
        ),
        Guard(
            "unforeseen error before a request is accepted",
            "an error that nobody foresaw ends the invocation without an answer",
            ANSWER,
            "    except Exception as error:  # noqa: BLE001 - not acknowledged, so nothing is lost\n",
            "    except RecursionError as error:\n",
            (IN_ENDINGS + "test_an_unforeseen_error_before_a_request_is_accepted_is_put_back_without_its_text",),
        ),
        Guard(
            "lease is given back",
            "a request whose failure could not be announced is busy until its lease ends",
            ANSWER,
            "            with contextlib.suppress(ConnectionFailure):\n"
            "                job.release()\n"
            "            raise\n",
            "            raise\n",
            (IN_ENDINGS + "test_a_failure_that_cannot_be_announced_gives_the_lease_back",),
        ),
        Guard(
            "direct invoke raises",
            "a direct invoke that failed looks like one that did its work",
            CORE + "provision/service.py",
            "    if processed.result is None:\n"
            '        raise forget_causes(processed.error or Unavailable("The request has no '
            'result."))\n',
            "    if processed.result is None:\n"
            '        return {"error": str(processed.error or Unavailable("The request has no '
            'result."))}\n',
            ("tests/unit/test_triggers.py::test_a_direct_invoke_raises_a_retryable_error_at_once",),
        ),
        Guard(
            "every answer is counted",
            "neither a log line nor a metric tells of an answer, and no alarm is raised",
            CORE + "provision/service.py",
            "        self._observer.record(processed, measurements, upstream)\n",
            "",
            (IN_ACCOUNTED + "test_every_answer_is_one_log_line_and_one_metric_document",),
        ),
        Guard(
            "what is answered with 202 is in the queue",
            "whoever asks over HTTP is told that the request was taken, and nobody does it",
            CORE + "api/submit.py",
            "        self.queue.submit(order, request.document)\n",
            "",
            (IN_HTTP + "test_what_was_asked_for_is_made_and_its_event_carries_the_same_order",),
        ),
        Guard(
            "a note that cannot be made is left out",
            "a request is in the queue, and its caller is told that it could not be taken",
            CORE + "api/submit.py",
            "        with contextlib.suppress(ConnectionFailure):\n            self.registry.note_pending(",
            "        if True:\n            self.registry.note_pending(",
            (IN_HTTP + "test_a_request_is_queued_though_it_could_not_be_noted",),
        ),
        Guard(
            "announced before it is mended",
            "what is mended before it was announced is never heard of",
            CORE + "reconcile/run.py",
            "        self.ports.events.announce(DRIFTED, *details)\n"
            "        run.checks -= len(rechecks)  # some are sent, even if it is not known which\n"
            "        self.ports.queue.recheck(*rechecks)\n",
            "        run.checks -= len(rechecks)  # some are sent, even if it is not known which\n"
            "        self.ports.queue.recheck(*rechecks)\n"
            "        self.ports.events.announce(DRIFTED, *details)\n",
            ("tests/integration/test_reconcile.py::test_drift_is_announced_before_anything_changes",),
        ),
        Guard(
            "a sandbox that fails is counted",
            "a sandbox that cannot be looked at counts as one without drift",
            CORE + "reconcile/run.py",
            '            run.counts["FailedSandboxes"] += 1\n',
            "",
            ("tests/integration/test_fleet.py::test_a_second_page_that_fails_shows_nothing_missing",),
        ),
    ),
)
