"""The guards of invariant 2, True."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

PROVISION, FLOW_SERVICE = CORE + "provision/provision.py", CORE + "adobe/flow_service.py"
IN_TRUE, IN_REGISTRY, IN_PROVISIONING, IN_FLOW_SERVICE = (
    f"tests/{name}.py::"
    for name in (
        "provision/test_true_and_certain",
        "provision/test_registry",
        "provision/test_provisioning",
        "provision/test_flow_service",
    )
)
PUT = (
    'call(self._ssm.put_parameter, Name=self.name_of(key), Value=connection_id, Type="String", '
    'Tier="Intelligent-Tiering", Overwrite=True)'
)
CONNECTED = (
    "replace(self, connection_id=connection.id, etag=connection.etag, fingerprint=fingerprint, attempt=None, "
    "tested=None, **origin)"
)

INVARIANT = Invariant(
    2,
    "True",
    "The parameter always names a connection that existed and passed Adobe's `/test` when it was written. "
    "A failed attempt does not change it.",
    (
        Guard(
            "tested before it is published",
            "the id is published before Adobe reports that the connection does not work",
            PROVISION,
            "_make",
            "if tests: _test(job, connection)",
            "job.ports.parameters.put(job.lease.key, connection.id)\nif tests: _test(job, connection)",
            (
                IN_TRUE + "test_a_connection_whose_test_fails_is_kept_but_not_published",
                IN_TRUE + "test_a_recreated_connection_that_fails_its_test_does_not_replace_the_published_id",
            ),
        ),
        Guard(
            "result of the test",
            "a connection that failed its test is published",
            PROVISION,
            "_test",
            "not passed",
            "passed is None",
            (IN_TRUE + "test_a_failed_update_leaves_the_published_id",),
        ),
        Guard(
            "only a boolean is a test result",
            "a page, a number or a text counts as a passed test",
            FLOW_SERVICE,
            "FlowService.test",
            "not isinstance(verdict, bool)",
            "verdict is None",
            (IN_TRUE + "test_only_a_boolean_counts_as_a_verdict[1]",),
        ),
        Guard(
            "test is skipped only for a ready connection",
            "the connection of a killed delivery is published untested by the next one",
            PROVISION,
            "_unchanged",
            "passed = job.before.status is Status.READY and tested is not None and tested.passed",
            "passed = True",
            (
                IN_REGISTRY
                + "test_a_connection_whose_delivery_was_killed_before_the_test_is_tested_by_the_next_one[create]",
                IN_REGISTRY
                + "test_a_connection_whose_delivery_was_killed_before_the_test_is_tested_by_the_next_one[update]",
            ),
        ),
        Guard(
            "failed test is remembered",
            "a connection that failed its test is tested again without being repaired",
            CORE + "domain/entry.py",
            "Entry.tested_at",
            "self.fingerprint if passed else None",
            "self.fingerprint",
            (IN_TRUE + "test_the_next_request_patches_and_tests_the_connection_that_failed",),
            also=(8,),
        ),
        Guard(
            "published parameter is compared",
            "a parameter that someone changed keeps its wrong value",
            PROVISION,
            "_publish",
            "publishes = job.published != connection.id",
            "publishes = job.published is None",
            (IN_PROVISIONING + "test_a_parameter_that_another_system_changed_is_written_again",),
            also=(8,),
        ),
        Guard(
            "response is about the requested connection",
            "the id of another connection is published",
            FLOW_SERVICE,
            "FlowService.get",
            "connection is None or connection.id != connection_id",
            "connection is None",
            ("tests/adapters/test_flow_service.py::test_a_reply_about_another_connection_is_not_used[memory]",),
            also=(9,),
        ),
        Guard(
            "malformed ids are refused",
            "something that is not an id is published, and is used in the path of the next call",
            CORE + "adobe/wire.py",
            "read_connection",
            'not isinstance(item, dict) or not usable_id(item.get("id"))',
            'not isinstance(item, dict) or not item.get("id")',
            ("tests/unit/test_adobe_wire.py::test_an_item_without_a_usable_id_is_not_a_connection[item4]",),
        ),
        Guard(
            "parameter is overwritten",
            "a changed id cannot be published",
            CORE + "aws/parameters.py",
            "Parameters.put",
            PUT,
            PUT.replace(", Overwrite=True", ""),
            ("tests/adapters/test_parameters.py::test_an_id_is_published_replaced_and_removed[adapter]",),
        ),
        Guard(
            "a verification always tests",
            "a caller who requests a verification gets the result of an earlier test",
            CORE + "provision/provision.py",
            "_unchanged",
            "known is None or known.connection is None or not passed or job.verifies",
            "known is None or known.connection is None or not passed",
            (
                "tests/api/test_http_retiring.py::test_a_verification_tests_an_unchanged_connection_and_shows_when",
                "tests/api/test_http_retiring.py::"
                "test_a_verification_that_fails_is_shown_and_announced_and_the_id_stays_published",
            ),
        ),
        Guard(
            "a connection that was just recorded counts as untested",
            "a version that was never tested counts as the one that works",
            CORE + "domain/entry.py",
            "Entry.connected",
            CONNECTED,
            CONNECTED.replace(", tested=None", ""),
            (
                "tests/provision/test_secret_changes.py::"
                "test_a_connection_whose_recheck_was_killed_between_update_and_test_is_tested_by_the_next",
            ),
        ),
        Guard(
            "a version is recorded only after it passed",
            "a version of a secret that was never tested is shown as the one in use",
            PROVISION,
            "provision",
            "effect.passed",
            "effect",
            (
                "tests/provision/test_secret_changes.py::"
                "test_with_a_stopped_cluster_the_new_version_is_sent_to_adobe_and_tested_once_it_runs",
            ),
        ),
        Guard(
            "former token is checked before it is restored",
            "a token that Databricks refuses replaces another one",
            CORE + "provision/update.py",
            "restore_former_secret",
            "former.fingerprint == refused.fingerprint or workspace is None or not workspace.accepts_token()",
            "former.fingerprint == refused.fingerprint or workspace is None",
            (
                "tests/provision/test_secret_changes.py::"
                "test_a_token_refused_after_the_update_stays_if_the_former_one_is_refused_too",
            ),
        ),
        Guard(
            "fingerprint is cleared before a token is restored",
            "the registry records that Adobe has a version that it does not have",
            CORE + "provision/update.py",
            "restore_former_secret",
            "job.save(job.entry.in_doubt())",
            "",
            (
                "tests/provision/test_secret_changes.py::"
                "test_a_token_that_a_killed_delivery_took_back_is_sent_to_adobe_again",
            ),
        ),
        Guard(
            "only a connection that worked may stay untested",
            "a connection that failed is reported ready without a test, because its cluster is stopped",
            PROVISION,
            "_make_and_test",
            "holder is not None and job.before.status is Status.READY",
            "holder is not None",
            (
                "tests/reconcile/test_fleet.py::"
                "test_a_failed_connection_does_not_become_ready_while_its_cluster_is_stopped",
            ),
        ),
    ),
)
