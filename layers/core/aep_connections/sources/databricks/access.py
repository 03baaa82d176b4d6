"""Checks of the network path, the token and the data: who reaches the workspace, and what is visible."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from aep_connections.domain.readiness import TOKEN_VALID, Severity
from aep_connections.sources.databricks.observation import Check, Flaw, Observation, check, failed, unknown
from aep_connections.sources.databricks.replies import ApiError, ApiReply

SOON_DAYS = 14
HIVE = "hive_metastore"
OUR_PATH = "If only Adobe can reach the workspace, set readiness to off: this check uses the function's network path."
SOMEBODY = "another identity"
_IDENTITY = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,64}", re.ASCII
)
_SHARD = re.compile(r"https://adb-([0-9]+)\.([0-9]+)\.", re.ASCII)


def _domain_shard(facts: Observation) -> Flaw | None:
    match = _SHARD.match(facts.params["domain"])
    if match is None or int(match[1]) % 20 == int(match[2]):
        return None
    return failed(
        f"The number after the workspace id in the domain is {match[2]}. "
        f"In every known workspace it is the id modulo 20, here {int(match[1]) % 20}.",
        "Compare the domain with the URL on the workspace's page in the Azure portal.",
    )


def _token_format(facts: Observation) -> Flaw | None:
    if not facts.token_form:
        return None
    return failed(facts.token_form, "Check that the secret holds a complete personal access token.")


def _host_reachable(facts: Observation) -> Flaw | None:
    closed = (ApiError.UNREACHED, ApiError.ELSEWHERE)
    unreached = [reply for reply in facts.replies.values() if reply.error in closed]
    if len(unreached) < len(facts.replies):
        return None
    reply = facts.reply("me")
    return failed(
        f"The function gets no API response from the workspace. {reply.words}",
        f"Check the domain, private links and firewalls. {OUR_PATH}",
        reply.evidence,
    )


def _network_allowed(facts: Observation) -> Flaw | None:
    reply = _first(facts, ApiError.IP_BLOCKED)
    if reply is None:
        return None
    return failed(
        reply.sentence,
        f"Allow Adobe's addresses in the workspace's IP access list. The function's addresses may change. {OUR_PATH}",
        reply.evidence,
    )


def _token_valid(facts: Observation) -> Flaw | None:
    renew = "Create a token in this workspace and put it into the secret. "
    renew += "A token becomes invalid when it expires, is revoked, or is unused for 90 days."
    for error in (ApiError.TOKEN_INVALID, ApiError.NO_CREDENTIAL, ApiError.OTHER_WORKSPACE):
        if reply := _first(facts, error):
            return failed(reply.sentence, renew, reply.evidence)
    reply = facts.reply("me")
    if reply.error is ApiError.REFUSED:
        return failed(reply.sentence, renew, reply.evidence)
    accepted = any(one.error is None for one in facts.replies.values())
    return None if accepted else unknown(reply.sentence, reply.evidence)


def _workspace_match(facts: Observation) -> Flaw | None:
    known = (None, facts.workspace_id)
    other = next((one.workspace_id for one in facts.replies.values() if one.workspace_id not in known), None)
    if other is None:
        return None
    return failed(
        f"Workspace {other} responds, but the domain names workspace {facts.workspace_id}.",
        "Correct the domain in the secret.",
        {"workspaceId": other},
    )


def _token_scope(facts: Observation) -> Flaw | None:
    reply = next((s for name, s in facts.replies.items() if s.error is ApiError.SCOPE and name != "tokens"), None)
    if reply is None:
        return None
    return failed(
        reply.sentence, "Create the token with the scope all-apis, or with the scope in the message.", reply.evidence
    )


def _identity_active(facts: Observation) -> Flaw | None:
    if facts.me.get("active") is not False:
        return None
    return failed("The token's identity is deactivated.", "Activate it, or use a token of another service principal.")


def _identity_kind(facts: Observation) -> Flaw | None:
    if "@" not in str(facts.me.get("userName", "")):
        return None
    return failed(
        "The token belongs to a person. It stops working when that account is removed.",
        "Use a service principal's token for production.",
    )


def _token_expiry(facts: Observation) -> Flaw | None:
    reply = facts.reply("tokens")
    infos = reply.document.get("token_infos")
    ends = [one.get("expiry_time") for one in infos if isinstance(one, dict)] if isinstance(infos, list) else []
    known = [end / 1000 for end in ends if isinstance(end, int) and not isinstance(end, bool)]
    if reply.error or not known:
        words = reply.sentence or "Databricks lists no token of this identity."
        return unknown(f"The expiry date of the token is unknown. {words}", reply.evidence)
    first = min((end for end in known if end > 0), default=None)
    if first is None or first - facts.now >= SOON_DAYS * 86_400:
        return None
    day = datetime.fromtimestamp(min(first, 253_402_300_799), UTC).date().isoformat()
    whose = "The token" if len(known) == 1 else f"One of the identity's {len(known)} tokens (it may be this one)"
    return failed(f"{whose} expires on {day}.", "Put a new token into the secret before that date.", {"expires": day})


def _catalog(facts: Observation) -> Flaw | None:
    return _data(facts, "catalog", f"Catalog {facts.params['catalog']}", "USE CATALOG")


def _database(facts: Observation) -> Flaw | None:
    return _data(facts, "schema", f"Database {facts.params['catalog']}.{facts.params['database']}", "USE SCHEMA")


def _database_elsewhere(_: Observation) -> Flaw | None:
    return unknown(
        "Without a catalog, the function cannot check the database: it is in the Hive metastore or the default catalog."
    )


def _tables(facts: Observation) -> Flaw | None:
    reply = facts.reply("tables")
    if reply.error:
        return unknown(reply.sentence, reply.evidence)
    if reply.document.get("tables") or reply.document.get("next_page_token"):
        return None
    schema = f"{facts.params['catalog']}.{facts.params['database']}"
    return failed(
        f"{schema} shows no table: it is empty, or SELECT is missing.",
        f"GRANT SELECT on it to {_principal(facts)}.",
    )


def _data(facts: Observation, name: str, what: str, privilege: str) -> Flaw | None:
    reply = facts.reply(name)
    if reply.error is None:
        return None
    if reply.error is ApiError.NO_CATALOGS:
        return failed(
            f"The workspace has no Unity Catalog. {reply.words}",
            "Remove `catalog` from the secret and the request.",
            reply.evidence,
        )
    if reply.error is ApiError.MISSING:
        return failed(f"{what} does not exist. {reply.words}", "Correct its name, or create it.", reply.evidence)
    if reply.error is ApiError.FORBIDDEN:
        return failed(
            f"{what} is not accessible to the token's identity. {reply.words}",
            f"GRANT {privilege} on it to {_principal(facts)}.",
            reply.evidence,
        )
    return unknown(reply.sentence, reply.evidence)


def _principal(facts: Observation) -> str:
    name = identity(str(facts.me.get("userName") or ""))
    return f"`{name}`" if name != SOMEBODY else "the token's identity"


def _first(facts: Observation, error: ApiError) -> ApiReply | None:
    return next((reply for reply in facts.replies.values() if reply.error is error), None)


ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
ACCESS_CHECKS: tuple[Check, ...] = (
    check("DOMAIN_SHARD", WARNING, _domain_shard),
    check("TOKEN_FORMAT", WARNING, _token_format),
    check("HOST_REACHABLE", WARNING, _host_reachable),
    check("NETWORK_ALLOWED", WARNING, _network_allowed, "HOST_REACHABLE"),
    check("WORKSPACE_MATCH", ERROR, _workspace_match, "NETWORK_ALLOWED"),
    check(TOKEN_VALID, ERROR, _token_valid, "NETWORK_ALLOWED"),
    check("TOKEN_SCOPE", ERROR, _token_scope, TOKEN_VALID),
    check("TOKEN_EXPIRY", WARNING, _token_expiry, TOKEN_VALID),
    check("IDENTITY_ACTIVE", ERROR, _identity_active, TOKEN_VALID),
    check("IDENTITY_KIND", INFO, _identity_kind, TOKEN_VALID),
)
"""The network path to the workspace, and the token's identity."""
_DATA: tuple[Check, ...] = (
    check("CATALOG", ERROR, _catalog, "TOKEN_SCOPE"),
    check("DATABASE", ERROR, _database, "CATALOG"),
    check("TABLES", WARNING, _tables, "DATABASE"),
)
_DATA_ELSEWHERE: tuple[Check, ...] = (check("DATABASE_HMS", INFO, _database_elsewhere, "TOKEN_SCOPE"),)


def identity(name: str) -> str:
    """A user's email address or a service principal's application id, unchanged. Any other name is not shown."""
    return name if _IDENTITY.fullmatch(name) else SOMEBODY


def in_unity_catalog(params: Mapping[str, str]) -> bool:
    """Whether the data that the connection reads is in Unity Catalog, whose API shows it."""
    return params.get("catalog", HIVE).lower() != HIVE


def data_checks(params: Mapping[str, str]) -> tuple[Check, ...]:
    """The checks of the data that the connection reads."""
    return _DATA if in_unity_catalog(params) else _DATA_ELSEWHERE
