"""The guards of invariant 8, Latest."""

from __future__ import annotations

from tests.guards.guard import CORE, TEMPLATE, Guard, Invariant

REGISTRY, PROVISION = CORE + "aws/registry.py", CORE + "provision/provision.py"
IN_LATEST, IN_PROVISIONING, IN_OPERATIONS, IN_CRASHES = (
    f"tests/{name}.py::"
    for name in (
        "provision/test_ours_and_latest",
        "provision/test_provisioning",
        "provision/test_operations",
        "provision/test_crashes",
    )
)
ARRIVALS = IN_LATEST + "test_the_latest_request_wins_whatever_order_requests_arrive_in"
IN_HTTP = "tests/api/test_http.py::"
BY_PATH = (
    'next((one for key, one in ROUTES.items() if re.fullmatch(re.sub("{[a-z]+}", "[^/]+", key), '
    "f\"{event['requestContext']['http']['method']} {event['rawPath']}\")), None)"
)
"""Finds the route by the path, where a slash inside a variable changes the route."""
LATER = '"(attribute_not_exists(#order) OR #order < :order OR (#order = :order AND NOT #answered = :order))"'
NOT_ACCEPTED = (
    '"(attribute_not_exists(#order) OR (#order < :order AND NOT contains(#order, :id)))'
    ' AND (attribute_not_exists(#noted) OR #noted.#order < :order)"'
)
RETIRED = (
    "Entry(key=self.key, order=self.order, answered=self.order, request=self.request, source=self.source, "
    "marks=self.marks, attempt=self.attempt, result=result.document(), since=self._ended(Status.RETIRED, now).since, "
    "status=Status.RETIRED, pending=self.pending, expires_at=now + RETIRED_SECONDS)"
)
PARKED = (
    '{"version": "0", "id": order.id, "detail-type": REQUESTED, "source": source, "time": order.time, "resources": [], '
    '"detail": detail}'
)
FINGERPRINT = (
    "[self.source.connection_spec_id, self.source.connection_spec_version, self.source.auth_spec_name, self.name, "
    "self.description, sorted(self.auth.public.items()), self.secret_arn, self.secret_version_id]"
)

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
            "Registry.accept",
            'f"{_LATER} AND {_FREE}"',
            "_FREE",
            (
                "tests/adapters/test_registry.py::"
                "test_a_key_is_taken_by_the_latest_order_unless_another_delivery_holds_it[adapter-free-earlier]",
            ),
        ),
        Guard(
            "processed order is recorded",
            "the same request is processed again each time that it is delivered",
            REGISTRY,
            "_LATER",
            LATER,
            LATER.replace(" AND NOT #answered = :order", ""),
            (
                "tests/adapters/test_registry.py::"
                "test_a_key_is_taken_by_the_latest_order_unless_another_delivery_holds_it[adapter-done-same]",
            ),
        ),
        Guard(
            "the same order continues",
            "a request whose delivery was killed counts as superseded, though no later request came",
            REGISTRY,
            "_LATER",
            LATER,
            LATER.replace(" OR (#order = :order AND NOT #answered = :order)", ""),
            (
                "tests/adapters/test_registry.py::"
                "test_a_key_is_taken_by_the_latest_order_unless_another_delivery_holds_it[adapter-free-same]",
            ),
            also=(4,),
        ),
        Guard(
            "entry of a retired key",
            "an older request recreates a connection that was deleted later",
            CORE + "domain/entry.py",
            "Entry.retired",
            RETIRED,
            RETIRED.replace("order=self.order, answered=self.order, ", ""),
            (
                ARRIVALS + "[absent-(0, 1, 2)]",
                IN_OPERATIONS + "test_a_redriven_request_does_not_recreate_a_connection_that_was_deleted_later",
            ),
        ),
        Guard(
            "entry of a retired key is kept for 30 days",
            "the entry of a retired key expires before the messages that could create the connection again",
            CORE + "domain/entry.py",
            "RETIRED_SECONDS",
            "30 * 24 * 3600.0",
            "24 * 3600.0",
            (IN_PROVISIONING + "test_absent_deletes_the_connection_then_the_parameter_and_retires_the_key",),
        ),
        Guard(
            "a key that is requested again does not expire",
            "the item of an existing connection is removed 30 days after an earlier deletion",
            REGISTRY,
            "Registry.accept",
            '("expiresAt", "noted")',
            '("noted",)',
            (
                "tests/adapters/test_registry.py::"
                "test_accept_writes_the_result_of_the_entrys_transition[adapter-retired-present]",
            ),
            also=(1,),
        ),
        Guard(
            "items are kept while they are needed",
            "DynamoDB removes items by an attribute that every item has",
            TEMPLATE,
            "Registry",
            "TimeToLiveSpecification: {AttributeName: expiresAt, Enabled: true}",
            "TimeToLiveSpecification: {AttributeName: updatedAt, Enabled: true}",
            ("tests/template/test_stored.py::test_the_registry_is_protected_restorable_and_encrypted[defaults]",),
            also=(1,),
        ),
        Guard(
            "no order from the future",
            "a request whose sender's clock is wrong beats every later one",
            CORE + "contract/messages.py",
            "order_of",
            "min(seconds, latest)",
            "seconds",
            (IN_LATEST + "test_an_order_cannot_claim_to_come_from_the_future",),
        ),
        Guard(
            "parked request keeps its order",
            "a redriven request counts as new and overrides a newer one",
            CORE + "contract/messages.py",
            "envelope",
            PARKED,
            PARKED.replace('"time": order.time, ', ""),
            (IN_LATEST + "test_a_parked_and_redriven_request_loses_to_a_newer_one",),
        ),
        Guard(
            "version of the secret in the fingerprint",
            "a rotated token is never sent to Adobe",
            CORE + "domain/model.py",
            "Desired.fingerprint",
            FINGERPRINT,
            FINGERPRINT.replace(", self.secret_version_id", ""),
            (IN_PROVISIONING + "test_a_new_version_of_the_secret_updates_the_same_connection",),
            also=(2,),
        ),
        Guard(
            "what Adobe shows is compared",
            "a change that someone made in Adobe stays",
            PROVISION,
            "_is_as_desired",
            "job.entry.fingerprint == desired.fingerprint and desired.shown_by(connection)",
            "job.entry.fingerprint == desired.fingerprint",
            (IN_PROVISIONING + "test_a_change_that_was_made_in_adobe_is_reverted",),
        ),
        Guard(
            "current version of a secret",
            "an earlier or a pending version is sent to Adobe",
            CORE + "aws/secrets.py",
            "Secrets.read",
            '"AWSCURRENT"',
            '"AWSPENDING"',
            ("tests/adapters/test_secrets.py::test_the_current_version_of_a_secret_is_read[adapter]",),
            also=(2, 7),
        ),
        Guard(
            "unknown fields are refused",
            "a request whose `desiredState` is misspelled creates the connection that it should delete",
            CORE + "contract/request.py",
            "_faults_of_fields",
            "unknown = [name for name in fields if name not in RULES]",
            "unknown = [name for name in fields if not name]",
            ("tests/unit/test_request.py::test_every_fault_is_named_at_once",),
        ),
        Guard(
            "changes of Adobe's secret apply at once",
            "a token of the earlier credential stays in use",
            CORE + "adobe/ims.py",
            "TokenSource.token_for",
            "token is None or token.credentials != credentials or self._clock.monotonic() >= token.expires_at",
            "token is None or self._clock.monotonic() >= token.expires_at",
            ("tests/provision/test_authentication.py::test_a_new_version_of_the_adobe_secret_is_used_at_once",),
        ),
        Guard(
            "no note after the request was accepted",
            "a completed request is shown as `requested` forever",
            CORE + "aws/registry.py",
            "_NOT_ACCEPTED",
            NOT_ACCEPTED,
            NOT_ACCEPTED.replace(
                "(#order < :order AND NOT contains(#order, :id))", "attribute_exists(#order) OR contains(#order, :id)"
            ),
            (
                "tests/adapters/test_registry.py::"
                "test_a_request_is_noted_unless_it_or_a_later_one_is_known[adapter-itself accepted]",
                "tests/adapters/test_registry.py::"
                "test_a_request_is_noted_unless_it_or_a_later_one_is_known[adapter-later accepted]",
            ),
        ),
        Guard(
            "a request is recognized by its id",
            "if the queue's clock is behind ours, a completed request is shown as `requested` forever",
            CORE + "aws/registry.py",
            "_NOT_ACCEPTED",
            NOT_ACCEPTED,
            NOT_ACCEPTED.replace("AND NOT contains", "OR contains"),
            (
                "tests/adapters/test_registry.py::"
                "test_a_request_is_noted_unless_it_or_a_later_one_is_known"
                "[adapter-itself accepted by a clock that is behind]",
            ),
        ),
        Guard(
            "only the latest request is noted",
            "an earlier request hides a later one",
            CORE + "aws/registry.py",
            "_NOT_ACCEPTED",
            NOT_ACCEPTED,
            NOT_ACCEPTED.replace(" AND (attribute_not_exists(#noted) OR #noted.#order < :order)", ""),
            (
                "tests/adapters/test_registry.py::"
                "test_a_request_is_noted_unless_it_or_a_later_one_is_known[adapter-later noted]",
            ),
        ),
        Guard(
            "accepting removes the note",
            "a completed request is shown as `requested` forever",
            REGISTRY,
            "Registry.accept",
            '("expiresAt", "noted")',
            '("expiresAt",)',
            ("tests/adapters/test_registry.py::test_a_noted_key_is_taken_by_any_request[adapter]",),
        ),
        Guard(
            "a noted key is not an accepted one",
            "a recheck of a key that was only noted is redelivered until it is given up",
            REGISTRY,
            "Registry.resume",
            '"order" not in held',
            "not held",
            (
                "tests/adapters/test_registry.py::"
                "test_a_recheck_of_a_key_without_an_accepted_request_takes_nothing[adapter]",
            ),
        ),
        Guard(
            "the URL and the body name the same key",
            "a caller who may use one sandbox sends a body for another one, and gets no error",
            CORE + "api/routes.py",
            "request",
            "body.get(name) not in (None, value)",
            "body.get(name) == 0",
            (IN_HTTP + "test_a_body_may_name_the_key_of_its_path_and_no_other",),
            also=(9,),
        ),
        Guard(
            "a call stays on its route",
            "a slash in a variable turns one call into another, which no policy allowed",
            CORE + "api/routes.py",
            "dispatch",
            'ROUTES.get(event["routeKey"])',
            BY_PATH,
            (
                "tests/api/test_http_reading.py::"
                "test_a_name_that_no_connection_can_have_is_not_found_without_a_lookup[sales%252Ftables]",
            ),
            also=(7,),
        ),
    ),
)
