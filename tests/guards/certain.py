"""The guards of invariant 6, Certain."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

FIND, RETIRE = CORE + "provision/find.py", CORE + "provision/retire.py"
FLOW_SERVICE, WIRE = CORE + "adobe/flow_service.py", CORE + "adobe/wire.py"
IN_CERTAIN, IN_ONE, IN_LOOKALIKES, IN_FLOW_SERVICE, IN_PROVISIONING, IN_LATEST = (
    f"tests/{name}.py::"
    for name in (
        "provision/test_true_and_certain",
        "provision/test_one_connection",
        "provision/test_ownership",
        "provision/test_flow_service",
        "provision/test_provisioning",
        "provision/test_ours_and_latest",
    )
)
GONE = "tests/unit/test_adobe_wire.py::test_only_a_refusal_of_this_connection_means_gone"

INVARIANT = Invariant(
    6,
    "Certain",
    'A connection counts as gone only if Adobe responds "this connection does not exist" (code 1439, or the older '
    "body), and a successful listing does not show it. The listing is filtered by connection spec alone, since the "
    "connection may be renamed. A 404 for a sandbox, a 401, a 403 or an HTML page never leads to a create.",
    (
        Guard(
            "only 404 means gone",
            "a 400 with code 1439 counts as gone",
            WIRE,
            "means_gone",
            "if reply.status != 404: return False",
            "",
            (GONE + "[400-body2-False]",),
        ),
        Guard(
            "only 1439 means gone",
            "an unknown sandbox counts as a connection that is gone",
            WIRE,
            "means_gone",
            'return refusal.prefix == "FLOW" and refusal.number == 1439',
            'return refusal.prefix == "FLOW"',
            (GONE + "[404-body4-False]", GONE + "[404-body5-False]"),
        ),
        Guard(
            "only Flow Service's 1439",
            "a connector's error with the same number counts as gone",
            WIRE,
            "means_gone",
            'return refusal.prefix == "FLOW" and refusal.number == 1439',
            "return refusal.number == 1439",
            (GONE + "[404-body3-False]",),
        ),
        Guard(
            "older body must come from Flow Service",
            "a 404 of the gateway counts as gone",
            WIRE,
            "means_gone",
            'refusal.gateway_code is None and refusal.text.lower().startswith("connections not found")',
            'refusal.text.lower().startswith("connections not found")',
            (GONE + "[404-body7-False]",),
        ),
        Guard(
            "older body must name the connection that is gone",
            "any 404 counts as gone, including an HTML page",
            WIRE,
            "means_gone",
            'refusal.gateway_code is None and refusal.text.lower().startswith("connections not found")',
            "refusal.gateway_code is None",
            (
                IN_FLOW_SERVICE + "test_an_html_404_in_reply_to_a_delete_does_not_count_as_deleted",
                GONE + "[404-<html>connections not found</html>-False]",
            ),
        ),
        Guard(
            "older body must begin with that text",
            "a page about a path that does not exist counts as gone",
            WIRE,
            "means_gone",
            'refusal.text.lower().startswith("connections not found")',
            '"connections not found" in refusal.text.lower()',
            ("tests/unit/test_adobe_wire.py::test_a_page_that_was_not_found_is_not_a_connection_that_is_gone",),
        ),
        Guard(
            "gone is confirmed before a create",
            "a connection for which Adobe briefly returns 404 counts as gone",
            FIND,
            "find",
            "if known: assert_gone(known, listed)",
            "",
            (IN_CERTAIN + "test_a_renamed_connection_that_get_reports_as_gone_is_still_found_in_the_listing",),
            also=(1,),
        ),
        Guard(
            "confirmation is not filtered by name",
            "a connection that was renamed is not in the listing, and is created again",
            FIND,
            "_listing",
            "return job.flow.listing(desired.source)",
            "return job.flow.listing(desired.source, desired.name)",
            (IN_CERTAIN + "test_a_renamed_connection_that_get_reports_as_gone_is_still_found_in_the_listing",),
            also=(1,),
        ),
        Guard(
            "gone is confirmed before a parameter is discarded",
            "a connection that only the parameter names is lost when Adobe briefly returns 404",
            FIND,
            "own_connections",
            "assert_gone(published, listed)",
            "",
            (IN_LOOKALIKES + "test_the_connection_in_the_parameter_is_gone_only_if_the_listing_confirms_it",),
        ),
        Guard(
            "gone is confirmed after a delete",
            "a key is retired and its parameter is deleted, although its connection still exists",
            RETIRE,
            "_delete",
            "assert_gone(connection_id, job.flow.listing(source))",
            "",
            (IN_CERTAIN + "test_a_gone_reply_to_a_delete_is_confirmed_by_a_listing",),
        ),
        Guard(
            "deleted only when Adobe no longer shows it",
            "a key is retired while its connection still exists",
            RETIRE,
            "_delete",
            "job.flow.get(connection_id) is not None",
            "not connection_id",
            (IN_PROVISIONING + "test_absent_waits_until_adobe_no_longer_shows_the_connection",),
        ),
        Guard(
            "parameter is deleted last",
            "a connection that dataflows use stays, but its parameter is deleted",
            RETIRE,
            "retire",
            "for connection_id in to_delete: _delete(job, source, connection_id)\n"
            "if job.published:\n"
            '    job.deadline.require(0, "deleting the parameter")\n'
            "    ports.parameters.delete(key)",
            "if job.published:\n"
            '    job.deadline.require(0, "deleting the parameter")\n'
            "    ports.parameters.delete(key)\n"
            "for connection_id in to_delete: _delete(job, source, connection_id)",
            (IN_PROVISIONING + "test_a_connection_that_flows_use_is_not_deleted",),
            also=(2,),
        ),
        Guard(
            "a refused delete does not count",
            "a connection that dataflows use counts as deleted",
            FLOW_SERVICE,
            "FlowService.delete",
            "reply.status not in (200, 202, 204)",
            "reply.status >= 500",
            (IN_FLOW_SERVICE + "test_an_html_404_in_reply_to_a_delete_does_not_count_as_deleted",),
        ),
        Guard(
            "a listing must contain a list",
            "a response without a list counts as an empty list",
            FLOW_SERVICE,
            "FlowService.listing",
            'raise self._error(reply, "listing connections")',
            "items = []",
            (IN_CERTAIN + "test_a_404_not_confirmed_by_a_listing_creates_nothing[200{}]",),
        ),
        Guard(
            "a response must be JSON",
            "a page in response to a PATCH counts as success",
            FLOW_SERVICE,
            "FlowService._understood",
            "not 200 <= reply.status < 300 or document is None",
            "not 200 <= reply.status < 300",
            (IN_FLOW_SERVICE + "test_an_html_page_in_reply_to_a_patch_does_not_count_as_done",),
        ),
        Guard(
            "a refusal is not a success",
            "a PATCH that Adobe refuses counts as done",
            FLOW_SERVICE,
            "FlowService._understood",
            "not 200 <= reply.status < 300 or document is None",
            "document is None",
            (IN_LATEST + "test_a_patch_that_adobe_does_not_support_is_refused_with_a_remedy",),
        ),
        Guard(
            "link to the next page stays in the listing",
            "a link to another path ends the listing early, or is followed",
            FLOW_SERVICE,
            "FlowService._follow",
            'path != "/connections"',
            "not path",
            (
                IN_ONE
                + "test_a_link_that_leads_away_from_the_listing_is_an_error_not_the_end[/flows?continuationToken=a]",
            ),
            also=(3,),
        ),
        Guard(
            "circular links are detected",
            "a listing whose links form a circle is followed a thousand times",
            FLOW_SERVICE,
            "FlowService.listing",
            'if href in seen: raise Unavailable("Adobe\'s list of connections repeats a page.")',
            "",
            (IN_ONE + "test_a_link_to_a_page_that_was_already_read_is_an_error_not_the_end",),
            also=(5,),
        ),
        Guard(
            "gone during processing is checked again",
            "a request fails for good because Adobe briefly returned 404 for its connection",
            WIRE,
            "_kind_of",
            "not 400 <= reply.status < 500 or means_gone(reply)",
            "not 400 <= reply.status < 500",
            (IN_CERTAIN + "test_a_gone_reply_during_an_update_or_a_test_is_retried_not_final[PATCH-.*]",),
        ),
        Guard(
            "missing only if Adobe confirms it",
            "a connection that a listing does not show yet is announced as missing",
            CORE + "reconcile/run.py",
            "Reconciler._sandbox",
            "snapshot = _with_unlisted(flow, gone, snapshot)",
            "",
            ("tests/reconcile/test_reconcile.py::test_a_connection_that_exists_but_is_not_in_the_list_is_not_missing",),
        ),
        Guard(
            "circuit breaker",
            "when a credential no longer sees anything, every connection of a sandbox is created again",
            CORE + "reconcile/run.py",
            "Reconciler._sandbox",
            "self.policy.max_missing_percent * known",
            "10**9 * known",
            ("tests/reconcile/test_fleet.py::test_a_sandbox_with_too_many_missing_connections_is_stopped",),
        ),
        Guard(
            "a recent change is not drift",
            "a change that Adobe does not show yet is announced as drift",
            CORE + "reconcile/compare.py",
            "is_changing",
            "recent = now - entry.updated_at < settle_seconds",
            "recent = False",
            ("tests/reconcile/test_reconcile.py::test_drift_shortly_after_an_update_is_not_reported_yet",),
        ),
        Guard(
            "a change during the run is not drift",
            "a key that is being processed is announced with its earlier state",
            CORE + "reconcile/run.py",
            "Reconciler._untouched.untouched",
            "again is not None and again.updated_at == entry.updated_at and again.lease_until <= now",
            "again is not None and again.lease_until <= now",
            ("tests/reconcile/test_reconcile.py::test_a_key_that_changes_while_it_is_compared_is_not_announced",),
        ),
        Guard(
            "fleet of one organization",
            "connections of another organization are announced as missing",
            CORE + "reconcile/run.py",
            "Reconciler._sandbox",
            "entry.check_organization(flow.org_id)",
            "",
            ("tests/reconcile/test_fleet.py::test_a_credential_of_another_organization_finds_nothing",),
        ),
        Guard(
            "a note of a request counts for one day",
            "a key whose noted request never arrived is never checked again",
            CORE + "reconcile/compare.py",
            "is_changing",
            "entry.pending is not None and now - entry.pending.order.seconds < UNFINISHED_SECONDS",
            "entry.pending is not None",
            (
                "tests/reconcile/test_reconcile.py::"
                "test_a_note_of_a_request_that_never_came_hides_drift_for_a_day_only[90000-1]",
            ),
        ),
    ),
)
