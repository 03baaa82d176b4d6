"""Flow Service: its calls, how each reply is understood, and how a call fails, in memory and over sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from aep_connections.adobe import flow_service
from aep_connections.adobe.flow_service import FlowService
from aep_connections.adobe.wire import read_connection
from aep_connections.domain import errors
from aep_connections.domain.errors import ConnectionFailure, Unavailable
from aep_connections.domain.model import Column, Connection, Table
from aep_connections.sources import FIRST
from local.simulators.adobe import BASE
from local.simulators.connections import DATABRICKS_SPEC, Record, new_item
from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.adapters.platforms import MARK, SHORT, SHORTEST, Platform, desired
from tests.support.call_faults import _GATEWAY, _NO_SANDBOX, _OTHER_404, HTML
from tests.support.world import GONE, STOPPED

LIST, ONE = "/connections", ".*/connections/[^/]+"
OLDER_GONE = '{"errorMessage": "connections not found with id = [c-1]"}'
FLOW_ID = "12345678-1234-1234-1234-123456789012"
BAD_TOKEN = '{"type": "https://ns.adobe.com/aep/errors/FLOW-2114-400", "status": 400}'
PROVIDER = (
    '{"type": "https://ns.adobe.com/aep/errors/FLOW-1100-400", "status": 400, "report": {"detailed-message": "x"}}'
)


def create(platform: Platform, name: str = "sales", sandbox: str = "dev") -> Connection:
    """A new connection, as it is read. A second passes."""
    platform.clock.advance(1)
    service = platform.open(sandbox)
    read = service.get(service.create(desired(name), MARK).id)
    assert read
    platform.adobe.calls.clear()
    return read


def add(platform: Platform, name: str, **changes: Any) -> str:
    """Add a connection to Flow Service directly. Returns its id."""
    params = {"specName": "Access Token Authentication", "params": dict(DATABRICKS_SECRET)}
    body = {"name": name, "auth": params, "connectionSpec": {"id": DATABRICKS_SPEC, "version": "1.0"}}
    item = new_item(body, ADOBE_SECRET["orgId"], "dev", "someone", platform.clock.now()) | changes
    platform.adobe.records[item["id"]] = Record(ADOBE_SECRET["orgId"], "dev", item)
    return str(item["id"])


def on_replies(platform: Platform, change: Callable[[Request, Response], Response]) -> None:
    """Let `change` replace each response of Flow Service."""
    reply = platform.adobe.reply

    def changed(request: Request) -> Any:
        response, fault = reply(request)
        return (change(request, response) if response else None), fault

    platform.adobe.reply = changed  # type: ignore[method-assign]


def on_lists(platform: Platform, change: Callable[[Any], object]) -> None:
    """Let `change` edit each page of connections."""

    def edit(request: Request, response: Response) -> Response:
        if (request.method, request.path) != ("GET", BASE + LIST):
            return response
        document = json.loads(response.body)
        change(document)
        return replace(response, body=json.dumps(document).encode())

    on_replies(platform, edit)


def methods(platform: Platform) -> list[str]:
    """The method and the path of each request to Flow Service."""
    return [f"{request.method} {request.path.removeprefix(BASE)}" for request in platform.calls()]


# ------------------------------------------------------------ a connection


def test_a_connection_is_created_read_updated_tested_and_deleted(platform: Platform) -> None:
    platform.clock.advance(0.25)
    service, wanted = platform.open(), desired("sales", "Sales")

    made = service.create(wanted, MARK)
    read = service.get(made.id)

    assert read == Connection(
        id=made.id,
        etag=made.etag,
        name="sales",
        description=f"Sales [aep-connections {MARK}]",
        spec_id=DATABRICKS_SPEC,
        state="enabled",
        created_at=round(platform.clock.now() * 1000),
        params={**wanted.auth.public} | {"accessToken": "***", "authorizedDate": "2026-01-01"},
    )
    etag = service.patch(read, desired("other", None, database="b", accessToken="new"), MARK[::-1])
    assert etag not in (None, read.etag)
    after = service.get(made.id)
    assert after
    assert (after.etag, after.name, after.description) == (etag, "other", f"[aep-connections {MARK[::-1]}]")
    (item,) = platform.adobe.living()
    assert item["auth"]["params"] == DATABRICKS_SECRET | {"database": "b", "accessToken": "new"}
    assert service.test(made.id) is True
    assert service.delete(made.id) is True
    assert service.get(made.id) is None
    assert service.delete(made.id) is False
    assert list(platform.adobe.living()) == []


def test_a_call_names_the_caller_the_organization_and_the_sandbox(platform: Platform) -> None:
    service = platform.open("prod")
    made = service.create(desired(), MARK)

    service.patch(replace(made, etag='"stale"'), desired(), MARK)

    post, patch = platform.calls()
    assert service.org_id == ADOBE_SECRET["orgId"]
    for request in (post, patch):
        assert request.headers["authorization"].startswith("Bearer token-")
        assert request.headers["x-api-key"] == ADOBE_SECRET["clientId"]
        assert request.headers["x-gw-ims-org-id"] == ADOBE_SECRET["orgId"]
        assert request.headers["x-sandbox-name"] == "prod"
        assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert ("if-match" in post.headers, patch.headers["if-match"]) == (False, '"stale"')
    assert len(platform.ims.calls) == 1


def test_a_patch_with_a_stale_etag_changes_nothing(platform: Platform) -> None:
    made = create(platform)

    assert platform.open().patch(replace(made, etag='"stale"'), desired("other"), MARK) is None

    assert platform.open().get(made.id) == made


def test_another_sandbox_does_not_have_the_connection(platform: Platform) -> None:
    made = create(platform)

    other = platform.open("prod")

    assert other.get(made.id) is None
    assert other.listing(FIRST) == []
    assert other.delete(made.id) is False


@pytest.mark.parametrize("shape", ["result", "boolean"])
def test_a_test_that_fails_is_no_error(platform: Platform, shape: Any) -> None:
    made = create(platform)
    platform.adobe.settings.test_shape = shape
    assert platform.open().test(made.id) is True

    platform.databricks.settings.clusters.update(STOPPED)

    assert platform.open().test(made.id) is False


def test_the_tables_and_columns_that_a_connection_reaches_are_read(platform: Platform) -> None:
    made, service = create(platform), platform.open()

    tables = service.tables(made.id)
    columns = service.columns(made.id, "acme_db.orders")

    assert tables
    assert Table("acme_db.orders", "acme_db.orders") in tables
    assert columns
    assert columns[0] == Column("order_id", "long", None)
    assert columns[-1] == Column("ordered_at", "string", "date-time")
    assert service.columns(made.id, "acme_db.nothing") is None
    platform.databricks.settings.clusters.update(STOPPED)
    with pytest.raises(errors.DatabricksRefused):
        service.tables(made.id)
    service.delete(made.id)
    assert service.tables(made.id) is None
    assert service.columns(made.id, "acme_db.orders") is None


def test_a_connection_in_use_is_not_deleted_and_its_flows_are_named(platform: Platform) -> None:
    made, service = create(platform), platform.open()
    assert service.flows_of(made.id) == []
    platform.adobe.settings.in_use += [made.id] * 25

    with pytest.raises(errors.InUse) as refused:
        service.delete(made.id)

    assert not refused.value.may_have_happened
    found = service.flows_of(made.id)
    assert len(found) == 20
    assert {flow.state for flow in found} == {"enabled"}
    assert service.connections_of(found[0].id) == [made.id]
    platform.adobe.settings.hidden_flows = True
    assert service.flows_of(made.id) == []
    assert service.connections_of(found[0].id) == []
    assert service.connections_of(FLOW_ID) == []


@pytest.mark.parametrize(
    "connection_id", ["../flows", "", "x" * 200, "a?b", "ü"], ids=["path", "empty", "long", "query", "letter"]
)
def test_an_invalid_id_is_never_put_into_a_path(platform: Platform, connection_id: str) -> None:
    made, service = create(platform), platform.open()
    acts: list[Callable[[], object]] = [
        lambda: service.get(connection_id),
        lambda: service.patch(replace(made, id=connection_id), desired(), MARK),
        lambda: service.delete(connection_id),
        lambda: service.test(connection_id),
        lambda: service.tables(connection_id),
        lambda: service.columns(connection_id, "acme_db.orders"),
    ]

    for act in acts:
        with pytest.raises(Unavailable, match="does not look like one that Adobe issues"):
            act()
    assert service.connections_of(connection_id) == []

    assert platform.calls() == []


def test_a_reply_about_another_connection_is_not_used(platform: Platform) -> None:
    made = create(platform)
    other = {"items": [{"id": "other", "name": "sales", "state": "enabled", "auth": {"params": {}}}]}
    platform.adobe.faults.add(Fault(method="GET", path=ONE, times=0, status=200, body=json.dumps(other)))

    with pytest.raises(Unavailable):
        platform.open().get(made.id)


def test_a_connection_without_its_items_wrapper_is_understood(platform: Platform) -> None:
    made = create(platform)

    def unwrap(request: Request, response: Response) -> Response:
        return replace(response, body=json.dumps(json.loads(response.body)["items"][0]).encode())

    on_replies(platform, unwrap)

    assert platform.open().get(made.id) == made


def test_the_etag_is_read_if_the_reply_to_a_patch_lacks_it(platform: Platform) -> None:
    made = create(platform)
    platform.adobe.faults.add(Fault(method="PATCH", when="after", status=200, body="{}"))

    etag = platform.open().patch(made, desired("other"), MARK)

    (item,) = platform.adobe.living()
    assert etag == item["etag"] != made.etag


# ------------------------------------------------------------ lists


def listed(platform: Platform, name: str | None = None) -> list[str]:
    return [connection.id for connection in platform.open().listing(FIRST, name)]


def test_a_list_of_many_pages_is_complete_and_the_oldest_is_first(platform: Platform) -> None:
    ids = []
    for number in range(250):
        platform.clock.advance(1)
        ids.append(add(platform, f"n{number % 7}"))
    platform.adobe.settings.list_reorders = True

    assert listed(platform) == ids
    assert len(platform.calls()) == 3
    assert listed(platform, "n3") == ids[3::7]
    assert listed(platform, "n9") == []


def test_a_list_is_ordered_by_age_whatever_its_order_is(platform: Platform) -> None:
    now = round(platform.clock.now() * 1000)
    ids = [add(platform, "sales", createdAt=now - age) for age in (5, 9, 7)]
    on_lists(platform, lambda page: page["items"].reverse())

    assert listed(platform) == [ids[1], ids[2], ids[0]]


def test_a_list_filters_by_type_and_name(platform: Platform) -> None:
    listed(platform, "sales")
    listed(platform)

    spec = ("property", f"connectionSpec.id=={DATABRICKS_SPEC}")
    rest = (("limit", "100"), ("orderby", "createdAt"))
    assert [request.query for request in platform.calls()] == [
        (spec, ("property", "name==sales"), *rest),
        (spec, *rest),
    ]


def test_results_of_another_type_are_left_out_in_case_a_filter_is_ignored(platform: Platform) -> None:
    add(platform, "sales", connectionSpec={"id": "another-spec", "version": "1.0"})
    mine, reply = add(platform, "sales"), platform.adobe.reply

    def without_filters(request: Request) -> Any:
        return reply(replace(request, query=tuple(one for one in request.query if one[0] != "property")))

    platform.adobe.reply = without_filters  # type: ignore[method-assign]

    assert listed(platform) == [mine]


def test_a_listed_connection_that_does_not_show_its_type_still_counts(platform: Platform) -> None:
    mine = add(platform, "sales")
    on_lists(platform, lambda page: [item.pop("connectionSpec") for item in page["items"]])

    assert listed(platform) == [mine]


def test_a_new_connection_may_be_missing_from_lists_but_not_by_its_id(platform: Platform) -> None:
    platform.adobe.settings.list_lag_seconds = 30
    made = create(platform)

    assert listed(platform) == []
    assert platform.open().get(made.id) == made
    platform.clock.advance(30)
    assert listed(platform) == [made.id]


def test_a_list_with_too_many_pages_is_an_error_not_complete(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_service, "MAX_PAGES", 2)
    for number in range(250):
        add(platform, f"n{number}")

    with pytest.raises(Unavailable, match="does not end after 2 pages"):
        listed(platform)


@pytest.mark.parametrize(("field", "value"), [("id", 7), ("description", ["x"]), ("name", {}), ("state", 1)])
def test_a_list_with_an_unreadable_item_is_an_error(platform: Platform, field: str, value: object) -> None:
    add(platform, "sales")
    add(platform, "other")
    on_lists(platform, lambda page: page["items"][1].update({field: value}))

    with pytest.raises(Unavailable, match="contains a connection that cannot be read"):
        listed(platform)


@pytest.mark.parametrize("links", [7, "x", {"next": 7}, {"next": ["x"]}, {"next": {"href": 7}}])
def test_an_unreadable_link_to_the_next_page_is_an_error_not_the_end(platform: Platform, links: object) -> None:
    on_lists(platform, lambda page: page.update({"_links": links}))

    with pytest.raises(Unavailable, match="The link to the next page of Adobe's list is"):
        listed(platform)


@pytest.mark.parametrize("links", [None, {}, {"next": None}, {"next": {}}, {"next": {"href": None}}])
def test_the_last_page_may_have_an_empty_next_link_in_any_form(platform: Platform, links: object) -> None:
    mine = add(platform, "sales")
    on_lists(platform, lambda page: page.update({"_links": links}))

    assert listed(platform) == [mine]


# ------------------------------------------------------------ calls that fail


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: the code of its error or `fine`, how often it was sent, and what the error says."""

    code: str
    sent: int
    may_have_happened: bool = False
    message: str = ""
    retry_after: float | None = None


