"""The HTTP API as those who call it see it: what each route answers, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from aep_connections.aws import overview
from local.faults import Fault
from tests.support.iam import AwsCalls
from tests.support.web import KEY, Answered, Web
from tests.support.world import ABSENT, RECHECK, REQUEST, SECRET_ID, STOPPED, World

BODY = {"databricksSecretId": SECRET_ID}
PROBLEM = {"type", "title", "status", "code", "detail", "remedy", "retryable", "requestId", "faults"}


@pytest.fixture
def web(world: World, aws_calls: AwsCalls) -> Web:
    return Web(world, aws_calls)


def work(world: World) -> None:
    """Have everything in the queue delivered once."""
    for sent in world.arrived():
        world.deliver(sent)


def problem(answered: Answered, status: int, code: str) -> dict[str, Any]:
    """The problem that was answered, after a look at what every problem has."""
    assert (answered.status, answered.document["code"]) == (status, code)
    assert answered.headers["content-type"] == "application/problem+json"
    assert set(answered.document) == PROBLEM
    assert answered.document["status"] == status
    assert answered.document["remedy"]
    return dict(answered.document)


# ------------------------------------------------------------ asking


def test_a_put_is_queued_noted_and_shown_as_requested(world: World, web: Web) -> None:
    asked = web("PUT", KEY, BODY)

    assert asked.status == 202
    assert asked.headers["location"] == KEY
    assert asked.headers["cache-control"] == "no-store"
    assert asked.document["status"] == "requested"
    shown = web("GET", KEY).document
    assert (shown["status"], shown["since"]) == ("requested", asked.document["requestedAt"])
    assert shown["requestEventId"] == asked.document["requestEventId"]
    assert shown["request"] == REQUEST
    assert shown["connectionId"] is None


def test_what_was_asked_for_is_made_and_its_event_carries_the_same_order(world: World, web: Web) -> None:
    asked = web("PUT", KEY, BODY)

    work(world)

    (event,) = world.events()
    assert event["detail"]["requestEventId"] == asked.document["requestEventId"]
    shown = web("GET", KEY).document
    assert (shown["status"], shown["reason"], shown["waitsFor"]) == ("ready", None, None)
    assert shown["connectionId"] == world.parameter() == world.connections()[0]["id"]
    assert shown["result"]["outcome"] == "created"
    assert shown["parameterName"] == world.parameter_name()
    assert "noted" not in world.item()


def test_a_post_asks_the_same_with_the_key_in_its_body(world: World, web: Web) -> None:
    asked = web("POST", "/connections", REQUEST)

    work(world)

    assert (asked.status, asked.headers["location"]) == (202, KEY)
    assert web("GET", KEY).document["status"] == "ready"


def test_asking_twice_makes_one_connection(world: World, web: Web) -> None:
    web("PUT", KEY, BODY)
    web("PUT", KEY, BODY)

    work(world)

    assert len(world.connections()) == 1
    assert web("GET", KEY).document["status"] == "ready"


def test_a_body_may_name_the_key_of_its_address_and_no_other(world: World, web: Web) -> None:
    assert web("PUT", KEY, REQUEST).status == 202

    refused = problem(web("PUT", KEY, BODY | {"sandbox": "prod", "name": "other"}), 422, "InvalidRequest")

    assert {fault["field"] for fault in refused["faults"]} == {"sandbox", "name"}
    assert len(world.arrived()) == 1


def test_every_faulty_field_is_named_at_once(world: World, web: Web) -> None:
    body = {"databricksSecretId": "other/x", "adopt": "yes", "readiness": "maybe", "password": "x", "sandbox": "prod"}

    refused = problem(web("PUT", "/connections/dev/-sales", body), 422, "InvalidRequest")

    named = {fault["field"] for fault in refused["faults"]}
    assert named == {"databricksSecretId", "adopt", "readiness", "password", "sandbox", "name"}
    assert world.arrived() == []
    assert world.item("-sales") == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("", 400),
        (b"\xff\xfe", 400),
        ("[" * 10_000 + "]" * 6_000, 400),
        ("[]", 422),
        ('"text"', 422),
        ("null", 422),
        ({"description": "x" * 17_000}, 413),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", [("PUT", KEY), ("POST", "/connections")])
def test_a_body_that_is_no_request_is_refused(web: Web, call: tuple[str, str], body: Any, status: int) -> None:
    problem(web(*call, body), status, "InvalidRequest")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "x", ""])
def test_a_body_is_json_whatever_its_content_type_says(web: Web, kind: str) -> None:
    assert web("PUT", KEY, BODY, content_type=kind).status == 202


def test_a_request_is_queued_though_it_could_not_be_noted(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch, refuse: Callable[..., None]
) -> None:
    refuse("UpdateItem")

    assert web("PUT", KEY, BODY).status == 202

    monkeypatch.undo()
    work(world)
    assert web("GET", KEY).document["status"] == "ready"


def test_a_note_that_comes_after_the_request_was_done_is_left_out(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = web.api._counter.desk
    note = desk.overview.note

    def late(*arguments: Any) -> None:
        work(world)
        note(*arguments)

    monkeypatch.setattr(desk.overview, "note", late)

    web("PUT", KEY, BODY)

    assert web("GET", KEY).document["status"] == "ready"
    assert "noted" not in world.item()


def test_an_earlier_request_does_not_hide_the_note_of_a_later_one(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = web.api._counter.desk
    note, held = desk.overview.note, list[Any]()
    monkeypatch.setattr(desk.overview, "note", lambda *arguments: held.append(arguments))
    web("PUT", KEY, BODY | {"displayName": "earlier"})
    monkeypatch.setattr(desk.overview, "note", note)
    later = web("PUT", KEY, BODY | {"displayName": "later"})

    note(*held[0])

    shown = web("GET", KEY).document
    assert shown["requestEventId"] == later.document["requestEventId"]
    assert shown["request"]["displayName"] == "later"


def test_a_key_that_is_asked_for_again_is_noted_and_does_not_expire(world: World, web: Web) -> None:
    world.ask()
    world.ask(ABSENT)
    assert "expiresAt" in world.item()

    web("PUT", KEY, BODY)

    assert "expiresAt" not in world.item()
    assert web("GET", KEY).document["status"] == "requested"


def test_a_recheck_of_a_key_that_is_only_noted_does_nothing(world: World, web: Web) -> None:
    web("PUT", KEY, BODY)
    noted = world.item()

    assert world.deliver(world.send_body(RECHECK))

    assert world.item() == noted
    assert world.calls() == []


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have AWS refuse an operation."""
    from botocore.client import BaseClient

    from tests.support.aws import refusal

    whole = BaseClient._make_api_call  # type: ignore[attr-defined]

    def use(operation: str, code: str = "InternalServerError") -> None:
        def call(client: Any, name: str, arguments: Any) -> Any:
            if name == operation:
                raise refusal(name, code)
            return whole(client, name, arguments)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return use


