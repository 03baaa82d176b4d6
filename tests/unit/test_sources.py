"""The source type of a key is the one that its entry records. It is never guessed from a request."""

from __future__ import annotations

import pytest

from aep_connections import sources
from aep_connections.contract.request import read_request
from aep_connections.domain.entry import Attempt, Entry
from aep_connections.domain.errors import Conflict, Unavailable
from aep_connections.domain.model import Key, Order
from aep_connections.sources import secret_id_of, source_of
from aep_connections.sources.databricks.secret import SOURCE as DATABRICKS
from tests.second_source.room import SOURCE as LEDGER

KEY = Key("dev", "sales")
REQUEST = {"sandbox": "dev", "name": "sales", "databricksSecretId": "aep/dev/databricks/sales"}
ABSENT = {"sandbox": "dev", "name": "sales", "desiredState": "absent"}
ORDER = Order("2026-11-18T11:06:40.000Z", "a")


@pytest.fixture(autouse=True)
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", (DATABRICKS, LEDGER))


def test_an_absent_request_keeps_the_source_type_that_was_recorded() -> None:
    entry = Entry(key=KEY, source="ledger").accepted(ORDER, read_request(ABSENT, "aep/"))

    assert source_of(entry) is LEDGER


def test_a_first_request_records_its_source_type_and_a_later_one_does_not_change_it() -> None:
    first = Entry(key=KEY).accepted(ORDER, read_request(REQUEST, "aep/"))
    later = Entry(key=KEY, source="ledger").accepted(ORDER, read_request(REQUEST, "aep/"))

    assert (first.source, later.source) == ("databricks", "ledger")


def test_the_secret_of_a_key_is_the_one_that_its_own_source_type_names() -> None:
    assert secret_id_of(Entry(key=KEY, source="databricks", request=REQUEST)) == "aep/dev/databricks/sales"
    assert secret_id_of(Entry(key=KEY, source="ledger", request=REQUEST)) is None


def test_an_unknown_source_type_is_not_taken_for_another_one() -> None:
    with pytest.raises(Unavailable, match="type lake, which this version does not support"):
        source_of(Entry(key=KEY, source="lake"))


@pytest.mark.parametrize(
    "entry",
    [
        Entry(key=KEY, source="ledger", connection_id="c-1"),
        Entry(key=KEY, source="ledger", marks=("m-1",)),
        Entry(key=KEY, source="ledger", attempt=Attempt("m-1", 0.0, "f")),
    ],
    ids=["connection", "mark", "attempt"],
)
def test_a_key_that_made_something_or_may_have_does_not_change_its_source_type(entry: Entry) -> None:
    with pytest.raises(Conflict, match="of source type ledger"):
        entry.of_source(DATABRICKS)

    assert entry.of_source(LEDGER) is entry


def test_a_key_that_made_nothing_may_change_its_source_type() -> None:
    assert Entry(key=KEY, source="ledger").of_source(DATABRICKS).source == "databricks"
