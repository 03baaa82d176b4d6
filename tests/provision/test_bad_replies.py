"""Arbitrary replies of Adobe and IMS: only our errors are raised, at most one connection exists, retries succeed."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aep_connections.domain.errors import CODES, ConnectionFailure
from aep_connections.provision.service import ProvisionService
from local.simulators.simulator import Request, Response, Simulator
from tests.support.hostile import FEW, not_texts
from tests.support.log import Log
from tests.support.world import World

pytestmark = pytest.mark.slow

NUMBERS = itertools.count()
UNFIT = ("", "../x", "a/b", "x" * 300, "nul\x00", "\ud800", "two\nlines", "\x1b[31m")
"""Texts that are not valid ids. In any other field they are unusual, but allowed."""

whole = st.sampled_from(
    [
        *("", "null", "[]", "{}", "7", '"x"', "NaN", "<html>Sign in</html>", '{"items": null}', '{"items": [null]}'),
        *("\x00\x01", '{"items": {}}', '{"id": 7}', '{"result": "true"}', "[" * 50_000, "x" * 300_000, "1" * 5_000),
        *('{"id": "' + "x" * 300_000 + '"}', '{"access_token": 7}', '{"error": ["x"]}', '{"a"'),
        '{"access_token": "two\\nlines", "expires_in": 1}',
    ]
)
"""Replacements for the whole body."""
Mangle = Callable[[bytes], bytes]


def replaced(body: bytes, number: int, value: Any) -> bytes:
    """The JSON with its nth value replaced. The new value is never a text: a false text looks like a true one."""
    document = json.loads(body or b"null")
    places = list(_places(document))
    if not places:
        return json.dumps(value).encode()
    holder, at = places[number % len(places)]
    holder[at] = value
    return json.dumps(document).encode()


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    keys: Any = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in list(keys):
        yield node, key
        yield from _places(node[key])


def unfit_id(text: str) -> Callable[[object], bytes]:
    return lambda _: b'"id": ' + json.dumps(text).encode()


mangles: st.SearchStrategy[Mangle] = st.one_of(
    whole.map(lambda text: lambda _: text.encode()),
    st.builds(lambda number, value: lambda body: replaced(body, number, value), st.integers(0, 40), not_texts),
    st.sampled_from(UNFIT).map(lambda text: lambda body: re.sub(rb'"id": "[^"]*"', unfit_id(text), body)),
)
statuses = st.sampled_from([None, None, None, 200, 201, 204, 302, 400, 401, 403, 404, 409, 412, 429, 500, 503])


@contextmanager
def mangled(simulator: Simulator, methods: set[str], mangle: Mangle, status: int | None, times: int) -> Iterator[None]:
    """Change the first `times` replies of a simulator. It still carries out the call, unless `status` is a 4xx."""
    reply, left = simulator.reply, itertools.count()

    def act(request: Request) -> Any:
        if request.method not in methods or next(left) >= times:
            return reply(request)
        if status and 400 <= status < 500:
            return Response(status, mangle(b'{"id": "x", "message": "no", "report": {"request-id": "r"}}')), None
        response, fault = reply(request)
        odd = response and replace(response, status=status or response.status, body=mangle(response.body))
        return odd, fault

    simulator.reply = act  # type: ignore[method-assign]
    try:
        yield
    finally:
        del simulator.reply


def outcome_of(world: World, request: dict[str, Any], service: ProvisionService | None = None) -> str:
    """The outcome or error code of a direct invoke. Raises every error that is not a `ConnectionFailure`."""
    failure: ConnectionFailure | None = None
    try:
        return str(world.invoke(request, service)["outcome"])
    except ConnectionFailure as error:
        failure = error
    assert failure.code in CODES
    assert "This is a defect" not in failure.message
    assert str(failure).isprintable()
    assert len(failure.message) < 700
    return failure.code


@FEW
@given(st.sets(st.sampled_from(["POST", "GET"]), min_size=1), mangles, statuses, st.integers(1, 3))
@example({"POST"}, lambda body: re.sub(rb'"etag": "[^,]*"', b'"etag": "\\\\ud800"', body), None, 1)
def test_any_reply_to_a_create_and_its_reads_leads_to_one_connection_in_the_end(
    world: World, log: Log, methods: set[str], mangle: Mangle, status: int | None, times: int
) -> None:
    name = f"made-{next(NUMBERS)}"
    request = {"name": name, "sandbox": "dev", "databricksSecretId": "aep/dev/databricks/sales"}
    world.adobe.records.clear()

    with mangled(world.adobe, methods, mangle, status, times):
        outcome_of(world, request)
    assert len(world.connections()) <= 1
    world.clock.advance(300)

    assert outcome_of(world, request) in ("created", "adopted", "unchanged", "updated")
    (connection,) = world.connections()
    assert world.parameter(name) == connection["id"]
    assert "Traceback" not in log.text


@settings(FEW, max_examples=15)
@given(st.sets(st.sampled_from(["PATCH", "GET", "DELETE"]), min_size=1), mangles, statuses, st.integers(1, 3))
def test_an_update_or_a_delete_is_completed_in_the_end_whatever_the_reply(
    world: World, log: Log, methods: set[str], mangle: Mangle, status: int | None, times: int
) -> None:
    name = f"kept-{next(NUMBERS)}"
    request = {"name": name, "sandbox": "dev", "databricksSecretId": "aep/dev/databricks/sales"}
    absent = {"name": name, "sandbox": "dev", "desiredState": "absent"}
    world.adobe.records.clear()
    world.invoke(request)

    with mangled(world.adobe, methods, mangle, status, times):
        outcome_of(world, request | {"database": "other"})
    assert len(world.connections()) == 1
    assert outcome_of(world, request | {"database": "other"}) in ("updated", "unchanged")
    assert world.connections()[0]["auth"]["params"]["database"] == "other"
    with mangled(world.adobe, methods, mangle, status, times):
        outcome_of(world, absent)

    assert outcome_of(world, absent) in ("deleted", "unchanged")
    assert world.connections() == []
    assert world.parameter(name) is None
    assert "Traceback" not in log.text


@FEW
@given(mangles, statuses, st.integers(1, 3))
@example(lambda body: replaced(body, 2, float("inf")), None, 1)
@example(lambda body: replaced(body, 2, 10**400), None, 1)
def test_whatever_ims_replies_adobe_is_called_with_a_valid_token_or_not_at_all(
    world: World, log: Log, mangle: Mangle, status: int | None, times: int
) -> None:
    name, service = f"token-{next(NUMBERS)}", world.new_service()
    request = {"name": name, "sandbox": "dev", "databricksSecretId": "aep/dev/databricks/sales"}
    world.adobe.records.clear()
    world.adobe.calls.clear()

    with mangled(world.ims, {"POST"}, mangle, status, times):
        assert outcome_of(world, request, service) in ("created", "AdobeCredentialRejected", "Throttled", "Unavailable")

    assert all(call.request.headers["authorization"].startswith("Bearer token-") for call in world.adobe.calls)
    assert "Traceback" not in log.text
