"""What makes two connections different, and what Adobe shows of a connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aep_connections.adobe.wire import patch_body
from aep_connections.domain.model import (
    AuthParams,
    Connection,
    Desired,
    mark_of,
    marked,
)
from aep_connections.sources.databricks.secret import SOURCE

HOST = "https://adb-1234567890123456.16.azuredatabricks.net"


DESIRED = Desired(
    source=SOURCE,
    name="sales",
    description="Orders",
    auth=AuthParams({"domain": HOST, "database": "d"}, {"accessToken": "t"}),
    secret_arn="arn",
    secret_version_id="v1",
)
SHOWN = Connection(
    id="id",
    etag='"1"',
    name="sales",
    description=None,
    spec_id=None,
    state="enabled",
    created_at=0,
    params={"domain": HOST, "database": "d", "accessToken": "***"},
)


@pytest.mark.parametrize(
    "other",
    [
        replace(DESIRED, source=replace(SOURCE, connection_spec_id="other")),
        replace(DESIRED, source=replace(SOURCE, connection_spec_version="2.0")),
        replace(DESIRED, source=replace(SOURCE, auth_spec_name="other")),
        replace(DESIRED, name="other"),
        replace(DESIRED, description=None),
        replace(DESIRED, auth=AuthParams({"domain": HOST, "database": "e"}, {"accessToken": "t"})),
        replace(DESIRED, secret_arn="other"),
        replace(DESIRED, secret_version_id="v2"),
    ],
    ids=["spec", "spec version", "auth spec", "name", "description", "params", "secret", "secret version"],
)
def test_every_difference_between_connections_changes_the_fingerprint(other: Desired) -> None:
    assert other.fingerprint != DESIRED.fingerprint


def test_a_secrets_value_is_not_part_of_the_fingerprint() -> None:
    other = replace(DESIRED, auth=replace(DESIRED.auth, secret={"accessToken": "other"}))

    assert other.fingerprint == DESIRED.fingerprint


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        (SHOWN, True),
        (replace(SHOWN, params={**SHOWN.params, "authorizedDate": "2026-01-01"}), True),
        (replace(SHOWN, params={}), True),
        (replace(SHOWN, params={**SHOWN.params, "database": None}), True),
        (replace(SHOWN, name="other"), False),
        (replace(SHOWN, params={**SHOWN.params, "database": "e"}), False),
        (replace(SHOWN, params={**SHOWN.params, "catalog": "main"}), False),
    ],
)
def test_only_what_adobe_shows_is_compared(connection: Connection, shown: bool) -> None:
    assert DESIRED.shown_by(connection) is shown


def test_a_marker_counts_only_at_the_end_of_a_description() -> None:
    mark = "a" * 32

    assert mark_of(replace(SHOWN, description=marked("Orders", mark))) == mark
    assert mark_of(replace(SHOWN, description=f"copied from {marked('Orders', mark)} by hand")) is None


def test_only_differences_are_patched_besides_the_params() -> None:
    mark = "a" * 32
    same = replace(SHOWN, description=marked("Orders", mark))

    assert [step["path"] for step in patch_body(same, DESIRED, mark)] == ["/auth/params"]
