"""What keeps invariant 8, Latest."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

REGISTRY, PROVISION = CORE + "aws/registry.py", CORE + "provision/provision.py"
IN_LATEST, IN_PROVISIONING, IN_OPERATIONS, IN_CRASHES = (
    f"tests/integration/test_{name}.py::" for name in ("ours_and_latest", "provisioning", "operations", "crashes")
)
ARRIVALS = IN_LATEST + "test_whatever_order_requests_arrive_in_the_latest_asked_wins"
IN_HTTP = "tests/integration/test_http.py::"
BY_PATH = (
    'next((one for key, one in ROUTES.items() if re.fullmatch(re.sub("{[a-z]+}", "[^/]+", key), '
    "f\"{event['requestContext']['http']['method']} {event['rawPath']}\")), None)"
)
"""The route by the path, in which a slash out of a variable counts."""

INVARIANT = Invariant(
    8,
    "Latest",
    "When the queue is empty, each key is as its latest asked request says, in whatever order and however often "
    "requests arrived.",
    (
        Guard(
            "order",
            "an older request that arrives late undoes a newer one",
            REGISTRY,
            'f"{_LATER} AND {_FREE}"',
            "_FREE",
            (
                ARRIVALS + "[present-(0, 1, 2)]",
                IN_LATEST + "test_a_superseded_request_is_done_counted_and_not_announced",
            ),
        ),
        Guard(
            "answered order",
            "the same request is done again each time that it is delivered",
            REGISTRY,
            " AND NOT #answered = :order))",
            "))",
            (IN_LATEST + "test_the_same_order_again_is_not_done_twice",),
        ),
        Guard(
            "same order resumes",
            "a request whose delivery was killed counts as superseded by itself",
            REGISTRY,
            " OR (#order = :order AND NOT #answered = :order))",
            ")",
            (IN_CRASHES + "test_a_create_killed_after_any_call[7]",),
            also=(4,),
        ),
        Guard(
            "tombstone",
            "an older request brings back what was deleted since",
            CORE + "domain/entry.py",
            "            order=self.order,\n            answered=self.order,\n            request=self.request,\n",
            "            request=self.request,\n",
            (
                ARRIVALS + "[absent-(0, 1, 2)]",
                IN_OPERATIONS + "test_a_redriven_request_does_not_bring_back_what_was_deleted_since",
            ),
        ),
        Guard(
            "tombstone outlives its connection by 30 days",
            "the tombstone is gone before what could bring the connection back is",
            CORE + "domain/entry.py",
            "RETIRED_SECONDS = 30 * 24 * 3600.0",
            "RETIRED_SECONDS = 24 * 3600.0",
            (IN_PROVISIONING + "test_absent_deletes_the_connection_then_the_parameter_and_retires_the_key",),
        ),
        Guard(
            "key that is asked for again does not expire",
            "the item of a living connection is removed 30 days after an earlier deletion",
            REGISTRY,
            'changes, ("expiresAt", "noted"))',
            'changes, ("noted",))',
            (IN_PROVISIONING + "test_a_retired_key_can_be_asked_for_again",),
            also=(1,),
        ),
        Guard(
            "items stay while they are needed",
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
            "a request that is redriven counts as new and beats a newer one",
            CORE + "contract/messages.py",
            '        "time": order.time,\n',
            "",
            (IN_LATEST + "test_a_parked_and_redriven_request_loses_against_a_newer_one",),
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
            "what somebody changed in Adobe stays",
            PROVISION,
            " and desired.shown_by(connection)",
            "",
            (IN_PROVISIONING + "test_what_somebody_changed_in_adobe_is_put_back",),
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
            "a request whose `desiredState` is misspelt makes present what it wanted absent",
            CORE + "contract/request.py",
            "unknown = [name for name in fields if name not in RULES]",
            "unknown = [name for name in fields if not name]",
            ("tests/unit/test_request.py::test_every_fault_is_named_at_once",),
        ),
        Guard(
            "changed fields of Adobe's secret count at once",
            "a token of the earlier credential serves on",
            CORE + "adobe/ims.py",
            "token is None or token.credentials != credentials or",
            "token is None or",
            ("tests/integration/test_authentication.py::test_a_new_version_of_the_adobe_secret_is_used_at_once",),
        ),
        Guard(
            "note of a request that was not accepted yet",
            "what was done already is shown as on its way for ever",
            CORE + "aws/registry.py",
            '"(attribute_not_exists(#order) OR (#order < :order AND NOT contains(#order, :id)))"',
            '"(attribute_not_exists(#order) OR attribute_exists(#order) OR contains(#order, :id))"',
            (IN_HTTP + "test_a_note_that_comes_after_the_request_was_done_is_left_out",),
        ),
        Guard(
            "a request is told by its id",
            "with the queue's clock behind ours, what was done is shown as on its way for ever",
            CORE + "aws/registry.py",
            " AND NOT contains(#order, :id)",
            " OR contains(#order, :id)",
            (IN_HTTP + "test_a_note_is_left_out_though_the_queues_clock_was_behind_ours",),
        ),
        Guard(
            "note of the latest request",
            "an earlier request hides the one that was asked later",
            CORE + "aws/registry.py",
            " AND (attribute_not_exists(#noted) OR #noted.#order < :order)",
            "",
            (IN_HTTP + "test_an_earlier_request_does_not_hide_the_note_of_a_later_one",),
        ),
        Guard(
            "accepting ends the note",
            "what was done is shown as on its way for ever",
            REGISTRY,
            'changes, ("expiresAt", "noted"))',
            'changes, ("expiresAt",))',
            (IN_HTTP + "test_what_was_asked_for_is_made_and_its_event_carries_the_same_order",),
        ),
        Guard(
            "a noted key is no accepted one",
            "a recheck of a key that was only asked for comes back until it is given up",
            REGISTRY,
            'if "order" not in held:',
            "if not held:",
            (IN_HTTP + "test_a_recheck_of_a_key_that_is_only_noted_does_nothing",),
        ),
        Guard(
            "an address and its body name one key",
            "whoever may ask for one sandbox sends the body of another, and hears nothing of it",
            CORE + "api/routes.py",
            "        if body.get(name) not in (None, value)\n",
            "        if body.get(name) == 0\n",
            (IN_HTTP + "test_a_body_may_name_the_key_of_its_address_and_no_other",),
            also=(9,),
        ),
        Guard(
            "a call stays one of its route",
            "a slash in a variable turns one call into another, which nobody allowed",
            CORE + "api/routes.py",
            'ROUTES.get(event["routeKey"])',
            BY_PATH,
            (
                "tests/integration/test_http_looking.py::test_a_name_that_no_connection_can_have_is_not_found_and_not_looked_for[sales%252Ftables]",
            ),
            also=(7,),
        ),
    ),
)
