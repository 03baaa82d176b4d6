"""Checks of the cluster: that it exists, is of the right kind, runs, and may be used by the token's identity."""

import re
from collections.abc import Mapping
from typing import Any

from aep_connections.domain.readiness import CLUSTER_STATE, ClusterState, Phase
from aep_connections.sources.databricks.access import ERROR, INFO, WARNING, identity, in_unity_catalog
from aep_connections.sources.databricks.observation import Check, Flaw, Observation, check, failed, unknown
from aep_connections.sources.databricks.replies import ApiError
from aep_connections.sources.databricks.terminations import benign, termination_of

_ID = re.compile(r"[0-9]{4}-[0-9]{6}-[a-z0-9]{1,32}", re.ASCII)
_WORD = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
"""The form of the values of Databricks' enumerations. No token matches it."""
_SAS = re.compile(
    r"(?:spark\.hadoop\.)?fs\.azure\.sas\.[^.\s]+\.[a-z0-9]{3,24}\.(?:blob|dfs)\.core\.windows\.net", re.ASCII
)
_SECRET_REFERENCE = re.compile(r"\{\{secrets/[A-Za-z0-9_.-]{1,128}/[A-Za-z0-9_.-]{1,128}\}\}", re.ASCII)
DEDICATED = ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED", "LEGACY_SINGLE_USER", "LEGACY_SINGLE_USER_STANDARD")
_PASSTHROUGH = ("LEGACY_PASSTHROUGH",)
_LIMITED = ("USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD", "LEGACY_TABLE_ACL", "LEGACY_SINGLE_USER")
_WITHOUT_CATALOGS = (
    "NONE",
    "LEGACY_SINGLE_USER_STANDARD",
    "LEGACY_TABLE_ACL",
    "LEGACY_PASSTHROUGH",
    "LEGACY_SINGLE_USER",
)
SHORT_MINUTES = 10
_PHASES = {
    **dict.fromkeys(("RUNNING", "RESIZING"), Phase.RUNNING),
    **dict.fromkeys(("PENDING", "RESTARTING"), Phase.STARTING),
    "TERMINATING": Phase.STOPPING,
}
"""The states that are not listed (TERMINATED, ERROR and UNKNOWN) mean the phase STOPPED."""


def cluster_of(facts: Observation) -> ClusterState | None:
    """The cluster's state; None if the reply does not show it."""
    state = _word(facts.cluster, "state")
    if not state:
        return None
    ended = termination_of(facts.cluster) if state in ("TERMINATED", "TERMINATING", "ERROR") else None
    odd = None if benign(facts.cluster) else ended
    at = facts.cluster.get("terminated_time")
    return ClusterState(
        id=facts.cluster_id,
        state=state,
        phase=_PHASES.get(state, Phase.STOPPED),
        terminated_at=str(at) if isinstance(at, int) else "",
        ended=f"{odd[1].sentence} ({_code(odd[0])})." if odd else "",
        remedy=odd[1].remedy if odd else "",
        lasting=odd is not None and odd[1].lasting,
    )


def _id_format(facts: Observation) -> Flaw | None:
    if _ID.fullmatch(facts.cluster_id):
        return None
    return failed(
        "clusterId is malformed. A valid one looks like 0923-164208-meows279.",
        "Copy it from the cluster's page: Tags, ClusterId, or the page's URL.",
    )


def _visible(facts: Observation) -> Flaw | None:
    reply = facts.reply("cluster")
    if reply.error is not ApiError.FORBIDDEN:
        return None
    return failed(
        f"The token's identity is not allowed to see cluster {facts.cluster_id}. {reply.words}",
        "Grant it CAN ATTACH TO on the cluster.",
        reply.evidence,
    )


def _exists(facts: Observation) -> Flaw | None:
    reply = facts.reply("cluster")
    if reply.error in (ApiError.MISSING, ApiError.STATE):
        return failed(
            f"Workspace {facts.workspace_id} has no cluster {facts.cluster_id}. {reply.words}",
            "Correct clusterId. Databricks removes an unpinned cluster 30 days after it terminates.",
            reply.evidence,
        )
    return unknown(reply.sentence, reply.evidence) if reply.error else None


