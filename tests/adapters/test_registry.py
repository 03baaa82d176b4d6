"""The registry: which delivery gets a key, what a write changes, and what lists show."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from aep_connections.aws.items import decimal, serialize
from aep_connections.contract.request import read_request
from aep_connections.domain import entry as domain
from aep_connections.domain.entry import Attempt, Entry, Lease, Pending, SecretVersion, StatusSince, Summary, Wait
from aep_connections.domain.errors import Busy, ConnectionFailure, Failure, Fault, NotReady
from aep_connections.domain.model import Key, Order, Outcome, Page, Request, Status
from aep_connections.sources import FIRST
from tests.adapters.sides import Side
from tests.support.aws import noted
from tests.support.call_faults import AWS

PREFIX = "aep/{sandbox}/databricks/"
ITEMS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "support" / "items-0.1.0.json").read_text()
)
"""One item per status, as version 0.1.0 wrote it."""
EARLIER, SAME, LATER = (Order(f"2026-11-18T10:00:0{n}.250Z", f"id-{n}") for n in (1, 2, 3))
LEASE_SECONDS = 300.0
LAKE = replace(FIRST, name="lake")
"""Another source type."""
LOST_ONCE = next(fault for fault in AWS if fault.name == "AWS response is lost once")


def request(side: Side, name: str = "sales", **changes: Any) -> Request:
    wanted = {"sandbox": side.sandbox, "name": name, "databricksSecretId": side.secret_id()} | changes
    return read_request({field: value for field, value in wanted.items() if value is not None}, PREFIX)


def absent(side: Side) -> Request:
    return request(side, desiredState="absent", databricksSecretId=None)


def lease(side: Side, owner: str = "me", key: Key | None = None, seconds: float = LEASE_SECONDS) -> Lease:
    return Lease(key or side.key, owner, side.clock.now() + seconds)


def entry_of(side: Side, key: Key | None = None) -> Entry:
    """The entry of a key, which must exist."""
    entry = side.registry.get(key or side.key)
    assert entry
    return entry


def stored(side: Side, name: str = "sales", **attributes: Any) -> dict[str, Any]:
    """The item of a key, in DynamoDB JSON."""
    item = {
        "order": str(SAME),
        "request": {"x": "before"},
        "status": "ready",
        "databricksSecretId": side.secret_id(),
    } | attributes
    typed = {name: serialize(value) for name, value in item.items() if value is not None}
    return {"sandbox": {"S": side.sandbox}, "name": {"S": name}} | typed


def accepted(side: Side, order: Order = SAME, owner: str = "me", name: str = "sales") -> Entry:
    """A key's entry after a request was accepted. The owner still has the lease."""
    held = lease(side, owner, Key(side.sandbox, name))
    assert side.registry.accept(held, order, request(side, name))
    return entry_of(side, held.key)


def closed(side: Side, order: Order = SAME, *, answered: bool = True, name: str = "sales", **changes: Any) -> Entry:
    """A key's entry after a delivery has ended."""
    entry = accepted(side, order, "before", name)
    after = replace(entry, answered=order if answered else None, **changes)
    side.registry.close(lease(side, "before", entry.key), entry, after)
    return entry_of(side, entry.key)


def taken(side: Side, order: Order | None = SAME) -> Entry | ConnectionFailure | None:
    """What accepting an order, or resuming, returns or raises for the owner `me`."""
    try:
        if order is None:
            return side.registry.resume(lease(side))
        return side.registry.accept(lease(side), order, request(side))
    except ConnectionFailure as error:
        return error


# ------------------------------------------------------------ accept


def free(side: Side) -> None:
    side.put(stored(side))


def done(side: Side) -> None:
    side.put(stored(side, answered=str(SAME)))


def held(side: Side, owner: str = "other", seconds: float = LEASE_SECONDS, answered: Order | None = None) -> None:
    until = serialize(decimal(side.clock.now() + seconds))
    answer = None if answered is None else str(answered)
    side.put(stored(side, answered=answer, owner=owner) | {"leaseUntil": until})


