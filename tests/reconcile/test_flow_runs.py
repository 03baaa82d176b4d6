"""When Adobe reports a failed dataflow run, the connection that the dataflow reads from is tested."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from local.simulators.faults import Fault
from local.simulators.flows import flows
from local.stack import ADOBE_SECRET
from tests.support.cloud import CloudWorld
from tests.support.keeper import Keeper, reason_of
from tests.support.world import ABSENT, REQUEST, STOPPED, World

HEADER = {"_adobeio": {"imsOrgId": "x@AdobeOrg", "providerMetadata": "platform_notifications"}}


def run_of(flow_id: str, sandbox: str = "dev") -> dict[str, Any]:
    """A flow run as Adobe describes it."""
    return {"id": str(uuid.uuid4()), "flowId": flow_id, "sandboxName": sandbox, "metrics": {"statusSummary": {}}}


def in_event(run: dict[str, Any]) -> dict[str, Any]:
    header = {"_adobeio": HEADER["_adobeio"] | {"eventCode": "sources_flow_run_failed"}}
    return {"event_id": "e-1", "event": {**run, "header": header}}


def in_messages(run: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"topic": "x", "value": run}]}


def flow_of(world: World) -> str:
    """The id of a dataflow that reads from the usual key's connection."""
    (item,) = world.connections("sales")
    world.adobe.settings.in_use = [item["id"]]
    return str(flows([item["id"]], world.adobe.records, ADOBE_SECRET["orgId"], "dev")[0]["id"])


def event_of(detail: Any) -> dict[str, Any]:
    return {"detail-type": "sources_flow_run_failed", "source": "adobe", "detail": detail}


@pytest.mark.parametrize("wrapped", [in_event, in_messages, lambda run: run, lambda run: {"data": [in_messages(run)]}])
def test_the_connection_of_a_failed_dataflow_is_tested(world: World, keeper: Keeper, wrapped: Any) -> None:
    world.request()
    world.request(REQUEST | {"name": "other"})
    flow_id = flow_of(world)
    tests = len(world.calls("GET", "/test"))

    keeper.wake(event_of(wrapped(run_of(flow_id))))

    (sent,) = keeper.rechecks()
    assert (reason_of(sent), json.loads(sent.body)["recheck"]["name"]) == ("flow-run", "sales")
    assert world.deliver(sent)
    assert len(world.calls("GET", "/test")) == tests + 1


def test_a_test_that_fails_after_a_failed_dataflow_is_announced(world: World, keeper: Keeper) -> None:
    world.request()
    keeper.wake(event_of(in_event(run_of(flow_of(world)))))
    world.adobe.faults.add(Fault(path=".*/test", status=200, body='{"result": false}'))

    assert keeper.deliver_rechecks() == ["flow-run"]

    assert world.announced()[-1] == ("Failed", "TestFailed")


def test_a_failed_dataflow_starts_no_cluster(world: World, keeper: Keeper) -> None:
    world.request(REQUEST | {"readiness": "start"})
    keeper.wake(event_of(in_event(run_of(flow_of(world)))))
    world.databricks.settings.clusters = dict(STOPPED)

    keeper.deliver_rechecks()

    assert [call for call in world.databricks.calls if call.request.path.endswith("/start")] == []
    assert world.status() == "ready"


@pytest.mark.parametrize("what", ["another flow", "another sandbox", "retired"])
def test_a_dataflow_that_reads_from_none_of_our_connections_causes_no_recheck(
    world: World, keeper: Keeper, what: str
) -> None:
    world.request()
    flow_id = flow_of(world)
    sandbox = "dev"
    if what == "another flow":
        flow_id = str(uuid.uuid4())
    elif what == "another sandbox":
        sandbox = "prod"
    else:
        world.adobe.settings.in_use = []
        world.request(ABSENT)

    keeper.wake(event_of(in_event(run_of(flow_id, sandbox))))

    assert keeper.rechecks() == []


@pytest.mark.parametrize("detail", [{}, {"event": {"flowId": "x"}}, {"event": run_of("../connections")}, None, [[[]]]])
def test_a_notification_without_a_flow_is_refused(keeper: Keeper, detail: Any) -> None:
    with pytest.raises(Exception, match="Unrecognized event") as raised:
        keeper.wake(event_of(detail))

    assert type(raised.value).__name__ == "InvalidRequest"


@pytest.mark.cloud
@pytest.mark.parametrize(
    "event",
    [
        event_of(in_messages(run_of("f-1"))),
        {"detail-type": "Adobe event", "source": "x", "detail": in_event(run_of("f-1"))},
    ],
    ids=["by its type", "by its code"],
)
def test_the_rule_sends_the_notification_to_the_function(
    world: CloudWorld, keeper: Keeper, event: dict[str, Any]
) -> None:
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}

    world.stack.aws.client("events").put_events(Entries=[entry | {"EventBusName": world.stack.bus_name}])

    (received,) = keeper.pending_events()
    assert received["detail"] == event["detail"]
    assert keeper.wake(received)["flow_id"] == "f-1"


@pytest.mark.cloud
def test_no_other_event_of_the_bus_invokes_the_function(world: World, keeper: Keeper) -> None:
    world.request()

    assert keeper.pending_events() == []
