"""Base connections as Flow Service stores them: records, masks and patches. No HTTP here."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

DATABRICKS_SPEC = "e9d7ec6b-0873-4e57-ad21-b3a7c65e310b"
DATABRICKS_AUTH = "Access Token Authentication"
MANDATORY = ("domain", "clusterId", "accessToken", "database")
MASK = "***"
FIELDS = {
    "id", "createdAt", "updatedAt", "createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId",
    "sandboxName", "imsOrgId", "name", "description", "connectionSpec", "state", "auth", "version", "etag",
}  # fmt: skip

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Refused(Exception):  # noqa: N818 - a reply, not a fault of the simulator
    """An error reply: a status and Flow Service's error number, or an older body without a number."""

    def __init__(self, status: int, number: int | None, detail: str, prefix: str = "FLOW") -> None:
        super().__init__(detail)
        self.status, self.number, self.detail, self.prefix = status, number, detail, prefix


@dataclass(slots=True)
class Record:
    """One connection. `item` is Adobe's view of it, secrets unmasked; `deleted_at` is in seconds since 1970."""

    org: str
    sandbox: str
    item: dict[str, Any]
    deleted_at: float | None = None


def new_etag() -> str:
    """An etag in the form of Flow Service, double quotes included."""
    digits = uuid.uuid4().hex
    return f'"{digits[:8]}-0000-0200-0000-{digits[8:16]}0000"'


def new_item(body: Any, org: str, sandbox: str, client: str, now: float) -> dict[str, Any]:
    """The connection that a POST creates. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, 1405, "The request body is empty or not an object.")
    spec = body.get("connectionSpec")
    if not isinstance(spec, dict) or not isinstance(spec.get("id"), str):
        raise Refused(400, None, "Please provide a valid spec id")
    if not isinstance(spec.get("version"), str):
        raise Refused(422, None, "connectionSpec.version 'version' is required for spec info")
    if not _UUID.fullmatch(spec["id"]) or (spec["id"] == DATABRICKS_SPEC and spec["version"] != "1.0"):
        raise Refused(400, 1413, "The connection spec is not valid.")
    auth = body.get("auth")
    if not isinstance(body.get("name"), str) or not isinstance(auth, dict) or not isinstance(auth.get("params"), dict):
        raise Refused(400, None, "name, auth and auth.params are required")
    check_auth(spec["id"], auth)
    milliseconds = round(now * 1000)
    etag = new_etag()
    return {
        "id": str(uuid.uuid4()),
        "createdAt": milliseconds,
        "updatedAt": milliseconds,
        "createdBy": client,
        "updatedBy": client,
        "createdClient": client,
        "updatedClient": client,
        "sandboxId": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{org}/{sandbox}")),
        "sandboxName": sandbox,
        "imsOrgId": org,
        "name": body["name"],
        **({"description": body["description"]} if body.get("description") is not None else {}),
        "connectionSpec": {"id": spec["id"], "version": spec["version"]},
        "state": "enabled",
        "auth": {"specName": auth.get("specName"), "params": dict(auth["params"])},
        "version": etag,
        "etag": etag,
    }


def check_auth(spec_id: str, auth: dict[str, Any]) -> None:
    """Check the auth of a Databricks source, as Adobe does before it calls Databricks. Raises Refused."""
    if spec_id != DATABRICKS_SPEC:
        return
    if auth.get("specName") != DATABRICKS_AUTH:
        raise Refused(400, 1415, "The auth spec name is not found in the connection spec.")
    for name in MANDATORY:
        if not auth["params"].get(name):
            raise Refused(400, 1304, f"The mandatory field {name} is not provided.", prefix="CONNECTOR")


def shown(item: dict[str, Any], masked: bool) -> dict[str, Any]:
    """The connection as GET shows it: credentials in part, and a param that Adobe added."""
    params = {
        name: MASK if masked and re.search("token|secret|password|key", name, re.IGNORECASE) else value
        for name, value in item["auth"]["params"].items()
    }
    return {**item, "auth": {**item["auth"], "params": {**params, "authorizedDate": "2026-01-01"}}}


def patched(item: dict[str, Any], operations: Any, client: str, now: float) -> dict[str, Any]:
    """The connection after a JSON Patch. Raises Refused; then nothing is changed."""
    if operations is None:
        raise Refused(400, 1405, "The request body is empty.")
    if not isinstance(operations, list) or not operations:
        raise Refused(400, 1455, "Invalid patch instruction: an array of operations is needed.")
    changed: dict[str, Any] = json.loads(json.dumps(item))
    for operation in operations:
        _apply(changed, operation if isinstance(operation, dict) else {})
    check_auth(changed["connectionSpec"]["id"], changed["auth"])
    etag = new_etag()
    return {**changed, "etag": etag, "version": etag, "updatedAt": round(now * 1000), "updatedClient": client}


def _apply(item: dict[str, Any], operation: dict[str, Any]) -> None:
    op, path, value = operation.get("op"), operation.get("path"), operation.get("value")
    if op not in ("add", "replace", "remove"):
        raise Refused(400, 1434, f"Unsupported operation '{op}'")
    if isinstance(path, str) and path.startswith("/connectionSpec"):
        raise Refused(400, 1414, "The connection spec cannot be changed.")
    if path == "/auth/params" and op != "remove" and isinstance(value, dict):
        item["auth"]["params"] = dict(value)
        return
    field = {"/name": "name", "/description": "description"}.get(path if isinstance(path, str) else "")
    removes_name = op == "remove" and field == "name"
    if field is None or removes_name or (op == "replace" and field not in item):
        raise Refused(400, 1455, f"Invalid patch instruction: Missing field {path}")
    if op != "remove" and not isinstance(value, str):
        raise Refused(400, 1455, f"Invalid patch instruction: Missing field {path}")
    if op == "remove":
        item.pop(field, None)
    else:
        item[field] = value