@pytest.mark.parametrize(
    ("code", "status", "told"), [("ThrottlingException", 429, "Throttled"), ("AccessDenied", 503, "Unavailable")]
)
def test_trouble_of_our_own_is_told_without_what_it_was(
    web: Web, refuse: Callable[..., None], code: str, status: int, told: str
) -> None:
    refuse("SendMessage", code)

    answered = web("PUT", KEY, BODY)

    refused = problem(answered, status, told)
    assert answered.headers["retry-after"]
    assert "SendMessage" not in json.dumps(refused)
    assert "send_message" not in json.dumps(refused)


def test_what_nobody_foresaw_is_told_without_its_text(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("inner text")

    monkeypatch.setattr(web.api._counter.desk.overview, "get", fail)

    refused = problem(web("GET", KEY), 500, "Unavailable")

    assert "inner text" not in json.dumps(refused)
    assert "KeyError" not in json.dumps(refused)


# ------------------------------------------------------------ waiting


def test_a_wait_ends_when_the_request_does(world: World, web: Web) -> None:
    world.clock.meanwhile = lambda: work(world)

    answered = web("PUT", KEY, BODY, prefer="wait=10")

    assert answered.status == 201
    assert answered.headers["preference-applied"] == "wait=10"
    assert answered.headers["location"] == KEY
    assert answered.document["outcome"] == "created"
    assert answered.document["connectionId"] == world.parameter()
    assert sum(world.clock.slept) < 1


def test_a_wait_for_something_unchanged_or_updated_is_no_creation(world: World, web: Web) -> None:
    world.ask()
    world.clock.meanwhile = lambda: work(world)
    unchanged = web("PUT", KEY, BODY, prefer="wait=10")
    world.clock.meanwhile = lambda: work(world)

    updated = web("PUT", KEY, BODY | {"displayName": "Sales"}, prefer="respond-async, wait=10")

    assert (unchanged.status, unchanged.document["outcome"]) == (200, "unchanged")
    assert (updated.status, updated.document["outcome"]) == (200, "updated")


def test_a_wait_that_is_too_short_answers_as_if_nobody_had_waited(world: World, web: Web) -> None:
    answered = web("PUT", KEY, BODY, prefer="wait=3")

    assert answered.status == 202
    assert answered.headers["preference-applied"] == "wait=3"
    assert sum(world.clock.slept) == pytest.approx(3)
    work(world)
    assert web("GET", KEY).document["status"] == "ready"


@pytest.mark.parametrize(
    ("asked", "left", "applied", "waited"), [("99999", 29, "25", 25), ("20", 12, "20", 10), ("9", 1, "9", 0)]
)
def test_a_wait_is_bounded_by_the_contract_and_by_the_invocation(
    world: World, web: Web, asked: str, left: float, applied: str, waited: float
) -> None:
    answered = web("PUT", KEY, BODY, seconds=left, prefer=f"wait={asked}")

    assert answered.status == 202
    assert answered.headers["preference-applied"] == f"wait={applied}"
    assert sum(world.clock.slept) == pytest.approx(waited)


@pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=-1", "wait=x", "await=5", "return=minimal"])
def test_a_preference_that_is_none_is_ignored(world: World, web: Web, prefer: str) -> None:
    answered = web("PUT", KEY, BODY, prefer=prefer)

    assert answered.status == 202
    assert "preference-applied" not in answered.headers
    assert world.clock.slept == []


def test_a_wait_tells_the_problem_that_ended_the_request(world: World, web: Web) -> None:
    world.add_foreign("sales")
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("PUT", KEY, BODY, prefer="wait=10"), 409, "Conflict")

    assert refused["retryable"] is False