ACTS: dict[str, Callable[[FlowService, Connection], object]] = {
    "get": lambda service, made: service.get(made.id),
    "listing": lambda service, _: service.listing(FIRST),
    "create": lambda service, _: service.create(desired("new"), MARK),
    "patch": lambda service, made: service.patch(made, desired("new"), MARK),
    "test": lambda service, made: service.test(made.id),
    "flows_of": lambda service, made: service.flows_of(made.id),
    "connections_of": lambda service, _: service.connections_of(FLOW_ID),
    "tables": lambda service, made: service.tables(made.id),
    "columns": lambda service, made: service.columns(made.id, "acme_db.orders"),
    "delete": lambda service, made: service.delete(made.id),
}
ONCE = ("create", "patch")
"""The calls that are never repeated, and that may have happened although the reply says otherwise."""
TRIES = {name: 1 if name in ONCE else 3 for name in ACTS}


def ended(
    platform: Platform, fault: Fault | None, names: Iterable[str] = ACTS, times: int = 0, **options: Any
) -> dict[str, Ended]:
    """How each call ends with a fault. Each has its own connection, and may renew the token."""
    return {name: _ended(platform, name, fault and replace(fault, times=times), options) for name in names}


def _ended(platform: Platform, name: str, fault: Fault | None, options: dict[str, Any]) -> Ended:
    made = read_connection(platform.adobe.records[add(platform, "sales")].item)
    assert made
    platform.clock.advance(61)
    platform.adobe.calls.clear()
    service = platform.open(**options)
    if fault:
        platform.adobe.faults.add(fault)
    try:
        ACTS[name](service, made)
    except ConnectionFailure as error:
        said = error.message, error.retry_after
        return Ended(error.code, len(platform.calls()), error.may_have_happened, *said)
    finally:
        platform.adobe.faults.clear()
    return Ended("fine", len(platform.calls()))


