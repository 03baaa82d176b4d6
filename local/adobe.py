"""Adobe Experience Platform, simulated: the gateway's checks and Flow Service's connections.

Whether a connection can be made, and whether its test passes, is asked of the Databricks simulator over HTTP.
"""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from local.connections import DATABRICKS_SPEC, Record, Refused, new_item, page, patched, shown
from local.ims import Ims
from local.simulator import Request, Response, Simulator, json_response

BASE = "/data/foundation/flowservice"


@dataclass(slots=True)
class AdobeSettings:
    """What one can choose.

    Attributes:
        sandboxes: the sandboxes there are; empty for all.
        forbidden_sandboxes: those in which the credential may do nothing.
        entitled: whether the licence has the Databricks source.
        patchable: whether connections can be patched at all.
        list_lag_seconds: how long a new connection is missing from lists.
        list_overlaps: pages repeat an item, as when a list reorders while it is paged.
        delete_status, delete_lag_seconds: 204 or 202, and how long a deleted connection is still shown.
        test_shape: `result` for `{"result": true}`, `boolean` for `true`.
        error_shape: `current` for the envelope with a type, `older` for `errorMessage` alone.
        masked: whether GET hides secrets.
        echo_secrets: whether refusals quote the access token.
        in_use: ids of connections that flows use.
        states: id of a connection -> its state.
    """

    sandboxes: list[str] = field(default_factory=list)
    forbidden_sandboxes: list[str] = field(default_factory=list)
    entitled: bool = True
    patchable: bool = True
    list_lag_seconds: float = 0.0
    list_overlaps: bool = False
    delete_status: int = 204
    delete_lag_seconds: float = 0.0
    test_shape: str = "result"
    error_shape: str = "current"
    masked: bool = True
    echo_secrets: bool = False
    in_use: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)