def test_a_refusal_by_databricks_while_waiting_is_a_failed_dependency(world: World, web: Web) -> None:
    world.stack.databricks.settings.clusters = dict(STOPPED)
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("PUT", KEY, BODY, prefer="wait=10"), 424, "NotReady")

    assert [fault["field"] for fault in refused["faults"]] == ["CLUSTER_STATE"]


def test_what_was_given_up_while_waiting_is_unavailable(world: World, web: Web) -> None:
    def give_up() -> None:
        (sent,) = world.arrived()
        sent.first_received = world.clock.now() - 4000
        world.deliver(sent)

    world.stack.adobe.faults.add(Fault(path=".*/connections.*", times=0, status=503))
    world.clock.meanwhile = give_up

    answered = web("PUT", KEY, BODY, prefer="wait=10")

    assert problem(answered, 503, "OutOfTime")["retryable"]
    assert answered.headers["retry-after"]


def test_whoever_is_overtaken_while_waiting_hears_that_it_is_superseded(world: World, web: Web) -> None:
    def overtake() -> None:
        world.ask(REQUEST | {"displayName": "later"}, at=world.clock.now() + 60)

    world.clock.meanwhile = overtake

    answered = web("PUT", KEY, BODY, prefer="wait=10")

    assert (answered.status, answered.document["outcome"]) == (200, "superseded")
    assert answered.document["connectionId"] is None


