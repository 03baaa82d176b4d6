"""The rule for failed dataflows finds Adobe's event code in each of its places."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from tests.support.templates import BARE, of_type

PLACES = {
    "detail-type": '{"detail-type": "CODE", "detail": {}}',
    "event": '{"detail": {"event": {"header": {"_adobeio": {"eventCode": "CODE"}}}}}',
    "value of a message": '{"detail": {"messages": {"value": {"header": {"_adobeio": {"eventCode": "CODE"}}}}}}',
    "type of a message": '{"detail": {"messages": {"_eventNotificationMeta": {"type": "CODE"}}}}',
}
"""`messages` is an array. EventBridge looks into each item of an array; moto does not, so it gets one item here."""


def event(place: str, code: str) -> Any:
    """An event that has a code in one place only."""
    found = json.loads(PLACES[place].replace("CODE", code))
    return {"source": "adobe", "detail-type": "Adobe I/O Event", **found}


@pytest.mark.parametrize("place", PLACES)
def test_a_failed_dataflow_is_found_by_its_code_in_any_one_place(place: str) -> None:
    pattern = EventPattern.load(json.dumps(of_type(BARE, "AWS::Events::Rule")["FlowRunRule"]["EventPattern"]))

    assert pattern.matches_event(event(place, "sources_flow_run_failed"))
    assert not pattern.matches_event(event(place, "sources_flow_run_success"))