def done_and_held(side: Side) -> None:
    held(side, answered=SAME)


def held_until_now(side: Side) -> None:
    held(side, seconds=0)


def expired(side: Side) -> None:
    held(side, seconds=-0.001)


def mine(side: Side) -> None:
    held(side, owner="me")


STATES = (free, done, held, done_and_held, held_until_now, expired, mine)
OFFERED = {"earlier": EARLIER, "same": SAME, "later": LATER, "recheck": None}
ANSWERS = {
    free: ("superseded", "taken", "taken", "taken"),
    done: ("superseded", "superseded", "taken", "taken"),
    held: ("superseded", "busy", "busy", "busy"),
    done_and_held: ("superseded", "superseded", "busy", "busy"),
    held_until_now: ("superseded", "busy", "busy", "busy"),
    expired: ("superseded", "taken", "taken", "taken"),
    mine: ("superseded", "taken", "taken", "taken"),
}
"""State of a key -> what happens to an earlier order, the same order, a later order, and a recheck."""


@pytest.mark.parametrize("offered", OFFERED)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_key_is_taken_by_the_latest_order_unless_another_delivery_holds_it(
    side: Side, state: Any, offered: str
) -> None:
    state(side)
    before, order = entry_of(side), OFFERED[offered]
    expected = ANSWERS[state][list(OFFERED).index(offered)]

    answer = taken(side, order)

    after, now = entry_of(side), side.clock.now()
    if expected == "taken":
        assert answer == before
        new = before if order is None else before.accepted(order, request(side))
        assert after == replace(new, lease_until=now + LEASE_SECONDS, updated_at=now)
        with pytest.raises(Busy):
            side.registry.resume(lease(side, "a third"))
        return
    assert after == before
    if expected == "superseded":
        assert answer is None
        return
    assert isinstance(answer, Busy)
    assert answer.message == f"Another delivery is processing {side.key}."
    assert answer.retry_after == before.lease_until - now


def test_the_first_request_of_a_key_makes_its_entry(side: Side) -> None:
    assert side.registry.get(side.key) is None

    before = taken(side)

    now = side.clock.now()
    assert before == Entry(key=side.key)
    assert entry_of(side) == Entry(key=side.key, lease_until=now + LEASE_SECONDS, updated_at=now).accepted(
        SAME, request(side)
    )


def test_a_recheck_of_a_key_without_an_accepted_request_takes_nothing(side: Side) -> None:
    assert taken(side, None) is None
    assert side.registry.get(side.key) is None

    side.registry.note_pending(EARLIER, request(side))

    assert taken(side, None) is None
    assert entry_of(side).lease_until == 0


def test_a_noted_key_is_taken_by_any_request(side: Side) -> None:
    side.registry.note_pending(EARLIER, request(side))
    noted_ = entry_of(side)

    assert taken(side, EARLIER) == noted_

    assert entry_of(side).pending is None


@pytest.mark.parametrize("wanted", [request, absent], ids=["present", "absent"])
@pytest.mark.parametrize("status", ITEMS)
def test_accept_writes_the_result_of_the_entrys_transition(side: Side, status: str, wanted: Any) -> None:
    side.put(ITEMS[status] | {"sandbox": {"S": side.sandbox}, "name": {"S": "sales"}})
    side.clock.advance(10_000)
    order = Order("2030-01-01T00:00:00.000Z", "later")

    before, after = side.registry.accept(lease(side), order, wanted(side)), entry_of(side)

    assert before is not None
    result = before.accepted(order, wanted(side))
    source = result.source or FIRST.name  # how an item without a source is read
    assert after == result.with_(source=source, updated_at=after.updated_at, lease_until=after.lease_until)


def test_a_recorded_source_type_stays(side: Side) -> None:
    side.registry.accept(lease(side), EARLIER, replace(request(side), source=LAKE))

    side.registry.accept(lease(side), SAME, absent(side))
    side.registry.accept(lease(side), LATER, request(side))

    assert entry_of(side).source == LAKE.name