def test_without_a_fault_each_call_is_sent_once(platform: Platform) -> None:
    assert ended(platform, None) == {name: Ended("fine", 1) for name in ACTS}


RESET, LATE = "No reply from Adobe: the connection was reset.", "No reply from Adobe: it did not respond in time."


@pytest.mark.parametrize(
    "fault",
    [Fault(drop=True), Fault(drop=True, when="after"), Fault(truncate=True, status=200, body='{"items": []}')],
    ids=["reset before the effect", "reset after the effect", "cut short"],
)
def test_a_call_without_a_response_may_have_happened_and_only_a_read_or_a_delete_is_repeated(
    platform: Platform, fault: Fault
) -> None:
    assert ended(platform, fault) == {name: Ended("Unavailable", TRIES[name], True, RESET) for name in ACTS}


def test_a_call_without_a_response_in_time_may_have_happened(platform: Platform) -> None:
    create(platform)  # the token is known from now on

    found = ended(platform, Fault(hang=True), ["get", "create"], timeouts=SHORT)

    assert found == {name: Ended("Unavailable", TRIES[name], True, LATE) for name in ("get", "create")}


def test_a_call_whose_response_drips_in_may_have_happened(platform: Platform) -> None:
    create(platform)  # the token is known from now on

    end = ended(platform, Fault(drip=0.05, when="after"), ["create"], timeouts=SHORTEST)["create"]

    assert (end.code, end.sent, end.may_have_happened) == ("Unavailable", 1, True)
    assert "new" in [item["name"] for item in platform.adobe.living()]


