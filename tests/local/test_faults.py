"""Faults of the simulators: late replies, late effects and defects."""

from __future__ import annotations

import threading

import pytest
import requests

from local.simulators.adobe import BASE
from local.simulators.faults import Fault
from tests.support.adobes import BODY, Adobes
from tests.support.commands import until

LONG = 60
"""Seconds of a delay that the test ends by stopping the simulator."""


class Posting:
    """A POST of a connection, sent by a thread."""

    def __init__(self, adobe: Adobes) -> None:
        self._adobe, self._status = adobe, 0
        self._thread = threading.Thread(target=self._post)
        self._thread.start()

    def _post(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self._adobe.adobe.url}{BASE}/connections"
            self._status = session.post(url, json=BODY, headers=self._adobe.headers, timeout=LONG).status_code

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()

    def status(self) -> int:
        self._thread.join(LONG)
        return self._status


def test_a_reply_may_be_late_although_its_effect_is_not(adobe: Adobes) -> None:
    adobe.adobe.faults.add(Fault(method="POST", when="after", delay=LONG))

    post = Posting(adobe)
    until(lambda: adobe.listed()["items"])

    assert post.waits
    adobe.adobe.stop()
    assert post.status() == 201


def test_a_call_that_waits_for_databricks_does_not_delay_other_calls(adobe: Adobes) -> None:
    adobe.databricks.faults.add(Fault(delay=LONG))

    post = Posting(adobe)
    until(lambda: not adobe.databricks.faults.shown())
    assert adobe.listed()["items"] == []

    assert post.waits
    adobe.databricks.stop()
    assert post.status() == 201
    assert len(adobe.listed()["items"]) == 1


def test_a_late_effect_happens_when_it_is_due_and_its_failure_does_no_harm(adobe: Adobes) -> None:
    due = adobe.clock.now() + 10
    adobe.adobe.faults.add(*[Fault(method="POST", status=504, late=10)] * 2)
    adobe.databricks.faults.add(Fault(drop=True))
    for _ in range(2):
        assert adobe.call("POST", "/connections", json=BODY).status_code == 504
    assert adobe.listed()["items"] == []

    adobe.clock.advance(60)

    (item,) = adobe.listed()["items"]
    assert item["createdAt"] == round(due * 1000)


def test_a_defect_of_a_simulator_gets_a_500_reply_not_a_broken_connection(
    adobe: Adobes, capsys: pytest.CaptureFixture[str]
) -> None:
    adobe.adobe.records["x"] = None  # type: ignore[assignment]

    response = adobe.call("GET", "/connections")

    assert (response.status_code, "AttributeError" in response.json()["message"]) == (500, True)
    assert "AttributeError" in capsys.readouterr().err
