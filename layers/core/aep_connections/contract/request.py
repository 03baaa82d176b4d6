"""Reads a request as a caller wrote it; a refusal names every fault at once."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aep_connections.domain.errors import Fault, InvalidRequest
from aep_connections.domain.model import MARKER_START, DesiredState, JsonObject, Key, Request, Source, display_name_of
from aep_connections.domain.readiness import Readiness
from aep_connections.sources import SOURCES

MAX_BYTES = 16 * 1024
MAX_NAMED = 100
"""How many unknown fields a refusal names, so that it fits into an event."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_SANDBOX = re.compile(r"[a-z0-9][a-z0-9-]{0,255}", re.ASCII)
_SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field must be, and what it means.

    `broken` returns the rule that a value breaks, or None. `schema` is the same rule as JSON Schema, where possible.
    """

    broken: Callable[[Any], str | None]
    schema: JsonObject
    meaning: str


def read_request(document: object, secret_prefix: str) -> Request:
    """The request in `document`, parsed JSON.

    Args:
        document: what the trigger delivered.
        secret_prefix: the names of secrets must start with it; `{sandbox}` stands for the request's sandbox.

    Raises:
        InvalidRequest: it names every broken rule.
    """
    if not isinstance(document, dict):
        raise _refusal([Fault("request", "must be a JSON object")])
    fields = {name: value for name, value in document.items() if value is not None}
    sources = [source for source in SOURCES if source.secret_field in fields]
    faults = [*_faults_of_fields(fields), *_faults_of_sources(fields, sources)]
    for source in sources:
        faults += _faults_of_prefix(fields, source.secret_field, secret_prefix)
    if faults:
        raise _refusal(faults)
    source_type = sources[0] if sources else None
    return Request(
        key=Key(fields["sandbox"], fields["name"]),
        desired_state=DesiredState(fields.get("desiredState", DesiredState.PRESENT)),
        display_name=display_name_of(fields),
        description=fields.get("description"),
        adopt=fields.get("adopt", False),
        readiness=Readiness(fields.get("readiness", Readiness.CHECK)),
        source=source_type,
        secret_id=fields[source_type.secret_field] if source_type else None,
        overrides=source_type.overrides_in(fields) if source_type else {},
        document=fields,
    )


def _faults_of_fields(fields: dict[str, Any]) -> list[Fault]:
    """The faults of each single field, and of the request as a whole."""
    faults = [Fault("request", f"must have at most {MAX_BYTES} bytes")] if _size(fields) > MAX_BYTES else []
    unknown = [name for name in fields if name not in RULES]
    faults += [Fault(_printable(name), "is not a field of a request") for name in unknown[:MAX_NAMED]]
    if len(unknown) > MAX_NAMED:
        faults.append(Fault("request", f"has {len(unknown) - MAX_NAMED} more unknown fields"))
    faults += [
        Fault(name, broken)
        for name, rule in RULES.items()
        if name in fields and (broken := rule.broken(fields[name])) is not None
    ]
    return faults + [Fault(name, "is required") for name in ("name", "sandbox") if name not in fields]


def _faults_of_sources(fields: dict[str, Any], named: list[Source]) -> list[Fault]:
    """A request with `desiredState: present` names one secret, and no field that only another source type has."""
    if len(named) > 1:
        names = [source.secret_field for source in named]
        return [Fault(one, f"cannot be combined with {' or '.join(n for n in names if n != one)}") for one in names]
    if not named:
        present = fields.get("desiredState") != DesiredState.ABSENT
        required = " or ".join(source.secret_field for source in SOURCES)
        return [Fault(required, "is required")] if present else []
    foreign = {name for source in SOURCES for name in source.fields} - {*named[0].fields}
    return [
        Fault(name, f"is not a field of a request with {named[0].secret_field}") for name in fields if name in foreign
    ]


def readable_key(document: object) -> tuple[str | None, str | None]:
    """Sandbox and name of a document that may be invalid; each is None if it breaks its rule."""
    if not isinstance(document, dict):
        return None, None
    sandbox, name = document.get("sandbox"), document.get("name")
    return (
        sandbox if isinstance(sandbox, str) and _SANDBOX.fullmatch(sandbox) else None,
        name if isinstance(name, str) and _NAME.fullmatch(name) else None,
    )


def _refusal(faults: list[Fault]) -> InvalidRequest:
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    return InvalidRequest(f"The request has {count}.", faults=faults)


def _size(document: dict[str, Any]) -> int:
    try:
        return len(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except RecursionError:  # nested too deeply to be serialized
        return MAX_BYTES + 1


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:64])


def _faults_of_prefix(fields: dict[str, Any], field: str, secret_prefix: str) -> list[Fault]:
    """The fault of a secret's name outside the prefix; none if the name or the sandbox is unreadable."""
    secret_id, sandbox = fields[field], fields.get("sandbox")
    if not isinstance(secret_id, str) or not isinstance(sandbox, str) or not _SANDBOX.fullmatch(sandbox):
        return []
    prefix = secret_prefix.replace("{sandbox}", sandbox)
    if secret_id.startswith(prefix) and len(secret_id) > len(prefix):
        return []
    return [Fault(field, f"must start with {_printable(prefix)} and name a secret below it")]


def _pattern(pattern: re.Pattern[str], meaning: str) -> Rule:
    text = f"^{pattern.pattern}$"

    def broken(value: object) -> str | None:
        fits = isinstance(value, str) and pattern.fullmatch(value)
        return None if fits else f"must be a string that matches {text}"

    return Rule(broken, {"type": "string", "pattern": text}, meaning)


def _text(longest: int, meaning: str) -> Rule:
    def broken(value: object) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if not 1 <= len(value) <= longest:
            return f"must have 1 to {longest} characters; omit the field instead of sending it empty"
        if not value.isprintable() or value != value.strip():
            return "must be printable, without leading or trailing spaces"
        return f"must not contain {MARKER_START}" if MARKER_START in value else None

    return Rule(broken, {"type": "string", "minLength": 1, "maxLength": longest}, meaning)


def one_of(allowed: Iterable[str], meaning: str) -> Rule:
    """A field that has one of a few allowed values."""
    values = list(allowed)

    def broken(value: object) -> str | None:
        return None if isinstance(value, str) and value in values else "must be one of " + ", ".join(values)

    return Rule(broken, {"type": "string", "enum": values}, meaning)


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


RULES: dict[str, Rule] = {
    "name": _pattern(_NAME, "Part of the key, and of the parameter's name."),
    "sandbox": _pattern(_SANDBOX, "Name of the Adobe sandbox; there is no default."),
    "displayName": _text(255, "The connection's name in Adobe; by default the request's `name`."),
    "description": _text(1000, "The connection's description in Adobe; a marker is appended to it."),
    "desiredState": one_of(DesiredState, "Whether the connection should exist."),
    "readiness": one_of(
        Readiness, "`start` may start a stopped cluster, which costs money; `off` does not check the workspace."
    ),
    "adopt": Rule(_boolean, {"type": "boolean"}, "Whether to take over an existing connection with this display name."),
    **{
        source.secret_field: _pattern(
            _SECRET_NAME, "Name of the secret, below the configured prefix; required unless `desiredState` is `absent`."
        )
        for source in SOURCES
    },
    **{name: _text(255, "Replaces the value in the secret.") for source in SOURCES for name in source.overrides},
}
"""The fields of a request."""