def test_a_call_that_was_never_connected_did_not_happen(platform: Platform) -> None:
    words = "No reply from Adobe: it refused the connection."

    assert ended(platform, None, reached=False) == {name: Ended("Unavailable", 0, False, words) for name in ACTS}


@pytest.mark.parametrize(("when", "names"), [("before", []), ("after", ["new"])])
def test_a_create_without_a_response_took_effect_or_not(platform: Platform, when: Any, names: list[str]) -> None:
    platform.adobe.faults.add(Fault(method="POST", drop=True, when=when))

    with pytest.raises(Unavailable):
        platform.open().create(desired("new"), MARK)

    assert [item["name"] for item in platform.adobe.living()] == names


@pytest.mark.parametrize(
    "fault",
    [Fault(drop=True), Fault(status=503), Fault(status=429, headers={"Retry-After": "7"})],
    ids=["reset", "503", "429"],
)
def test_a_read_or_a_delete_that_failed_once_is_repeated(platform: Platform, fault: Fault) -> None:
    found = ended(platform, fault, times=1)

    assert {name for name, end in found.items() if end == Ended("fine", 2)} == set(ACTS) - set(ONCE)


@pytest.mark.parametrize(
    ("fault", "code", "tries", "in_doubt"),
    [
        (Fault(status=500, body="{}"), "Unavailable", 3, True),
        (Fault(status=503, body=HTML), "Unavailable", 3, True),
        (Fault(status=408, body="{}"), "Unavailable", 3, True),
        (Fault(status=302, headers={"Location": "/elsewhere"}), "Unavailable", 1, True),
        (Fault(status=429, headers={"Retry-After": "7"}), "Throttled", 3, False),
        (Fault(status=429, headers={"Retry-After": "3600"}), "Throttled", 1, False),
        (Fault(status=409, body="{}"), "AdobeRefused", 1, False),
        (Fault(status=400, body=PROVIDER), "DatabricksRefused", 1, False),
        (Fault(status=403, body=_GATEWAY), "AdobeCredentialRejected", 1, False),
        (Fault(status=403, body="{}"), "AdobeForbidden", 1, False),
    ],
    ids=[
        *("500", "503 page", "408", "302", "429, Retry-After: 7", "429, Retry-After: 3600"),
        *("409", "400 provider", "403 gateway", "403"),
    ],
)
def test_a_refusal_has_its_code_and_leaves_a_write_in_doubt_only_if_it_may_have_happened(
    platform: Platform, fault: Fault, code: str, tries: int, in_doubt: bool
) -> None:
    found = ended(platform, fault)

    wait = float(fault.headers["Retry-After"]) if "Retry-After" in fault.headers else None
    shown = {name: (end.code, end.sent, end.may_have_happened, end.retry_after) for name, end in found.items()}
    assert shown == {name: (code, min(tries, TRIES[name]), in_doubt and name in ONCE, wait) for name in ACTS}


