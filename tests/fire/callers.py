"""A generated life with HTTP callers too: a request that gets a 202 is in the queue, whatever fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.fire.life import Life, order_of, secret_of
from tests.fire.lots import KEYS, asks, keys
from tests.support.calls import Go
from tests.support.canaries import CLIENT_SECRET, TOKEN, found, shown
from tests.support.errands import TROUBLE
from tests.support.judge import KeyOf
from tests.support.spoilt import AWS, KILLS, Spoilt
from tests.support.web import Answered, Web
from tests.support.world import Killed

of_aws = st.sampled_from(AWS + KILLS[:2])


class LifeWithCallers(Life):
    """The same keys, requested by events and over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self._web = Web(self._world, self.aws_calls)

    @rule(key=keys, what=asks)
    def ask_over_http(self, key: KeyOf, what: dict[str, Any]) -> None:
        self._heard(key, self._put(key, what)())

    @rule(key=keys, what=asks, where=st.integers(1, 3), fault=of_aws, again=st.booleans())
    def ask_over_http_into_a_fault(
        self, key: KeyOf, what: dict[str, Any], where: int, fault: Spoilt, again: bool
    ) -> None:
        ask = self._put(key, what)
        self._heard(key, self._spoilt(ask, where, fault))
        if again:
            self._heard(key, ask())

    @rule(key=keys)
    def retire_over_http(self, key: KeyOf) -> None:
        known = bool(self._world.item(key[1], key[0]))
        answered = self._web("DELETE", _address(key))
        assert answered.status == (202 if known else 404)
        self._heard(key, answered)

    @rule(key=keys)
    def verify_over_http(self, key: KeyOf) -> None:
        has_one = "connectionId" in self._world.item(key[1], key[0])
        answered = self._web("POST", _address(key) + "/verify")
        assert answered.status == (202 if has_one else 404)
        self._waiting += self._world.arrived()

    @rule(key=keys, where=st.integers(1, 2), fault=of_aws)
    def look_over_http_into_a_fault(self, key: KeyOf, where: int, fault: Spoilt) -> None:
        known = bool(self._world.item(key[1], key[0]))
        answered = self._spoilt(lambda: self._web("GET", _address(key)), where, fault)
        if answered:
            assert answered.status in ({200} if known else {404}) | TROUBLE

    @rule()
    def look_at_everything(self) -> None:
        listed = self._web("GET", "/connections").document["connections"]
        assert not found({"list": shown(listed)}, [TOKEN, CLIENT_SECRET]), "3: a list shows a secret"
        items = {key: self._world.item(key[1], key[0]) for key in KEYS}
        assert {(one["sandbox"], one["name"]) for one in listed} == {key for key, item in items.items() if item}
        for one in listed:
            item = items[one["sandbox"], one["name"]]
            status = "requested" if "noted" in item else item["status"]["S"]
            assert (one["status"], one["connectionId"]) == (status, item.get("connectionId", {}).get("S"))

    # ------------------------------------------------------------ helpers

    def _put(self, key: KeyOf, what: dict[str, Any]) -> Callable[[], Answered]:
        request = dict(what)
        if request.get("desiredState") != "absent":
            request |= {"databricksSecretId": secret_of(key), "displayName": key[1] + request.get("displayName", "")}
        self.allow_adopting(key, request)
        return lambda: self._web("PUT", _address(key), request)

    def _heard(self, key: KeyOf, answered: Answered | None) -> None:
        """Take all messages from the queue and record them. A request that got a 202 must be among them."""
        taken = self._world.arrived()
        for sent in taken:
            body = json.loads(sent.body)
            self._asked[key][order_of(body)] = body["detail"]
        self._waiting += taken
        if answered and answered.status == 202:
            ids = [json.loads(sent.body)["id"] for sent in taken]
            assert answered.document["requestEventId"] in ids, "4: got a 202, but is not in the queue"

    def _spoilt(self, call: Callable[[], Answered], where: int, fault: Spoilt) -> Answered | None:
        """The response to a call during which one call to AWS fails. None if the function is killed."""
        names: list[str] = []
        with fault.on(self._world) as spoil:

            def act(name: str, go: Go) -> Any:
                names.append(name)
                return spoil(name, go) if len(names) == where else go()

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
