"""The guards of invariant 8, Latest."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

REGISTRY, PROVISION = CORE + "aws/registry.py", CORE + "provision/provision.py"
IN_LATEST, IN_PROVISIONING, IN_OPERATIONS, IN_CRASHES = (
    f"tests/integration/test_{name}.py::" for name in ("ours_and_latest", "provisioning", "operations", "crashes")
)
ARRIVALS = IN_LATEST + "test_the_latest_request_wins_whatever_order_requests_arrive_in"
IN_HTTP = "tests/integration/test_http.py::"
BY_PATH = (
    'next((one for key, one in ROUTES.items() if re.fullmatch(re.sub("{[a-z]+}", "[^/]+", key), '
    "f\"{event['requestContext']['http']['method']} {event['rawPath']}\")), None)"
)
"""Finds the route by the path, where a slash inside a variable changes the route."""

INVARIANT = Invariant(
    8,
    "Latest",
    "When the queue is empty, each key is in the state of its latest request. The order in which requests arrived, and "
    "how often, does not matter.",
    (
        Guard(
            "order of requests",
            "an older request that arrives late undoes a newer one",
            REGISTRY,
            'f"{_LATER} AND {_FREE}"',
            "_FREE",
            (
                ARRIVALS + "[present-(0, 1, 2)]",
                IN_LATEST + "test_a_superseded_request_is_acknowledged_and_counted_but_not_announced",
            ),
        ),
        Guard(
            "processed order is recorded",
            "the same request is processed again each time that it is delivered",
            REGISTRY,
            " AND NOT #answered = :order))",
            "))",
            (IN_LATEST + "test_the_same_order_is_not_processed_twice",),
        ),
        Guard(
            "the same order continues",
            "a request whose delivery was killed counts as superseded, though no later request came",
            REGISTRY,
            " OR (#order = :order AND NOT #answered = :order))",
            ")",
            (IN_CRASHES + "test_a_create_killed_after_any_call_is_completed_by_a_later_delivery[7]",),
            also=(4,),
        ),
        Guard(
            "entry of a retired key",
            "an older request recreates a connection that was deleted later",
            CORE + "domain/entry.py",
            "            order=self.order,\n            answered=self.order,\n            request=self.request,\n",
            "            request=self.request,\n",
            (
                ARRIVALS + "[absent-(0, 1, 2)]",
                IN_OPERATIONS + "test_a_redriven_request_does_not_recreate_a_connection_that_was_deleted_later",
            ),
        ),
        Guard(
            "entry of a retired key is kept for 30 days",
            "the entry of a retired key expires before the messages that could create the connection again",
            CORE + "domain/entry.py",
            "RETIRED_SECONDS = 30 * 24 * 3600.0",
            "RETIRED_SECONDS = 24 * 3600.0",
            (IN_PROVISIONING + "test_absent_deletes_the_connection_then_the_parameter_and_retires_the_key",),
        ),
        Guard(
            "a key that is requested again does not expire",
            "the item of an existing connection is removed 30 days after an earlier deletion",
            REGISTRY,
            'changes, ("expiresAt", "noted"))',
            'changes, ("noted",))',
            (IN_PROVISIONING + "test_a_retired_key_can_be_requested_again",),
            also=(1,),
        ),
        Guard(
            "items are kept while they are needed",
            "DynamoDB removes items by an attribute that every item has",
            TEMPLATE,
            "TimeToLiveSpecification: {AttributeName: expiresAt, Enabled: true}",
            "TimeToLiveSpecification: {AttributeName: updatedAt, Enabled: true}",
            ("tests/template/test_stored.py::test_the_registry_is_protected_restorable_and_encrypted[defaults]",),
            also=(1,),
        ),
        Guard(
            "no order from the future",
            "a request whose sender's clock is wrong beats every later one",
            CORE + "contract/messages.py",
            "min(seconds, latest)",
            "seconds",
            (IN_LATEST + "test_an_order_cannot_claim_to_come_from_the_future",),
        ),
        Guard(
            "parked request keeps its order",
            "a redriven request counts as new and overrides a newer one",
            CORE + "contract/messages.py",
            '        "time": order.time,\n',
            "",
            (IN_LATEST + "test_a_parked_and_redriven_request_loses_to_a_newer_one",),
        ),
        Guard(
            "version of the secret in the fingerprint",
            "a rotated token is never sent to Adobe",
            CORE + "domain/model.py",
            "            self.secret_version_id,\n",
            "",
            (IN_PROVISIONING + "test_a_new_version_of_the_secret_updates_the_same_connection",),
            also=(2,),
        ),
        Guard(
            "what Adobe shows is compared",
            "a change that someone made in Adobe stays",
            PROVISION,
            " and desired.shown_by(connection)",
            "",
            (IN_PROVISIONING + "test_a_change_that_was_made_in_adobe_is_reverted",),
        ),
        Guard(
            "current version of a secret",
            "an earlier or a pending version is sent to Adobe",
            CORE + "aws/secrets.py",
            'stage: str = "AWSCURRENT"',
            'stage: str = "AWSPENDING"',
            ("tests/unit/test_aws.py::test_a_secret_is_read_in_its_current_version",),
            also=(2, 7),
        ),
        Guard(
            "unknown fields are refused",
            "a request whose `desiredState` is misspelled creates the connection that it should delete",
            CORE + "contract/request.py",
            "unknown = [name for name in fields if name not in RULES]",
            "unknown = [name for name in fields if not name]",
            ("tests/unit/test_request.py::test_every_fault_is_named_at_once",),
        ),
        Guard(
            "changes of Adobe's secret apply at once",
            "a token of the earlier credential stays in use",
            CORE + "adobe/ims.py",
            "token is None or token.credentials != credentials or",
            "token is None or",
            ("tests/integration/test_authentication.py::test_a_new_version_of_the_adobe_secret_is_used_at_once",),
        ),
        Guard(
            "no note after the request was accepted",
            "a completed request is shown as `requested` forever",
            CORE + "aws/registry.py",
            '"(attribute_not_exists(#order) OR (#order < :order AND NOT contains(#order, :id)))"',
            '"(attribute_not_exists(#order) OR attribute_exists(#order) OR contains(#order, :id))"',
            (IN_HTTP + "test_a_note_that_comes_after_the_request_was_processed_is_dropped",),
        ),
        Guard(
            "a request is recognized by its id",
            "if the queue's clock is behind ours, a completed request is shown as `requested` forever",
            CORE + "aws/registry.py",
            " AND NOT contains(#order, :id)",
            " OR contains(#order, :id)",
            (IN_HTTP + "test_a_late_note_is_dropped_even_if_the_queues_clock_is_behind_ours",),
        ),
        Guard(
            "only the latest request is noted",
            "an earlier request hides a later one",
            CORE + "aws/registry.py",
            " AND (attribute_not_exists(#noted) OR #noted.#order < :order)",
            "",
            (IN_HTTP + "test_an_earlier_request_does_not_hide_the_note_of_a_later_one",),
        ),
        Guard(
            "accepting removes the note",
            "a completed request is shown as `requested` forever",
            REGISTRY,
            'changes, ("expiresAt", "noted"))',
            'changes, ("expiresAt",))',
            (IN_HTTP + "test_a_requested_connection_is_created_and_its_event_carries_the_same_order",),
        ),
        Guard(
            "a noted key is not an accepted one",
            "a recheck of a key that was only noted is redelivered until it is given up",
            REGISTRY,
            'if "order" not in held:',
            "if not held:",
            (IN_HTTP + "test_a_recheck_of_a_key_that_is_only_noted_does_nothing",),
        ),
        Guard(
            "the URL and the body name the same key",
            "a caller who may use one sandbox sends a body for another one, and gets no error",
            CORE + "api/routes.py",
            "        if body.get(name) not in (None, value)\n",
            "        if body.get(name) == 0\n",
            (IN_HTTP + "test_a_body_may_name_the_key_of_its_path_and_no_other",),
            also=(9,),
        ),
        Guard(
            "a call stays on its route",
            "a slash in a variable turns one call into another, which no policy allowed",
            CORE + "api/routes.py",
            'ROUTES.get(event["routeKey"])',
            BY_PATH,
            (
                "tests/integration/test_http_reading.py::test_a_name_that_no_connection_can_have_is_not_found_without_a_lookup[sales%252Ftables]",
            ),
            also=(7,),
        ),
    ),
)