class Adobe(Simulator):
    """`/data/foundation/flowservice/connections`."""

    name = "adobe"
    settings: AdobeSettings

    def __init__(
        self, ims: Ims, databricks_url: str, now: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(AdobeSettings(), now, tls)
        self.records: dict[str, Record] = {}
        self._ims, self._databricks_url = ims, databricks_url
        self._http = requests.Session()
        self._http.trust_env = False

    def respond(self, request: Request) -> Response:
        gateway = self._gateway(request)
        if gateway is not None:
            return gateway
        try:
            return self._flow_service(request)
        except Refused as refused:
            return self._refusal(refused)

    def living(self, sandbox: str | None = None) -> Iterator[dict[str, Any]]:
        """The connections that were not deleted, secrets unmasked."""
        for record in self.records.values():
            if record.deleted_at is None and sandbox in (None, record.sandbox):
                yield record.item

    def stop(self) -> None:
        super().stop()
        self._http.close()

    def _gateway(self, request: Request) -> Response | None:
        """Adobe's API gateway: who asks."""
        headers = request.headers
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return _gateway_error(403, "403010", "Oauth token is missing.")
        client = self._ims.client_of(token)
        if client is None:
            return _gateway_error(401, "401013", "Oauth token is not valid")
        if not headers.get("x-api-key"):
            return _gateway_error(403, "403000", "Api Key is required")
        if headers["x-api-key"] != client:
            return _gateway_error(403, "403003", "Api Key is invalid")
        if not headers.get("x-gw-ims-org-id"):
            return _gateway_error(400, "400003", "Missing header x-gw-ims-org-id")
        if request.method in ("POST", "PATCH") and not headers.get("content-type", "").startswith("application/json"):
            detail = "A valid content-type must be specified"
            return json_response(
                400, {"type": "/placeholder/type/uri", "status": 400, "title": "BadRequestError", "detail": detail}
            )
        return None

    def _flow_service(self, request: Request) -> Response:
        sandbox = self._sandbox_of(request)
        path = request.path.removeprefix(BASE).rstrip("/")
        _, _, rest = path.partition("/connections/")
        connection_id, _, action = rest.partition("/")
        match (request.method, path == "/connections", action):
            case ("POST", True, _):
                return self._create(request, sandbox)
            case ("GET", True, _):
                return self._list(request, sandbox)
            case ("GET", False, ""):
                return json_response(200, {"items": [self._shown(self._record(request, sandbox, connection_id))]})
            case ("GET", False, "test"):
                return self._test(self._record(request, sandbox, connection_id))
            case ("PATCH", False, ""):
                return self._patch(request, self._record(request, sandbox, connection_id))
            case ("DELETE", False, ""):
                return self._delete(self._record(request, sandbox, connection_id))
        raise Refused(404, 1439, f"The requested resource {path} is not found.")

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

    def _create(self, request: Request, sandbox: str) -> Response:
        headers = request.headers
        item = new_item(request.json(), headers["x-gw-ims-org-id"], sandbox, headers["x-api-key"], self.now())
        if item["connectionSpec"]["id"] == DATABRICKS_SPEC:
            self._check_workspace(item["auth"]["params"])
        self.records[item["id"]] = Record(headers["x-gw-ims-org-id"], sandbox, item)
        return json_response(201, {"id": item["id"], "etag": item["etag"]}, Location=f"{BASE}/connections/{item['id']}")

    def _list(self, request: Request, sandbox: str) -> Response:
        org, now = request.headers["x-gw-ims-org-id"], self.now()
        visible = [
            self._shown(record)
            for record in self.records.values()
            if (record.org, record.sandbox) == (org, sandbox)
            and self._visible(record)
            and record.item["createdAt"] / 1000 + self.settings.list_lag_seconds <= now
        ]
        return json_response(200, page(visible, request.query, overlap=self.settings.list_overlaps))

    def _record(self, request: Request, sandbox: str, connection_id: str) -> Record:
        record = self.records.get(connection_id)
        mine = record is not None and (record.org, record.sandbox) == (request.headers["x-gw-ims-org-id"], sandbox)
        if record is None or not mine or not self._visible(record):
            raise Refused(404, 1439, f"connections not found with id = [{connection_id}]")
        return record

    def _visible(self, record: Record) -> bool:
        return record.deleted_at is None or self.now() < record.deleted_at + self.settings.delete_lag_seconds

    def _shown(self, record: Record) -> dict[str, Any]:
        state = self.settings.states.get(record.item["id"], record.item["state"])
        return {**shown(record.item, self.settings.masked), "state": state}

    def _patch(self, request: Request, record: Record) -> Response:
        etag, item = request.headers.get("if-match"), record.item
        if not etag:
            raise Refused(400, 1403, "The header If-Match is missing.")
        if etag != item["etag"]:
            detail = f"Supplied version=[{etag}] does not match the current version on entity=[{item['etag']}]"
            raise Refused(412, None, detail)
        if not self.settings.patchable:
            raise Refused(400, 1445, "PATCH Connection Feature not enabled")
        if self._shown(record)["state"] not in ("enabled", "disabled", "initializing"):
            raise Refused(400, 1416, "The connection is not in a state in which it can be updated.")
        record.item = patched(item, request.json(), request.headers["x-api-key"], self.now())
        return json_response(200, {"id": item["id"], "etag": record.item["etag"]})

    def _delete(self, record: Record) -> Response:
        connection_id = record.item["id"]
        if connection_id in self.settings.in_use:
            detail = (
                f"The base connection with the ID {connection_id} cannot be deleted because the base connection is "
                "being used in one or more flows. Please ensure that corresponding flows are deleted before deleting "
                "a base connection."
            )
            raise Refused(400, 1418, detail)
        if record.deleted_at is None:
            record.deleted_at = self.now()
        return Response(self.settings.delete_status)

    def _test(self, record: Record) -> Response:
        passed = True
        if record.item["connectionSpec"]["id"] == DATABRICKS_SPEC:
            try:
                self._check_workspace(record.item["auth"]["params"])
            except Refused:
                passed = False
        return json_response(200, passed if self.settings.test_shape == "boolean" else {"result": passed})

    def _check_workspace(self, params: dict[str, Any]) -> None:
        """Ask Databricks as Adobe does: is the token valid, does the cluster run. Raises Refused."""
        if not self.settings.entitled:
            raise _provider("Not entitled to this operation.")
        quoted = f" Token: {params['accessToken']}" if self.settings.echo_secrets else ""
        me = self._ask(params, "/api/2.0/preview/scim/v2/Me")
        if me.status_code != 200:
            raise _provider(f"{me.json().get('message')}{quoted}")
        cluster = self._ask(params, f"/api/2.1/clusters/get?cluster_id={params['clusterId']}")
        if cluster.status_code != 200:
            raise _provider(f"{cluster.json().get('message')}{quoted}")
        state = cluster.json()["state"]
        if state not in ("RUNNING", "RESIZING"):
            raise _provider(f"The cluster {params['clusterId']} is in state {state}.{quoted}")

    def _ask(self, params: dict[str, Any], path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {params['accessToken']}"}
        return self._http.get(self._databricks_url + path, headers=headers, timeout=30)

    def _refusal(self, refused: Refused) -> Response:
        detail, request_id = refused.detail, str(uuid.uuid4())
        older = {"errorMessage": detail, "errorDetails": detail}
        if refused.number is None and refused.status != 412:
            return json_response(refused.status, {"message": detail}, x_request_id=request_id)
        if refused.number is None or self.settings.error_shape == "older":
            return json_response(refused.status, older, x_request_id=request_id)
        envelope = {
            "type": f"https://ns.adobe.com/aep/errors/{refused.prefix}-{refused.number}-{refused.status}",
            "title": "The request was refused",
            "status": refused.status,
            "report": {"detailed-message": detail, "request-id": request_id},
            **older,
        }
        return json_response(refused.status, envelope, x_request_id=request_id)


def _provider(text: str) -> Refused:
    return Refused(400, 1100, f"The request could not be processed. Error from flow provider: {text}")


def _gateway_error(status: int, code: str, message: str) -> Response:
    return json_response(status, {"error_code": code, "message": message})
