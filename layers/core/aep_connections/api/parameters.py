"""The inputs of a call besides its body: one row for each path variable, each query parameter and the header.

Like a field of a request, a row has a rule, its JSON Schema and its meaning.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace

from aep_connections.api import problems
from aep_connections.contract.request import RULES, Rule, one_of, readable_key
from aep_connections.domain.model import Key, Page, Status

MAX_WAIT_SECONDS = 25
DEFAULT_LIMIT, MAX_LIMIT = 50, 100
_LIMIT = re.compile(r"[0-9]{1,9}", re.ASCII)
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,9})\"?", re.ASCII | re.IGNORECASE)


def _any(_value: object) -> None:
    """Accepts any text. The route itself reports a value that names nothing."""


def _limit(value: str) -> str | None:
    fits = _LIMIT.fullmatch(value) and 1 <= int(value) <= MAX_LIMIT
    return None if fits else f"must be a whole number from 1 to {MAX_LIMIT}"


PATH: dict[str, Rule] = {
    "sandbox": replace(RULES["sandbox"], meaning="The name of the Adobe sandbox."),
    "name": replace(RULES["name"], meaning="The connection's name in this product."),
    "path": Rule(_any, {"type": "string"}, "The path of a table, as the list of tables shows it."),
}
QUERY: dict[str, Rule] = {
    "sandbox": replace(RULES["sandbox"], meaning="Return only connections of this sandbox."),
    "status": one_of(Status, "Return only connections with this status."),
    "limit": Rule(
        _limit,
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "The maximum number of connections in a page. A page may have fewer, even if more pages follow.",
    ),
    "cursor": Rule(_any, {"type": "string"}, "The `cursor` of the previous page."),
}
PREFER = Rule(
    _any,
    {"type": "string", "examples": ["wait=20"]},
    f"`wait=N` waits up to N seconds, at most {MAX_WAIT_SECONDS}, until the request ends.",
)


def page_of(query: Mapping[str, list[str]]) -> Page:
    """The page that the query parameters request. Ignores unknown ones. Raises a Problem that names every fault."""
    known = {name: values for name, values in query.items() if name in QUERY}
    faults = [
        {"field": name, "rule": broken}
        for name, rule in QUERY.items()
        if name in known and (broken := _broken(rule, known[name])) is not None
    ]
    if faults:
        raise problems.invalid_request(faults)
    value = {name: values[0] for name, values in known.items()}
    after = _after(value["cursor"]) if "cursor" in value else None
    sandbox = value.get("sandbox")
    if "cursor" in value and (after is None or sandbox not in (None, after.sandbox)):
        raise problems.invalid_request([{"field": "cursor", "rule": "must be the cursor of a page of the same list"}])
    status = Status(value["status"]) if "status" in value else None
    return Page(sandbox=sandbox, status=status, limit=int(value.get("limit", DEFAULT_LIMIT)), after=after)


def wait_seconds(preference: str) -> int | None:
    """The seconds that a `Prefer` header requests to wait; None if it requests no wait."""
    wait = _WAIT.search(preference)
    return min(int(wait[1]), MAX_WAIT_SECONDS) if wait else None


def _broken(rule: Rule, values: list[str]) -> str | None:
    return rule.broken(values[0]) if len(values) == 1 else "must occur only once"


def cursor_of(key: Key) -> str:
    """The cursor of the page after a key."""
    return base64.urlsafe_b64encode(json.dumps([key.sandbox, key.name]).encode()).decode().rstrip("=")


def _after(text: str) -> Key | None:
    """The key of a cursor; None if the text is not a cursor."""
    try:
        sandbox, name = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        return None
    sandbox, name = readable_key({"sandbox": sandbox, "name": name})
    return Key(sandbox, name) if sandbox and name else None
