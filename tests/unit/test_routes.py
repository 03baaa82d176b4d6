"""The routes of the HTTP API, given an event of API Gateway: what they refuse, what they log, and where a list ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from aep_connections.api.parameters import cursor_of, page_of
from aep_connections.api.problems import Problem
from aep_connections.api.routes import ROUTES, Dependencies, dispatch
from aep_connections.domain.entry import Entry
from aep_connections.domain.model import Key, Page

WITH_A_KEY = [route for route in ROUTES if "{name}" in route]


class Registry:
    """A registry whose first page has no entry, and is not the last one."""

    def page(self, _page: Page) -> tuple[list[Entry], Key | None]:
        return [], Key("dev", "sales")


DEPENDENCIES = cast(Dependencies, SimpleNamespace(registry=Registry(), secret_prefix="aep/"))


def event(route: str, **fields: Any) -> dict[str, Any]:
    """The event of a call that API Gateway has matched to a route."""
    method, _, path = route.partition(" ")
    return {"routeKey": route, "rawPath": path, "requestContext": {"http": {"method": method}}, **fields}


def test_the_remedy_for_an_unknown_path_is_the_api_document() -> None:
    with pytest.raises(Problem) as raised:
        dispatch(event("GET /docs") | {"routeKey": "$default"}, None, {}, DEPENDENCIES)

    document = raised.value.document
    assert (document["status"], document["code"]) == (404, "NotFound")
    assert document["detail"] == "This API has no such path."
    assert document["remedy"] == "Use a path of docs/openapi.json."


@pytest.mark.parametrize("key", [{"sandbox": "dev", "name": "a b"}, {"sandbox": "D", "name": "sales"}], ids=list)
@pytest.mark.parametrize("route", WITH_A_KEY)
def test_a_key_that_no_connection_can_have_is_not_logged(route: str, key: dict[str, str]) -> None:
    line: dict[str, Any] = {}

    with pytest.raises(Problem):
        dispatch(event(route, pathParameters=key | {"path": "main.t"}, body="{}"), None, line, DEPENDENCIES)

    assert line == {}


def test_a_page_without_entries_has_a_cursor_if_more_pages_follow() -> None:
    reply = dispatch(event("GET /connections"), None, {}, DEPENDENCIES)

    assert reply.document == {"connections": [], "cursor": cursor_of(Key("dev", "sales"))}


@pytest.mark.parametrize("text", ["", "+5", "-5", " 5", "5\\n", "1_0", "5.0", "٣", "1" * 5_000])
def test_a_limit_that_is_no_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(Problem) as raised:
        page_of({"limit": [text]})

    assert [fault["field"] for fault in raised.value.document["faults"]] == ["limit"]