@pytest.mark.parametrize("body", ["", HTML, "[1", '"text"', "7"], ids=["empty", "page", "cut", "text", "number"])
def test_a_page_in_place_of_a_document_is_no_success(platform: Platform, body: str) -> None:
    found = ended(platform, Fault(status=200, body=body))

    assert found.pop("delete").code == "fine"  # its reply has no document
    assert {end.code for end in found.values()} == {"Unavailable"}
    assert found["create"].may_have_happened


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (GONE, "None"),
        (OLDER_GONE, "None"),
        (HTML, "AdobeRefused"),
        ("", "AdobeRefused"),
        (_OTHER_404, "AdobeRefused"),
        (_NO_SANDBOX, "SandboxUnknown"),
        ('{"error_code": "404000", "message": "connections not found"}', "AdobeRefused"),
    ],
    ids=["code 1439", "older", "page", "empty", "another code", "sandbox", "gateway"],
)
def test_only_adobes_own_report_means_that_a_connection_is_gone(platform: Platform, body: str, expected: str) -> None:
    made, service, found = create(platform), platform.open(), {}
    platform.adobe.faults.add(Fault(times=0, status=404, body=body))

    for name in ("get", "delete", "tables", "columns"):
        try:
            found[name] = str(ACTS[name](service, made) or None)
        except ConnectionFailure as error:
            found[name] = error.code
    assert set(found.values()) == {expected}
    assert service.connections_of(FLOW_ID) == []