def test_a_look_that_fails_while_waiting_is_one_look_less(
    world: World, web: Web, refuse: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mend() -> None:
        monkeypatch.undo()
        work(world)

    refuse("GetItem")
    world.clock.meanwhile = lambda: setattr(world.clock, "meanwhile", mend)

    assert web("PUT", KEY, BODY, prefer="wait=10").status == 201


# ------------------------------------------------------------ looking


def test_a_key_that_nobody_asked_for_is_not_found(web: Web) -> None:
    for method, path in (("GET", KEY), ("DELETE", KEY), ("POST", KEY + "/verify"), ("GET", KEY + "/tables")):
        problem(web(method, path), 404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", KEY, "PUT, GET, DELETE"),
        ("DELETE", "/connections", "GET, POST"),
        ("GET", KEY + "/verify", "POST"),
        ("HEAD", "/connections", "GET, POST"),
        ("POST", KEY + "/tables/a.b", "GET"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_told_which_it_takes(
    web: Web, method: str, path: str, allowed: str
) -> None:
    answered = web(method, path)

    problem(answered, 405, "MethodNotAllowed")
    assert answered.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/connection", "/connections/dev", KEY + "/x", KEY + "/tables/a/b", "/docs/x"])
def test_an_address_that_is_none_is_not_found(web: Web, path: str) -> None:
    problem(web("GET", path), 404, "NotFound")


def test_a_path_that_only_looks_like_a_route_is_none(world: World, web: Web) -> None:
    world.ask()

    problem(web("POST", "/connections/dev/sales%252Fverify"), 404, "NotFound")

    assert world.arrived() == []


@pytest.mark.parametrize("name", ["%C2%84", "a%7Cb", "a%22b", "%CE%BB", "-sales", "x" * 2000, "sales%252Ftables"])
def test_a_name_that_no_connection_can_have_is_not_found_and_not_looked_for(world: World, web: Web, name: str) -> None:
    world.ask()
    before = len(web.aws_calls.made)
    address = f"/connections/dev/{name}"

    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/verify"), ("GET", "/tables"), ("GET", "/tables/a.b")):
        problem(web(method, address + path), 404, "NotFound")
    refused = problem(web("PUT", address, BODY), 422, "InvalidRequest")

    assert [fault["field"] for fault in refused["faults"]] == ["name"]
    assert web.aws_calls.made[before:] == []


@pytest.mark.parametrize("table", ["acme_db.größe", 'acme_db."a#b"', "acme_db.a b|c", "acme_db.a/b", "acme_db.50%25"])
def test_the_columns_of_a_table_are_shown_whatever_is_in_its_path(world: World, web: Web, table: str) -> None:
    world.stack.adobe.settings.tables[table] = {"id": "string"}
    world.ask()
    shown = [one["path"] for one in web("GET", KEY + "/tables").document["tables"]]

    answered = web("GET", f"{KEY}/tables/{quote(quote(table, safe=''))}")

    assert table in shown
    assert (answered.status, answered.document["path"]) == (200, table)


def test_a_failure_is_shown_with_everything_that_helps_and_can_be_sent_again(world: World, web: Web) -> None:
    world.stack.databricks.settings.clusters = dict(STOPPED)
    world.ask()

    shown = web("GET", KEY).document

    assert shown["status"] == "failed"
    assert shown["reason"]["code"] == "NotReady"
    assert {"message", "remedy", "requestId", "retryable", "faults"} <= set(shown["reason"])
    assert shown["readiness"]["status"] == "fail"
    world.stack.databricks.settings.clusters = {}
    assert web("PUT", KEY, shown["request"]).status == 202
    work(world)
    assert web("GET", KEY).document["status"] == "ready"


def test_a_waiting_request_says_for_what_and_until_when(world: World, web: Web) -> None:
    world.stack.databricks.settings.clusters = dict(STOPPED)
    world.ask(REQUEST | {"readiness": "start"})

    shown = web("GET", KEY).document

    assert shown["status"] == "waiting"
    assert shown["waitsFor"]["for"].startswith("cluster ")
    assert shown["waitsFor"]["since"] == shown["since"] < shown["waitsFor"]["until"]
    assert shown["reason"]["code"] == "Waiting"


def test_since_is_when_the_status_began_and_not_when_it_was_last_confirmed(world: World, web: Web) -> None:
    world.ask()
    first = web("GET", KEY).document["since"]
    world.clock.advance(3600)

    world.ask()

    assert web("GET", KEY).document["since"] == first
    world.stack.databricks.settings.clusters = dict(STOPPED)
    world.ask(REQUEST | {"displayName": "other"})
    failed = web("GET", KEY).document
    assert (failed["status"], failed["since"] > first) == ("failed", True)


def test_the_age_of_the_secrets_version_is_shown(world: World, web: Web) -> None:
    world.ask()

    version = web("GET", KEY).document["secretVersion"]

    current = world.stack.aws.client("secretsmanager").describe_secret(SecretId=SECRET_ID)["VersionIdsToStages"]
    assert [version["id"]] == [i for i, stages in current.items() if "AWSCURRENT" in stages]
    assert isinstance(version["ageSeconds"], int)


def test_a_retired_connection_stays_visible(world: World, web: Web) -> None:
    world.ask()
    world.ask(ABSENT)

    shown = web("GET", KEY).document

    assert (shown["status"], shown["connectionId"], shown["result"]["outcome"]) == ("retired", None, "deleted")


# ------------------------------------------------------------ listing


def listed(web: Web, query: str = "") -> list[str]:
    """The names of every page."""
    names: list[str] = []
    cursor = ""
    while True:
        page = web("GET", f"/connections?limit=2{query}{cursor}").document
        assert len(page["connections"]) <= 2
        names += [f"{one['sandbox']}/{one['name']}" for one in page["connections"]]
        if page["cursor"] is None:
            return names
        cursor = f"&cursor={page['cursor']}"


def test_lists_are_paged_and_filtered_by_sandbox_and_status(world: World, web: Web) -> None:
    world.put_secret("aep/prod/databricks/sales")
    for name in ("c", "a", "b", "e"):
        world.ask(REQUEST | {"name": name})
    world.ask(REQUEST | {"sandbox": "prod", "databricksSecretId": "aep/prod/databricks/sales"})
    world.add_foreign("d")
    world.ask(REQUEST | {"name": "d"})
    web("PUT", "/connections/dev/e", BODY)

    assert listed(web, "&sandbox=dev") == [f"dev/{name}" for name in "abcde"]
    assert listed(web, "&sandbox=prod") == ["prod/sales"]
    assert listed(web, "&sandbox=none") == []
    assert sorted(listed(web)) == [*(f"dev/{name}" for name in "abcde"), "prod/sales"]
    assert listed(web) == listed(web)
    assert sorted(listed(web, "&status=ready")) == ["dev/a", "dev/b", "dev/c", "prod/sales"]
    assert listed(web, "&status=failed&sandbox=dev") == ["dev/d"]
    assert listed(web, "&status=requested") == ["dev/e"]
    assert listed(web, "&status=waiting") == []


def test_thousands_are_paged_without_loss_or_repetition(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_READS", 2)
    keys = {("dev" if number % 3 else "prod", f"n{number:04}") for number in range(2000)}
    fill(world, keys)

    pages, cursor = [], ""
    while True:
        page = web("GET", f"/connections?limit=100&status=failed{cursor}").document
        pages.append([(one["sandbox"], one["name"]) for one in page["connections"]])
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"

    found = [key for page in pages for key in page]
    assert len(found) == len(set(found))
    assert set(found) == {key for key in keys if key[1].endswith("7")}
    assert all(len(page) <= 100 for page in pages)
    assert len(pages) > 2


def fill(world: World, keys: set[tuple[str, str]]) -> None:
    """Items of many keys, two thousand bytes each, every tenth of them failed."""
    dynamodb, table = world.stack.aws.client("dynamodb"), world.stack.environment["REGISTRY_TABLE"]
    waiting = [
        {
            "sandbox": {"S": sandbox},
            "name": {"S": name},
            "order": {"S": "2026-11-25T00:00:00.000Z#1"},
            "status": {"S": "failed" if name.endswith("7") else "ready"},
            "request": {"M": {"description": {"S": "x" * 2000}}},
        }
        for sandbox, name in sorted(keys)
    ]
    for start in range(0, len(waiting), 25):
        puts = [{"PutRequest": {"Item": item}} for item in waiting[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={table: puts})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("limit=1&limit=2", "limit"),
        ("status=gone", "status"), ("sandbox=A", "sandbox"), ("cursor=x", "cursor"), ("cursor=%C3%A9", "cursor"),
        ("cursor=bnVsbA", "cursor"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_is_refused_by_the_field_at_fault(web: Web, query: str, field: str) -> None:
    refused = problem(web("GET", f"/connections?{query}"), 422, "InvalidRequest")

    assert [fault["field"] for fault in refused["faults"]] == [field]


def test_a_cursor_of_another_sandboxes_list_is_refused(world: World, web: Web) -> None:
    for name in ("a", "b"):
        web("PUT", f"/connections/dev/{name}", BODY)
    cursor = web("GET", "/connections?sandbox=dev&limit=1").document["cursor"]

    problem(web("GET", f"/connections?sandbox=prod&cursor={cursor}"), 422, "InvalidRequest")


# ------------------------------------------------------------ retiring and verifying


def test_a_delete_is_queued_and_retires_the_connection(world: World, web: Web) -> None:
    world.ask()

    answered = web("DELETE", KEY)

    assert (answered.status, answered.headers["location"]) == (202, KEY)
    work(world)
    assert (world.connections(), world.parameter()) == ([], None)
    assert web("GET", KEY).document["status"] == "retired"


def test_a_delete_that_flows_stand_in_the_way_of_names_them(world: World, web: Web) -> None:
    world.ask()
    (connection,) = world.connections()
    world.stack.adobe.settings.in_use += [connection["id"]] * 2
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("DELETE", KEY, prefer="wait=20"), 409, "InUse")

    assert len(refused["faults"]) == 2
    assert all(fault["field"] in refused["detail"] for fault in refused["faults"])
    assert refused["requestId"]
    assert web("GET", KEY).document["reason"]["faults"] == refused["faults"]


@pytest.mark.parametrize("hidden", [True, False])
def test_a_delete_says_that_flows_stand_in_the_way_though_it_cannot_see_them(
    world: World, web: Web, hidden: bool
) -> None:
    world.ask()
    world.stack.adobe.settings.in_use.append(world.connections()[0]["id"])
    world.stack.adobe.settings.hidden_flows = hidden
    if not hidden:
        world.stack.adobe.faults.add(Fault(path=".*/flows", times=0, status=503))
    world.clock.meanwhile = lambda: work(world)

    refused = problem(web("DELETE", KEY, prefer="wait=20"), 409, "InUse")

    assert refused["faults"] == []


def test_a_verification_tests_what_seems_unchanged_and_says_when(world: World, web: Web) -> None:
    world.ask()
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


def test_a_verification_looks_at_a_workspace_that_its_request_does_not_want_looked_at(world: World, web: Web) -> None:
    world.ask(REQUEST | {"readiness": "off"})
    assert web("GET", KEY).document["readiness"] is None

    web("POST", KEY + "/verify")
    work(world)

    assert web("GET", KEY).document["readiness"]["status"] in ("pass", "warn")


def test_a_verification_that_fails_is_shown_and_announced_and_the_id_stays_published(world: World, web: Web) -> None:
    world.ask()
    published = world.parameter()
    world.stack.databricks.settings.revoked_tokens.append(world.connections()[0]["auth"]["params"]["accessToken"])

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

    world.ask()
    world.ask(ABSENT)
    problem(web("POST", KEY + "/verify"), 404, "NotFound")
