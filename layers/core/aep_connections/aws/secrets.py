"""Reads secrets: always by a version's stage, never cached; a value leaves only inside `Secret`, which hides it."""

from __future__ import annotations

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aep_connections.aws.calls import attempt, unavailable
from aep_connections.domain.errors import Fault, SecretInvalid, SecretRefused
from aep_connections.domain.model import Secret

READERS = 8
"""Secrets whose versions are asked for at once."""

_REFUSALS = {
    "ResourceNotFoundException": "there is no such secret",
    "AccessDeniedException": "reading it is not allowed (the role's policy, the secret's policy or its KMS key)",
    "DecryptionFailure": "its KMS key cannot decrypt it",
    "InvalidRequestException": "it is scheduled for deletion or not readable now",
    "InvalidParameterException": "its name is not valid",
    "ValidationException": "its name is not valid",
}


class Secrets:
    """The `Secrets` port on AWS Secrets Manager."""

    def __init__(self, secretsmanager: Any) -> None:
        self._secretsmanager = secretsmanager

    def read(self, secret_id: str, stage: str = "AWSCURRENT") -> Secret:
        operation = self._secretsmanager.get_secret_value
        answer, refused = attempt(operation, SecretId=secret_id, VersionStage=stage)
        if refused is not None:
            why = _REFUSALS.get(refused.code)
            if why is None:
                raise unavailable(operation, refused.code)
            raise SecretRefused(f"The secret {secret_id} cannot be read: {why}.")
        values = _object_in(answer.get("SecretString"))
        if values is None:
            raise SecretInvalid(
                f"The secret {secret_id} cannot be used.",
                faults=[Fault("secret", "must be a JSON object, stored as text")],
            )
        return Secret(answer["ARN"], answer["VersionId"], answer["CreatedDate"].timestamp(), values)


class Versions:
    """The `Versions` port on AWS Secrets Manager: which versions there are, never what is in them."""

    def __init__(self, secretsmanager: Any) -> None:
        self._secretsmanager = secretsmanager

    def current(self, secret_ids: Collection[str]) -> dict[str, str | None]:
        if not secret_ids:
            return {}
        with ThreadPoolExecutor(max_workers=min(READERS, len(secret_ids))) as pool:
            return dict(zip(secret_ids, pool.map(self._current, secret_ids), strict=True))

    def _current(self, secret_id: str) -> str | None:
        operation = self._secretsmanager.describe_secret
        answer, refused = attempt(operation, SecretId=secret_id)
        if refused is not None:
            if refused.code in _REFUSALS:
                return None
            raise unavailable(operation, refused.code)
        stages = answer.get("VersionIdsToStages", {})
        gone = "DeletedDate" in answer
        return None if gone else next((version for version, of in stages.items() if "AWSCURRENT" in of), None)


def _object_in(text: object) -> dict[str, Any] | None:
    """The JSON object in `text`; a parser's error is dropped here, since it holds the text."""
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
