"""Every way a request can end badly, as one small tree; the class name is the stable code.

    ConnectionFailure
    ├── permanent (somebody has to change something)
    │   InvalidRequest · SecretRefused · SecretInvalid · AdobeCredentialRejected · AdobeForbidden · SandboxUnknown
    │   NotEntitled · DatabricksRefused · NotReady · TestFailed · Conflict · InUse · AdobeRefused
    └── retryable (time may mend it)
        Busy · Waiting · Unsettled · Throttled · Unavailable · OutOfTime

An error carries the decision (`retryable`), what to do next (`remedy`) and the upstream request id. It never carries
a secret: free text of others is struck clean before it gets here. Its cause may hold one, so `forget_causes` is called
wherever an error leaves the process.
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
    """A request that did not end well.

    Attributes:
        message: what happened, for a person; holds no secret.
        remedy: what to do next.
        request_id: Adobe's or Databricks' request id, when the answer had one.
        faults: every broken rule, when the request or a secret is at fault.
        retry_after: seconds the upstream asked us to wait, already capped.
        may_have_happened: true when an effect was sent and its answer was not understood.
    """

    retryable: ClassVar[bool] = False
    usual_remedy: ClassVar[str] = "Read the message, mend the cause and send the request again."

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
        untold = [f"[{fault}]" for fault in self.faults if fault.rule not in self.message]
        parts = [self.message, *untold, self.remedy]
        if self.request_id:
            parts.append(f"(upstream request id {self.request_id})")
        return " ".join(parts)


class Permanent(ConnectionFailure):
    """Trying again changes nothing until somebody acts."""


class Retryable(ConnectionFailure):
    """The same request may succeed later, unchanged."""

    retryable = True
    usual_remedy = "Nothing to do: the request is tried again by itself."


class InvalidRequest(Permanent):
    """The request breaks a rule of the contract; `faults` names each."""

    usual_remedy = "Correct the named fields and send the request again."


class SecretRefused(Permanent):
    """Secrets Manager has no such secret, or does not let this function read it."""

    usual_remedy = (
        "Create the secret under the configured prefix in this account and Region, "
        "and allow this function's role to read it."
    )


class SecretInvalid(Permanent):
    """A secret's content is not what the contract says; `faults` names each field."""

    usual_remedy = "Correct the named fields of the secret; values are never shown."


class AdobeCredentialRejected(Permanent):
    """Adobe does not accept the client id, the client secret or the token made from them."""

    usual_remedy = (
        "Compare the Adobe secret with the OAuth Server-to-Server credential in Adobe Developer Console "
        "(client id, client secret, scopes), then send the request again."
    )


class AdobeForbidden(Permanent):
    """The credential is known but may not do this."""

    usual_remedy = (
        "In Adobe Experience Platform open Permissions, Roles: the role needs the sandbox, "
        "'Manage Sources' and 'View Sources', and this credential under API credentials."
    )


class SandboxUnknown(Permanent):
    """Adobe knows no such sandbox, or does not show it to this credential."""

    usual_remedy = "Check the sandbox's name (not its title), and that the credential's role includes it."


class NotEntitled(Permanent):
    """The organization's licence does not include the Databricks source."""

    usual_remedy = "Ask Adobe: the Databricks source is part of Real-Time CDP Ultimate."


class DatabricksRefused(Permanent):
    """Databricks refused what Adobe tried with the given workspace, cluster and token."""

    usual_remedy = (
        "Check that the token is valid in this workspace, that the cluster is an interactive one and running, "
        "and that catalog and database exist; then send the request again."
    )


class NotReady(Permanent):
    """A readiness check failed; `faults` names each, by its id."""


class TestFailed(Permanent):
    """Adobe's /test says that the connection does not work; nothing was published."""

    __test__ = False
    usual_remedy = (
        "Check the Databricks token and start the cluster, then send the request again: "
        "the same connection is updated and tested."
    )


class Conflict(Permanent):
    """Something of that name belongs to somebody else."""


class InUse(Permanent):
    """Adobe does not delete a connection that flows use; nothing was changed."""

    usual_remedy = "Delete the dataflows that use the connection, then send the request again."


class AdobeRefused(Permanent):
    """Any other refusal by Adobe."""


class Busy(Retryable):
    """Another delivery works on the same key."""


class Waiting(Retryable):
    """A cluster has to run first. It is given up by a limit of its own."""

    usual_remedy = "Nothing to do: the request goes on by itself when the cluster runs."


class Unsettled(Retryable):
    """An earlier POST was not answered and may still take effect."""


class Throttled(Retryable):
    """The upstream asks for fewer calls."""


class Unavailable(Retryable):
    """An upstream cannot be reached or does not answer sensibly, or something unexpected happened."""


class OutOfTime(Retryable):
    """The invocation has too little time left for the next step."""


def _leaves(kind: type[ConnectionFailure]) -> list[type[ConnectionFailure]]:
    return [leaf for child in kind.__subclasses__() for leaf in (_leaves(child) or [child])]


CODES: dict[str, type[ConnectionFailure]] = {leaf.__name__: leaf for leaf in _leaves(ConnectionFailure)}
"""Every code of the contract and the error that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as data: what the registry, the event and the HTTP API have of it."""

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
        """The failure that an error is."""
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
    """The error without what led to it: a cause may hold a request, and a request a token."""
    error.__cause__ = error.__context__ = None
    return error


def unexpected(error: Exception) -> Unavailable:
    """Our error for one that nobody foresaw: its type and place only, since its text could hold anything."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "?"
    return Unavailable(f"Unexpected {type(error).__name__} at {place}. This is a defect: please report it.")
