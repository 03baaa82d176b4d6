"""The deployed reconcile function: scheduled runs, continued runs and events. Rechecks repair drift."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.aws.runtime import Environment
from local.simulators.flows import flows
from local.stack import ADOBE_SECRET, DATABRICKS_SECRET
from tests.support.deployed import Deployed
from tests.support.world import REQUEST, SECRET_ID

SCHEDULED = {"detail-type": "Scheduled Event", "source": "aep.connections.schedule", "id": "1", "time": "x"}
NEW = "dapi11111111111111111111111111111111"


@pytest.fixture
def keeper(stack: Deployed) -> Environment:
    """The environment of the reconcile function, which can invoke itself."""
    made = stack.environment("ReconcileFunction")
    stack.stack.aws.functions[stack.functions["ReconcileFunction"].name] = made
    return made


@pytest.fixture
def worker(stack: Deployed) -> Environment:
    """The environment of the function that processes the queue. It has created a connection."""
    made = stack.environment()
    stack.put(seconds_ago=60)
    stack.work(made)
    stack.time_passes()
    pending_events(stack)
    return made


def pending_events(stack: Deployed) -> list[Any]:
    """The events for the function that it has not received yet."""
    return stack.stack.aws.asynchronous.take(stack.functions["ReconcileFunction"].name)


def test_a_deleted_connection_is_announced_and_created_again(
    stack: Deployed, keeper: Environment, worker: Environment
) -> None:
    (lost,) = stack.connections()
    stack.stack.adobe.records[lost].deleted_at = 1.0

    result = keeper(SCHEDULED)
    stack.work(worker)

    assert (result["ended"], result["Drifted"], result["Rechecks"]) == (True, 1, 1)
    (made,) = stack.connections()
    assert stack.parameter() == made != lost
    assert stack.announced() == [("Ready", "created"), ("Drifted", "recheck"), ("Ready", "recreated")]
    text = "\n".join(stack.written.lines)
    assert not [one for one in (ADOBE_SECRET["clientSecret"], DATABRICKS_SECRET["accessToken"]) if one in text]


def test_a_new_version_of_a_secret_reaches_adobe(stack: Deployed, keeper: Environment, worker: Environment) -> None:
    stack.stack.put_secret(SECRET_ID, DATABRICKS_SECRET | {"accessToken": NEW})

    (event,) = pending_events(stack)
    assert keeper(event)["rechecks"] == 1
    stack.work(worker)

    (item,) = stack.stack.adobe.living()
    assert item["auth"]["params"]["accessToken"] == NEW
    assert stack.announced()[-1] == ("Ready", "updated")


def test_the_role_in_the_template_allows_exactly_what_the_deployed_function_needs(
    stack: Deployed, keeper: Environment, worker: Environment
) -> None:
    """Invariant 7, Least, for the deployed stack: nothing is missing (conftest.py checks each test) or unused."""
    other = REQUEST | {"sandbox": "prod", "databricksSecretId": SECRET_ID.replace("/dev/", "/prod/")}
    stack.stack.put_secret(other["databricksSecretId"], DATABRICKS_SECRET)
    worker(other)
    stack.time_passes()
    before = len(stack.calls.made)
    for item in stack.stack.adobe.living():
        item["name"] = "renamed"

    soon_over = stack.environment("ReconcileFunction", timeout_seconds=100.0)
    assert soon_over(SCHEDULED)["ended"] is False
    (event,) = pending_events(stack)
    assert keeper(event)["Drifted"] == 2
    keeper({"detail-type": "Secret Label Updated", "detail": {"name": SECRET_ID, "labelUpdated": "AWSCURRENT"}})

    allowed = stack.granted("ReconcileFunction")
    assert [str(grant) for grant in stack.calls.unused(allowed, stack.calls.made[before:])] == []


def test_a_failed_dataflow_has_its_connection_tested(stack: Deployed, keeper: Environment, worker: Environment) -> None:
    adobe, in_use = stack.stack.adobe, stack.connections()
    adobe.settings.in_use = list(in_use)
    (flow,) = flows(in_use, adobe.records, ADOBE_SECRET["orgId"], "dev")
    detail = {"messages": [{"value": {"flowId": flow["id"], "sandboxName": "dev"}}]}
    entry = {"Source": "adobe", "DetailType": "sources_flow_run_failed", "Detail": json.dumps(detail)}
    tests = len([call for call in adobe.calls if call.request.path.endswith("/test")])

    stack.stack.aws.client("events").put_events(Entries=[entry | {"EventBusName": stack.stack.bus_name}])
    (event,) = pending_events(stack)
    assert keeper(event)["rechecks"] == 1
    stack.work(worker)

    assert len([call for call in adobe.calls if call.request.path.endswith("/test")]) == tests + 1
