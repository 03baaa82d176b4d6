"""The JSON Schemas of docs/reference/events/ against the samples in events/ and the documents that the code makes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from aep_connections.contract.messages import DELETED, DRIFTED, FAILED, READY, REQUESTED
from aep_connections.contract.request import RULES
from aep_connections.domain.entry import Entry
from aep_connections.domain.errors import CODES, Failure
from aep_connections.domain.model import Key, Order, Outcome, Result
from aep_connections.domain.readiness import CheckResult, Report, Severity, Verdict
from aep_connections.domain.redaction import Redactor
from aep_connections.reconcile.drift import MAX_SHOWN, Drift, Kind
from local.stack import ROOT
from tests.support.keeper import Keeper
from tests.support.world import ABSENT, REQUEST, STOPPED, World

EVENTS, FOLDER = ROOT / "events", ROOT / "docs" / "reference" / "events"
SCHEMAS: dict[str, Any] = {
    schema["title"]: schema for schema in (json.loads(path.read_text()) for path in FOLDER.glob("*.schema.json"))
}
KEY, ORDER = Key("dev", "sales"), Order("2026-11-24T10:15:30.000Z", "6a7e8feb-b491-4cf7-a9f1-bf3703467718")
ASKED = {"requestedAt": ORDER.time, "requestEventId": ORDER.id}
READY_RESULT = Result(
    key=KEY,
    outcome=Outcome.CREATED,
    parameter_name="/aep-connections/dev/sales/connection-id",
    connection_id="c-1",
    etag='"1"',
    readiness="pass",
    duplicates=("c-2",),
)
FAILURE = Failure(
    code="NotReady",
    message="The workspace is not ready.",
    remedy="Start the cluster.",
    retryable=False,
    request_id="r-1",
    faults=[{"field": "CLUSTER_STATE", "rule": "is TERMINATED"}],
)
CHECK = CheckResult(
    id="CLUSTER_STATE",
    severity=Severity.ERROR,
    verdict=Verdict.FAIL,
    message="is TERMINATED",
    remedy="Start the cluster.",
    evidence={"state": "TERMINATED"},
)
REPORT = Report([CHECK, CheckResult(id="POLICY", severity=Severity.INFO, verdict=Verdict.PASS)], None, ORDER.time)


def drifted(why_not: str | None) -> dict[str, Any]:
    """The detail of a drift of every kind."""
    drift = Drift(Entry(key=KEY, order=ORDER, connection_id="c-1"))
    for kind in Kind:
        drift.add(kind, "expected", "x" * (MAX_SHOWN + 1))
    drift.add(Kind.MISSING)
    return drift.document(why_not, Redactor())


WHOLE: dict[str, dict[str, Any]] = {
    READY: READY_RESULT.document() | ASKED,
    DELETED: Result(
        key=KEY, outcome=Outcome.DELETED, parameter_name="/aep-connections/dev/sales/connection-id"
    ).document()
    | ASKED,
    FAILED: {"name": "sales", "sandbox": "dev"} | FAILURE.document() | REPORT.event_fields() | ASKED,
    DRIFTED: drifted(None),
}
"""By detail-type: a document of the code with every optional field."""


def faults_of(detail_type: str, detail: Any) -> list[str]:
    """What a JSON Schema validator reports of an event's detail."""
    return [error.message for error in Draft202012Validator(SCHEMAS[detail_type]).iter_errors(detail)]


def requests() -> list[Any]:
    """Every valid request in events/: the detail of an event, a bare request, or what Terraform sends without `tf`."""
    found = []
    for path in sorted(EVENTS.glob("*.json")):
        document = json.loads(path.read_text())
        if path.name == "put-events.json":
            found += [pytest.param(json.loads(entry["Detail"]), id=path.name) for entry in document]
        elif path.name.startswith(("eventbridge-", "schedule-")):
            found.append(pytest.param(document["detail"], id=path.name))
        elif path.name.startswith("invoke-"):
            request = {name: value for name, value in document.items() if name != "tf"}
            found.append(pytest.param(request, id=path.name))
    return found


def test_there_is_one_schema_for_each_detail_type_and_it_is_valid() -> None:
    assert set(SCHEMAS) == {REQUESTED, READY, FAILED, DELETED, DRIFTED}
    for schema in SCHEMAS.values():
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("request_", requests())
def test_a_sample_request_is_valid(request_: Any) -> None:
    assert faults_of(REQUESTED, request_) == []


@pytest.mark.parametrize("name", ["eventbridge-every-fault", "invoke-no-sandbox", "invoke-unknown-field"])
def test_a_sample_that_breaks_the_contract_is_not_valid(name: str) -> None:
    document = json.loads((EVENTS / "invalid" / f"{name}.json").read_text())

    assert faults_of(REQUESTED, document.get("detail", document))


def test_every_field_at_fault_in_a_sample_is_found() -> None:
    detail = json.loads((EVENTS / "invalid" / "eventbridge-every-fault.json").read_text())["detail"]
    found = {error.path[0] for error in Draft202012Validator(SCHEMAS[REQUESTED]).iter_errors(detail)}

    assert found == set(detail)


