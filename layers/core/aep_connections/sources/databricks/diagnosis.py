"""Finds the cause of a refusal that Adobe passed on, from what Databricks reports on token and cluster. Pure."""

from aep_connections.domain.errors import ConnectionFailure, DatabricksRefused
from aep_connections.domain.readiness import TOKEN_VALID, Report


def diagnosis_of(refusal: ConnectionFailure, report: Report) -> ConnectionFailure:
    """The refusal with its cause from the report. An invalid token explains every other failed check."""
    failed = report.failed()
    if not failed:
        return refusal
    if token := [check for check in failed if check.id == TOKEN_VALID]:
        return report.as_failure(DatabricksRefused, refusal.message, token)
    explained = report.as_failure(type(refusal), refusal.message, failed)
    explained.request_id = refusal.request_id or explained.request_id
    return explained
