"""Invariant 1, One: whatever happens to a POST, at most one connection of ours exists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.simulators.adobe import BASE
from local.simulators.faults import Fault
from local.simulators.simulator import Request
from tests.support.world import ABSENT, REQUEST, UNCHECKED, World


def post_fault(**what: Any) -> Fault:
    return Fault(method="POST", path=".*/connections", **what)


HTML = "<html><body>502 Bad Gateway</body></html>"
TIMED_OUT = '{"type": "http://ns.adobe.com/aep/errors/FLOW-1104-504", "title": "Gateway timeout"}'


@pytest.mark.parametrize(
    "fault",
    [
        post_fault(when="after", drop=True),
        post_fault(when="after", status=500, body=HTML),
        post_fault(when="after", status=502, body=HTML),
        post_fault(when="after", status=503, headers={"Retry-After": "1"}),
        post_fault(when="after", status=504),
        post_fault(when="after", status=201, body=""),
        post_fault(when="after", status=201, body="{}"),
        post_fault(when="after", status=201, body='{"id": 7}'),
        post_fault(when="after", status=201, body='{"id": "../../x"}'),
        post_fault(when="after", status=200, body=HTML),
        post_fault(when="after", status=302, headers={"Location": "/elsewhere"}),
        post_fault(when="after", status=408),
        post_fault(when="after", status=400, body=TIMED_OUT),
        post_fault(truncate=True, when="after"),
    ],
    ids=lambda fault: (
        f"{fault.status or ''}{'drop' if fault.drop else ''}{'cut' if fault.truncate else ''}{fault.body[:8]}"
    ),
)
def test_a_post_that_was_applied_but_lost_is_adopted_not_repeated(world: World, fault: Fault) -> None:
    world.adobe.faults.add(fault)

    world.until_done(world.send(REQUEST))

    assert len(world.calls("POST")) == 1
    (connection,) = world.connections()
    assert world.parameter() == connection["id"]
    assert world.announced() == [("Ready", "adopted")]


@pytest.mark.parametrize("late", [1.0, 20.0, 60.0, 110.0])
def test_a_post_that_takes_effect_after_its_network_connection_broke_is_waited_for(world: World, late: float) -> None:
    world.adobe.faults.add(post_fault(drop=True, late=late))

    world.until_done(world.send(REQUEST))

    assert len(world.calls("POST")) == 1
    assert len(world.connections()) == 1
    assert world.announced() == [("Ready", "adopted")]


def test_a_list_that_shows_a_new_connection_late_does_not_prove_that_none_exists(world: World) -> None:
    world.adobe.settings.list_lag_seconds = 90
    world.adobe.faults.add(post_fault(when="after", drop=True))

    world.until_done(world.send(REQUEST))

    assert len(world.connections()) == 1
    assert world.announced() == [("Ready", "adopted")]


def test_a_lost_post_that_made_nothing_is_sent_again_only_after_it_is_settled(world: World) -> None:
    world.adobe.faults.add(post_fault(drop=True))
    sent = world.send(REQUEST)
    began = world.clock.now()

    assert not world.deliver(sent)
    assert len(world.calls("POST")) == 1
    assert world.clock.now() - began >= 120
    world.until_done(sent)

    assert len(world.connections()) == 1
    assert world.announced() == [("Ready", "created")]


def test_an_invocation_too_short_to_settle_leaves_the_attempt_to_the_next(world: World) -> None:
    world.adobe.faults.add(post_fault(drop=True, late=100))
    sent = world.send(REQUEST)

    assert not world.deliver(sent, seconds=100)
    assert "attempt" in world.item()
    assert world.item()["failure"]["M"]["code"]["S"] == "Unsettled"
    world.clock.advance(60)
    assert world.deliver(sent)

    assert len(world.connections()) == 1


def test_the_next_delivery_sends_nothing_while_the_attempt_may_still_take_effect(world: World) -> None:
    world.adobe.faults.add(post_fault(drop=True, late=110))
    sent = world.send(REQUEST)
    assert not world.deliver(sent, seconds=100)

    assert world.deliver(sent)

    assert len(world.calls("POST")) == 1
    world.clock.advance(200)
    world.adobe.reply(Request("GET", "/", (), {}, b""))  # lets late effects happen
    assert len(world.connections()) == 1


def test_an_open_attempt_is_settled_before_absence_too(world: World) -> None:
    world.adobe.faults.add(post_fault(drop=True, late=100))
    assert not world.deliver(world.send(REQUEST), seconds=100)

    world.until_done(world.send(ABSENT))

    world.clock.advance(200)
    world.adobe.reply(Request("GET", "/", (), {}, b""))  # lets late effects happen
    assert world.connections() == []
    assert world.announced()[-1] == ("Deleted", "deleted")


def test_an_attempt_left_open_by_giving_up_is_settled_by_the_next_request(world: World) -> None:
    world.adobe.faults.add(post_fault(drop=True, late=100))
    refusal = world.refused(REQUEST, seconds=100)
    assert refusal.code == "Unsettled"
    world.clock.advance(100)

    assert world.invoke(REQUEST)["outcome"] == "adopted"
    assert len(world.connections()) == 1


def test_a_refused_post_leaves_no_attempt_open(world: World) -> None:
    world.databricks.settings.clusters["0923-164208-meows279"] = "TERMINATED"
    assert world.refused(UNCHECKED).code == "DatabricksRefused"

    assert "attempt" not in world.item()
    world.databricks.settings.clusters.clear()
    assert world.invoke(REQUEST)["outcome"] == "created"


def test_a_refused_network_connection_leaves_no_attempt_open(world: World) -> None:
    service = world.new_service(ADOBE_PLATFORM_URL="http://localhost:9")

    assert world.refused(REQUEST, service=service).code == "Unavailable"

    assert "attempt" not in world.item()


def test_two_deliveries_at_the_same_time_make_one_connection(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = world.send(REQUEST), world.send(REQUEST)
    other = world.new_service()
    during: list[bool] = []
    reply = world.adobe.reply

    def meanwhile(request: Request) -> Any:
        if request.method == "POST" and not during:
            during.append(world.deliver(second, other))
        return reply(request)

    monkeypatch.setattr(world.adobe, "reply", meanwhile)
    assert world.deliver(first)

    assert during == [False]
    world.clock.advance(60)
    assert world.deliver(second, other)
    assert len(world.connections()) == 1
    assert world.announced() == [("Ready", "created"), ("Ready", "unchanged")]


def test_a_delivery_whose_lease_ran_out_and_was_taken_can_write_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.send(REQUEST), world.send(REQUEST)
    other = world.new_service()
    done: list[bool] = []
    reply = world.adobe.reply

    def paused(request: Request) -> Any:
        if request.method == "GET" and not done:
            done.append(True)
            world.clock.advance(300)  # the lease of the first delivery expires
            done.append(world.deliver(second, other))
        return reply(request)

    monkeypatch.setattr(world.adobe, "reply", paused)
    assert not world.deliver(first)

    assert done == [True, True]
    assert len(world.connections()) == 1
    assert len(world.calls("POST")) == 1


def test_a_delivery_whose_lease_another_one_holds_can_write_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = world.send(REQUEST)
    taken: list[dict[str, Any]] = []
    reply = world.adobe.reply

    def paused(request: Request) -> Any:
        if request.method == "GET" and not taken:
            world.take_lease("another delivery")
            taken.append(world.item())
        return reply(request)

    monkeypatch.setattr(world.adobe, "reply", paused)
    assert not world.deliver(sent)

    assert [world.item()] == taken
    assert world.calls("POST") == []


def test_our_duplicates_are_deleted_unless_a_dataflow_uses_them(world: World) -> None:
    world.request()
    (kept,) = world.connections()
    duplicates = [_copy(world, kept) for _ in range(2)]
    world.adobe.settings.in_use.append(duplicates[0])
    world.edit(connection_id=None)

    result = world.invoke(REQUEST)

    assert result["connectionId"] == kept["id"]
    assert result["duplicates"] == [duplicates[0]]
    assert {item["id"] for item in world.connections()} == {kept["id"], duplicates[0]}


def _copy(world: World, item: dict[str, Any]) -> str:
    """Another connection with the same marker."""
    copy_id = world.add_foreign()
    world.adobe.records[copy_id].item["description"] = item["description"]
    return copy_id


@pytest.mark.parametrize("count", [1, 250])
def test_a_connection_is_found_among_hundreds(world: World, count: int) -> None:
    for number in range(count):
        world.add_foreign(f"other-{number}")
    world.adobe.faults.add(post_fault(when="after", drop=True))

    world.until_done(world.send(REQUEST))

    assert len(world.calls("POST")) == 1
    assert len(world.connections("sales")) == 1


def test_a_list_that_reorders_while_it_is_paged_hides_nothing(world: World) -> None:
    world.request()
    world.clock.advance(60)
    for number in range(250):
        world.add_foreign(f"other-{number}", age=0)
    world.edit(connection_id=None)  # only the marker still leads to it
    world.unpublish()
    world.adobe.settings.list_reorders = True

    assert world.invoke(REQUEST)["outcome"] == "adopted"

    assert len(world.calls("POST")) == 1


def linked(href: str) -> Fault:
    page = {"items": [], "_links": {"next": {"href": href}}}
    return Fault(method="GET", path=".*/connections", status=200, body=json.dumps(page))


@pytest.mark.parametrize(
    "base",
    [
        "/connections",
        "connections",
        "",
        "/data/foundation/flowservice/connections",
        "https://other.example/connections",
    ],
)
def test_a_link_to_the_next_page_is_followed_in_any_notation_and_never_to_another_place(
    world: World, base: str
) -> None:
    world.adobe.faults.add(linked(f"{base}?continuationToken=a%2Bb/c=="))
    world.adobe.faults.add(Fault(method="GET", path=".*/connections", status=200, body='{"items": []}'))

    assert world.invoke(REQUEST)["outcome"] == "created"

    assert world.calls("GET", "/connections")[1].query == (("continuationToken", "a+b/c=="),)


@pytest.mark.parametrize("href", ["/flows?continuationToken=a", "https://[", "//other.example/x", "/connections/../x"])
def test_a_link_that_leads_away_from_the_listing_is_an_error_not_the_end(world: World, href: str) -> None:
    world.adobe.faults.add(linked(href))

    assert world.refused(REQUEST).code == "Unavailable"

    assert [request.path for request in world.calls()] == [f"{BASE}/connections"]


def test_a_link_to_a_page_that_was_already_read_is_an_error_not_the_end(world: World) -> None:
    world.adobe.faults.add(linked("/connections?continuationToken=a"), linked("/connections?continuationToken=a"))

    assert "repeats a page" in world.refused(REQUEST).message

    assert world.calls("POST") == []


def test_a_page_that_fails_is_an_error_not_the_end(world: World) -> None:
    for number in range(250):
        world.add_foreign(f"a-{number}", age=7200)
    mine = world.add_foreign("sales", age=60)
    world.adobe.faults.add(Fault(method="GET", path=".*/connections", skip=1, times=3, status=500, body=HTML))

    assert not world.request(REQUEST | {"displayName": "Sales, all"})

    assert world.calls("POST") == []
    assert mine in {item["id"] for item in world.connections()}