# ------------------------------------------------------------ the token


@pytest.mark.parametrize("fault", [Fault(status=401, body="{}"), Fault(status=400, body=BAD_TOKEN)], ids=["401", "400"])
def test_a_rejected_token_is_renewed_once_and_the_call_is_sent_again(platform: Platform, fault: Fault) -> None:
    found = ended(platform, fault, times=1)

    assert found == {name: Ended("fine", 2) for name in ACTS}
    first, second = platform.calls()
    assert first.headers["authorization"] != second.headers["authorization"]
    assert (first.method, first.path, first.body) == (second.method, second.path, second.body)


def test_a_token_that_is_rejected_again_is_the_credentials_fault(platform: Platform) -> None:
    found = ended(platform, Fault(status=401, body="{}"))

    assert {(end.code, end.sent, end.may_have_happened) for end in found.values()} == {
        ("AdobeCredentialRejected", 2, False)
    }


def test_a_write_is_not_sent_again_long_after_its_token_was_rejected(platform: Platform) -> None:
    def slowly(_request: Request, response: Response) -> Response:
        platform.clock.advance(6 if response.status == 401 else 0)
        return response

    on_replies(platform, slowly)

    found = ended(platform, Fault(status=401, body="{}"), times=1)

    assert {name for name, end in found.items() if end.code == "fine"} == set(ACTS) - set(ONCE)
    words = "Adobe rejected the token. A new token came too late for a resend. Nothing was changed."
    assert [found[name] for name in ONCE] == [Ended("Unavailable", 1, False, words)] * 2


@pytest.mark.parametrize(
    ("fault", "code", "tries"),
    [
        (Fault(status=400, body='{"error": "invalid_client"}'), "AdobeCredentialRejected", 1),
        (Fault(status=429), "Throttled", 3),
        (Fault(status=503), "Unavailable", 3),
        (Fault(status=200, body=HTML), "Unavailable", 1),
        (Fault(drop=True), "Unavailable", 3),
    ],
    ids=["refused", "throttled", "503", "page", "reset"],
)
def test_without_a_token_no_call_is_sent(platform: Platform, fault: Fault, code: str, tries: int) -> None:
    service = platform.open()
    platform.ims.faults.add(replace(fault, times=0))

    with pytest.raises(ConnectionFailure) as refused:
        service.create(desired(), MARK)

    assert (refused.value.code, len(platform.ims.calls), platform.calls()) == (code, tries, [])


def test_a_credential_that_was_rotated_meanwhile_is_read_again(platform: Platform) -> None:
    service = platform.open()
    platform.ims.settings.clients = {ADOBE_SECRET["clientId"]: ["rotated"]}
    platform.put_adobe_secret(clientSecret="rotated")

    assert service.listing(FIRST) == []

    assert len(platform.ims.calls) == 2


def test_a_call_without_time_left_is_not_sent(platform: Platform) -> None:
    service = platform.open(seconds=20.5)

    with pytest.raises(errors.OutOfTime):
        service.listing(FIRST)

    assert platform.calls() == []


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"sandboxes": ["prod"]}, "SandboxUnknown"),
        ({"forbidden_sandboxes": ["dev"]}, "AdobeForbidden"),
        ({"orgs": ["X@AdobeOrg"]}, "AdobeForbidden"),
        ({"entitled": False}, "NotEntitled"),
    ],
    ids=["sandbox", "permission", "organization", "license"],
)
def test_a_create_that_adobe_refuses_made_nothing(platform: Platform, settings: dict[str, Any], code: str) -> None:
    for name, value in settings.items():
        setattr(platform.adobe.settings, name, value)

    with pytest.raises(ConnectionFailure) as refused:
        platform.open().create(desired(), MARK)

    assert (refused.value.code, refused.value.may_have_happened) == (code, False)
    assert refused.value.request_id or code == "AdobeForbidden"
    assert list(platform.adobe.living()) == []
