"""Reads secrets by version stage, without a cache. Values are returned only inside `Secret`, which hides them."""

import functools
import json
from collections.abc import Collection
from typing import Any

from aep_connections.aws.client import attempt, unavailable
from aep_connections.domain.concurrency import concurrently
from aep_connections.domain.errors import Fault, SecretInvalid, SecretRefused
from aep_connections.domain.model import Secret

_REFUSALS = {
    "ResourceNotFoundException": "there is no such secret",
    "AccessDeniedException": "access is denied (by the role's policy, the secret's policy or its KMS key)",
    "DecryptionFailure": "its KMS key cannot decrypt it",
    "InvalidRequestException": "it is scheduled for deletion or cannot be read now",
    "InvalidParameterException": "its name is not valid",
    "ValidationException": "its name is not valid",
}


class Secrets:
    """The `Secrets` port on AWS Secrets Manager."""

    def __init__(self, secretsmanager: Any) -> None:
        self._secretsmanager = secretsmanager

    def read(self, secret_id: str, stage: str = "AWSCURRENT") -> Secret:
        operation = self._secretsmanager.get_secret_value
        reply, refused = attempt(operation, SecretId=secret_id, VersionStage=stage)
        if refused is not None:
            why = _REFUSALS.get(refused.code)
            if why is None:
                raise unavailable(operation, refused.code)
            raise SecretRefused(f"The secret {secret_id} cannot be read: {why}.")
        values = _object_in(reply.get("SecretString"))
        if values is None:
            raise SecretInvalid(
                f"The secret {secret_id} cannot be used.",
                faults=[Fault("secret", "must be a JSON object, stored as text")],
            )
        return Secret(
            arn=reply["ARN"],
            version_id=reply["VersionId"],
            created_at=reply["CreatedDate"].timestamp(),
            values=values,
        )

    def current_versions(self, secret_ids: Collection[str]) -> dict[str, str | None]:
        """Uses `DescribeSecret`: no content is read."""
        versions = concurrently(*(functools.partial(self._current_version, secret_id) for secret_id in secret_ids))
        return dict(zip(secret_ids, versions, strict=True))

    def _current_version(self, secret_id: str) -> str | None:
        operation = self._secretsmanager.describe_secret
        reply, refused = attempt(operation, SecretId=secret_id)
        if refused is not None:
            if refused.code in _REFUSALS:
                return None
            raise unavailable(operation, refused.code)
        stages = reply.get("VersionIdsToStages", {})
        gone = "DeletedDate" in reply
        return None if gone else next((version for version, of in stages.items() if "AWSCURRENT" in of), None)


def _object_in(text: object) -> dict[str, Any] | None:
    """The JSON object in `text`, or None. The parser's error is dropped here because it holds the text."""
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