def test_a_key_that_was_never_present_gets_the_source_type_of_its_first_request(side: Side) -> None:
    side.registry.accept(lease(side), EARLIER, absent(side))
    assert entry_of(side).source == FIRST.name  # how an item without a source is read

    side.registry.accept(lease(side), SAME, replace(request(side), source=LAKE))

    assert entry_of(side).source == LAKE.name


def test_of_many_deliveries_at_the_same_time_exactly_one_gets_the_key(side: Side) -> None:
    closed(side, EARLIER)

    def take(number: int) -> bool:
        try:
            return side.registry.accept(lease(side, f"owner {number}"), SAME, request(side)) is not None
        except Busy:
            return False

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(take, range(8)))

    assert got.count(True) == 1


# ------------------------------------------------------------ save and close


def full(key: Key, secret_id: str) -> Entry:
    """An entry in which every field has a value. Times have milliseconds."""
    at = 1_795_000_000.123
    failure = Failure.of(NotReady("No.", remedy="Do.", request_id="r-1", faults=[Fault("CLUSTER_STATE", "is off")]))
    return Entry(
        key=key,
        order=SAME,
        answered=EARLIER,
        status=Status.WAITING,
        request={"sandbox": key.sandbox, "name": key.name, "adopt": True, "description": "Ünïcode, \U0001f9f1"},
        source="lake",
        org_id="O@AdobeOrg",
        connection_id="c-1",
        params={"domain": "https://d", "clusterId": "", "database": "b"},
        attempt=Attempt("m-2", 1_795_000_000.001, "f-1"),
        marks=("m-1", "m-2"),
        failure=failure,
        tested=domain.Tested(at + 0.25, passed=False),
        secret_version=SecretVersion("v-1", at + 0.5),
        since=StatusSince(Status.READY, at + 1),
        pending=Pending(LATER, {"sandbox": key.sandbox, "name": key.name}),
        updated_at=at,
        lease_until=at + LEASE_SECONDS,
        etag='"e-1"',
        fingerprint="f-2",
        outcome=Outcome.RECREATED,
        outcome_order=EARLIER,
        wait=Wait(order=SAME, what="a cluster", since=at, until=at + 1200.5, started_after="1795000000000"),
        readiness={"status": "warn", "checks": [{"id": "X", "evidence": {"state": "", "deep": [[], {}, None, True]}}]},
        result={"connectionId": None, "etag": '"e-1"', "duplicates": ["c-2"], "count": 7},
        secret_id=secret_id,
        expires_at=1_797_592_567.0,
    )


def test_every_field_of_an_entry_is_read_as_it_was_written(side: Side) -> None:
    whole = full(side.key, side.secret_id())
    defaults = {one.name: one.default for one in fields(Entry) if one.default is not MISSING}
    assert [name for name, default in defaults.items() if getattr(whole, name) == default] == []
    side.clock.advance(whole.updated_at - side.clock.now())
    side.registry.accept(lease(side), SAME, replace(request(side), source=LAKE))
    before = entry_of(side)
    assert whole.pending
    side.registry.note_pending(LATER, replace(request(side), document=whole.pending.request))

    side.registry.save(lease(side), before, whole)

    assert entry_of(side) == whole
    assert side.registry.resume(lease(side)) == whole
    assert side.registry.page(Page(sandbox=side.sandbox, status=None, limit=9, after=None))[0] == [whole]
    summary = Summary(**{one.name: getattr(whole, one.name) for one in fields(Summary)})
    assert side.registry.in_sandbox(side.sandbox) == [summary]
    assert side.registry.current([side.key]) == {side.key: summary}


def test_times_are_kept_in_milliseconds(side: Side) -> None:
    side.clock.advance(0.00049)
    entry = accepted(side)

    side.registry.save(lease(side), entry, entry.with_(tested=domain.Tested(1.23449, passed=True), expires_at=7.9))

    after = entry_of(side)
    now = round(side.clock.now(), 3)
    assert (after.updated_at, after.lease_until) == (now, now + LEASE_SECONDS)
    assert (after.tested, after.expires_at) == (domain.Tested(1.234, passed=True), 7.0)


