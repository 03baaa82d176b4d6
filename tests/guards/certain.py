"""What keeps invariant 6, Certain."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

FIND, RETIRE = CORE + "provision/find.py", CORE + "provision/retire.py"
FLOW_SERVICE, WIRE = CORE + "adobe/flow_service.py", CORE + "adobe/wire.py"
IN_CERTAIN, IN_ONE, IN_LOOKALIKES, IN_FLOW_SERVICE, IN_PROVISIONING, IN_LATEST = (
    f"tests/integration/test_{name}.py::"
    for name in ("true_and_certain", "one_connection", "lookalikes", "flow_service", "provisioning", "ours_and_latest")
)
GONE = "tests/unit/test_adobe_wire.py::test_only_this_connection_does_not_exist_means_gone"
DELETED = "    for connection_id in doomed:\n        _delete(job, source, connection_id)\n"
UNPUBLISHED = (
    "    if published:\n"
    '        job.deadline.require(0, "deleting the parameter")\n'
    "        ports.parameters.delete(key)\n"
)

INVARIANT = Invariant(
    6,
    "Certain",
    'Only "this connection does not exist" (Flow Service code 1439, or the older body), confirmed by a listing (by '
    "connection spec alone: it may have been renamed) that succeeds and does not show it, means gone. A 404 for a "
    "sandbox, a 401, a 403 or an HTML page never leads to a create.",
    (
        Guard(
            "only 404 means gone",
            "a 400 with that number counts as gone",
            WIRE,
            "    if reply.status != 404:\n        return False\n",
            "",
            (GONE + "[400-body2-False]",),
        ),
        Guard(
            "only 1439 means gone",
            "a sandbox that is not known counts as a connection that is gone",
            WIRE,
            'return refusal.prefix == "FLOW" and refusal.number == 1439',
            'return refusal.prefix == "FLOW"',
            (GONE + "[404-body4-False]", GONE + "[404-body5-False]"),
        ),
        Guard(
            "only Flow Service's 1439",
            "a connector's error of the same number counts as gone",
            WIRE,
            'return refusal.prefix == "FLOW" and refusal.number == 1439',
            "return refusal.number == 1439",
            (GONE + "[404-body3-False]",),
        ),
        Guard(
            "older body is Flow Service's",
            "a 404 of the gateway counts as gone",
            WIRE,
            "return refusal.gateway_code is None and ",
            "return ",
            (GONE + "[404-body7-False]",),
        ),
        Guard(
            "older body says what is gone",
            "any 404 counts as gone, a page of HTML included",
            WIRE,
            ' and refusal.text.lower().startswith("connections not found")',
            "",
            (
                IN_FLOW_SERVICE + "test_a_delete_that_finds_no_page_is_not_taken_for_done",
                GONE + "[404-<html>connections not found</html>-False]",
            ),
        ),
        Guard(
            "older body begins with it",
            "a page about a path that does not exist counts as gone",
            WIRE,
            'refusal.text.lower().startswith("connections not found")',
            '"connections not found" in refusal.text.lower()',
            ("tests/unit/test_adobe_wire.py::test_a_page_that_was_not_found_is_no_connection_that_is_gone",),
        ),
        Guard(
            "gone is confirmed before a create",
            "a connection that Adobe denies for a moment counts as gone",
            FIND,
            "    if known:\n        assert_gone(known, listed)\n",
            "",
            (IN_CERTAIN + "test_a_renamed_connection_that_get_denies_is_still_seen_in_the_listing",),
            also=(1,),
        ),
        Guard(
            "confirmation is not filtered by name",
            "a connection that was renamed is not in the list, and is made again",
            FIND,
            "        return job.flow.listing(desired.source)\n",
            "        return job.flow.listing(desired.source, desired.name)\n",
            (IN_CERTAIN + "test_a_renamed_connection_that_get_denies_is_still_seen_in_the_listing",),
            also=(1,),
        ),
        Guard(
            "gone is confirmed before a parameter is given up",
            "what only the parameter names is lost when Adobe denies it for a moment",
            FIND,
            "        assert_gone(published, listed)\n",
            "",
            (IN_LOOKALIKES + "test_what_the_parameter_names_is_gone_only_if_the_listing_confirms_it",),
        ),
        Guard(
            "gone is confirmed after a delete",
            "a connection that lives is retired, and its parameter deleted",
            RETIRE,
            "        assert_gone(connection_id, job.flow.listing(source))\n",
            "",
            (IN_CERTAIN + "test_a_delete_that_says_gone_is_confirmed_by_a_listing",),
        ),
        Guard(
            "deleted is what Adobe no longer shows",
            "a key is retired while its connection lives",
            RETIRE,
            "    while job.flow.get(connection_id) is not None:\n",
            "    while not connection_id:\n",
            (IN_PROVISIONING + "test_absent_waits_until_adobe_no_longer_shows_the_connection",),
        ),
        Guard(
            "parameter is deleted last",
            "a connection that flows use, and that stays, loses its parameter",
            RETIRE,
            "    for connection_id in to_delete:\n"
            "        _delete(job, source, connection_id)\n"
            "    if job.published:\n"
            '        job.deadline.require(0, "deleting the parameter")\n'
            "        ports.parameters.delete(key)\n",
            "    if job.published:\n"
            '        job.deadline.require(0, "deleting the parameter")\n'
            "        ports.parameters.delete(key)\n"
            "    for connection_id in to_delete:\n"
            "        _delete(job, source, connection_id)\n",
            (IN_PROVISIONING + "test_a_connection_that_flows_use_is_not_deleted",),
            also=(2,),
        ),
        Guard(
            "refused delete is not one",
            "a connection that flows use counts as deleted",
            FLOW_SERVICE,
            "if reply.status not in (200, 202, 204):",
            "if reply.status >= 500:",
            (IN_FLOW_SERVICE + "test_a_delete_that_finds_no_page_is_not_taken_for_done",),
        ),
        Guard(
            "list is one",
            "an answer without a list counts as an empty list",
            FLOW_SERVICE,
            '                raise self._error(reply, "listing connections")\n',
            "                items = []\n",
            (IN_CERTAIN + "test_gone_without_a_listing_that_confirms_it_creates_nothing[200{}]",),
        ),
        Guard(
            "answer is JSON",
            "a page in answer to a PATCH counts as done",
            FLOW_SERVICE,
            "if not 200 <= reply.status < 300 or document is None:",
            "if not 200 <= reply.status < 300:",
            (IN_FLOW_SERVICE + "test_a_page_in_answer_to_a_patch_is_not_taken_for_done",),
        ),
        Guard(
            "refusal is no answer",
            "a PATCH that Adobe refuses counts as done",
            FLOW_SERVICE,
            "if not 200 <= reply.status < 300 or document is None:",
            "if document is None:",
            (IN_LATEST + "test_a_patch_that_adobe_does_not_support_is_refused_with_a_remedy",),
        ),
        Guard(
            "link to the next page leads to one",
            "a link that leads elsewhere ends the list early, or is followed",
            FLOW_SERVICE,
            'if path != "/connections":',
            "if not path:",
            (
                IN_ONE
                + "test_a_link_that_leads_away_from_the_listing_is_an_error_not_an_end[/flows?continuationToken=a]",
            ),
            also=(3,),
        ),
        Guard(
            "link in a circle",
            "a list that goes round is followed a thousand times",
            FLOW_SERVICE,
            "            if href in seen:\n"
            '                raise Unavailable("Adobe\'s listing of connections repeats a page.")\n',
            "",
            (IN_ONE + "test_a_link_that_leads_round_in_a_circle_is_an_error_not_an_end",),
            also=(5,),
        ),
        Guard(
            "gone in the middle of the work",
            "a request is failed for good, since Adobe denied a connection for a moment",
            WIRE,
            "if not 400 <= reply.status < 500 or says_gone(reply):",
            "if not 400 <= reply.status < 500:",
            (IN_CERTAIN + "test_gone_in_the_middle_of_the_work_is_looked_at_again_not_given_up[PATCH-.*]",),
        ),
        Guard(
            "missing is what Adobe denies",
            "what a list does not show yet is announced as missing",
            CORE + "reconcile/run.py",
            "            snapshot = _with_unlisted(flow, gone, snapshot)\n",
            "",
            ("tests/integration/test_reconcile.py::test_what_is_missing_from_a_list_but_there_is_not_missing",),
        ),
        Guard(
            "brake",
            "a credential that sees nothing any more has every connection of a sandbox made again",
            CORE + "reconcile/run.py",
            "self.policy.max_missing_percent * known",
            "10**9 * known",
            ("tests/integration/test_fleet.py::test_where_too_many_are_missing_nothing_is_done",),
        ),
        Guard(
            "what just changed is not drift",
            "what Adobe does not show yet is announced as drift",
            CORE + "reconcile/compare.py",
            "recent = now - entry.updated_at < settle_seconds",
            "recent = False",
            ("tests/integration/test_reconcile.py::test_what_was_done_a_moment_ago_may_not_be_shown_yet",),
        ),
        Guard(
            "what changes meanwhile is not drift",
            "a key that somebody works on is announced as it was before",
            CORE + "reconcile/run.py",
            " and again.updated_at == entry.updated_at and",
            " and",
            ("tests/integration/test_reconcile.py::test_a_key_that_changes_while_it_is_looked_at_is_not_announced",),
        ),
        Guard(
            "fleet of one organization",
            "connections of another organization are announced as missing",
            CORE + "reconcile/run.py",
            "            entry.check_organization(flow.org_id)\n",
            "            pass\n",
            ("tests/integration/test_fleet.py::test_a_credential_of_another_organization_finds_nothing",),
        ),
        Guard(
            "a note is of a request for a day",
            "a key whose noted request never came is never looked at again",
            CORE + "reconcile/compare.py",
            " and now - entry.pending.order.seconds < UNFINISHED_SECONDS",
            "",
            (
                "tests/integration/test_reconcile.py::"
                "test_a_note_of_a_request_that_never_came_hides_drift_for_a_day_only[90000-1]",
            ),
        ),
    ),
)
