"""The readiness report of one secret: checks the services that the environment names, real or local."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

import boto3

from local.aws.functions import use_the_layer

WIDTH = 76


def preflight(secret_id: str, overrides: Mapping[str, str], *, as_json: bool, strict: bool) -> int:
    """Check the workspace of a secret and print the results. It changes nothing.

    Returns:
        0 if the verdict is `pass` or `warn`, 1 if it is `fail` (with `strict` also if it is `warn`),
        2 if nothing could be checked.
    """
    use_the_layer()
    from aep_connections.domain.errors import ConnectionFailure
    from aep_connections.settings import SettingsInvalid

    try:
        params, report = _checked(secret_id, overrides)
    except (ConnectionFailure, SettingsInvalid) as error:
        if as_json and isinstance(error, ConnectionFailure):
            faults = [{"field": fault.field, "rule": fault.rule} for fault in error.faults]
            print(json.dumps({"code": error.code, "message": error.message, "remedy": error.remedy, "faults": faults}))
        else:
            print(error, file=sys.stderr)
        return 2
    document = report.document()
    if as_json:
        print(json.dumps({"secret": secret_id, **params, **document}, indent=2))
    else:
        print(_table(secret_id, params, document))
    return 1 if document["status"] in (("fail", "warn") if strict else ("fail",)) else 0


def _checked(secret_id: str, overrides: Mapping[str, str]) -> tuple[dict[str, str], Any]:
    """The auth params that are not secret, and the report. Raises ConnectionFailure, SettingsInvalid."""
    from aep_connections.aws.client import CONFIG
    from aep_connections.aws.secrets import Secrets
    from aep_connections.domain.redaction import Redactor
    from aep_connections.domain.time import RECORD_SECONDS, Deadline, SystemClock
    from aep_connections.http.transport import Timeouts, Upstream, new_session
    from aep_connections.settings import SettingsInvalid, is_safe
    from aep_connections.sources.databricks.secret import read_secret
    from aep_connections.sources.databricks.workspace import DatabricksWorkspace

    url = os.environ.get("DATABRICKS_URL", "").rstrip("/")
    if url and not is_safe(url):
        raise SettingsInvalid("DATABRICKS_URL must be an https URL (http only to localhost).")
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    if session.region_name is None:
        raise SettingsInvalid("No AWS Region is set: set AWS_REGION, or a Region in your AWS profile.")
    if session.get_credentials() is None:
        raise SettingsInvalid("No AWS credentials were found: configure them as for the AWS CLI.")
    secret = Secrets(session.client("secretsmanager", config=CONFIG)).read(secret_id)
    auth = read_secret(secret_id, secret.values, overrides)
    values = Redactor()
    values.remember(auth.secret["accessToken"])
    http = new_session()
    try:
        upstream = Upstream(
            session=http,
            timeouts=Timeouts(),
            deadline=Deadline.after(SystemClock(), 90, kept=RECORD_SECONDS),
            redactor=values,
        )
        return dict(auth.public), DatabricksWorkspace(auth, url, upstream).report()
    finally:
        http.close()


def _table(secret_id: str, params: Mapping[str, str], document: Mapping[str, Any]) -> str:
    lines = [f"\nSecret {secret_id}", f"{params['domain']}  cluster {params['clusterId']}", ""]
    lines.append(f"  {'result':8} {'severity':9} check")
    for check in document["checks"]:
        result = check["result"].upper() if check["result"] == "fail" else check["result"]
        lines.append(f"  {result:8} {check['severity']:9} {check['id']}{_waits(check)}")
        for text, sign in ((check.get("message"), "  "), (check.get("remedy"), "→ ")):
            wrapped = textwrap.wrap(text or "", WIDTH)
            lines += [f"{'':20} {sign if n == 0 else '  '}{line}" for n, line in enumerate(wrapped)]
    return "\n".join([*lines, "", _VERDICTS[document["status"]]])


def _waits(check: Mapping[str, Any]) -> str:
    waits = check.get("evidence", {}).get("waitsFor")
    return f" (needs {waits})" if waits else ""


_VERDICTS = {
    "pass": "Verdict: pass. You can request a connection with this secret.",
    "warn": "Verdict: warn. You can request a connection. Read the checks that failed or are unknown first.",
    "fail": "Verdict: fail. A request would end as NotReady. Fix the failed checks of severity error first.",
}
