"""Adobe Experience Platform, simulated: the gateway's checks, Flow Service's connections, and their dataflows.

It calls the Databricks simulator to decide whether a create, an exploration or a test of a connection succeeds.
"""

from __future__ import annotations

import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import requests

from local.simulators import by_hand, flows
from local.simulators.adobe_settings import AdobeSettings
from local.simulators.connections import DATABRICKS_SPEC, FIELDS, Record, Refused, new_item, patched, shown
from local.simulators.explore import explored, requested_table
from local.simulators.ims import Ims
from local.simulators.lists import page
from local.simulators.provider import Workspace, provider_refusal
from local.simulators.simulator import Request, Response, Simulator, json_response

BASE = "/data/foundation/flowservice"


class Adobe(Simulator):
    """`/data/foundation/flowservice`: `/connections` and `/flows`."""

    name = "adobe"
    settings: AdobeSettings

    def __init__(
        self,
        ims: Ims,
        databricks_url: str,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(AdobeSettings(), now, tls, port)
        self.records: dict[str, Record] = {}
        self._ims, self._databricks_url = ims, databricks_url
        self._lock = threading.Lock()
        self.http = requests.Session()
        self.http.trust_env = False

    def respond(self, request: Request, now: float) -> Response:
        gateway = self._gateway(request, now)
        if gateway is not None:
            return gateway
        try:
            return self._flow_service(request, now)
        except Refused as refused:
            return self._refusal(refused)

    def control(self, method: str, what: str, document: object) -> Response | None:
        """`/_simulator/connections`: what a person does in Adobe's UI."""
        try:
            with self._lock:
                match (method, *what.split("/")):
                    case ("GET", "connections"):
                        items = [by_hand.summary(item, self._state(item)) for item in self.living()]
                        return json_response(200, {"connections": items})
                    case ("PATCH", "connections", connection_id):
                        item = self.change(connection_id, document)
                        return json_response(200, by_hand.summary(item, self._state(item)))
                    case ("DELETE", "connections", connection_id):
                        return self._delete(self._living_record(connection_id), self.now())
        except Refused as refused:
            return self._refusal(refused)
        return None

    def change(self, connection_id: str, document: object) -> dict[str, Any]:
        """Change a connection as a person does in Adobe's UI (a `by_hand.Change`). Raises ValueError, Refused."""
        record = self._living_record(connection_id)
        record.item = by_hand.changed(record.item, document, self.now())
        if isinstance(document, dict) and "state" in document:
            self.settings.states.pop(connection_id, None)
        return record.item

    def living(self, sandbox: str | None = None) -> Iterator[dict[str, Any]]:
        """The connections that are not deleted, secrets unmasked."""
        for record in list(self.records.values()):
            if record.deleted_at is None and sandbox in (None, record.sandbox):
                yield record.item

    def stop(self) -> None:
        super().stop()
        self.http.close()

    def _gateway(self, request: Request, now: float) -> Response | None:
        """The refusal of Adobe's API gateway, which checks the caller; None if it accepts the call."""
        headers = request.headers
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return _gateway_error(403, "403010", "Oauth token is missing.")
        client = self._ims.client_of(token, now)
        if client is None:
            return _gateway_error(401, "401013", "Oauth token is not valid")
        if not headers.get("x-api-key"):
            return _gateway_error(403, "403000", "Api Key is required")
        if headers["x-api-key"] != client:
            return _gateway_error(403, "403003", "Api Key is invalid")
        org = headers.get("x-gw-ims-org-id")
        if not org:
            return _gateway_error(400, "400003", "Missing header x-gw-ims-org-id")
        if not org.endswith("@AdobeOrg"):
            return _gateway_error(403, "403027", "User region is missing")
        if self.settings.orgs and org not in self.settings.orgs:
            return _gateway_error(403, "403025", "Profile is not valid")
        if request.method in ("POST", "PATCH") and not headers.get("content-type", "").startswith("application/json"):
            detail = "A valid content-type must be specified"
            return json_response(
                400, {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": detail}
            )
        return None

    def _flow_service(self, request: Request, now: float) -> Response:
        sandbox = self._sandbox_of(request)
        steps = request.path.removeprefix(BASE).strip("/").split("/") if request.path.startswith(BASE) else []
        match (request.method, *steps):
            case ("POST", "connections"):
                return self._create(request, sandbox, now)
            case ("GET", "connections"):
                return self._list(request, sandbox, now)
            case ("GET" | "PATCH" | "DELETE", "connections", connection_id):
                return self._one(request, self._record(request, sandbox, connection_id, now), now)
            case ("GET", "connections", connection_id, "test"):
                return self._test(self._record(request, sandbox, connection_id, now))
            case ("GET", "connections", connection_id, "explore"):
                return self._explore(request, self._record(request, sandbox, connection_id, now))
            case ("GET", "flows"):
                found = self._flows(request, sandbox)
                return json_response(200, page("flows", flows.FIELDS, found, request.query))
            case ("GET", "flows", flow_id):
                return self._flow(self._flows(request, sandbox), flow_id)
        return json_response(501, {"message": f"This simulator has no {request.method} {request.path}."})

    def _one(self, request: Request, record: Record, now: float) -> Response:
        with self._lock:
            if request.method == "PATCH":
                return self._patch(request, record, now)
            if request.method == "DELETE":
                return self._delete(record, now)
            return json_response(200, {"items": [self._shown(record)]})

    def _sandbox_of(self, request: Request) -> str:
        headers = request.headers
        if "x-sandbox-id" in headers:
            raise Refused(400, 2110, "The header x-sandbox-id is not allowed with the user token.")
        sandbox = headers.get("x-sandbox-name", "")
        if not sandbox:
            raise Refused(400, 2105, "The header x-sandbox-name is missing.")
        if self.settings.sandboxes and sandbox not in self.settings.sandboxes:
            raise Refused(404, 2100, f"The sandbox {sandbox} is not found.")
        if sandbox in self.settings.forbidden_sandboxes:
            raise Refused(403, 2120, "permission manage is denied on resource Enterprise Source")
        return sandbox

    def _create(self, request: Request, sandbox: str, now: float) -> Response:
        headers = request.headers
        item = new_item(request.json(), headers["x-gw-ims-org-id"], sandbox, headers["x-api-key"], now)
        if item["connectionSpec"]["id"] == DATABRICKS_SPEC:
            self._check_workspace(item["auth"]["params"])
        self.records[item["id"]] = Record(headers["x-gw-ims-org-id"], sandbox, item)
        return json_response(201, {"id": item["id"], "etag": item["etag"]}, Location=f"{BASE}/connections/{item['id']}")

    def _list(self, request: Request, sandbox: str, now: float) -> Response:
        org = request.headers["x-gw-ims-org-id"]
        visible = [
            self._shown(record)
            for record in list(self.records.values())
            if (record.org, record.sandbox) == (org, sandbox)
            and self._visible(record, now)
            and record.item["createdAt"] / 1000 + self.settings.list_lag_seconds <= now
        ]
        reorders = self.settings.list_reorders
        return json_response(200, page("connections", FIELDS, visible, request.query, reorders=reorders))

    def _flows(self, request: Request, sandbox: str) -> list[dict[str, Any]]:
        in_use = [] if self.settings.hidden_flows else list(self.settings.in_use)
        return flows.flows(in_use, self.records, request.headers["x-gw-ims-org-id"], sandbox)

    def _flow(self, found: list[dict[str, Any]], flow_id: str) -> Response:
        items = [flow for flow in found if flow["id"] == flow_id]
        if not items:
            raise Refused(404, 1439, f"flows not found with id = [{flow_id}]")
        return json_response(200, {"items": items})

    def _record(self, request: Request, sandbox: str, connection_id: str, now: float) -> Record:
        record = self.records.get(connection_id)
        mine = record is not None and (record.org, record.sandbox) == (request.headers["x-gw-ims-org-id"], sandbox)
        if record is None or not mine or not self._visible(record, now):
            raise Refused(404, 1439, f"connections not found with id = [{connection_id}]")
        return record

    def _visible(self, record: Record, now: float) -> bool:
        return record.deleted_at is None or now < record.deleted_at + self.settings.delete_lag_seconds

    def _living_record(self, connection_id: str) -> Record:
        record = self.records.get(connection_id)
        if record is None or record.deleted_at is not None:
            raise Refused(404, 1439, f"connections not found with id = [{connection_id}]")
        return record

    def _state(self, item: dict[str, Any]) -> str:
        return str(self.settings.states.get(item["id"], item["state"]))

    def _shown(self, record: Record) -> dict[str, Any]:
        return {**shown(record.item, self.settings.masked), "state": self._state(record.item)}

    def _patch(self, request: Request, record: Record, now: float) -> Response:
        etag, item = request.headers.get("if-match"), record.item
        if not etag:
            raise Refused(400, 1403, "The header If-Match is missing.")
        if etag != item["etag"]:
            detail = f"Supplied version=[{etag}] does not match the current version on entity=[{item['etag']}]"
            raise Refused(412, 1404, detail)
        if not self.settings.patchable:
            raise Refused(400, 1445, "PATCH Connection Feature not enabled")
        if record.deleted_at is not None or self._shown(record)["state"] not in ("enabled", "disabled", "draft"):
            raise Refused(400, 1416, "The connection is not in a state in which it can be updated.")
        record.item = patched(item, request.json(), request.headers["x-api-key"], now)
        return json_response(200, {"id": item["id"], "etag": record.item["etag"]})

    def _delete(self, record: Record, now: float) -> Response:
        connection_id = record.item["id"]
        if connection_id in self.settings.in_use:
            detail = (
                f"The base connection with the ID {connection_id} cannot be deleted because the base connection is "
                "being used in one or more flows. Please ensure that corresponding flows are deleted before deleting "
                "a base connection."
            )
            raise Refused(400, 1418, detail)
        if self._shown(record)["state"] not in ("enabled", "disabled", "draft"):
            raise Refused(400, 1420, "The connection is not in a state in which it can be deleted.")
        if record.deleted_at is None:
            record.deleted_at = now
        return Response(self.settings.delete_status)

    def _test(self, record: Record) -> Response:
        passed = True
        if record.item["connectionSpec"]["id"] == DATABRICKS_SPEC:
            try:
                self._check_workspace(record.item["auth"]["params"])
            except Refused as refused:
                if refused.status != 400:
                    raise
                passed = False
        return json_response(200, passed if self.settings.test_shape == "boolean" else {"result": passed})

    def _explore(self, request: Request, record: Record) -> Response:
        table = requested_table(request.query)
        if record.item["connectionSpec"]["id"] == DATABRICKS_SPEC:
            self._check_workspace(record.item["auth"]["params"])
        return json_response(200, explored(self.settings.tables, table))

    def _check_workspace(self, params: dict[str, Any]) -> None:
        """Check what create, test and explore need: the license and Databricks. Raises Refused."""
        if not self.settings.entitled:
            raise provider_refusal("Not entitled to this operation.")
        Workspace(self.http, self._databricks_url, params, self.settings.echo_secrets).check()

    def _refusal(self, refused: Refused) -> Response:
        detail, request_id = refused.detail, str(uuid.uuid4())
        older = {"errorMessage": detail, "errorDetails": detail}
        if refused.number is None:
            return json_response(refused.status, {"message": detail}, x_request_id=request_id)
        if self.settings.error_shape == "older":
            return json_response(refused.status, older, x_request_id=request_id)
        envelope = {
            "type": f"https://ns.adobe.com/aep/errors/{refused.prefix}-{refused.number}-{refused.status}",
            "title": HTTPStatus(refused.status).phrase,
            "status": refused.status,
            "report": {"detailed-message": detail, "request-id": request_id},
            **older,
        }
        return json_response(refused.status, envelope, x_request_id=request_id)


def _gateway_error(status: int, code: str, message: str) -> Response:
    return json_response(status, {"error_code": code, "message": message})
