"""Every file in events/ against the template's rule pattern, the trigger's parser and the whole service.

`test_api_samples.py` checks the samples of the HTTP API and of exploring, `test_fleet_samples.py` those of
reconciling.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from aep_connections.contract import messages
from aep_connections.contract.request import read_request
from aep_connections.domain.delivery import Delivery, Processed, Recheck
from aep_connections.domain.errors import InvalidRequest
from aep_connections.provision.service import reply_to
from local.aws.template import PSEUDO, Template
from tests.support.cloud import CloudWorld

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = sorted((ROOT / "events").rglob("*.json"))
PREFIX = "aep/{sandbox}/databricks/"
TEMPLATE = Template.load({"AdobeSecretArn": "arn"})


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def named(prefix: str, *, valid: bool = True) -> list[Any]:
    """The samples whose name starts with a prefix."""
    found = [path for path in FILES if path.name.startswith(prefix) and ("invalid" in path.parts) != valid]
    return [pytest.param(path, id=path.name) for path in found]


def deliveries(path: Path) -> list[Delivery]:
    """The deliveries that the triggers parse from a sample."""
    document, seen = load(path), []

    def do(delivery: Delivery) -> Processed:
        seen.append(delivery)
        return Processed(sandbox="dev", name="sales-lakehouse", order=delivery.order)

    if messages.is_batch(document):
        reply_to(document, 0.0, "invocation", do)
    elif "detail-type" in document:
        record = {"messageId": "m", "body": json.dumps(document), "attributes": {"SentTimestamp": "1795600000000"}}
        reply_to({"Records": [record]}, 0.0, "invocation", do)
    else:
        with pytest.raises(Exception, match="no result"):
            reply_to(document, 0.0, "invocation", do)
    return seen


def test_every_sample_has_a_kind_that_is_tested() -> None:
    kinds = ("eventbridge-", "schedule-", "sqs-", "invoke-", "put-events", "api-", "explore-", "reconcile-")
    assert FILES
    assert [path.name for path in FILES if not path.name.startswith(kinds)] == []


@pytest.mark.parametrize("path", named("eventbridge-") + named("schedule-") + named("eventbridge-", valid=False))
def test_the_templates_rule_matches_every_event(path: Path) -> None:
    pattern = TEMPLATE.resources()["RequestRule"]["Properties"]["EventPattern"]

    assert EventPattern.load(json.dumps(pattern)).matches_event(load(path))


def test_the_templates_rule_does_not_match_our_own_announcements() -> None:
    pattern = TEMPLATE.resources()["RequestRule"]["Properties"]["EventPattern"]
    event = load(ROOT / "events" / "eventbridge-connection-requested.json")

    for end in ("Ready", "Failed", "Drifted", "Deleted"):
        announced = event | {"source": "aep.connections", "detail-type": f"AEP Base Connection {end}"}
        assert not EventPattern.load(json.dumps(pattern)).matches_event(announced)


@pytest.mark.parametrize(
    "path", [p for prefix in ("eventbridge-", "schedule-", "sqs-", "invoke-") for p in named(prefix)]
)
def test_a_valid_sample_is_one_request_or_recheck(path: Path) -> None:
    (delivery,) = deliveries(path)

    if not isinstance(delivery.payload, Recheck):
        assert str(read_request(delivery.payload, PREFIX).key) == "dev/sales-lakehouse"


@pytest.mark.parametrize(
    "path", [p for prefix in ("eventbridge-", "sqs-", "invoke-") for p in named(prefix, valid=False)]
)
def test_an_invalid_sample_is_refused_with_its_faults(path: Path) -> None:
    (delivery,) = deliveries(path)

    with pytest.raises(InvalidRequest) as refused:
        read_request(delivery.payload, PREFIX)
    assert refused.value.faults


def test_the_invalid_sample_with_every_fault_names_them_all() -> None:
    (delivery,) = deliveries(ROOT / "events" / "invalid" / "eventbridge-every-fault.json")

    with pytest.raises(InvalidRequest) as refused:
        read_request(delivery.payload, PREFIX)

    assert {fault.field for fault in refused.value.faults} == set(
        load(ROOT / "events" / "invalid" / "eventbridge-every-fault.json")["detail"]
    )


def test_an_events_time_and_id_are_its_order() -> None:
    (delivery,) = deliveries(ROOT / "events" / "eventbridge-connection-requested.json")

    assert (delivery.order.time, delivery.order.id) == (
        "2026-11-24T10:15:30.000Z",
        "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    )


@pytest.mark.cloud
def test_the_entries_to_put_make_an_event_that_the_rule_matches_and_the_service_accepts(world: CloudWorld) -> None:
    entries = load(ROOT / "events" / "put-events.json")
    for entry in entries:
        assert entry["EventBusName"] == "aep-connections"
        entry["EventBusName"] = world.stack.bus_name
    world.put_values("aep/dev/databricks/sales", {})
    world.stack.aws.client("events").put_events(Entries=entries)

    sqs_client = world.stack.aws.client("sqs")
    (message,) = sqs_client.receive_message(QueueUrl=world.stack.queue_url)["Messages"]
    envelope = json.loads(message["Body"])
    assert read_request(envelope["detail"], PREFIX).key.name == "sales-lakehouse"


def test_the_schedules_input_is_the_sample_with_the_schedulers_placeholders() -> None:
    request = load(ROOT / "events" / "schedule-request.json")["detail"]
    given = {"AdobeSecretArn": "arn", "ScheduleExpression": "rate(1 day)", "ScheduledRequest": json.dumps(request)}
    template = Template.load(given, PSEUDO)
    target = template.resources()["Schedule"]["Properties"]["Target"]

    sent = json.loads(template.resolve(target["Input"], lambda name, attribute: f"{name}.{attribute}"))

    assert sent["time"] == "<aws.scheduler.scheduled-time>"
    assert sent["id"] == "<aws.scheduler.execution-id>"
    filled = sent | {"time": "2026-11-24T00:00:00Z", "id": "b9b3c2f4a1d5486f9a3f0e6d2c1b4a59"}
    sample = load(ROOT / "events" / "schedule-request.json")
    assert filled == {name: sample[name] for name in filled}
