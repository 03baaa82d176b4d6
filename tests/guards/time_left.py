"""The guards of invariant 5, Bounded, that start nothing without time for its end."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard

TRANSPORT, DEADLINE = CORE + "http/transport.py", CORE + "domain/time.py"
PROVISION, RETIRE, FIND, UPDATE = (CORE + f"provision/{name}.py" for name in ("provision", "retire", "find", "update"))
IN_BOUNDED, IN_TIME_LEFT, IN_SETTLING = (
    f"tests/{name}.py::" for name in ("adapters/test_bounded", "provision/test_time_left", "provision/test_settling")
)

GUARDS = (
    Guard(
        "time reserved for recording",
        "a response arrives when nothing can be recorded any more",
        DEADLINE,
        "Deadline.usable",
        "return self.remaining() - self.kept",
        "return self.remaining()",
        (IN_BOUNDED + "test_no_call_begins_without_time_to_record_its_reply",),
        also=(4,),
    ),
    Guard(
        "time left before a call",
        "a call begins whose response cannot be received",
        TRANSPORT,
        "Upstream.send",
        "self.deadline.usable() < 1",
        "self.deadline.usable() < -1000",
        (IN_BOUNDED + "test_no_call_begins_without_time_to_record_its_reply",),
    ),
    Guard(
        "time left is required",
        "no call that changes something checks whether there is time for it",
        DEADLINE,
        "Deadline.require",
        "self.usable() < seconds",
        "self.usable() < seconds - 1000",
        (
            IN_BOUNDED + "test_no_post_starts_without_time_for_its_reply[60]",
            IN_TIME_LEFT + "test_nothing_is_published_without_time_to_announce_and_close",
        ),
    ),
    Guard(
        "time left before a POST",
        "a POST is sent whose response cannot be received",
        PROVISION,
        "_create",
        'job.deadline.require(WRITE_SECONDS, "creating the connection")',
        "",
        (IN_BOUNDED + "test_no_post_starts_without_time_for_its_reply[60]",),
        also=(1,),
    ),
    Guard(
        "time left before a PATCH",
        "a PATCH is sent whose response cannot be received",
        UPDATE,
        "update",
        'job.deadline.require(WRITE_SECONDS, "updating the connection")',
        "",
        (IN_BOUNDED + "test_no_patch_starts_without_time_for_its_reply",),
    ),
    Guard(
        "time left before publishing",
        "an id is published that cannot be announced",
        PROVISION,
        "_publish",
        'job.deadline.require(0, "publishing the connection id")',
        "",
        (IN_TIME_LEFT + "test_nothing_is_published_without_time_to_announce_and_close",),
    ),
    Guard(
        "time left before a DELETE",
        "a DELETE is sent whose response cannot be received",
        RETIRE,
        "_delete",
        'job.deadline.require(READ_SECONDS, "deleting the connection")',
        "",
        (IN_BOUNDED + "test_no_delete_starts_without_time_for_its_reply",),
    ),
    Guard(
        "time left before the parameter is deleted",
        "a parameter is deleted, but its deletion cannot be announced",
        RETIRE,
        "retire",
        'job.deadline.require(0, "deleting the parameter")',
        "",
        (IN_TIME_LEFT + "test_no_parameter_is_deleted_without_time_to_announce_and_close",),
    ),
    Guard(
        "time left before a duplicate is deleted",
        "a DELETE is sent whose response cannot be received",
        FIND,
        "_delete_duplicates",
        'job.deadline.require(READ_SECONDS, "deleting a duplicate connection")',
        "",
        (IN_TIME_LEFT + "test_no_duplicate_is_deleted_without_time_for_the_reply",),
    ),
    Guard(
        "time left for a lookup",
        "a lookup begins whose response cannot be received, and its attempt is not reported as open",
        FIND,
        "settle",
        "job.deadline.usable() < pause + READ_SECONDS",
        "job.deadline.usable() < pause",
        (IN_SETTLING + "test_every_read_has_time_for_its_reply",),
    ),
    Guard(
        "waiting for a deletion ends",
        "the function waits for an unfinished deletion until no call is possible, and reports another reason",
        RETIRE,
        "_delete",
        "job.deadline.usable() < POLL_SECONDS + READ_SECONDS",
        "job.deadline.usable() < -1000",
        (IN_TIME_LEFT + "test_a_deletion_that_does_not_end_is_left_to_the_next_delivery",),
    ),
    Guard(
        "a wait over HTTP ends before its invocation",
        "a caller who waits long gets a timeout, and not the path to check",
        CORE + "api/routes.py",
        "_submit",
        "min(seconds, left)",
        "seconds",
        ("tests/api/test_http_waiting.py::test_a_wait_is_bounded_by_the_contract_and_by_the_invocation[20-12-20-10]",),
    ),
    Guard(
        "a wait over HTTP has a maximum",
        "one caller keeps an environment busy as long as it likes",
        CORE + "api/parameters.py",
        "wait_seconds",
        "min(int(wait[1]), MAX_WAIT_SECONDS)",
        "int(wait[1])",
        (
            "tests/api/test_http_waiting.py::"
            "test_a_wait_is_bounded_by_the_contract_and_by_the_invocation[99999-29-25-25]",
        ),
    ),
)
