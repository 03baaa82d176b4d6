"""Lists as Flow Service returns them for every resource: filtered, ordered, page by page. No HTTP here."""

from __future__ import annotations

import base64
import json
import operator
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from local.simulators.connections import Refused

MAX_LIMIT = 100

Query = Sequence[tuple[str, str]]

_STEP = r"[A-Za-z0-9_]+(?:\[\])?"
_FILTER = re.compile(rf"({_STEP}(?:\.{_STEP})*)(==|>=|<=|>|<)(.*)", re.DOTALL)
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def page(
    resource: str, fields: Collection[str], items: Iterable[dict[str, Any]], query: Query, *, reorders: bool = False
) -> dict[str, Any]:
    """One page of a list, filtered and ordered, with a link to the next page. Raises Refused.

    Without `orderby` the most recently updated come first. With `reorders` the last of them is updated by another
    client before the second page is read: that page misses it, and repeats the last one of the first page.
    """
    query, start = _unpacked(query)
    given = dict(query)
    filters = [_matcher(value, fields) for name, value in query if name == "property"]
    found = [item for item in items if all(matches(item) for matches in filters)]
    if given.get("count", "").lower() == "true":
        if "limit" in given:
            raise Refused(400, 1401, "The parameters limit and count cannot be used together.")
        return {"count": len(found)}
    limit_text = given.get("limit", "20")
    if not re.fullmatch("[0-9]{1,6}", limit_text) or int(limit_text) < 1:
        raise Refused(400, 1440, "limit must be a positive number.")
    limit = min(int(limit_text), MAX_LIMIT)
    ordered = sorted(found, key=lambda item: str(item["id"]))
    by = given.get("orderby", "-updatedAt").strip()
    field = by.lstrip("+-")
    if field not in ("id", "name", "createdAt", "updatedAt"):
        raise Refused(400, 1432, f"orderby {field} is not supported.")
    ordered.sort(key=lambda item: item[field], reverse=by.startswith("-"))
    if reorders and start and field == "updatedAt":
        ordered = ordered[-1:] + ordered[:-1]
    document: dict[str, Any] = {"items": ordered[start : start + limit], "_links": {}}
    if start + limit < len(ordered):
        token = base64.urlsafe_b64encode(json.dumps([query, start + limit]).encode()).decode()
        document["_links"] = {"next": {"href": f"/{resource}?continuationToken={token}"}}
    return document


def _unpacked(query: Query) -> tuple[Query, int]:
    token = dict(query).get("continuationToken")
    if token is None:
        return query, 0
    try:
        inner, start = json.loads(base64.urlsafe_b64decode(token))
        return [(str(name), str(value)) for name, value in inner], int(start)
    except (ValueError, TypeError):
        raise Refused(400, 1433, "The continuation token is not valid.") from None


def _matcher(text: str, fields: Collection[str]) -> Callable[[dict[str, Any]], bool]:
    """A `property` filter; several values after `==` mean IN. Raises Refused."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise Refused(400, 1449, f"Invalid filter {text}")
    path, compared, value = match[1], match[2], match[3]
    if path.partition(".")[0].removesuffix("[]") not in fields:
        raise Refused(400, 1449, f"The filter field {path} is not valid.")
    if not value:
        raise Refused(400, 1453, f"The filter on {path} has no value.")
    wanted = [one.strip('"') for one in value.split(",")]

    def fits(at: Any) -> bool:
        if compared == "==":
            return str(at) in wanted
        left, right = (float(at), float(value)) if isinstance(at, int) and value.isdigit() else (str(at), value)
        return _COMPARED[compared](left, right)

    return lambda item: any(fits(at) for at in _values_at(path, item))


def _values_at(path: str, item: dict[str, Any]) -> list[Any]:
    """The values at a path. `[]` after a step means any item of that array; without it an array is not entered."""
    found: list[Any] = [item]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = [at[name] for at in found if isinstance(at, dict) and name in at]
        if step != name:
            found = [one for at in found if isinstance(at, list) for one in at]
    return [at for at in found if not isinstance(at, (dict, list))]
