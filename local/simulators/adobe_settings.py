"""The settings of the Adobe simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from local.simulators.explore import sample_tables


@dataclass(slots=True)
class AdobeSettings:
    """What you can set with PATCH /_simulator/settings; in JSON the names are in camelCase (`forbiddenSandboxes`).

    Attributes:
        orgs: list of the organizations (`…@AdobeOrg`) that the credential belongs to; empty: all.
        sandboxes: list of the names of the sandboxes that exist; empty: all.
        forbidden_sandboxes: list of the names of sandboxes in which the credential has no permission.
        entitled: true or false, whether the license includes the Databricks source.
        patchable: true or false, whether Adobe supports PATCH of a connection.
        list_lag_seconds: number of seconds for which lists do not show a new connection.
        list_reorders: true or false; true: another client updates a connection between two pages of a list, which
            moves it in the order by `updatedAt`.
        delete_status: 204 or 202, the status of a DELETE.
        delete_lag_seconds: number of seconds for which a deleted connection is still shown.
        test_shape: `result`: a test returns `{"result": true}`; `boolean`: it returns `true`.
        error_shape: `current`: errors have a `type`; `older`: only `errorMessage`.
        masked: true or false, whether GET hides secret params.
        echo_secrets: true or false; true: error messages quote the access token.
        in_use: list of the ids of connections that dataflows use; once for each dataflow.
        hidden_flows: true or false; true: access labels hide the dataflows from the credential. A connection in use
            still cannot be deleted.
        states: connection id -> the state that Adobe shows (`enabled`, `disabled`, `draft`, `enabled-finalizing`, …).
        tables: table path -> column -> its type in Databricks; what exploring shows for every workspace.
    """

    orgs: list[str] = field(default_factory=list)
    sandboxes: list[str] = field(default_factory=list)
    forbidden_sandboxes: list[str] = field(default_factory=list)
    entitled: bool = True
    patchable: bool = True
    list_lag_seconds: float = 0.0
    list_reorders: bool = False
    delete_status: Literal[204, 202] = 204
    delete_lag_seconds: float = 0.0
    test_shape: Literal["result", "boolean"] = "result"
    error_shape: Literal["current", "older"] = "current"
    masked: bool = True
    echo_secrets: bool = False
    in_use: list[str] = field(default_factory=list)
    hidden_flows: bool = False
    states: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=sample_tables)
