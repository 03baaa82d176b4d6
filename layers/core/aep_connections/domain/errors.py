"""Every way a request can fail, as one small tree; the class name is the stable error code.

    ConnectionFailure
    ├── permanent (a person has to change something)
    │   InvalidRequest · SecretRefused · SecretInvalid · AdobeCredentialRejected · AdobeForbidden · SandboxUnknown
    │   NotEntitled · DatabricksRefused · NotReady · TestFailed · Conflict · InUse · AdobeRefused
    └── retryable (a later try may succeed)
        Busy · Waiting · Unsettled · Throttled · Unavailable · OutOfTime

An error carries the decision (`retryable`), what to do next (`remedy`) and the upstream request id. It never carries
a secret: text from other systems is redacted before it gets here. The error's cause may hold a secret, so
`forget_causes` is called wherever an error leaves the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that one field breaks."""

    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}"


class ConnectionFailure(Exception):  # noqa: N818 - its subclasses are the codes of the contract
    """A request that failed.

    Attributes:
        message: what happened, for a person; holds no secret.
        remedy: what to do next.
        request_id: Adobe's or Databricks' request id, when the response had one.
        faults: every broken rule, when the request or a secret is at fault.
        retry_after: seconds to wait before the next try, as the upstream requested, already capped.
        may_have_happened: true when a change was sent and its response was not understood.
    """

    retryable: ClassVar[bool] = False
    usual_remedy: ClassVar[str] = "Read the message, fix the cause and send the request again."

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        request_id: str | None = None,
        faults: Sequence[Fault] = (),
        retry_after: float | None = None,
        may_have_happened: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.usual_remedy
        self.request_id = request_id
        self.faults = tuple(faults)
        self.retry_after = retry_after
        self.may_have_happened = may_have_happened

    @property
    def code(self) -> str:
        return type(self).__name__

    def __str__(self) -> str:
        unnamed = [f"[{fault}]" for fault in self.faults if fault.rule not in self.message]
        parts = [self.message, *unnamed, self.remedy]
        if self.request_id:
            parts.append(f"(upstream request id {self.request_id})")
        return " ".join(parts)


class Permanent(ConnectionFailure):
    """A retry changes nothing until a person acts."""


class Retryable(ConnectionFailure):
    """The same request may succeed later, unchanged."""

    retryable = True
    usual_remedy = "Nothing to do: the request is retried automatically."


class InvalidRequest(Permanent):
    """The request breaks rules of the contract; `faults` names each rule."""

    usual_remedy = "Correct the named fields and send the request again."


class SecretRefused(Permanent):
    """Secrets Manager has no such secret, or does not allow this function to read it."""

    usual_remedy = (
        "Create the secret under the configured prefix in this account and Region, "
        "and allow this function's role to read it."
    )


class SecretInvalid(Permanent):
    """A secret's content breaks the contract; `faults` names each field."""

    usual_remedy = "Correct the named fields of the secret. Secret values are never shown."


class AdobeCredentialRejected(Permanent):
    """Adobe does not accept the client id, the client secret or the token made from them."""

    usual_remedy = (
        "Compare the Adobe secret with the OAuth Server-to-Server credential in Adobe Developer Console "
        "(client id, client secret, scopes), then send the request again."
    )


class AdobeForbidden(Permanent):
    """Adobe accepts the credential, but it lacks a permission."""

    usual_remedy = (
        "In Adobe Experience Platform, open Permissions, Roles. The role needs the sandbox, "
        "'Manage Sources' and 'View Sources', and this credential under API credentials."
    )


class SandboxUnknown(Permanent):
    """Adobe has no such sandbox, or does not show it to this credential."""

    usual_remedy = "Check the sandbox's name (not its title). Check that the credential's role includes the sandbox."


class NotEntitled(Permanent):
    """The organization's license does not include the Databricks source."""

    usual_remedy = "Contact Adobe about your license: the Databricks source is part of Real-Time CDP Ultimate."


class DatabricksRefused(Permanent):
    """Databricks refused what Adobe tried with the given workspace, cluster and token."""

    usual_remedy = (
        "Check that the token is valid in this workspace, that the cluster is interactive and running, "
        "and that the catalog and the database exist. Then send the request again."
    )


class NotReady(Permanent):
    """A readiness check failed; `faults` names each, by its id."""


class TestFailed(Permanent):
    """Adobe's `/test` reports that the connection does not work; the SSM parameter was not changed."""

    __test__ = False
    usual_remedy = (
        "Check the Databricks token and start the cluster. Then send the request again: "
        "the same connection is updated and tested."
    )


class Conflict(Permanent):
    """The name or the key is taken by a connection that is not ours, another organization or another source type."""


class InUse(Permanent):
    """Adobe does not delete a connection that dataflows use; nothing was changed."""

    usual_remedy = "Delete the dataflows that use the connection, then send the request again."


class AdobeRefused(Permanent):
    """Any other refusal by Adobe."""


class Busy(Retryable):
    """Another delivery is processing the same key."""


class Waiting(Retryable):
    """A cluster has to run first. This wait has its own time limit."""

    usual_remedy = "Nothing to do: the request continues automatically when the cluster runs."


class Unsettled(Retryable):
    """An earlier POST got no response and may still take effect."""


class Throttled(Retryable):
    """The upstream throttles our calls."""


class Unavailable(Retryable):
    """An upstream cannot be reached or its response is unusable, or something unexpected happened."""


class OutOfTime(Retryable):
    """The invocation has too little time left for the next step."""


def _leaves(kind: type[ConnectionFailure]) -> list[type[ConnectionFailure]]:
    return [leaf for child in kind.__subclasses__() for leaf in (_leaves(child) or [child])]


CODES: dict[str, type[ConnectionFailure]] = {leaf.__name__: leaf for leaf in _leaves(ConnectionFailure)}
"""Every code of the contract and the error that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as data: what the registry, the event and the HTTP API contain."""

    code: str
    message: str
    remedy: str
    retryable: bool
    request_id: str | None
    faults: Sequence[Mapping[str, str]]

    def document(self) -> dict[str, Any]:
        """The failure with the contract's names."""
        return {
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "requestId": self.request_id,
            "faults": [dict(fault) for fault in self.faults],
        }

    @classmethod
    def of(cls, error: ConnectionFailure) -> Failure:
        """The error as data."""
        return cls(
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            retryable=error.retryable,
            request_id=error.request_id,
            faults=[{"field": fault.field, "rule": fault.rule} for fault in error.faults],
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Failure:
        """The failure in a document."""
        same = {name: document[name] for name in ("code", "message", "remedy", "retryable", "faults")}
        return cls(request_id=document["requestId"], **same)


E = TypeVar("E", bound=BaseException)


def forget_causes(error: E) -> E:
    """The error without its causes: a cause may hold a request, which may hold a token."""
    error.__cause__ = error.__context__ = None
    return error


def unexpected(error: Exception) -> Unavailable:
    """Our error for an unexpected exception: only its type and place, since its text could hold anything."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "?"
    return Unavailable(f"Unexpected {type(error).__name__} at {place}. This is a defect: please report it.")
