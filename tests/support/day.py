"""A situation of a world whose secrets are canaries, and everything that leaves the process in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from aep_connections.domain.errors import ConnectionFailure
from aep_connections.provision.service import ProvisionService
from local.simulators.faults import Fault
from local.simulators.simulator import Request, Response, Simulator
from tests.support.canaries import CLIENT_SECRET, TOKEN, echoed, kept, shown, whole_story
from tests.support.keeper import LATER, Keeper
from tests.support.web import KEY, Web
from tests.support.world import REQUEST, World


@dataclass(slots=True)
class Day:
    """One situation. `let_out` is what left the process so far, by place."""

    world: World
    patch: pytest.MonkeyPatch
    let_out: dict[str, str] = field(default_factory=dict)
    held: str = TOKEN
    """The Databricks token that Adobe holds."""
    service: ProvisionService = field(init=False)

    def __post_init__(self) -> None:
        self.service = self.world.service

    def note(self, name: str, sent: Any) -> None:
        """Remember what a call sends to AWS."""
        if sent is not None:
            self._let_out(name, shown(sent))

    def request(self, request: Any = REQUEST) -> str:
        """A direct invoke, then the same request from the queue. Returns the outcome or code of the first."""
        try:
            result = self.world.invoke(request, self.service)
            outcome = str(result["outcome"])
            self._let_out("result", shown(result))
        except ConnectionFailure as error:
            outcome = error.code
            self._let_out("error", whole_story(error))
        self.world.deliver(self.world.send(request), self.service)
        return outcome

    def read(self) -> None:
        """Read everything that the HTTP API shows."""
        web = Web(self.world)
        for path in (KEY, "/connections", f"{KEY}/tables", f"{KEY}/tables/acme_db.orders"):
            response = web("GET", path)
            self._let_out(f"GET {path}", shown([response.headers, response.document]))

    def reconcile(self) -> None:
        """A reconcile run, and the rechecks that it sends."""
        keeper = Keeper(self.world)
        self.world.clock.advance(LATER)
        for event in ({}, *keeper.pending_events()):
            try:
                self._let_out("fleet", shown(keeper.wake(event)))
            except ConnectionFailure as error:
                self._let_out("error", whole_story(error))
        for sent in keeper.rechecks():
            self.world.deliver(sent, self.service)

    def everything(self) -> dict[str, str]:
        """What left the process, and what is stored outside Secrets Manager and Adobe."""
        return {**self.let_out, **kept(self.world), "repr": repr(self.service)}

    def fault(self, method: str, path: str = ".*", **how: Any) -> None:
        """Let Adobe fail from now on."""
        self.world.adobe.faults.add(Fault(method=method, path=path, times=0, **how))

    def echo(self, method: str, status: int, path: str = "", whom: str = "adobe") -> None:
        """Let a simulator put all secrets that it has, in every encoding, into every field of its replies."""
        simulator: Simulator = getattr(self.world, whom)
        reply, knows = simulator.reply, [CLIENT_SECRET] if whom == "ims" else [self.held, CLIENT_SECRET]

        def act(request: Request) -> Any:
            response, fault = reply(request)
            if request.method != method or not request.path.endswith(path):
                return response, fault
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            texts, turn = echoed([*knows, *([] if whom == "ims" else [token])]), len(simulator.calls)
            text = " ".join(texts[turn % 7 :: 7])
            body: dict[str, Any] = {
                "message": text,
                "error": texts[turn % len(texts)],
                "error_code": TOKEN,
                "type": TOKEN,
                "etag": TOKEN,
            }
            report = {"detailed-message": text, "request-id": texts[-turn % len(texts)]}
            if whom == "databricks":
                body |= {"state": TOKEN, "cluster_source": token, "single_user_name": text, "userName": token}
                body |= {"termination_reason": {"code": TOKEN, "type": text}, "policy_id": TOKEN}
                body |= {"spark_conf": {text: text}, "data_security_mode": TOKEN}
            headers = {"x-request-id": CLIENT_SECRET, "x-databricks-reason-phrase": text, "x-databricks-org-id": token}
            return Response(status, json.dumps(body | {"report": report}).encode(), headers), fault

        self.patch.setattr(simulator, "reply", act)

    def _let_out(self, where: str, text: str) -> None:
        self.let_out[f"{len(self.let_out)} {where}"] = text