def _interactive(facts: Observation) -> Flaw | None:
    source = _word(facts.cluster, "cluster_source")
    if source in ("UI", "API"):
        return None
    if not source:
        return unknown("Databricks does not report what kind of cluster it is.", severity=WARNING)
    return failed(
        f"Cluster {facts.cluster_id} has the source {source}. Adobe needs an all-purpose cluster.",
        "Create one under Compute, All-purpose compute, and put its id into the secret.",
        {"clusterSource": source},
    )


def _state(facts: Observation) -> Flaw | None:
    cluster = cluster_of(facts)
    if cluster is None:
        return unknown("Databricks does not report the cluster's state.")
    if cluster.phase is Phase.RUNNING:
        return None
    ended = f" Last termination: {cluster.ended}" if cluster.ended else ""
    return failed(
        f"Cluster {cluster.id} is {cluster.state}. Adobe needs it running.{ended}",
        f"{cluster.remedy} Start the cluster, or set readiness to start.".lstrip(),
        facts.reply("cluster").evidence | {"state": cluster.state, "terminatedTime": cluster.terminated_at},
    )


def _last_termination(facts: Observation) -> Flaw | None:
    cluster, ended = cluster_of(facts), termination_of(facts.cluster)
    if cluster is None or not cluster.ended or ended is None:
        return None
    return failed(f"Last termination of the cluster: {ended[1].sentence}.", ended[1].remedy, {"code": _code(ended[0])})


def _access_mode(facts: Observation) -> Flaw | None:
    mode = _word(facts.cluster, "data_security_mode")
    if mode in _PASSTHROUGH:
        return failed(
            f"The cluster's access mode {mode} needs each user's own credentials. Adobe has none.",
            "Choose access mode Dedicated, with the token's identity.",
            {"mode": mode},
        )
    if mode in _LIMITED:
        return failed(
            f"In access mode {mode}, paths outside Unity Catalog need the privilege ANY FILE.",
            "Choose access mode Dedicated, with the token's identity, or grant it SELECT and MODIFY on ANY FILE.",
            {"mode": mode},
            severity=WARNING,
        )
    return None


def _single_user(facts: Observation) -> Flaw | None:
    if _word(facts.cluster, "data_security_mode") not in DEDICATED:
        return None
    owner, name = str(facts.cluster.get("single_user_name") or ""), str(facts.me.get("userName") or "")
    if not owner or not name:
        return unknown("Databricks does not report the cluster's user or the token's owner.", severity=WARNING)
    groups = facts.me.get("groups")
    displays = (
        {str(group.get("display")) for group in groups if isinstance(group, dict)} if isinstance(groups, list) else ()
    )
    if owner.lower() == name.lower() or owner in displays:
        return None
    return failed(
        f"The cluster is dedicated to {identity(owner)}, but the token belongs to {identity(name)}.",
        "Dedicate the cluster to the token's identity, or use a token of that user.",
    )


def _workload(facts: Observation) -> Flaw | None:
    workload = facts.cluster.get("workload_type")
    clients = workload.get("clients") if isinstance(workload, dict) else None
    if not isinstance(clients, dict) or clients.get("notebooks") is not False:
        return None
    return failed("The cluster refuses interactive clients.", "Allow notebooks in its workload type.")


def _autotermination(facts: Observation) -> Flaw | None:
    minutes = facts.cluster.get("autotermination_minutes")
    if not isinstance(minutes, int) or minutes > SHORT_MINUTES:
        return None
    if minutes == 0:
        return failed(
            "The cluster never stops automatically, which costs money.", "Set 30 to 60 minutes.", {"minutes": "0"}
        )
    return failed(
        f"The cluster stops after {minutes} idle minutes. That may be before Adobe connects.",
        "Set 30 to 60 minutes.",
        {"minutes": str(minutes)},
    )


