"""What people do over HTTP, as stories of the fault matrix: calls of the API, and of the function that explores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.stories import Case, Story
from tests.support.web import Web
from tests.support.world import STOPPED

FINE = range(200, 300)
TROUBLE = {424, 429, 503}
"""What a caller may be told when something outside goes wrong. Never 404: what is not heard of may be there."""


@dataclass(slots=True)
class Errand:
    """A call that somebody makes again until it is answered well; then everything in the queue is delivered."""

    web: Web
    call: Callable[[Web], int]
    told: list[int]
    """The statuses that were answered; none for a call that nobody heard the end of."""

    def __call__(self) -> None:
        self.told.append(self.call(self.web))

    def broken(self) -> list[str]:
        """Answers that nobody should get."""
        return [f"the API answered {status}" for status in self.told if status not in FINE and status not in TROUBLE]


def _address(case: Case) -> str:
    return f"/connections/{case.sandbox}/sales"


def _over_http(case: Case, method: str, path: str, body: Any = None, prefer: str = "") -> Errand:
    return Errand(case.web, lambda web: web(method, path, body, prefer=prefer).status, [])


def ask(case: Case) -> Errand:
    """Asked for and waited for, for a while."""
    case.asked = case.present()
    return _over_http(case, "PUT", _address(case), case.asked, prefer="wait=1")


def retire(case: Case) -> Errand:
    """Asked to be gone."""
    case.done(case.present())
    case.asked = case.absent()
    return _over_http(case, "DELETE", _address(case))


def verify(case: Case) -> Errand:
    """Asked to be verified."""
    case.done(case.present())
    return _over_http(case, "POST", _address(case) + "/verify")


def look(case: Case) -> Errand:
    """Looked at, in lists too."""
    case.done(case.present())
    paths = (_address(case), f"/connections?sandbox={case.sandbox}", "/connections?limit=1")
    return Errand(case.web, lambda web: max(web("GET", path).status for path in paths), [])


def ask_to_explore(case: Case) -> Errand:
    """Tables asked for, of a function that answers."""
    case.done(case.present())
    functions, name = case.world.stack.aws.functions, case.web.explore_name
    functions[name] = lambda *_: {"tables": []}
    return _over_http(case, "GET", _address(case) + "/tables")


def explore(case: Case) -> Errand:
    """Tables shown; then what is in the way of it."""
    case.done(case.present())
    return Errand(case.web, lambda web: _explored(web, case), [])


def explore_in_vain(case: Case) -> Errand:
    """Tables that a stopped cluster does not show."""
    errand = explore(case)
    case.world.stack.databricks.settings.clusters = dict(STOPPED)
    return errand


def _explored(web: Web, case: Case) -> int:
    answer = web.explore({"sandbox": case.sandbox, "name": "sales", "path": None}, None)
    if "failure" in answer:
        return 500 if "This is a defect" in answer["failure"]["message"] else 424
    gone = answer.get("notFound", "").startswith("Adobe ")  # which may say so of itself
    return 424 if gone else 404 if "notFound" in answer else 200


ERRANDS: tuple[Story, ...] = (
    Story("asked over HTTP", ask),
    Story("retired over HTTP", retire, "absent"),
    Story("verified over HTTP", verify),
    Story("looked at over HTTP", look, "told"),
    Story("tables over HTTP", ask_to_explore, "told"),
    Story("explored", explore, "told"),
    Story("explored in vain", explore_in_vain, "told"),
)