@pytest.mark.parametrize(
    "broken",
    [
        {"databricksSecretId": None},
        {"desiredState": "present", "databricksSecretId": None},
        {"sandbox": None},
        {"displayName": ""},
        {"description": "mine [aep-connections 0123]"},
        {"catalog": " main"},
        {"adopt": 1},
    ],
)
def test_a_request_that_the_code_refuses_is_not_valid(broken: dict[str, Any]) -> None:
    assert faults_of(REQUESTED, REQUEST | broken)


def test_null_in_a_request_is_as_if_the_field_were_left_out() -> None:
    optional = dict.fromkeys(set(RULES) - {"name", "sandbox"})

    assert faults_of(REQUESTED, {**optional, **ABSENT}) == []


def test_the_schema_of_a_request_has_the_fields_and_the_rules_of_the_code() -> None:
    properties = SCHEMAS[REQUESTED]["properties"]

    assert set(properties) == set(RULES)
    for name, rule in RULES.items():
        shown = dict(properties[name])
        shown["enum"] = [value for value in shown.get("enum", ()) if value is not None]
        for word, value in rule.schema.items():
            if word == "type":
                assert value in shown.get("type", "string"), name
            else:
                assert shown[word] == value, name


@pytest.mark.parametrize("detail_type", WHOLE)
def test_what_the_code_announces_is_valid_and_every_field_of_it_is_described(detail_type: str) -> None:
    detail = json.loads(json.dumps(WHOLE[detail_type]))

    assert faults_of(detail_type, detail) == []
    assert fields_of(detail) == described(SCHEMAS[detail_type])


def fields_of(document: Any) -> dict[str, Any]:
    """The names in a document, with those inside lists of objects; of what is free, none."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        inner = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
        found[name] = fields_of({key: one[key] for one in inner for key in one}) if inner else {}
    return found


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The names in a schema in the same form. Each has a description."""
    found: dict[str, Any] = {}
    for name, about in schema["properties"].items():
        assert about["description"], name
        found[name] = described(about["items"]) if "properties" in about.get("items", {}) else {}
    return found


@pytest.mark.parametrize("detail_type", WHOLE)
def test_a_field_too_many_or_too_few_is_not_valid(detail_type: str) -> None:
    detail = WHOLE[detail_type]
    optional = {"duplicates", "readiness", "checks"} if detail_type in (READY, FAILED) else set()

    assert faults_of(detail_type, detail | {"more": 1})
    for name in set(detail) - optional:
        assert faults_of(detail_type, {key: value for key, value in detail.items() if key != name}), name


def test_the_schemas_list_the_codes_and_the_kinds_of_the_code() -> None:
    failed, kinds = SCHEMAS[FAILED], SCHEMAS[DRIFTED]["properties"]["drift"]["items"]["properties"]["kind"]["enum"]

    assert failed["properties"]["code"]["enum"] == list(CODES)
    assert failed["if"]["properties"]["code"]["enum"] == [code for code, error in CODES.items() if error.retryable]
    assert kinds == [kind.value for kind in Kind]


@pytest.mark.parametrize("detail_type", [REQUESTED, READY, FAILED, DELETED, DRIFTED])
def test_the_sample_of_the_page_is_valid(detail_type: str) -> None:
    section = (FOLDER.parent / "events.md").read_text().split(f"\n## {detail_type}\n")[1].split("\n## ")[0]
    (sample,) = re.findall(r"```json\n(.+?)```", section, re.DOTALL)
    document = json.loads(sample)

    assert faults_of(detail_type, document.get("detail", document)) == []


@pytest.mark.parametrize("because", [None, "people", "policy", "budget"])
def test_drift_is_valid_whatever_is_done_about_it(because: str | None) -> None:
    assert faults_of(DRIFTED, drifted(because)) == []
    assert faults_of(DRIFTED, drifted(because) | {"action": "none" if because is None else "recheck"})


def test_every_event_of_a_stack_is_valid(world: World, keeper: Keeper) -> None:
    """One connection from its creation to its deletion, with drift, a failure and a request that cannot be read."""
    world.deliver(world.send(REQUEST))
    world.deliver(world.send(REQUEST))
    world.unpublish()
    keeper.reconcile()
    for recheck in keeper.rechecks():
        world.deliver(recheck)
    world.databricks.settings.clusters = dict(STOPPED)
    world.deliver(world.send(REQUEST | {"database": "other"}))
    world.deliver(world.send({"sandbox": "Dev", "name": "sales", "unknown": 1}))
    world.deliver(world.send(ABSENT))
    world.deliver(world.send(ABSENT))

    events = world.events()
    ends = [event["detail-type"] for event in events]
    assert ends == [READY, READY, DRIFTED, READY, FAILED, FAILED, DELETED, DELETED]
    assert [event["source"] for event in events] == ["aep.connections"] * len(events)
    assert [faults_of(event["detail-type"], event["detail"]) for event in events] == [[]] * len(events)
