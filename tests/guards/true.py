"""What keeps invariant 2, True."""

from __future__ import annotations

from tests.guards.guard import CORE, Guard, Invariant

PROVISION, FLOW_SERVICE = CORE + "provision/provision.py", CORE + "adobe/flow_service.py"
IN_TRUE, IN_REGISTRY, IN_PROVISIONING, IN_FLOW_SERVICE = (
    f"tests/integration/test_{name}.py::" for name in ("true_and_certain", "registry", "provisioning", "flow_service")
)
TESTED = "    _test(job, connection)\n    return Made"

INVARIANT = Invariant(
    2,
    "True",
    "The parameter always names a connection that existed and passed Adobe's `/test` when it was written. "
    "A failed attempt leaves the earlier value.",
    (
        Guard(
            "test before publishing",
            "the id is published, and only then does Adobe say that the connection does not work",
            PROVISION,
            "    if tests:\n        _test(job, connection)\n",
            "    job.ports.parameters.put(job.lease.key, connection.id)\n"
            "    if tests:\n"
            "        _test(job, connection)\n",
            (
                IN_TRUE + "test_a_connection_whose_test_fails_is_kept_but_not_published",
                IN_TRUE + "test_a_recreated_connection_that_fails_its_test_does_not_replace_the_published_id",
            ),
        ),
        Guard(
            "verdict of the test",
            "a connection whose test failed is published",
            PROVISION,
            "    if not passed:\n",
            "    if passed is None:\n",
            (IN_TRUE + "test_a_failed_update_leaves_the_published_id",),
        ),
        Guard(
            "only a boolean is a verdict",
            "a page, a number or a text counts as a test that was passed",
            FLOW_SERVICE,
            "if not isinstance(verdict, bool):",
            "if verdict is None:",
            (IN_TRUE + "test_only_a_boolean_counts_as_a_verdict[1]",),
        ),
        Guard(
            "test is left out only for what was ready",
            "what a killed delivery made is published untested by the next one",
            PROVISION,
            "passed = job.before.status is Status.READY and tested is not None and tested.passed",
            "passed = True",
            (
                IN_REGISTRY + "test_a_delivery_killed_before_the_test_is_tested_by_the_next_one[create]",
                IN_REGISTRY + "test_a_delivery_killed_before_the_test_is_tested_by_the_next_one[update]",
            ),
        ),
        Guard(
            "failed test is not forgotten",
            "a connection that failed its test is tested again without being put right",
            CORE + "domain/entry.py",
            "fingerprint=self.fingerprint if passed else None",
            "fingerprint=self.fingerprint",
            (IN_TRUE + "test_the_next_request_patches_and_tests_the_connection_that_failed",),
            also=(8,),
        ),
        Guard(
            "parameter is compared",
            "a parameter that somebody changed keeps its wrong value",
            PROVISION,
            "publishes = job.published != connection.id",
            "publishes = job.published is None",
            (IN_PROVISIONING + "test_a_parameter_that_somebody_changed_is_written_again",),
            also=(8,),
        ),
        Guard(
            "answer is about the connection that was asked for",
            "the id of another connection is published",
            FLOW_SERVICE,
            "if connection is None or connection.id != connection_id:",
            "if connection is None:",
            (IN_FLOW_SERVICE + "test_an_answer_about_another_connection_is_not_taken_for_ours",),
            also=(9,),
        ),
        Guard(
            "id that can be one",
            "something that is no id is published, and stands in the path of the next call",
            CORE + "adobe/wire.py",
            'if not isinstance(item, dict) or not usable_id(item.get("id")):',
            'if not isinstance(item, dict) or not item.get("id"):',
            ("tests/unit/test_adobe_wire.py::test_an_item_without_a_usable_id_is_no_connection[item4]",),
        ),
        Guard(
            "parameter is overwritten",
            "an id that changed cannot be published",
            CORE + "aws/parameters.py",
            "            Overwrite=True,\n",
            "",
            (IN_PROVISIONING + "test_a_connection_that_is_gone_is_made_again",),
        ),
        Guard(
            "a verification leaves no test out",
            "whoever asks whether a connection works is told what was known before",
            CORE + "provision/provision.py",
            " or not passed or job.verifies:",
            " or not passed:",
            (
                "tests/integration/test_http_retiring.py::test_a_verification_tests_what_seems_unchanged_and_says_when",
                "tests/integration/test_http_retiring.py::test_a_verification_that_fails_is_shown_and_announced_and_the_id_stays_published",
            ),
        ),
        Guard(
            "what is recorded is not tested",
            "a version that was never tested is taken for the one that works",
            CORE + "domain/entry.py",
            "            attempt=None,\n            tested=None,\n            **origin,",
            "            attempt=None,\n            **origin,",
            (
                "tests/integration/test_secret_changes.py::test_a_recheck_killed_between_update_and_test_is_tested_by_the_next",
            ),
        ),
        Guard(
            "a version is recorded once it passed",
            "a version of a secret that nobody tested is shown as the one in use",
            PROVISION,
            "    if effect.passed:\n",
            "    if effect:\n",
            (
                "tests/integration/test_secret_changes.py::test_with_a_stopped_cluster_the_new_version_is_given_to_adobe_and_tested_once_it_runs",
            ),
        ),
        Guard(
            "former token is accepted first",
            "a token that is refused takes the place of another one",
            CORE + "provision/update.py",
            " or workspace is None or not workspace.accepts_token():",
            " or workspace is None:",
            (
                "tests/integration/test_secret_changes.py::test_a_token_refused_after_the_update_stays_if_the_former_one_is_refused_too",
            ),
        ),
        Guard(
            "fingerprint is forgotten before a token is taken back",
            "the registry says that Adobe has a version which it has not",
            CORE + "provision/update.py",
            "    job.save(job.entry.in_doubt())\n",
            "",
            (
                "tests/integration/test_secret_changes.py::test_a_token_that_was_taken_back_by_a_killed_delivery_is_not_recorded_as_there",
            ),
        ),
        Guard(
            "only what worked is left untested",
            "a connection that failed is called ready again without a test, as its cluster stands still",
            PROVISION,
            "holder is not None and job.before.status is Status.READY",
            "holder is not None",
            (
                "tests/integration/test_fleet.py::test_what_failed_is_not_taken_for_ready_while_its_cluster_stands_still",
            ),
        ),
    ),
)
