"""Publishes connection ids in SSM Parameter Store: `${PARAMETER_PREFIX}/{sandbox}/{name}/connection-id`."""

from typing import Any

from aep_connections.aws.client import attempt, call, unavailable
from aep_connections.domain.model import Key

LAST_LEVEL = "connection-id"
PAGE_SIZE = 10


def parameter_name(prefix: str, key: Key) -> str:
    """The parameter of a key."""
    return f"{prefix}/{key.sandbox}/{key.name}/{LAST_LEVEL}"


class Parameters:
    """The `Parameters` port."""

    def __init__(self, ssm: Any, prefix: str) -> None:
        self._ssm, self._prefix = ssm, prefix

    def name_of(self, key: Key) -> str:
        return parameter_name(self._prefix, key)

    def get(self, key: Key) -> str | None:
        operation = self._ssm.get_parameter
        reply, refused = attempt(operation, Name=self.name_of(key))
        if refused is None:
            return str(reply["Parameter"]["Value"])
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

    def in_sandbox(self, sandbox: str) -> dict[str, str]:
        path, found, start = f"{self._prefix}/{sandbox}", dict[str, str](), dict[str, str]()
        while True:
            page = call(self._ssm.get_parameters_by_path, Path=path, Recursive=True, MaxResults=PAGE_SIZE, **start)
            for parameter in page["Parameters"]:
                name = parameter["Name"].removeprefix(f"{path}/").partition("/")[0]
                if parameter["Name"] == self.name_of(Key(sandbox, name)):
                    found[name] = str(parameter["Value"])
            if not page.get("NextToken"):
                return found
            start = {"NextToken": page["NextToken"]}
