"""Publishes connection ids in SSM Parameter Store: `${PARAMETER_PREFIX}/{sandbox}/{name}/connection-id`."""

from __future__ import annotations

from typing import Any

from aep_connections.aws.calls import attempt, call, unavailable
from aep_connections.domain.model import Key

MOST_ON_A_PAGE = 10


def name_below(prefix: str, key: Key) -> str:
    """The parameter of a key."""
    return f"{prefix}/{key.sandbox}/{key.name}/connection-id"


class Published:
    """The `Published` port."""

    def __init__(self, ssm: Any, prefix: str) -> None:
        self._ssm, self._prefix = ssm, prefix

    def of(self, sandbox: str) -> dict[str, str]:
        path = f"{self._prefix}/{sandbox}"
        start: dict[str, str] = {}
        found: dict[str, str] = {}
        while True:
            page = call(self._ssm.get_parameters_by_path, Path=path, Recursive=True, MaxResults=MOST_ON_A_PAGE, **start)
            for parameter in page["Parameters"]:
                name, _, end = parameter["Name"].removeprefix(f"{path}/").partition("/")
                if end == "connection-id":
                    found[name] = str(parameter["Value"])
            if not page.get("NextToken"):
                return found
            start = {"NextToken": page["NextToken"]}


class Parameters:
    """The `Parameters` port."""

    def __init__(self, ssm: Any, prefix: str) -> None:
        self._ssm, self._prefix = ssm, prefix

    def name_of(self, key: Key) -> str:
        return name_below(self._prefix, key)

    def get(self, key: Key) -> str | None:
        operation = self._ssm.get_parameter
        answer, refused = attempt(operation, Name=self.name_of(key))
        if refused is None:
            return str(answer["Parameter"]["Value"])
        if refused.code == "ParameterNotFound":
            return None
        raise unavailable(operation, refused.code)

    def put(self, key: Key, connection_id: str) -> None:
        call(
            self._ssm.put_parameter,
            Name=self.name_of(key),
            Value=connection_id,
            Type="String",
            Tier="Intelligent-Tiering",
            Overwrite=True,
        )

    def delete(self, key: Key) -> None:
        operation = self._ssm.delete_parameter
        _, refused = attempt(operation, Name=self.name_of(key))
        if refused is not None and refused.code != "ParameterNotFound":
            raise unavailable(operation, refused.code)