def _policy(facts: Observation) -> Flaw | None:
    if not facts.cluster.get("policy_id"):
        return None
    return failed("A policy governs the cluster and may forbid changes to its Spark configuration.")


def _sas(facts: Observation) -> dict[str, str]:
    conf = facts.cluster.get("spark_conf")
    pairs = conf.items() if isinstance(conf, dict) else ()
    return {str(key): str(value) for key, value in pairs if "fs.azure.sas" in str(key)}


def _sas_present(facts: Observation) -> Flaw | None:
    if any(_SAS.fullmatch(key) for key in _sas(facts)):
        return None
    return failed(
        "The cluster's Spark configuration has no fs.azure.sas.… for Adobe's container; dataflows will fail.",
        "Add the line from Adobe's Databricks page, with a reference as its value: {{secrets/<scope>/<key>}}.",
    )


def _sas_typo(facts: Observation) -> Flaw | None:
    odd = [
        key
        for key, value in _sas(facts).items()
        if ".dfs." in key or not _SAS.fullmatch(key) or value != value.strip() or value.startswith("?")
    ]
    if not odd:
        return None
    return failed(
        f"{len(odd)} of the cluster's fs.azure.sas.… lines look mistyped.",
        "The key must end in .blob.core.windows.net. The value must not begin or end with a space, or begin with ?.",
    )


def _sas_as_secret(facts: Observation) -> Flaw | None:
    if all(_SECRET_REFERENCE.fullmatch(value) for value in _sas(facts).values()):
        return None
    return failed(
        "A shared access signature is in plain text in the cluster's Spark configuration.",
        "Put it into a secret scope and write {{secrets/<scope>/<key>}} instead. The cluster's owner must do this.",
    )


def _catalog_and_mode(facts: Observation) -> Flaw | None:
    mode = _word(facts.cluster, "data_security_mode")
    if not in_unity_catalog(facts.params) or mode not in _WITHOUT_CATALOGS:
        return None
    return failed(
        f"A cluster of access mode {mode} cannot read Unity Catalog.",
        "Choose access mode Dedicated, or remove `catalog`.",
        {"mode": mode},
    )


def _word(document: Mapping[str, Any], name: str) -> str:
    """A field of a reply if it is a word that may be shown; else an empty string."""
    value = document.get(name)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _code(code: str) -> str:
    return code if _WORD.fullmatch(code) else "?"


CLUSTER_CHECKS: tuple[Check, ...] = (
    check("CLUSTER_ID_FORMAT", ERROR, _id_format),
    check("CLUSTER_VISIBLE", ERROR, _visible, "TOKEN_SCOPE", "CLUSTER_ID_FORMAT"),
    check("CLUSTER_EXISTS", ERROR, _exists, "CLUSTER_VISIBLE"),
    check("CLUSTER_INTERACTIVE", ERROR, _interactive, "CLUSTER_EXISTS"),
    check(CLUSTER_STATE, ERROR, _state, "CLUSTER_EXISTS"),
    check("LAST_TERMINATION", WARNING, _last_termination, "CLUSTER_EXISTS"),
    check("ACCESS_MODE", ERROR, _access_mode, "CLUSTER_EXISTS"),
    check("SINGLE_USER", ERROR, _single_user, "CLUSTER_EXISTS"),
    check("UC_VS_MODE", ERROR, _catalog_and_mode, "CLUSTER_EXISTS"),
    check("WORKLOAD_TYPE", WARNING, _workload, "CLUSTER_EXISTS"),
    check("AUTOTERMINATION", WARNING, _autotermination, "CLUSTER_EXISTS"),
    check("POLICY", INFO, _policy, "CLUSTER_EXISTS"),
    check("SAS_PRESENT", WARNING, _sas_present, "CLUSTER_EXISTS"),
    check("SAS_KEY_TYPO", WARNING, _sas_typo, "CLUSTER_EXISTS"),
    check("SAS_AS_SECRET", WARNING, _sas_as_secret, "CLUSTER_EXISTS"),
)
