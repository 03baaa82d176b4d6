"""Checks of the way to a workspace, of the token and of the data: can it be reached, by whom, and what is visible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from aep_connections.domain.readiness import TOKEN_VALID, Severity
from aep_connections.sources.databricks.observation import Found, Row, Seen, unknown
from aep_connections.sources.databricks.replies import Said, Trouble

SOON_DAYS = 14
HIVE = "hive_metastore"
OUR_PATH = "If only Adobe's path to the workspace is open, set readiness to off; this shows the function's path."
SOMEBODY = "another identity"
_IDENTITY = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,64}", re.ASCII
)
_SHARD = re.compile(r"https://adb-([0-9]+)\.([0-9]+)\.", re.ASCII)


def _domain_shard(seen: Seen) -> Found | None:
    match = _SHARD.match(seen.params["domain"])
    if match is None or int(match[1]) % 20 == int(match[2]):
        return None
    return Found(
        f"The number after the workspace id in the domain is {match[2]}; in every known workspace it is the id modulo "
        f"20, here {int(match[1]) % 20}.",
        "Compare the domain with the URL on the workspace's page in the Azure portal.",
    )


def _token_format(seen: Seen) -> Found | None:
    if not seen.token_form:
        return None
    return Found(seen.token_form, "Check that the secret holds a personal access token, whole.")


def _host_reachable(seen: Seen) -> Found | None:
    closed = (Trouble.UNREACHED, Trouble.ELSEWHERE)
    unheard = [said for said in seen.answers.values() if said.trouble in closed]
    if len(unheard) < len(seen.answers):
        return None
    said = seen.answer("me")
    return Found(
        f"The workspace does not answer API calls from here. {said.words}",
        f"Check the domain, and private links and firewalls on the way. {OUR_PATH}",
        said.evidence,
    )


def _network_allowed(seen: Seen) -> Found | None:
    said = _first(seen, Trouble.IP_BLOCKED)
    if said is None:
        return None
    return Found(
        said.told,
        f"Allow Adobe's addresses in the workspace's IP access list; the function's own may change. {OUR_PATH}",
        said.evidence,
    )


def _token_valid(seen: Seen) -> Found | None:
    renew = "Create a token in this workspace (a token dies when it expires, is revoked, or is unused for 90 days), "
    renew += "and put it into the secret."
    for trouble in (Trouble.TOKEN_INVALID, Trouble.NO_CREDENTIAL, Trouble.OTHER_WORKSPACE):
        if said := _first(seen, trouble):
            return Found(said.told, renew, said.evidence)
    said = seen.answer("me")
    if said.trouble is Trouble.REFUSED:
        return Found(said.told, renew, said.evidence)
    accepted = any(one.trouble is None for one in seen.answers.values())
    return None if accepted else unknown(said.told, said.evidence)


def _workspace_match(seen: Seen) -> Found | None:
    other = next(
        (s.workspace_id for s in seen.answers.values() if s.workspace_id not in (None, seen.workspace_id)), None
    )
    if other is None:
        return None
    return Found(
        f"Workspace {other} answers, but the domain says {seen.workspace_id}.",
        "Correct the domain in the secret.",
        {"workspaceId": other},
    )


def _token_scope(seen: Seen) -> Found | None:
    said = next((s for name, s in seen.answers.items() if s.trouble is Trouble.SCOPE and name != "tokens"), None)
    if said is None:
        return None
    return Found(said.told, "Create the token with the scope all-apis, or with the one that is named.", said.evidence)


def _identity_active(seen: Seen) -> Found | None:
    if seen.me.get("active") is not False:
        return None
    return Found("The token's identity is deactivated.", "Activate it, or use a token of another service principal.")


def _identity_kind(seen: Seen) -> Found | None:
    if "@" not in str(seen.me.get("userName", "")):
        return None
    return Found(
        "The token belongs to a person and dies with the account.", "Use a token of a service principal for production."
    )


def _token_expiry(seen: Seen) -> Found | None:
    said = seen.answer("tokens")
    infos = said.document.get("token_infos")
    ends = [one.get("expiry_time") for one in infos if isinstance(one, dict)] if isinstance(infos, list) else []
    known = [end / 1000 for end in ends if isinstance(end, int) and not isinstance(end, bool)]
    if said.trouble or not known:
        words = said.told or "Databricks lists no token of this identity."
        return unknown(f"When the token expires is not known. {words}", said.evidence)
    first = min((end for end in known if end > 0), default=None)
    if first is None or first - seen.now >= SOON_DAYS * 86_400:
        return None
    day = datetime.fromtimestamp(min(first, 253_402_300_799), UTC).date().isoformat()
    whose = "The token" if len(known) == 1 else f"One of the identity's {len(known)} tokens, perhaps this one,"
    return Found(f"{whose} expires on {day}.", "Put a new token into the secret before.", {"expires": day})


def _catalog(seen: Seen) -> Found | None:
    return _data(seen, "catalog", f"Catalog {seen.params['catalog']}", "USE CATALOG")


def _database(seen: Seen) -> Found | None:
    return _data(seen, "schema", f"Database {seen.params['catalog']}.{seen.params['database']}", "USE SCHEMA")


def _database_elsewhere(_: Seen) -> Found | None:
    return unknown(
        "Without a catalog the database is one of the Hive metastore or of the workspace's default catalog, "
        "which cannot be looked at from outside."
    )


def _tables(seen: Seen) -> Found | None:
    said = seen.answer("tables")
    if said.trouble:
        return unknown(said.told, said.evidence)
    if said.document.get("tables") or said.document.get("next_page_token"):
        return None
    return Found(
        f"{seen.params['catalog']}.{seen.params['database']} shows no table: it is empty, or SELECT is missing.",
        f"GRANT SELECT on it to {_principal(seen)}.",
    )


def _data(seen: Seen, name: str, what: str, privilege: str) -> Found | None:
    said = seen.answer(name)
    if said.trouble is None:
        return None
    if said.trouble is Trouble.NO_CATALOGS:
        return Found(
            f"The workspace has no Unity Catalog. {said.words}",
            "Leave `catalog` out of the secret and the request.",
            said.evidence,
        )
    if said.trouble is Trouble.MISSING:
        return Found(f"{what} does not exist. {said.words}", "Correct its name, or create it.", said.evidence)
    if said.trouble is Trouble.FORBIDDEN:
        return Found(
            f"{what} may not be used. {said.words}", f"GRANT {privilege} on it to {_principal(seen)}.", said.evidence
        )
    return unknown(said.told, said.evidence)


def _principal(seen: Seen) -> str:
    name = identity(str(seen.me.get("userName") or ""))
    return f"`{name}`" if name != SOMEBODY else "the token's identity"


def _first(seen: Seen, trouble: Trouble) -> Said | None:
    return next((said for said in seen.answers.values() if said.trouble is trouble), None)


ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
WAY: tuple[Row, ...] = (
    Row("DOMAIN_SHARD", WARNING, _domain_shard),
    Row("TOKEN_FORMAT", WARNING, _token_format),
    Row("HOST_REACHABLE", WARNING, _host_reachable),
    Row("NETWORK_ALLOWED", WARNING, _network_allowed, ("HOST_REACHABLE",)),
    Row("WORKSPACE_MATCH", ERROR, _workspace_match, ("NETWORK_ALLOWED",)),
    Row(TOKEN_VALID, ERROR, _token_valid, ("NETWORK_ALLOWED",)),
    Row("TOKEN_SCOPE", ERROR, _token_scope, (TOKEN_VALID,)),
    Row("TOKEN_EXPIRY", WARNING, _token_expiry, (TOKEN_VALID,)),
    Row("IDENTITY_ACTIVE", ERROR, _identity_active, (TOKEN_VALID,)),
    Row("IDENTITY_KIND", INFO, _identity_kind, (TOKEN_VALID,)),
)
"""The way to the workspace, and who asks."""
_DATA: tuple[Row, ...] = (
    Row("CATALOG", ERROR, _catalog, ("TOKEN_SCOPE",)),
    Row("DATABASE", ERROR, _database, ("CATALOG",)),
    Row("TABLES", WARNING, _tables, ("DATABASE",)),
)
_DATA_ELSEWHERE: tuple[Row, ...] = (Row("DATABASE_HMS", INFO, _database_elsewhere, ("TOKEN_SCOPE",)),)


def identity(name: str) -> str:
    """A user's address or a service principal's application id as it is; of anything else nothing is shown."""
    return name if _IDENTITY.fullmatch(name) else SOMEBODY


def in_unity_catalog(params: Mapping[str, str]) -> bool:
    """Whether what the connection reads is in Unity Catalog, whose API shows it."""
    return params.get("catalog", HIVE).lower() != HIVE


def data(params: Mapping[str, str]) -> tuple[Row, ...]:
    """The checks of what the connection reads."""
    return _DATA if in_unity_catalog(params) else _DATA_ELSEWHERE
