"""A stack's list over HTTP is an export: another stack takes every connection over by it, and makes none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.account import Aws
from local.simulators.faults import Fault
from local.stack import ROOT
from tests.support.iam import AwsCalls
from tests.support.web import Web, work
from tests.support.world import ABSENT, REQUEST, World, new_world

SECTION = (ROOT / "README.md").read_text().split("\n### Rebuild a stack from an export\n")[1].split("\n## ")[0]
PROGRAM = '.connections[].request | select(.desiredState != "absent") | . + {"adopt": true}'
"""What `requests_of` does, as the README has it done by jq."""
PAGE = 2
ORDERS = {"name": "orders", "sandbox": "prod", "databricksSecretId": "aep/prod/databricks/orders"}
BILLS = REQUEST | {"name": "bills", "displayName": "Bills of all years", "description": "by hand", "database": "bills"}
STOPPED_AT_ITS_TEST = REQUEST | {"name": "untested"}


@pytest.fixture
def filled(world: World) -> World:
    """Two sandboxes, of one of whose keys the test failed, and one key that is absent."""
    world.put_secret(ORDERS["databricksSecretId"])
    for request in (REQUEST, ORDERS, BILLS, REQUEST | {"name": "gone"}):
        world.ask(request)
    world.ask(ABSENT | {"name": "gone"})
    world.stack.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    world.ask(STOPPED_AT_ITS_TEST)
    assert world.status("untested") == "failed"
    return world


@pytest.fixture
def second(aws: Aws, aws_calls: AwsCalls, filled: World) -> Iterator[World]:
    """Another stack, with a registry and parameters of its own, and the same Adobe."""
    with new_world(aws, aws_calls) as made:
        made.clock.advance(filled.clock.now() - made.clock.now() + 60)
        made.stack.adobe.records = filled.stack.adobe.records
        yield made


def pages(web: Web) -> list[dict[str, Any]]:
    """The whole list, page by page, as the README goes through it."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answered = web("GET", f"/connections?{cursor}limit={PAGE}")
        assert answered.status == 200
        found.append(answered.document)
        if not answered.document["cursor"]:
            return found
        cursor = f"cursor={answered.document['cursor']}&"


def requests_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    asked = [item["request"] for item in page["connections"]]
    return [request | {"adopt": True} for request in asked if request.get("desiredState") != "absent"]


def test_the_readme_has_the_program_that_is_tried_here() -> None:
    assert re.findall(r"^  jq -c '(.+?)' <<<", SECTION, re.MULTILINE) == [PROGRAM]
    assert '-X POST "$NEW/connections"' in SECTION


def test_jq_makes_the_same_requests_of_a_page(filled: World, web: Web) -> None:
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq is not installed")

    for page in pages(web):
        ran = subprocess.run([jq, "-c", PROGRAM], input=json.dumps(page), capture_output=True, text=True, check=True)

        assert [json.loads(line) for line in ran.stdout.splitlines()] == requests_of(page)


def test_another_stack_takes_every_connection_over_and_makes_none(
    filled: World, web: Web, second: World, aws_calls: AwsCalls
) -> None:
    exported = pages(web)
    requests = [request for page in exported for request in requests_of(page)]
    before = {(item["sandboxName"], item["name"]): item["id"] for item in filled.connections()}
    of_first = {name: filled.parameter(name) for name in ("sales", "bills", "untested")}
    new = Web(second, aws_calls)

    for request in requests:
        assert new("POST", "/connections", request).status == 202
    work(second)

    assert len(exported) == 3
    assert len(requests) == len(before) == 4
    assert {(item["sandboxName"], item["name"]): item["id"] for item in second.connections()} == before
    assert second.calls("POST", "/connections") == []
    assert second.announced() == [("Ready", "adopted")] * 4
    for sandbox, name, shown in (
        ("dev", "sales", "sales"),
        ("prod", "orders", "orders"),
        ("dev", "bills", BILLS["displayName"]),
        ("dev", "untested", "untested"),
    ):
        assert second.parameter(name, sandbox) == before[sandbox, shown]
    assert second.item("gone") == {}
    assert {name: filled.parameter(name) for name in of_first} == of_first


def test_what_was_taken_over_is_as_it_was_asked_for(
    filled: World, web: Web, second: World, aws_calls: AwsCalls
) -> None:
    new = Web(second, aws_calls)
    for page in pages(web):
        for request in requests_of(page):
            new("POST", "/connections", request)
    work(second)
    old = {item["name"]: item for page in pages(web) for item in page["connections"] if item["name"] != "gone"}

    listed = {item["name"]: item for page in pages(new) for item in page["connections"]}

    assert {name: item["request"] for name, item in listed.items()} == {
        name: item["request"] | {"adopt": True} for name, item in old.items()
    }
    assert {item["status"] for item in listed.values()} == {"ready"}
    assert {name: item["connectionId"] for name, item in listed.items()} == {
        name: item["connectionId"] for name, item in old.items()
    }
    (bills,) = second.connections(BILLS["displayName"])
    assert (bills["description"].startswith("by hand [aep-"), bills["auth"]["params"]["database"]) == (True, "bills")