def test_a_document_that_its_owner_changes_later_stays_as_it_was_stored(side: Side) -> None:
    wanted = request(side)
    side.registry.note_pending(EARLIER, wanted)
    side.registry.accept(lease(side), SAME, wanted)
    result = {"duplicates": ["c-1"]}
    side.registry.save(lease(side), entry_of(side), entry_of(side).with_(result=result))
    before = entry_of(side)

    result["duplicates"].append("c-2")
    wanted.document.update(description="other")  # type: ignore[attr-defined]

    assert entry_of(side) == before
    assert before.result == {"duplicates": ["c-1"]}


@pytest.mark.parametrize("write", ["save", "close"])
def test_a_write_changes_only_what_differs(side: Side, write: str) -> None:
    first = accepted(side)
    side.registry.save(lease(side), first, first.with_(connection_id="c-1", etag='"1"', org_id="O"))
    side.registry.note_pending(LATER, request(side))
    side.clock.advance(1)
    stale = first.with_(etag='"1"', pending=None)

    getattr(side.registry, write)(lease(side), stale, stale.with_(fingerprint="f", etag=None))

    after = entry_of(side)
    assert (after.connection_id, after.org_id, after.fingerprint, after.etag) == ("c-1", "O", "f", None)
    assert after.pending == Pending(LATER, request(side).document)
    assert after.updated_at == side.clock.now()
    assert after.lease_until == (first.lease_until if write == "save" else 0)


@pytest.mark.parametrize("write", ["save", "close"])
def test_a_delivery_that_lost_its_lease_writes_nothing(side: Side, write: str) -> None:
    entry = accepted(side, owner="before")
    side.clock.advance(LEASE_SECONDS + 1)
    assert side.registry.resume(lease(side, "after"))
    held_ = entry_of(side)

    with pytest.raises(Busy, match=f"Another delivery took the lease on {side.key}.") as refused:
        getattr(side.registry, write)(lease(side, "before"), entry, entry.with_(connection_id="c-1"))

    assert refused.value.retry_after is None
    assert entry_of(side) == held_


@pytest.mark.parametrize("write", ["save", "close"])
def test_a_delivery_whose_key_expired_meanwhile_writes_nothing(side: Side, write: str) -> None:
    entry = accepted(side)
    side.remove(side.key)

    with pytest.raises(Busy):
        getattr(side.registry, write)(lease(side), entry, entry.with_(connection_id="c-1"))

    assert side.registry.get(side.key) is None


@pytest.mark.parametrize("write", ["save", "close"])
def test_a_delivery_whose_lease_ended_may_write_until_another_one_takes_the_key(side: Side, write: str) -> None:
    entry = accepted(side)
    side.clock.advance(LEASE_SECONDS + 1)

    getattr(side.registry, write)(lease(side), entry, entry.with_(connection_id="c-1"))

    assert entry_of(side).connection_id == "c-1"


def test_a_closed_key_is_free_for_others_and_a_repeat_of_the_close_changes_nothing(side: Side) -> None:
    entry = accepted(side)
    after = entry.with_(answered=SAME, connection_id="c-1")
    side.registry.close(lease(side), entry, after)
    once = entry_of(side)

    side.registry.close(lease(side), entry, after)

    assert entry_of(side) == once == after.with_(lease_until=0.0)
    assert side.registry.resume(lease(side, "other")) == once


@pytest.mark.parametrize("write", ["accept", "resume", "save", "close", "note"])
def test_a_write_that_the_sdk_repeats_after_a_lost_response_succeeds(side: Side, write: str) -> None:
    entry = accepted(side, EARLIER)
    after = entry.with_(connection_id="c-1")
    writes: dict[str, tuple[str, Callable[[], object]]] = {
        "accept": ("accept", lambda: side.registry.accept(lease(side), SAME, request(side))),
        "resume": ("resume", lambda: side.registry.resume(lease(side))),
        "save": ("record id", lambda: side.registry.save(lease(side), entry, after)),
        "close": ("record id", lambda: side.registry.close(lease(side), entry, after)),
        "note": ("note", lambda: side.registry.note_pending(LATER, request(side))),
    }
    name, act = writes[write]

    with side.failing(name, LOST_ONCE):
        act()

    changed = entry_of(side)
    assert changed.order == (SAME if write == "accept" else EARLIER)
    assert changed.connection_id == ("c-1" if write in ("save", "close") else None)
    assert changed.lease_until == (0 if write == "close" else side.clock.now() + LEASE_SECONDS)
    assert (changed.pending is not None) == (write == "note")


