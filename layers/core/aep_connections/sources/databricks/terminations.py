"""Why a cluster terminated, in sentences. Source: Databricks, Clusters API, `TerminationReason`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Termination:
    """A reason why a cluster terminates. `lasting`: each new start ends the same way until something is changed."""

    sentence: str
    remedy: str
    lasting: bool


_ORDINARY = Termination("it was idle, or someone stopped it", "Start it.", lasting=False)
_SECRETS = Termination(
    "a secret that its Spark configuration refers to could not be read",
    "Create that secret, or give the cluster's owner READ on its scope.",
    lasting=True,
)
_CONFIGURATION = Termination(
    "its configuration prevents Spark from starting",
    "Read the cluster's event log. Correct its Spark configuration, init scripts or runtime version.",
    lasting=True,
)
_QUOTA = Termination(
    "the Azure quota for its machine type is used up",
    "Raise the quota of the subscription and region in Azure, or choose another node type.",
    lasting=False,
)
_CAPACITY = Termination(
    "Azure had no capacity for it", "Try again later, or choose another node type or an instance pool.", lasting=False
)
_NETWORK = Termination(
    "its machines could not reach Databricks' control plane",
    "Check the workspace's virtual network: routes, firewall and DNS.",
    lasting=False,
)
_ACCOUNT = Termination(
    "the Databricks account does not allow it to run",
    "Contact the account's administrator. Possible causes: an ended trial, a canceled workspace or a budget policy.",
    lasting=True,
)
_OTHER = Termination("Databricks gives an unrecognized reason", "Read the cluster's event log.", lasting=False)

_BY_CODE: dict[str, Termination] = {
    **dict.fromkeys(("INACTIVITY", "USER_REQUEST", "JOB_FINISHED"), _ORDINARY),
    **dict.fromkeys(("SECRET_RESOLUTION_ERROR", "SECRET_PERMISSION_DENIED", "SECRET_CREATION_FAILURE"), _SECRETS),
    **dict.fromkeys(
        (
            "INVALID_ARGUMENT", "SPARK_STARTUP_FAILURE", "SPARK_ERROR", "DYNAMIC_SPARK_CONF_SIZE_EXCEEDED",
            "EOS_SPARK_IMAGE", "INIT_SCRIPT_FAILURE",
        ),
        _CONFIGURATION,
    ),
    "AZURE_QUOTA_EXCEEDED_EXCEPTION": _QUOTA,
    **dict.fromkeys(
        (
            "CLOUD_PROVIDER_RESOURCE_STOCKOUT", "CLOUD_PROVIDER_LAUNCH_FAILURE", "SPOT_INSTANCE_TERMINATION",
            "SUBNET_EXHAUSTED_FAILURE", "AZURE_RESOURCE_MANAGER_THROTTLING",
        ),
        _CAPACITY,
    ),
    **dict.fromkeys(
        (
            "NPIP_TUNNEL_SETUP_FAILURE", "CONTROL_PLANE_CONNECTION_FAILURE", "NETWORK_CONFIGURATION_FAILURE",
            "DRIVER_UNREACHABLE", "DRIVER_UNRESPONSIVE",
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        ("TRIAL_EXPIRED", "WORKSPACE_CANCELLED_ERROR", "BUDGET_POLICY_LIMIT_ENFORCEMENT_ACTIVATED"), _ACCOUNT
    ),
}  # fmt: skip


def termination_of(cluster: Mapping[str, Any]) -> tuple[str, Termination] | None:
    """The code and meaning of a cluster's `termination_reason`, or None if it has none."""
    reason = cluster.get("termination_reason")
    code = reason.get("code") if isinstance(reason, dict) else None
    if not isinstance(code, str) or not code:
        return None
    return code, _BY_CODE.get(code, _OTHER)


def benign(cluster: Mapping[str, Any]) -> bool:
    """Whether the cluster ended normally, or has no termination reason."""
    known = termination_of(cluster)
    reason = cluster.get("termination_reason")
    return known is None or known[1] is _ORDINARY or (isinstance(reason, dict) and reason.get("type") == "SUCCESS")
