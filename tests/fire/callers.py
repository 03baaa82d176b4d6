"""A generated life with HTTP callers too: a request that gets a 202 is in the queue, whatever fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.fire.life import Life, order_of, secret_of
from tests.fire.lots import KEYS, keys, requests
from tests.support.call_faults import AWS, KILLS, CallFault
from tests.support.calls import Go
from tests.support.canaries import CLIENT_SECRET, TOKEN, found, shown
from tests.support.errands import TROUBLE
from tests.support.judge import KeyOf
from tests.support.web import HttpResponse, Web
from tests.support.world import Killed

of_aws = st.sampled_from(AWS + KILLS[:2])


class LifeWithCallers(Life):
    """The same keys, requested by events and over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self._web = Web(self._world)

    @rule(key=keys, what=requests)
    def request_over_http(self, key: KeyOf, what: dict[str, Any]) -> None:
        self._record(key, self._put(key, what)())

    @rule(key=keys, what=requests, where=st.integers(1, 3), fault=of_aws, again=st.booleans())
    def request_over_http_with_a_fault(
        self, key: KeyOf, what: dict[str, Any], where: int, fault: CallFault, again: bool
    ) -> None:
        put = self._put(key, what)
        self._record(key, self._with_fault(put, where, fault))
        if again:
            self._record(key, put())

    @rule(key=keys)
    def retire_over_http(self, key: KeyOf) -> None:
        known = bool(self._world.item(key[1], key[0]))
        response = self._web("DELETE", _address(key))
        assert response.status == (202 if known else 404)
        self._record(key, response)

    @rule(key=keys)
    def verify_over_http(self, key: KeyOf) -> None:
        has_one = "connectionId" in self._world.item(key[1], key[0])
        response = self._web("POST", _address(key) + "/verify")
        assert response.status == (202 if has_one else 404)
        self._waiting += self._world.arrived()

    @rule(key=keys, where=st.integers(1, 2), fault=of_aws)
    def read_over_http_with_a_fault(self, key: KeyOf, where: int, fault: CallFault) -> None:
        known = bool(self._world.item(key[1], key[0]))
        response = self._with_fault(lambda: self._web("GET", _address(key)), where, fault)
        if response:
            assert response.status in ({200} if known else {404}) | TROUBLE

    @rule()
    def list_all_connections(self) -> None:
        listed = self._web("GET", "/connections").document["connections"]
        assert not found({"list": shown(listed)}, [TOKEN, CLIENT_SECRET]), "3: a list shows a secret"
        items = {key: self._world.item(key[1], key[0]) for key in KEYS}
        assert {(one["sandbox"], one["name"]) for one in listed} == {key for key, item in items.items() if item}
        for one in listed:
            item = items[one["sandbox"], one["name"]]
            status = "requested" if "noted" in item else item["status"]["S"]
            assert (one["status"], one["connectionId"]) == (status, item.get("connectionId", {}).get("S"))

    # ------------------------------------------------------------ helpers

    def _put(self, key: KeyOf, what: dict[str, Any]) -> Callable[[], HttpResponse]:
        request = dict(what)
        if request.get("desiredState") != "absent":
            request |= {"databricksSecretId": secret_of(key), "displayName": key[1] + request.get("displayName", "")}
        self.allow_adopting(key, request)
        return lambda: self._web("PUT", _address(key), request)

    def _record(self, key: KeyOf, response: HttpResponse | None) -> None:
        """Take all messages from the queue and record them. A request that got a 202 must be among them."""
        taken = self._world.arrived()
        for sent in taken:
            body = json.loads(sent.body)
            self._requested[key][order_of(body)] = body["detail"]
        self._waiting += taken
        if response and response.status == 202:
            ids = [json.loads(sent.body)["id"] for sent in taken]
            assert response.document["requestEventId"] in ids, "4: got a 202, but is not in the queue"

    def _with_fault(self, call: Callable[[], HttpResponse], where: int, fault: CallFault) -> HttpResponse | None:
        """The response to a call during which one call to AWS fails. None if the function is killed."""
        names: list[str] = []
        with fault.on(self._world) as inject:

            def act(name: str, go: Go) -> Any:
                names.append(name)
                return inject(name, go) if len(names) == where else go()

            self._calls.act = act
            try:
                return call()
            except Killed:
                self._web.api = self._web.new_api()
                return None
            finally:
                self._calls.act = None


def _address(key: KeyOf) -> str:
    return f"/connections/{key[0]}/{key[1]}"
