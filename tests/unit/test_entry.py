"""The life of a registry entry: what each transition keeps and clears. Items of version 0.1.0 can still be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from aep_connections.aws.items import entry_of, item_of, read, serialize
from aep_connections.contract.request import read_request as read_request
from aep_connections.domain import entry as domain
from aep_connections.domain.entry import Attempt, Entry, SecretVersion, Wait
from aep_connections.domain.errors import Failure, Unavailable
from aep_connections.domain.model import Connection, Key, Order, Outcome, Result, Status

ITEMS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "support" / "items-0.1.0.json").read_text()
)
"""Items that version 0.1.0 wrote, one for each status."""
NOT_THE_ENTRYS = {"sandbox", "name", "owner", "updatedAt", "leaseUntil", "noted"}
"""The key, the lease, the time of the last write, and the note that only the HTTP API writes."""
KEY, NOW = Key("dev", "sales"), 1_795_000_000.0
ORDER, LATER = Order("2026-11-18T11:06:40.000Z", "a"), Order("2026-11-18T11:06:41.000Z", "b")
REQUEST = read_request({"sandbox": "dev", "name": "sales", "databricksSecretId": "aep/dev/databricks/s"}, "aep/")
MADE = Connection(
    id="c-2",
    etag=None,
    name="sales",
    description=None,
    spec_id=None,
    state=None,
    created_at=0,
    params={},
)
FAILURE = Failure.of(Unavailable("Not now."))
RESULT = Result(
    key=KEY, outcome=Outcome.CREATED, parameter_name="/p/dev/sales/connection-id", connection_id="c-1", etag='"2"'
)
USED = Entry(
    key=KEY,
    order=ORDER,
    status=Status.PROVISIONING,
    request=REQUEST.document,
    source="databricks",
    secret_id=REQUEST.secret_id,
    org_id="O@AdobeOrg",
    connection_id="c-1",
    etag='"1"',
    fingerprint="f",
    params={"domain": "d"},
    outcome=Outcome.CREATED,
    outcome_order=ORDER,
    marks=("m-1",),
    failure=FAILURE,
    wait=Wait(order=ORDER, what="a cluster", since=NOW, until=NOW + 1200),
    readiness={"status": "pass"},
    tested=domain.Tested(NOW, passed=True),
    secret_version=SecretVersion("v-1", NOW),
)
"""An entry with almost every attribute."""


def old(status: str) -> Entry:
    item = read(ITEMS[status])
    return entry_of(Key(item["sandbox"], item["name"]), item)


@pytest.mark.parametrize("status", Status)
def test_an_item_of_version_0_1_0_is_read_and_written_unchanged(status: Status) -> None:
    entry, item = old(status), read(ITEMS[status])

    assert entry.status == (None if status is Status.REQUESTED else status)
    written = {name: value for name, value in item.items() if name not in NOT_THE_ENTRYS}
    assert item_of(entry) == {"marks": []} | ({"source": "databricks"} if entry.order else {}) | written


def test_a_noted_request_of_version_0_1_0_is_read() -> None:
    noted = old("requested").pending

    assert noted
    assert noted.request["databricksSecretId"] == "aep/dev/databricks/sales"


def test_an_accepted_request_is_being_processed_and_does_not_expire() -> None:
    entry = USED.with_(expires_at=NOW, status=Status.RETIRED).accepted(LATER, REQUEST)

    assert (entry.order, entry.status, entry.expires_at) == (LATER, Status.PROVISIONING, None)
    assert entry.connection_id == "c-1"


def test_an_absent_request_keeps_the_secret_of_the_previous_request() -> None:
    absent = read_request({"sandbox": "dev", "name": "sales", "desiredState": "absent"}, "aep/")

    assert USED.accepted(LATER, absent).secret_id == "aep/dev/databricks/s"


def test_a_refused_attempt_leaves_no_marker_and_a_settled_attempt_leaves_its_marker() -> None:
    entry = USED.attempting(Attempt("m-2", NOW, "f"), "O@AdobeOrg")

    assert entry.marks == ("m-1", "m-2")
    assert (entry.refused().attempt, entry.refused().marks) == (None, ("m-1",))
    assert (entry.settled().attempt, entry.settled().marks) == (None, ("m-1", "m-2"))


def test_a_recorded_connection_settles_the_attempt_and_counts_as_untested() -> None:
    entry = USED.attempting(Attempt("m-2", NOW, "f"), "O@AdobeOrg").connected(MADE, "f")

    assert (entry.connection_id, entry.attempt, entry.tested) == ("c-2", None, None)


def test_a_ready_entry_has_its_result_and_nothing_that_was_open() -> None:
    entry = USED.ready(RESULT, NOW)

    assert (entry.status, entry.answered, entry.etag, entry.result) == (
        Status.READY, ORDER, '"2"', RESULT.document(),
    )  # fmt: skip
    assert (entry.failure, entry.wait, entry.outcome, entry.outcome_order) == (None, None, None, None)
    assert entry.tested
    assert not entry.is_open


def test_a_retired_entry_expires_and_keeps_only_what_identifies_a_late_connection() -> None:
    entry = USED.retired(RESULT, NOW)

    assert set(item_of(entry)) == {
        "order", "answered", "status", "request", "source", "marks", "result", "since", "expiresAt",
    }  # fmt: skip
    assert entry.expires_at == NOW + 30 * 86_400


def test_a_failed_entry_keeps_its_connection_and_what_was_seen() -> None:
    entry = USED.failed(FAILURE, NOW)

    assert (entry.status, entry.wait, entry.connection_id, entry.readiness) == (
        Status.FAILED, None, "c-1", {"status": "pass"},
    )  # fmt: skip


def test_an_end_keeps_the_time_when_it_was_first_reached() -> None:
    first = USED.ready(RESULT, NOW)
    again, other = first.ready(RESULT, NOW + 60), first.failed(FAILURE, NOW + 60)

    assert first.since
    assert again.since == first.since
    assert other.since
    assert other.since.at == NOW + 60


def test_every_entry_can_be_stored() -> None:
    for entry in (USED, USED.ready(RESULT, NOW), USED.retired(RESULT, NOW), USED.failed(FAILURE, NOW)):
        item = {name: serialize(value) for name, value in item_of(entry).items()}

        assert item_of(entry_of(KEY, read(item))) == item_of(entry)


EXAMPLES: dict[object, Any] = {
    Key: KEY,
    Outcome: Outcome.CREATED,
    str: "a",
    str | None: "a",
    tuple[str, ...]: ("a", "b"),
    int: 1,
    float: 1.5,
    bool: True,
}


def test_a_result_can_be_stored_and_shown_whatever_its_fields() -> None:
    fields = {name: EXAMPLES[kind] for name, kind in get_type_hints(Result).items()}
    result = Result(**fields)

    item = {name: serialize(value) for name, value in item_of(USED.ready(result, NOW)).items()}

    assert json.loads(json.dumps(entry_of(KEY, read(item)).result)) == result.document()
