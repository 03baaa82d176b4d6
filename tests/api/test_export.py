"""A stack's list over HTTP is an export: with it, another stack takes over every connection and creates none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from local.simulators.faults import Fault
from local.stack import ROOT
from tests.support.memory import MemoryWorld
from tests.support.web import Web, work
from tests.support.world import ABSENT, REQUEST

PAGE_OF_MOVING = ROOT / "docs" / "how-to" / "move-to-another-stack.md"
SECTION = PAGE_OF_MOVING.read_text().split("\n## Copy every request\n")[1].split("\n## ")[0]
PROGRAM = '.connections[].request | select(.desiredState != "absent") | . + {"adopt": true}'
"""The jq program of the documentation. It does the same as `requests_of`."""
PAGE = 2
ORDERS = {"name": "orders", "sandbox": "prod", "databricksSecretId": "aep/prod/databricks/orders"}
BILLS = REQUEST | {"name": "bills", "displayName": "Bills of all years", "description": "by hand", "database": "bills"}
STOPPED_AT_ITS_TEST = REQUEST | {"name": "untested"}


@pytest.fixture
def filled() -> MemoryWorld:
    """Keys in two sandboxes. One is absent, and the test of another one failed."""
    world = MemoryWorld()
    world.put_secret(ORDERS["databricksSecretId"])
    for request in (REQUEST, ORDERS, BILLS, REQUEST | {"name": "gone"}):
        world.request(request)
    world.request(ABSENT | {"name": "gone"})
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))
    world.request(STOPPED_AT_ITS_TEST)
    assert world.status("untested") == "failed"
    return world


@pytest.fixture
def web(filled: MemoryWorld) -> Web:
    """The HTTP API of the first stack."""
    return Web(filled)


@pytest.fixture
def second(filled: MemoryWorld) -> MemoryWorld:
    """Another stack with its own registry and parameters, on the same Adobe and with the same secrets."""
    filled.clock.advance(60)
    made = MemoryWorld(beside=filled)
    made.account.secrets = filled.account.secrets
    return made


def pages(web: Web) -> list[dict[str, Any]]:
    """All pages of the list, read as the documentation reads them."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        response = web("GET", f"/connections?{cursor}limit={PAGE}")
        assert response.status == 200
        found.append(response.document)
        if not response.document["cursor"]:
            return found
        cursor = f"cursor={response.document['cursor']}&"


def requests_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    requested = [item["request"] for item in page["connections"]]
    return [request | {"adopt": True} for request in requested if request.get("desiredState") != "absent"]


def test_the_documentation_has_the_jq_program_that_is_tested_here() -> None:
    assert re.findall(r"^  jq -c '(.+?)' <<<", SECTION, re.MULTILINE) == [PROGRAM]
    assert '-X POST "$NEW/connections"' in SECTION


def test_jq_makes_the_same_requests_of_a_page(filled: MemoryWorld, web: Web) -> None:
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq is not installed")

    for page in pages(web):
        ran = subprocess.run([jq, "-c", PROGRAM], input=json.dumps(page), capture_output=True, text=True, check=True)

        assert [json.loads(line) for line in ran.stdout.splitlines()] == requests_of(page)


def test_another_stack_takes_over_every_connection_and_creates_none(
    filled: MemoryWorld, web: Web, second: MemoryWorld
) -> None:
    exported = pages(web)
    requests = [request for page in exported for request in requests_of(page)]
    before = {(item["sandboxName"], item["name"]): item["id"] for item in filled.connections()}
    posted = filled.calls("POST", "/connections")
    of_first = {name: filled.parameter(name) for name in ("sales", "bills", "untested")}
    new = Web(second)

    for request in requests:
        assert new("POST", "/connections", request).status == 202
    work(second)

    assert len(exported) == 3
    assert len(requests) == len(before) == 4
    assert {(item["sandboxName"], item["name"]): item["id"] for item in second.connections()} == before
    assert second.calls("POST", "/connections") == posted
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


def test_connections_that_were_taken_over_match_their_requests(
    filled: MemoryWorld, web: Web, second: MemoryWorld
) -> None:
    new = Web(second)
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
