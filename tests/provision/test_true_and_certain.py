"""Invariants 2 and 6: only a tested connection is published, and only one that is certainly gone is recreated."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulators.faults import Fault
from tests.support.world import ABSENT, GONE, REQUEST, UNCHECKED, World

HTML = "<html><body>Not found</body></html>"


def get_fault(**what: Any) -> Fault:
    return Fault(method="GET", path=r".*/connections/[^/]+", **{"times": 0, **what})


def test_a_connection_whose_test_fails_is_kept_but_not_published(world: World) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))

    assert world.request()

    assert world.announced() == [("Failed", "TestFailed")]
    assert world.parameter() is None
    assert world.status() == "failed"
    assert len(world.connections()) == 1


def test_the_next_request_patches_and_tests_the_connection_that_failed(world: World) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body="false"))
    world.request()
    (connection,) = world.connections()

    assert world.request()

    assert [item["id"] for item in world.connections()] == [connection["id"]]
    assert len(world.calls("PATCH")) == 1
    assert world.parameter() == connection["id"]
    assert world.announced()[-1][0] == "Ready"


def test_a_failed_update_leaves_the_published_id(world: World) -> None:
    world.request()
    published = world.parameter()
    world.databricks.settings.revoked_tokens.append("revoked")
    world.put_secret(accessToken="revoked")

    assert world.request(UNCHECKED)

    assert world.announced()[-1] == ("Failed", "DatabricksRefused")
    assert world.parameter() == published


def test_a_recreated_connection_that_fails_its_test_does_not_replace_the_published_id(world: World) -> None:
    world.request()
    published = world.parameter()
    world.adobe.records.clear()
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))

    assert world.request()

    assert world.announced()[-1] == ("Failed", "TestFailed")
    assert world.parameter() == published


@pytest.mark.parametrize("body", ['"true"', "1", '{"result": "true"}', "{}", "", HTML])
def test_only_a_boolean_counts_as_a_verdict(world: World, body: str) -> None:
    world.adobe.faults.add(Fault(path=".*/test", status=200, body=body, times=0))

    assert not world.request()

    assert world.parameter() is None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (get_fault(status=404, body=HTML), "AdobeRefused"),
        (get_fault(status=404, body=""), "AdobeRefused"),
        (get_fault(status=404, body='{"message": "no Route matched"}'), "AdobeRefused"),
        (get_fault(status=404, body='{"error_code": "404000", "message": "connections not found"}'), "AdobeRefused"),
        (get_fault(status=404, body=GONE.replace("1439", "2100")), "SandboxUnknown"),
        (get_fault(status=404, body=GONE.replace("1439", "2103")), "SandboxUnknown"),
        (get_fault(status=404, body=GONE.replace("FLOW-1439", "CONNECTOR-1439")), "AdobeRefused"),
        (get_fault(status=400, body=GONE.replace("1439-404", "1439-400")), "AdobeRefused"),
        (get_fault(status=401, body='{"error_code": "401013"}'), "AdobeCredentialRejected"),
        (get_fault(status=403, body='{"error_code": "403025"}'), "AdobeForbidden"),
        (get_fault(status=403, body=HTML), "AdobeForbidden"),
        (get_fault(status=200, body='{"items": []}'), "Unavailable"),
        (get_fault(status=200, body=HTML), "Unavailable"),
        (get_fault(status=500, body=GONE), "Unavailable"),
        (get_fault(status=404, body=GONE), "Unavailable"),  # the listing still shows it
    ],
    ids=lambda value: f"{value.status}-{value.body[:60]}" if isinstance(value, Fault) else value,
)
def test_no_uncertain_reply_leads_to_a_create_or_to_the_loss_of_the_parameter(
    world: World, fault: Fault, code: str
) -> None:
    world.request()
    published = world.parameter()
    world.adobe.faults.add(fault)

    assert world.refused(REQUEST).code == code

    assert len(world.calls("POST")) == 1
    assert world.parameter() == published


@pytest.mark.parametrize(
    "listing",
    [
        Fault(method="GET", path=".*/connections", times=0, status=500),
        Fault(method="GET", path=".*/connections", times=0, status=404, body=GONE),
        Fault(method="GET", path=".*/connections", times=0, status=200, body="{}"),
        Fault(method="GET", path=".*/connections", times=0, status=200, body=HTML),
        Fault(method="GET", path=".*/connections", times=0, status=403, body=HTML),
    ],
    ids=lambda fault: f"{fault.status}{fault.body[:5]}",
)
def test_a_404_not_confirmed_by_a_listing_creates_nothing(world: World, listing: Fault) -> None:
    world.request()
    world.adobe.records.clear()
    world.adobe.faults.add(listing)

    world.refused(REQUEST)

    assert len(world.calls("POST")) == 1


def test_a_renamed_connection_that_get_reports_as_gone_is_still_found_in_the_listing(world: World) -> None:
    world.request()
    world.connections()[0]["name"] = "renamed by hand"
    world.adobe.faults.add(get_fault(status=404, body=GONE))

    assert world.refused(REQUEST).code == "Unavailable"
    assert len(world.connections()) == 1


def test_a_sandbox_that_adobe_does_not_know_deletes_and_creates_nothing(world: World) -> None:
    world.request()
    world.adobe.settings.sandboxes.append("other")

    for request in (REQUEST, ABSENT):
        assert world.refused(request).code == "SandboxUnknown"

    assert len(world.connections()) == 1
    assert world.parameter() is not None


@pytest.mark.parametrize(("method", "path"), [("GET", ".*/test"), ("PATCH", ".*")])
def test_a_gone_reply_during_an_update_or_a_test_is_retried_not_final(world: World, method: str, path: str) -> None:
    world.request()
    world.adobe.faults.add(Fault(method=method, path=path, status=404, body=GONE))
    sent = world.send(REQUEST | {"database": "other"})

    assert not world.deliver(sent)
    assert world.deliver(sent)

    assert len(world.calls("POST")) == 1
    assert world.announced() == [("Ready", "created"), ("Ready", "updated")]


def test_a_gone_reply_to_a_delete_is_confirmed_by_a_listing(world: World) -> None:
    world.request()
    world.adobe.faults.add(Fault(method="DELETE", status=404, body=GONE))

    assert world.refused(ABSENT).code == "Unavailable"
    assert world.parameter() is not None

    world.adobe.records.clear()
    assert world.invoke(ABSENT)["outcome"] == "deleted"
