"""The samples of reconciling in events/: the events that invoke the function, and the rechecks that it sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from aep_connections.domain.delivery import Reason
from aep_connections.domain.errors import ConnectionFailure
from aep_connections.reconcile.run import Run
from aep_connections.reconcile.triggers import FlowRunFailed, SecretRotated, work_of
from local.aws.template import Template
from local.simulators.flows import flows
from local.stack import ADOBE_SECRET, ROOT
from tests.support.keeper import LATER, Keeper
from tests.support.world import Sent, World

EVENTS = ROOT / "events"
TEMPLATE = Template.load({"AdobeSecretArn": "arn"})
RUNS = ("reconcile-by-hand", "reconcile-schedule", "reconcile-continues")
FLOW_RUNS = ("reconcile-flow-run-failed", "reconcile-flow-run-failed-messages")
SECRETS = ("reconcile-secret-changed",)
REASONS = (Reason.DRIFT, Reason.DUPLICATE, Reason.SECRET, Reason.DUE, Reason.FLOW_RUN)


def load(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture
def made(world: World) -> World:
    """A world with the connection of the samples, some time after it was created."""
    world.request(load("invoke-request"))
    world.clock.advance(LATER)
    return world


@pytest.fixture
def woken(made: World, keeper: Keeper) -> Keeper:
    """The reconcile function of that world."""
    keeper.pending_events()
    return keeper


def rechecks(keeper: Keeper) -> list[dict[str, str]]:
    return [json.loads(sent.body)["recheck"] for sent in keeper.rechecks()]


def test_every_sample_of_reconciling_is_tested() -> None:
    found = {str(path.relative_to(EVENTS).with_suffix("")) for path in EVENTS.rglob("reconcile-*.json")}

    assert found == {*RUNS, *FLOW_RUNS, *SECRETS, "invalid/reconcile-unknown-event"}


def test_every_reason_of_a_recheck_has_a_sample() -> None:
    names = {path.stem for path in EVENTS.glob("sqs-recheck-*.json")}

    assert names == {f"sqs-recheck-{reason}" for reason in REASONS}
    for reason in REASONS:
        (record,) = load(f"sqs-recheck-{reason}")["Records"]
        assert json.loads(record["body"])["recheck"]["reason"] == reason


@pytest.mark.parametrize("name", [*RUNS, *FLOW_RUNS, *SECRETS])
def test_a_sample_is_parsed_as_its_kind_of_event(name: str) -> None:
    woken = work_of(load(name), 500)

    assert isinstance(woken, Run if name in RUNS else SecretRotated if name in SECRETS else FlowRunFailed)


def test_the_sample_of_a_continued_run_has_the_form_that_a_run_sends() -> None:
    document = load("reconcile-continues")["reconcile"]

    assert json.loads(json.dumps(Run.from_document(document).document())) == document
    assert set(document) == set(Run(checks=1).document())


@pytest.mark.parametrize(
    ("rule", "names"), [("SecretRule", SECRETS), ("FlowRunRule", FLOW_RUNS)], ids=["secrets", "flow runs"]
)
def test_a_rule_of_the_template_matches_its_samples_and_no_other(rule: str, names: tuple[str, ...]) -> None:
    pattern = EventPattern.load(json.dumps(TEMPLATE.resources()[rule]["Properties"]["EventPattern"]))
    events = {path.stem: load(path.stem) for path in EVENTS.glob("*.json") if '"detail-type"' in path.read_text()}

    matched = {name for name, event in events.items() if "source" in event and pattern.matches_event(event)}

    assert matched == set(names)


def test_an_event_wrapped_by_adobe_is_matched_by_its_code_with_any_detail_type() -> None:
    pattern = EventPattern.load(json.dumps(TEMPLATE.resources()["FlowRunRule"]["Properties"]["EventPattern"]))
    event = load("reconcile-flow-run-failed") | {"detail-type": "whatever"}

    assert pattern.matches_event(event)
    event["detail"]["event"]["header"]["_adobeio"]["eventCode"] = "sources_flow_run_success"
    assert not pattern.matches_event(event)


def test_the_timers_input_is_the_sample_with_the_schedulers_placeholders() -> None:
    target = TEMPLATE.resources()["ReconcileTimer"]["Properties"]["Target"]
    sample = load("reconcile-schedule")

    sent = json.loads(target["Input"])

    assert sent["time"] == "<aws.scheduler.scheduled-time>"
    assert sent["id"] == "<aws.scheduler.execution-id>"
    assert sent | {"time": sample["time"], "id": sample["id"]} == sample


@pytest.mark.parametrize("name", ["reconcile-by-hand", "reconcile-schedule"])
def test_a_sample_of_a_run_reconciles_the_fleet(made: World, woken: Keeper, name: str) -> None:
    made.unpublish("sales-lakehouse")

    result = woken.wake(load(name))

    assert (result["ended"], result["Drifted"], result["Rechecks"]) == (True, 1, 1)
    assert rechecks(woken) == [{"sandbox": "dev", "name": "sales-lakehouse", "reason": Reason.DRIFT}]


def test_the_sample_of_a_continued_run_ends_the_run_and_skips_what_was_checked(made: World, woken: Keeper) -> None:
    made.unpublish("sales-lakehouse")

    result = woken.wake(load("reconcile-continues"))

    assert (result["ended"], result["Drifted"], result["Verifications"]) == (True, 3, 1)
    assert rechecks(woken) == [{"sandbox": "dev", "name": "sales-lakehouse", "reason": Reason.DUE}]


@pytest.mark.parametrize("name", SECRETS)
def test_the_sample_of_a_changed_secret_rechecks_its_connections(made: World, woken: Keeper, name: str) -> None:
    result = woken.wake(load(name))

    assert result == {"secret_id": "aep/dev/databricks/sales", "rechecks": 1}
    assert rechecks(woken) == [{"sandbox": "dev", "name": "sales-lakehouse", "reason": Reason.SECRET}]


@pytest.mark.parametrize("name", FLOW_RUNS)
def test_a_sample_of_a_failed_dataflow_causes_a_recheck_of_its_connection(
    made: World, woken: Keeper, name: str
) -> None:
    (item,) = made.connections()
    made.adobe.settings.in_use.append(item["id"])
    (flow,) = flows([item["id"]], made.adobe.records, ADOBE_SECRET["orgId"], "dev")
    sample = load(name)

    unknown = woken.wake(sample)
    result = woken.wake(json.loads(json.dumps(sample).replace(unknown["flow_id"], flow["id"])))

    assert (unknown["rechecks"], result) == (0, {"sandbox": "dev", "flow_id": flow["id"], "rechecks": 1})
    assert rechecks(woken) == [{"sandbox": "dev", "name": "sales-lakehouse", "reason": Reason.FLOW_RUN}]


def test_the_invalid_sample_is_refused_with_its_fault(keeper: Keeper) -> None:
    with pytest.raises(ConnectionFailure) as refused:
        keeper.wake(load("invalid/reconcile-unknown-event"))

    assert refused.value.code == "InvalidRequest"
    assert refused.value.faults


@pytest.mark.parametrize("reason", REASONS)
def test_a_sample_of_a_recheck_tests_the_connection_and_creates_a_missing_one(
    made: World, woken: Keeper, reason: str
) -> None:
    (record,) = load(f"sqs-recheck-{reason}")["Records"]
    before = len(made.calls("GET", "/test"))

    made.until_done(Sent(record["messageId"], record["receiptHandle"], record["body"], made.clock.now()))
    made.adobe.records[made.connections()[0]["id"]].deleted_at = made.clock.now()
    made.until_done(Sent(record["messageId"], record["receiptHandle"], record["body"], made.clock.now()))

    assert len(made.calls("GET", "/test")) - before == 1 + (reason in (Reason.DUE, Reason.FLOW_RUN))
    (item,) = made.connections()
    assert (made.status("sales-lakehouse"), made.parameter("sales-lakehouse")) == ("ready", item["id"])
