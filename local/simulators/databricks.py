"""A simulated Databricks workspace. It serves every workspace: replies name the workspace that the request named.

Without settings every token is valid, every cluster is RUNNING, and every catalog and schema exists. Shapes are those
of Databricks' REST API: an invalid token gets a 403 with an integer code, a cluster that does not exist gets a 400.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from local.simulators.catalogs import Catalogs
from local.simulators.clusters import ALL_PURPOSE, AUTOMATED, DAY, DEDICATED, STATES, Clusters, Declined, Pace
from local.simulators.control import Rule, is_number, matching, one_of
from local.simulators.simulator import Request, Response, Simulator, json_response

Scope = Literal["clusters", "unity-catalog", "tokens"]
Grant = Literal["USE CATALOG", "USE SCHEMA", "SELECT", "CAN RESTART", "CAN ATTACH TO"]
State = Annotated[str, one_of(STATES)]
Schema = Annotated[str, matching(r"[^.]+\.[^.]+", "a string of the form `catalog.schema`")]
Days = Annotated[float, Rule("a number (0: never expires, negative: has expired)", is_number)]

SPARK_CONF = {"fs.azure.sas.dlz-user-container.adobedlz.blob.core.windows.net": "{{secrets/aep/sas}}"}
WORKSPACE = "1234567890123456"

_STATUS = {"INVALID_PARAMETER_VALUE": 400, "INVALID_STATE": 400, "PERMISSION_DENIED": 403}  # any other code: 404
_SCOPES = {"clusters": "clusters", "unity-catalog": "unity-catalog", "token": "tokens"}
_PAGE = 20


@dataclass(slots=True)
class DatabricksSettings:
    """What you can set with PATCH /_simulator/settings; in JSON the names are in camelCase (`revokedTokens`).

    Attributes:
        revoked_tokens: list of access tokens that Databricks refuses as invalid.
        refusal: why every call is refused, whatever its token. `ip`: an IP access list; `private-link`: a redirect to
            the private link; `other-workspace`: a token of another workspace; `login-page`: a login page; empty: none.
        org_id: string, the workspace id that every reply names; empty: the id that the request names.
        user_name: string, the identity that owns the token; for a service principal its application id.
        user_active: true or false, whether that identity is active.
        groups: list of the names of that identity's groups.
        token_days: number of days until the token expires. 0: never. Negative: it expired in the past and is refused.
        other_tokens: whole number, how many more tokens the identity has.
        missing_scopes: list of the API scopes that the token lacks: `clusters`, `unity-catalog`, `tokens`.
        missing_grants: list of privileges that the identity lacks on every object: `USE CATALOG`, `USE SCHEMA`,
            `SELECT`, `CAN RESTART`, `CAN ATTACH TO` (without it no cluster is visible).
        clusters: cluster id -> state. The cluster stays in it until a call starts or stops it. Sending it again sets it
            again. States: PENDING, RUNNING, RESTARTING, RESIZING, TERMINATING, TERMINATED, ERROR, UNKNOWN.
        missing_clusters: list of the ids of clusters that do not exist.
        hidden_clusters: list of the ids of clusters that the identity may not see.
        cluster_sources: cluster id -> what created it (`UI`, `API`, `JOB`, `PIPELINE`, `SQL`, …); default `UI`.
        security_modes: cluster id -> `data_security_mode` (`USER_ISOLATION`, `NONE`, …); default `SINGLE_USER`.
        single_users: cluster id -> the user or group that the cluster is dedicated to; default: the token's identity.
        spark_conf: Spark setting -> value, the Spark configuration of every cluster.
        autotermination_minutes: whole number of idle minutes (no call of Adobe) that stop a started cluster; 0: never.
        start_seconds: number of seconds that a start takes.
        terminate_seconds: number of seconds that a stop takes.
        start_ends: termination code that every start ends with; empty: starts succeed.
        start_lag_seconds: number of seconds after a start during which the cluster still shows its state before it.
        unity_catalog: true or false, whether the workspace has a Unity Catalog metastore.
        missing_catalogs: list of the names of catalogs that do not exist.
        missing_schemas: list of schemas, as `catalog.schema`, that do not exist.
        empty_schemas: list of schemas, as `catalog.schema`, that hold no table.
    """

    revoked_tokens: list[str] = field(default_factory=list)
    refusal: Literal["", "ip", "private-link", "other-workspace", "login-page"] = ""
    org_id: str = ""
    user_name: str = "5f0c3a52-7a53-4f5f-9d5e-2f1b6a3f7c11"
    user_active: bool = True
    groups: list[str] = field(default_factory=list)
    token_days: Days = 365.0
    other_tokens: int = 0
    missing_scopes: list[Scope] = field(default_factory=list)
    missing_grants: list[Grant] = field(default_factory=list)
    clusters: dict[str, State] = field(default_factory=dict)
    missing_clusters: list[str] = field(default_factory=list)
    hidden_clusters: list[str] = field(default_factory=list)
    cluster_sources: dict[str, str] = field(default_factory=dict)
    security_modes: dict[str, str] = field(default_factory=dict)
    single_users: dict[str, str] = field(default_factory=dict)
    spark_conf: dict[str, str] = field(default_factory=SPARK_CONF.copy)
    autotermination_minutes: int = 60
    start_seconds: float = 150.0
    terminate_seconds: float = 10.0
    start_ends: str = ""
    start_lag_seconds: float = 0.0
    unity_catalog: bool = True
    missing_catalogs: list[str] = field(default_factory=list)
    missing_schemas: list[Schema] = field(default_factory=list)
    empty_schemas: list[Schema] = field(default_factory=list)

    def pace(self) -> Pace:
        """The durations of cluster operations."""
        idle = self.autotermination_minutes * 60.0
        return Pace(self.start_seconds, self.start_ends, self.start_lag_seconds, self.terminate_seconds, idle)

    def catalogs(self) -> Catalogs:
        """The contents of Unity Catalog."""
        names = self.missing_catalogs, self.missing_schemas, self.empty_schemas
        return Catalogs(self.unity_catalog, *names, self.missing_grants)


class Databricks(Simulator):
    """Serves `/Me`, `clusters/{get,list,start,restart,delete}`, `token/list` and Unity Catalog."""

    name = "databricks"
    settings: DatabricksSettings

    def __init__(self, now: Callable[[], float] = time.time, port: int = 0) -> None:
        super().__init__(DatabricksSettings(), now, port=port)
        self._clusters = Clusters()
        self._lock = threading.Lock()

    def respond(self, request: Request, now: float) -> Response:
        workspace = self.settings.org_id or request.headers.get("x-databricks-workspace-id") or WORKSPACE
        try:
            with self._lock:
                response = self._stranger(request, workspace) or self._caller(request, workspace, now)
        except Declined as declined:
            error = {"error_code": declined.code, "message": declined.message}
            response = json_response(_STATUS.get(declined.code, 404), error)
        return replace(response, headers={**response.headers, "x-databricks-org-id": workspace})

    def _stranger(self, request: Request, workspace: str) -> Response | None:
        """The reply to a caller who is not authenticated or needs no token; None if the token is valid."""
        if request.path == "/login.html":
            return _login_page()
        if self.settings.refusal:
            return _refused(self.settings.refusal, workspace)
        if request.path.startswith("/.well-known/"):
            raise _no_endpoint(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return json_response(401, {"error_code": 401, "message": "Credential was not sent."})
        if token in self.settings.revoked_tokens or self.settings.token_days < 0:
            return _numbered("Invalid access token.")
        return None

    def _caller(self, request: Request, workspace: str, now: float) -> Response:
        steps = [unquote(step) for step in request.path.strip("/").split("/")]
        scope = _SCOPES.get(steps[2]) if len(steps) > 2 else None
        if scope in self.settings.missing_scopes:
            words = f"Provided OAuth token does not have required scopes: {scope}"
            raise Declined("PERMISSION_DENIED", words)
        query = dict(request.query)
        match (request.method, *steps):
            case ("GET", "api", "2.0", "preview", "scim", "v2", "Me"):
                document = self._me()
            case ("GET", "api", "2.0", "token", "list"):
                document = self._tokens(now)
            case ("GET", "api", "2.0" | "2.1", "clusters", "list"):
                document = self._list(query, now)
            case ("GET", "api", "2.0" | "2.1", "clusters", "get"):
                document = self._get(query.get("cluster_id"), request.headers.get("user-agent", ""), now)
            case ("POST", "api", "2.0" | "2.1", "clusters", "start" | "restart" | "delete" as verb):
                document = self._move(verb, request.json(), now)
            case ("GET", "api", "2.1", "unity-catalog", "current-metastore-assignment"):
                document = self.settings.catalogs().metastore(workspace)
            case ("GET", "api", "2.1", "unity-catalog", "catalogs", name):
                document = self.settings.catalogs().catalog(name)
            case ("GET", "api", "2.1", "unity-catalog", "schemas", name):
                document = self.settings.catalogs().schema(name)
            case ("GET", "api", "2.1", "unity-catalog", "tables"):
                catalog, schema = query.get("catalog_name", ""), query.get("schema_name", "")
                document = self.settings.catalogs().tables(catalog, schema)
            case _:
                raise _no_endpoint(request)
        return json_response(200, document)

    def _me(self) -> dict[str, Any]:
        groups = [
            {"display": name, "value": str(number), "type": "direct", "$ref": f"Groups/{number}"}
            for number, name in enumerate(self.settings.groups, start=1)
        ]
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "1",
            "userName": self.settings.user_name,
            "displayName": "aep-connector",
            "active": self.settings.user_active,
            "groups": groups,
        }

    def _tokens(self, now: float) -> dict[str, Any]:
        """The caller's token, and others, each of which expires a day later than the one before."""
        days = self.settings.token_days
        return {
            "token_infos": [
                {
                    "token_id": hashlib.sha256(f"token {number}".encode()).hexdigest(),
                    "creation_time": round((now - DAY) * 1000),
                    "expiry_time": round((now + (days + number) * DAY) * 1000) if days else -1,
                    "comment": f"other {number}" if number else "aep",
                }
                for number in range(self.settings.other_tokens + 1)
            ]
        }

    def _list(self, query: dict[str, str], now: float) -> dict[str, Any]:
        settings = self.settings
        named = {*settings.clusters, *settings.cluster_sources, *settings.security_modes, *settings.single_users}
        visible = named | self._clusters.ids()
        visible -= {*settings.missing_clusters, *settings.hidden_clusters}
        ids = sorted(visible) if "CAN ATTACH TO" not in settings.missing_grants else []
        first, size = (_number(query.get(name, "")) for name in ("page_token", "page_size"))
        last = first + (size or _PAGE)
        shown = [self._shown(one, now) for one in ids[first:last]]
        return {"clusters": shown, "next_page_token": str(last) if last < len(ids) else ""}

    def _get(self, cluster_id: str | None, agent: str, now: float) -> dict[str, Any]:
        cluster_id = self._visible(cluster_id)
        if agent == "adobe":
            self._clusters.get(cluster_id, self.settings.clusters, now).use(now, self.settings.pace())
        return self._shown(cluster_id, now)

    def _move(self, verb: str, body: object, now: float) -> dict[str, Any]:
        settings = self.settings
        cluster_id = self._visible(body.get("cluster_id") if isinstance(body, dict) else None)
        if "CAN RESTART" in settings.missing_grants:
            words = f"{settings.user_name} does not have Restart permissions on {cluster_id}."
            raise Declined("PERMISSION_DENIED", words)
        if verb != "delete" and settings.cluster_sources.get(cluster_id) in AUTOMATED:
            words = f"Cluster {cluster_id} was launched to run a job and cannot be started."
            raise Declined("INVALID_PARAMETER_VALUE", words)
        cluster, pace = self._clusters.get(cluster_id, settings.clusters, now), settings.pace()
        match verb:
            case "start":
                cluster.start(now, pace)
            case "restart":
                cluster.restart(now, pace)
            case "delete":
                cluster.terminate(now, pace, settings.user_name)
        return {}

    def _visible(self, cluster_id: object) -> str:
        if not isinstance(cluster_id, str) or not cluster_id or cluster_id in self.settings.missing_clusters:
            raise Declined("INVALID_PARAMETER_VALUE", f"Cluster {cluster_id or ''} does not exist")
        if cluster_id in self.settings.hidden_clusters or "CAN ATTACH TO" in self.settings.missing_grants:
            words = f"User: SimpleUserContext{{name={self.settings.user_name}}} is not authorized to access cluster"
            raise Declined("PERMISSION_DENIED", words)
        return cluster_id

    def _shown(self, cluster_id: str, now: float) -> dict[str, Any]:
        settings = self.settings
        source = settings.cluster_sources.get(cluster_id, ALL_PURPOSE[0])
        mode = settings.security_modes.get(cluster_id, DEDICATED[0])
        single_user = settings.single_users.get(cluster_id, settings.user_name)
        return {
            "cluster_id": cluster_id,
            "cluster_name": "job-1-run-1" if source == "JOB" else f"cluster {cluster_id}",
            "cluster_source": source,
            "creator_user_name": settings.user_name,
            "data_security_mode": mode,
            **({"single_user_name": single_user} if mode in DEDICATED else {}),
            "spark_version": "15.4.x-scala2.12",
            "spark_conf": settings.spark_conf,
            "autotermination_minutes": settings.autotermination_minutes,
            "workload_type": {"clients": {"jobs": True, "notebooks": True}},
            **self._clusters.get(cluster_id, settings.clusters, now).shown(now, settings.pace()),
        }


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _no_endpoint(request: Request) -> Declined:
    return Declined("ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {request.path}'")


def _refused(why: str, workspace: str) -> Response:
    """The reply to every call, whatever its token."""
    if why == "private-link":
        return Response(303, headers={"Location": "/login.html?error=private-link-validation-error"})
    if why == "login-page":
        return _login_page()
    words = {
        "ip": f"Source IP address: 203.0.113.7 is blocked by Databricks IP ACL for workspace: {workspace}",
        "other-workspace": f"Invalid access to Org: {workspace}",
    }
    return _numbered(words[why])


def _numbered(message: str) -> Response:
    """A refusal whose error code is an integer."""
    error = {"error_code": 403, "message": message}
    return json_response(403, error, X_Databricks_Reason_Phrase=message)


def _login_page() -> Response:
    page = b"<!doctype html><html><head><title>Databricks - Sign In</title></head><body></body></html>"
    return Response(200, page, {"Content-Type": "text/html; charset=utf-8"})
