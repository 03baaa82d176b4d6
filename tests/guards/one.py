"""What keeps invariant 1, One."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

FIND, PROVISION, RETIRE, SETTLE = (CORE + f"use_cases/{name}.py" for name in ("find", "provision", "retire", "settle"))
FLOW_SERVICE, TRANSPORT, WIRE = (
    CORE + f"{name}.py" for name in ("adobe/flow_service", "upstream/transport", "adobe/wire")
)
REGISTRY = CORE + "aws/registry.py"
IN_ONE, IN_REGISTRY, IN_SETTLING, IN_LOOKALIKES, IN_ACCOUNTED, IN_FLOW_SERVICE = (
    f"tests/integration/test_{name}.py::"
    for name in ("one_connection", "registry", "settling", "lookalikes", "accounted", "flow_service")
)
LOST_POST = IN_ONE + "test_a_post_that_was_applied_but_lost_is_adopted_not_repeated"

INVARIANT = Invariant(
    1,
    "One",
    "For one key at most one base connection of ours lives, whatever crashes, times out, repeats or runs at the same "
    "time: a POST is sent only when every earlier one of that key is known to have made nothing, or what it made is "
    "known to be gone.",
    (
        Guard(
            "lease of an accepted request",
            "two deliveries of one key create at the same time",
            REGISTRY,
            'f"{_LATER} AND {_FREE}"',
            'f"{_LATER}"',
            (IN_ONE + "test_two_deliveries_at_the_same_time_make_one_connection",),
        ),
        Guard(
            "lease of a recheck",
            "a recheck creates beside the delivery that works on its key",
            REGISTRY,
            'f"attribute_exists(#order) AND {_FREE}"',
            '"attribute_exists(#order)"',
            (IN_REGISTRY + "test_a_recheck_waits_for_the_delivery_that_works_on_the_key",),
        ),
        Guard(
            "lease beyond the deadline",
            "a lease may end while its invocation still acts",
            CORE + "use_cases/answer.py",
            "LEASE_BEYOND_DEADLINE_SECONDS = 60.0",
            "LEASE_BEYOND_DEADLINE_SECONDS = 0.0",
            (IN_REGISTRY + "test_a_lease_lasts_a_minute_longer_than_its_invocation",),
        ),
        Guard(
            "own owner is let in",
            "an accept that the SDK repeats, as its answer was lost, is told that its own key is busy",
            REGISTRY,
            " OR #owner = :me)",
            ")",
            (IN_REGISTRY + "test_an_accept_that_the_sdk_repeats_is_not_taken_for_another_delivery",),
            also=(4,),
        ),
        Guard(
            "owner of every later write",
            "a delivery that lost its lease overwrites what its successor recorded, and posts",
            REGISTRY,
            'condition = "#owner = :me"',
            'condition = "attribute_exists(#owner)"',
            (IN_ONE + "test_a_delivery_whose_lease_another_one_holds_can_write_nothing",),
        ),
        Guard(
            "owner outlives its lease",
            "the SDK's repeat of a last write is refused, and a request that is done fails",
            REGISTRY,
            '_RELEASE = ("leaseUntil",)',
            '_RELEASE = ("leaseUntil", "owner")',
            (IN_ACCOUNTED + "test_a_write_that_the_sdk_repeats_since_its_answer_was_lost_changes_nothing",),
            also=(4,),
        ),
        Guard(
            "attempt recorded before the POST",
            "whoever comes after a kill or a lost answer knows of no POST, and sends another",
            PROVISION,
            "    work.save(work.entry.attempting(attempt, flow.org_id))\n",
            "",
            (IN_ONE + "test_the_next_delivery_sends_nothing_while_the_attempt_may_still_take_effect",),
        ),
        Guard(
            "attempt recorded in time",
            "a POST is sent long after the time from which settling counts",
            PROVISION,
            "if clock.now() - attempt.sent_at > SLOW_RECORD_SECONDS:",
            "if attempt.sent_at > clock.now():",
            (IN_SETTLING + "test_an_attempt_that_took_long_to_record_is_not_sent",),
        ),
        Guard(
            "open attempt comes first",
            "a request creates while an earlier POST of its key may still take effect",
            PROVISION,
            "    if work.entry.attempt:\n        settle(work, flow, source, work.entry.attempt)\n",
            "",
            (IN_ONE + "test_the_next_delivery_sends_nothing_while_the_attempt_may_still_take_effect",),
        ),
        Guard(
            "open attempt comes first, absence included",
            "a POST takes effect after its key was made absent",
            RETIRE,
            "    if entry.attempt:\n        settle(work, flow, source, entry.attempt)\n",
            "",
            (IN_ONE + "test_an_open_attempt_comes_before_absence_too",),
            also=(8,),
        ),
        Guard(
            "refused POST leaves no attempt",
            "after each POST that Adobe refused its key waits as if it might have happened",
            PROVISION,
            "            work.save(work.entry.refused())\n",
            "            pass\n",
            (IN_ONE + "test_a_refused_post_leaves_no_attempt_open",),
            also=(4,),
        ),
        Guard(
            "id recorded right after the POST",
            "a delivery that is killed later leaves the attempt open, and the next one no longer knows that it created",
            PROVISION,
            "    if lost is None:\n        work.record_connection(\n",
            "    if lost is None:\n        work.entry = work.entry.with_(\n",
            (
                IN_REGISTRY + "test_a_create_that_is_resumed_by_a_patch_is_still_created_but_a_later_request_updates"
                "[changes0-created]",
            ),
        ),
        Guard(
            "settling takes its time",
            "the first look decides that a POST made nothing, before it has taken effect",
            SETTLE,
            "conclusive = work.ports.clock.now() >= until",
            "conclusive = until > 0",
            (
                IN_ONE + "test_the_next_delivery_sends_nothing_while_the_attempt_may_still_take_effect",
                IN_ONE + "test_a_lost_post_that_made_nothing_is_sent_again_only_after_it_is_settled",
            ),
        ),
        Guard(
            "only a look that begins late concludes",
            "a look that began too early concludes, since it ended late",
            SETTLE,
            "        if conclusive:\n",
            "        if work.ports.clock.now() >= until:\n",
            (IN_SETTLING + "test_only_a_look_that_begins_after_the_settle_time_concludes_that_nothing_was_made",),
        ),
        Guard(
            "one POST for each delivery",
            "a Flow Service that answers no POST is sent one after another",
            PROVISION,
            "    if made is None:  # one POST per delivery: the next one starts afresh\n        raise lost\n",
            "    if made is None:\n        return _create(work, flow, desired, outcome)\n",
            (IN_SETTLING + "test_one_delivery_sends_one_post_also_if_it_settles_early",),
        ),
        Guard(
            "POST is not repeatable",
            "the transport repeats a POST that may have happened",
            FLOW_SERVICE,
            '"POST", "/connections", body=body, slow=True, repeatable=False',
            '"POST", "/connections", body=body, slow=True, repeatable=True',
            (LOST_POST + "[504]",),
        ),
        Guard(
            "retry policy leaves a create alone",
            "what must not be repeated is repeated",
            CORE + "upstream/retry.py",
            "if reason is None or not repeatable or tries >= at_most:",
            "if reason is None or tries >= at_most:",
            ("tests/unit/test_retry.py::test_a_create_is_never_repeated", LOST_POST + "[drop]"),
        ),
        Guard(
            "HTTP library repeats nothing",
            "urllib3 sends a request again behind the retry policy's back",
            TRANSPORT,
            "max_retries=0)",
            "max_retries=2)",
            ("tests/unit/test_transport.py::test_the_session_repeats_nothing_by_itself_and_asks_for_plain_answers",),
            also=(5,),
        ),
        Guard(
            "rejected POST is sent again only soon",
            "a POST is sent later than its attempt says, and settling ends too early",
            FLOW_SERVICE,
            "if not repeatable and clock.monotonic() - began > RESEND_WITHIN_SECONDS:",
            "if not repeatable and clock.monotonic() < began:",
            (
                "tests/integration/test_authentication.py::"
                "test_a_create_is_not_sent_again_long_after_its_attempt_was_recorded",
            ),
        ),
        Guard(
            "trouble upstream may have happened",
            "a 5xx or an unreadable 201 counts as a POST that did nothing",
            WIRE,
            "executed = effect and (kind is Unavailable or reply.status == 408)",
            "executed = effect and reply.status == 408",
            (LOST_POST + "[504]", LOST_POST + "[201{}]"),
        ),
        Guard(
            "lost answer may have happened",
            "a POST whose answer was lost counts as one that was not sent",
            TRANSPORT,
            "sent=not _never_sent(problem)",
            "sent=_never_sent(problem)",
            (LOST_POST + "[drop]",),
        ),
        Guard(
            "mark in the description",
            "what a lost POST made cannot be recognised, and is made again",
            WIRE,
            '"description": marked(desired.description, mark),',
            '"description": desired.description or "",',
            (LOST_POST + "[drop]",),
            also=(9,),
        ),
        Guard(
            "what a POST made is known by its mark",
            "what a lost POST made is not seen, and its request fails when settling ends",
            SETTLE,
            "if mark_of(c) == attempt.id)",
            "if c.id == attempt.id)",
            (IN_SETTLING + "test_a_lost_create_that_is_found_is_as_its_request_says",),
        ),
        Guard(
            "found by any mark of the key",
            "a connection whose id was never recorded is made again",
            FIND,
            "mine = [c for c in listed if mark_of(c) in marks]",
            "mine = [c for c in listed if c.id in marks]",
            (IN_SETTLING + "test_a_connection_of_ours_that_somebody_renamed_is_found_by_its_mark",),
        ),
        Guard(
            "every mark of a key is kept",
            "what an earlier POST made after all is nobody's, and lives beside its successor",
            CORE + "domain/entry.py",
            "marks=(*self.marks, attempt.id)",
            "marks=(attempt.id,)",
            (IN_LOOKALIKES + "test_absence_deletes_what_a_post_made_after_all_too",),
        ),
        Guard(
            "surplus is deleted",
            "a second connection of one key lives on",
            FIND,
            "deleted, undeleted = _delete_surplus(work, flow, [c for c in mine if c is not kept])",
            "deleted, undeleted = 0, [c for c in mine if c is not kept]",
            (IN_ONE + "test_surplus_of_ours_is_deleted_and_only_what_no_flow_uses",),
        ),
        Guard(
            "absence deletes everything of the key",
            "only the known connection is deleted, and what a late POST made lives on",
            RETIRE,
            "if known and len(work.entry.marks) <= 1 and published in (None, known):",
            "if known and published in (None, known):",
            (IN_LOOKALIKES + "test_absence_deletes_what_a_post_made_after_all_too",),
        ),
        Guard(
            "list in a fixed order",
            "a list that reorders between two pages hides a connection, which is then made again",
            FLOW_SERVICE,
            ', ("orderby", "createdAt")]',
            "]",
            (IN_ONE + "test_a_list_that_reorders_while_it_is_paged_hides_nothing",),
            also=(6,),
        ),
        Guard(
            "an unreadable item proves nothing",
            "a listing that hides what a lost POST made behind an odd item ends the looking",
            FLOW_SERVICE,
            "                if connection is None:  # it could be the one that is looked for\n"
            '                    raise Unavailable("Adobe\'s listing of connections shows one that cannot be read.")\n',
            "                if connection is None:\n                    continue\n",
            (IN_FLOW_SERVICE + "test_a_listing_that_shows_something_unreadable_proves_nothing[id-7]",),
            also=(6,),
        ),
        Guard(
            "an unreadable link is no end",
            "a listing whose next page is linked in another way ends early",
            FLOW_SERVICE,
            "    if not isinstance(href, str | None):\n",
            "    if not isinstance(href, str | None):\n        return None\n    if href is ...:\n",
            (IN_FLOW_SERVICE + "test_a_link_to_the_next_page_that_cannot_be_read_is_no_end[links4]",),
            also=(6,),
        ),
        Guard(
            "list to its last page",
            "what is on the second page is made again",
            FLOW_SERVICE,
            "            href = _next_href(document)\n",
            "            href = None\n",
            (IN_ONE + "test_a_connection_is_found_among_hundreds[250]",),
            also=(6,),
        ),
        Guard(
            "ours is looked for under any name",
            "a connection of ours that somebody renamed is made again",
            FIND,
            "if known or published or work.entry.marks:",
            "if known or published:",
            (IN_SETTLING + "test_a_connection_of_ours_that_somebody_renamed_is_found_by_its_mark",),
        ),
        Guard(
            "filter only for plain names",
            "a name with a comma is filtered as two names, and what has it is not found",
            FIND,
            "desired.name if _PLAIN.fullmatch(desired.name) else None",
            "desired.name",
            (
                "tests/integration/test_provisioning.py::"
                "test_display_names_that_a_filter_would_misread_are_found_all_the_same",
            ),
            also=(9,),
        ),
    ),
)
