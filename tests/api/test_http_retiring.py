"""Deleting and verifying connections over HTTP."""

from __future__ import annotations

import pytest

from local.simulators.faults import Fault
from tests.support.web import BODY, KEY, Web, problem, work
from tests.support.world import ABSENT, REQUEST, World


def test_a_delete_is_queued_and_retires_the_connection(world: World, web: Web) -> None:
    world.request()

    response = web("DELETE", KEY)

    assert (response.status, response.headers["location"]) == (202, KEY)
    work(world)
    assert (world.connections(), world.parameter()) == ([], None)
    assert web("GET", KEY).document["status"] == "retired"


def test_a_delete_that_dataflows_block_names_them(world: World, web: Web) -> None:
    world.request()
    (connection,) = world.connections()
    world.adobe.settings.in_use += [connection["id"]] * 2
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("DELETE", KEY, prefer="wait=20"), 409, "InUse")

    assert len(refused["faults"]) == 2
    assert all(fault["field"] in refused["detail"] for fault in refused["faults"])
    assert refused["requestId"]
    assert web("GET", KEY).document["reason"]["faults"] == refused["faults"]


@pytest.mark.parametrize("hidden", [True, False])
def test_a_delete_reports_that_dataflows_block_it_even_if_it_cannot_list_them(
    world: World, web: Web, hidden: bool
) -> None:
    world.request()
    world.adobe.settings.in_use.append(world.connections()[0]["id"])
    world.adobe.settings.hidden_flows = hidden
    if not hidden:
        world.adobe.faults.add(Fault(path=".*/flows", times=0, status=503))
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("DELETE", KEY, prefer="wait=20"), 409, "InUse")

    assert refused["faults"] == []


def test_a_verification_tests_an_unchanged_connection_and_shows_when(world: World, web: Web) -> None:
    world.request()
    before = web("GET", KEY).document["tested"]
    world.clock.advance(3600)

    assert web("POST", KEY + "/verify").status == 202
    work(world)

    shown = web("GET", KEY).document
    assert (shown["status"], shown["tested"]["passed"]) == ("ready", True)
    assert shown["tested"]["at"] > before["at"]
    assert shown["readiness"]["checkedAt"] > before["at"]
    assert world.calls("PATCH") == []
    assert len(world.announced()) == 1


def test_a_verification_checks_the_workspace_even_if_its_request_has_readiness_off(world: World, web: Web) -> None:
    world.request(REQUEST | {"readiness": "off"})
    assert web("GET", KEY).document["readiness"] is None

    web("POST", KEY + "/verify")
    work(world)

    assert web("GET", KEY).document["readiness"]["status"] in ("pass", "warn")


def test_a_verification_that_fails_is_shown_and_announced_and_the_id_stays_published(world: World, web: Web) -> None:
    world.request()
    published = world.parameter()
    world.databricks.settings.revoked_tokens.append(world.connections()[0]["auth"]["params"]["accessToken"])

    web("POST", KEY + "/verify")
    work(world)

    shown = web("GET", KEY).document
    assert (shown["status"], shown["reason"]["code"]) == ("failed", "NotReady")
    assert shown["readiness"]["status"] == "fail"
    assert world.announced()[-1] == ("Failed", "NotReady")
    assert world.parameter() == published


def test_there_is_nothing_to_verify_without_a_connection(world: World, web: Web) -> None:
    web("PUT", KEY, BODY)

    problem(web("POST", KEY + "/verify"), 404, "NotFound")

    world.request()
    world.request(ABSENT)
    problem(web("POST", KEY + "/verify"), 404, "NotFound")