# ------------------------------------------------------------ notes


@pytest.mark.parametrize(
    ("accepted_", "noted_before", "is_noted"),
    [
        (None, None, True),
        (EARLIER, None, True),
        (SAME, None, False),
        (LATER, None, False),
        (Order(EARLIER.time, SAME.id), None, False),
        (None, EARLIER, True),
        (None, LATER, False),
        (EARLIER, LATER, False),
        (EARLIER, Order(SAME.time, "id-1"), True),
    ],
    ids=[
        "new key",
        "earlier accepted",
        "itself accepted",
        "later accepted",
        "itself accepted by a clock that is behind",
        "earlier noted",
        "later noted",
        "earlier accepted, later noted",
        "earlier accepted, earlier noted",
    ],
)
def test_a_request_is_noted_unless_it_or_a_later_one_is_known(
    side: Side, accepted_: Order | None, noted_before: Order | None, is_noted: bool
) -> None:
    if accepted_:
        closed(side, accepted_, expires_at=side.clock.now() + 9)
    if noted_before:
        side.registry.note_pending(noted_before, request(side, description="before"))
    before = side.registry.get(side.key) or Entry(key=side.key)
    this = request(side, description="this")
    side.clock.advance(1)

    side.registry.note_pending(SAME, this)

    noted_ = replace(before, pending=Pending(SAME, this.document), expires_at=None)
    assert entry_of(side) == (noted_ if is_noted else before)


def test_a_note_needs_no_lease(side: Side) -> None:
    held(side)

    side.registry.note_pending(LATER, request(side))

    assert entry_of(side).pending == Pending(LATER, request(side).document)


# ------------------------------------------------------------ many keys


def names_of(side: Side, limit: int, status: Status | None = None, *, everywhere: bool = False) -> list[str]:
    """The names of this sandbox's keys on all pages of a list."""
    found, after, pages = list[str](), None, 0
    while True:
        page = Page(sandbox=None if everywhere else side.sandbox, status=status, limit=limit, after=after)
        entries, after = side.registry.page(page)
        assert len(entries) <= limit
        found += [entry.key.name for entry in entries if entry.key.sandbox == side.sandbox]
        pages += 1
        if after is None:
            return found
        assert pages < 100


NOTE = {"order": str(LATER), "request": {"name": "x"}}


@pytest.fixture
def fleet(side: Side) -> Side:
    """Keys of every status."""
    side.put(
        *(
            stored(side, f"{status}-{n}", status=str(status))
            for status in Status
            if status != "requested"
            for n in "ab"
        ),
        stored(side, "requested-again", noted=NOTE),
        stored(side, "requested-first", noted=NOTE, order=None, status=None, databricksSecretId=None),
    )
    return side


@pytest.mark.parametrize("everywhere", [False, True], ids=["sandbox", "everywhere"])
@pytest.mark.parametrize("limit", [1, 5, 100])
def test_a_list_has_each_key_once_whatever_the_size_of_its_pages(fleet: Side, limit: int, everywhere: bool) -> None:
    if everywhere and limit == 1:
        limit = 30

    found = names_of(fleet, limit, everywhere=everywhere)

    others = [f"{status}-{n}" for status in Status if status != "requested" for n in "ab"]
    assert sorted(found) == sorted([*others, "requested-again", "requested-first"])
    assert everywhere or found == sorted(found)


@pytest.mark.parametrize("everywhere", [False, True], ids=["sandbox", "everywhere"])
@pytest.mark.parametrize("status", Status)
def test_a_list_of_one_status_has_the_keys_that_show_it(fleet: Side, status: Status, everywhere: bool) -> None:
    expected = ["again", "first"] if status is Status.REQUESTED else ["a", "b"]

    for limit in (100,) if everywhere else (1, 2, 100):
        found = names_of(fleet, limit, status, everywhere=everywhere)

        assert sorted(found) == [f"{status}-{end}" for end in expected]


def test_a_sandbox_without_keys_has_an_empty_list(side: Side) -> None:
    assert side.registry.page(Page(sandbox=side.sandbox, status=None, limit=5, after=None)) == ([], None)
    assert side.registry.in_sandbox(side.sandbox) == []
    assert side.registry.held_by_others(side.key) == set()
    assert side.registry.keys_of_secret(side.secret_id()) == []
    assert side.registry.current([]) == {}


def test_the_sandboxes_are_those_of_keys_that_had_a_secret(side: Side) -> None:
    named = {f"{side.sandbox}-{n}": {"sandbox": {"S": f"{side.sandbox}-{n}"}} for n in "cab"}
    with_secret = [stored(side, name) | named[f"{side.sandbox}-{n}"] for n in "ca" for name in ("x", "y")]
    without = stored(side, "x", databricksSecretId=None) | named[f"{side.sandbox}-b"]
    side.put(*with_secret, without)

    found = [sandbox for sandbox in side.registry.sandboxes() if sandbox.startswith(side.sandbox)]

    assert found == [f"{side.sandbox}-a", f"{side.sandbox}-c"]


def test_the_keys_of_a_secret_are_those_whose_last_request_with_a_secret_named_it(side: Side) -> None:
    for name, secret in (("a", "one"), ("b", "two"), ("c", "one")):
        side.registry.accept(
            lease(side, key=Key(side.sandbox, name)),
            SAME,
            request(side, name, databricksSecretId=side.secret_id(secret)),
        )
    side.registry.accept(lease(side, key=Key(side.sandbox, "c")), LATER, absent(side))

    assert set(side.registry.keys_of_secret(side.secret_id("one"))) == {Key(side.sandbox, "a"), Key(side.sandbox, "c")}
    assert side.registry.keys_of_secret(side.secret_id("on")) == []


def test_the_current_state_of_many_keys_is_read(side: Side) -> None:
    side.put(*(stored(side, f"n{number}", connectionId=f"c-{number}") for number in range(120)))
    keys = [Key(side.sandbox, f"n{number}") for number in range(125)]

    found = side.registry.current(keys)

    assert {key.name: one.connection_id for key, one in found.items()} == {f"n{n}": f"c-{n}" for n in range(120)}
    assert all(one.key == key and one.source == FIRST.name for key, one in found.items())


def test_other_keys_hold_their_connections_and_marks(side: Side) -> None:
    side.put(
        stored(side, "a", connectionId="c-a", marks=["m-1", "m-2"]),
        stored(side, "b", marks=["m-3"]),
        stored(side, "c", connectionId="c-c"),
        stored(side, "sales", connectionId="c-own", marks=["m-own"]),
        stored(side, "a", connectionId="c-x") | {"sandbox": {"S": f"{side.sandbox}x"}},
    )

    assert set(side.registry.held_by_others(side.key)) == {"c-a", "m-1", "m-2", "m-3", "c-c"}


def test_a_list_of_more_than_a_megabyte_is_read_to_its_end(side: Side) -> None:
    side.put(*(stored(side, f"n{n}", connectionId=f"c-{n}", readiness={"x": "x" * 300_000}) for n in range(9)))

    assert set(side.registry.held_by_others(side.key)) == {f"c-{n}" for n in range(9)}
    assert len(side.registry.in_sandbox(side.sandbox)) == 9
    assert len(names_of(side, 100)) == 9
    assert len(names_of(side, 100, Status.READY)) == 9


@pytest.mark.parametrize("side", ["adapter"], indirect=True)
def test_what_other_keys_hold_is_read_consistently(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = noted(monkeypatch, "Query")

    side.registry.held_by_others(side.key)

    assert [query["ConsistentRead"] for query in queries] == [True]
