"""Canaries: secret values to look for, in every form that they may take, in everything that leaves the process."""

from __future__ import annotations

import base64
import functools
import json
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

from local.aws.account import Aws
from local.simulators.simulator import Request
from local.stack import ADOBE_SECRET
from tests.support.iam import body_from_the_service, target_of
from tests.support.world import World

TOKEN = 'canary/token+"\\~?>'
"""The Databricks access token, with every character that some encoding changes."""
CLIENT_SECRET = "canary-client&secret=%?>"


@functools.cache
def forms(value: str) -> dict[str, str]:
    """Each form of a value, by name. A longer Base64 text around the value contains one of the last three forms."""
    raw = value.encode()
    plain = base64.b64encode(raw).decode()
    return {
        "raw": value,
        "quote": quote(value),
        "quote, safe nothing": quote(value, safe=""),
        "quote_plus": quote_plus(value),
        "quote, lower case": quote(value, safe="").lower(),
        "JSON": json.dumps(value)[1:-1],
        "JSON, not ASCII": json.dumps(value, ensure_ascii=False)[1:-1],
        "repr": repr(value)[1:-1],
        "Base64": plain,
        "Base64, unpadded": plain.rstrip("="),
        "Base64, URL-safe": base64.urlsafe_b64encode(raw).decode(),
        **{f"inside Base64 at {shift}": _inside(raw, shift) for shift in range(3)},
        **{f"inside URL-safe Base64 at {shift}": url_safe(_inside(raw, shift)) for shift in range(3)},
    }


def url_safe(text: str) -> str:
    """Base64 in its other alphabet."""
    return text.replace("+", "-").replace("/", "_")


def _inside(raw: bytes, shift: int) -> str:
    """The characters that depend only on `raw` when it starts `shift` bytes after a group of three."""
    encoded = base64.b64encode(b"\0" * shift + raw).decode()
    return encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]


def echoed(values: Collection[str]) -> list[str]:
    """Texts that quote the values in every form, as a service might."""
    quoted = [form for value in values for form in forms(value).values()]
    for value in values:
        for prefix in ("", "u", "u:"):
            longer = base64.b64encode(f"{prefix}{value}:and more".encode()).decode()
            quoted += [longer, url_safe(longer)]
    return quoted


def found(places: Mapping[str, str], values: Collection[str]) -> list[str]:
    """Where a value appears, and in which form."""
    return [
        f"{place}: {name} of {value[:9]}…"
        for place, text in places.items()
        for value in values
        for name, form in forms(value).items()
        if form in text
    ]


def whole_story(error: BaseException | None) -> str:
    """An error with everything that it refers to: its cause, its context, and what it holds, such as a request."""
    parts: list[str] = []
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        held = [vars(inner) for inner in vars(one).values() if hasattr(inner, "__dict__")]
        parts += [repr(one), str(one), repr(vars(one)), repr(held), *traceback.format_exception(one)]
        waiting += [one.__cause__, one.__context__]
    return "\n".join(parts)


def plant(world: World) -> None:
    """Put the canaries into the secrets, and make Adobe show and quote what it has."""
    world.put_secret(accessToken=TOKEN)
    adobe = ADOBE_SECRET | {"clientSecret": CLIENT_SECRET}
    world.put_values(world.environment["ADOBE_SECRET_ID"], adobe)
    world.adobe.settings.echo_secrets = True
    world.adobe.settings.masked = False


def kept(world: World) -> dict[str, str]:
    """Everything that is stored outside Secrets Manager and Adobe."""
    return {
        "registry": shown(world.items()),
        "parameters": shown(world.parameters()),
        "events": shown(world.events()),
        "dead letters": shown(world.dead_letters()),
    }


def shown(document: Any) -> str:
    """Python's view, and each text inside unchanged: JSON within JSON would hide a value from a search."""
    return "\n".join([repr(document), *_texts(document)])


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _texts(inner)


@contextmanager
def wire_of(aws: Aws) -> Iterator[dict[str, str]]:
    """Everything that the service sends to AWS, as it arrives there: request line, headers and body."""
    inner = aws.app
    arrived: dict[str, str] = {}

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if (body := body_from_the_service(environ)) is not None:
            texts = {name: value for name, value in environ.items() if isinstance(value, str)}
            place = f"{len(arrived)} {target_of(environ)}"
            arrived[place] = f"{texts}\n{body.decode()}\n{shown(json.loads(body or b'null'))}"
        return inner(environ, start_response)

    aws.app = app
    try:
        yield arrived
    finally:
        aws.app = inner


def out_of_place(world: World, databricks: Collection[str]) -> list[str]:
    """Secrets in requests to Adobe, IMS and Databricks that are not where each belongs.

    The client secret belongs in the body for IMS. The token of IMS belongs in Flow Service's Authorization header. A
    Databricks token belongs in the body of POST and PATCH, and in Databricks' Authorization header. No secret belongs
    in a URL.
    """
    ims, wrong = ims_tokens(world), []
    for request in [call.request for call in world.ims.calls]:
        wrong += found(_parts(request, "IMS", without="body"), [*databricks, CLIENT_SECRET, *ims])
        wrong += found({"IMS body": request.body.decode()}, [*databricks, *ims])
    for request in world.calls():
        parts = _parts(request, f"Adobe {request.method}")
        wrong += found(parts, [CLIENT_SECRET])
        wrong += found({name: text for name, text in parts.items() if "authorization" not in name}, ims)
        taken = "body" if request.method in ("POST", "PATCH") else "nothing"
        wrong += found({name: text for name, text in parts.items() if taken not in name}, databricks)
    for call in world.databricks.calls:
        if call.request.headers["user-agent"] == "adobe":
            continue
        parts = _parts(call.request, "Databricks")
        wrong += found(parts, [CLIENT_SECRET, *ims])
        wrong += found({name: text for name, text in parts.items() if "authorization" not in name}, databricks)
    return wrong


def ims_tokens(world: World) -> list[str]:
    """Every token that was sent to Adobe."""
    return sorted({call.request.headers["authorization"].removeprefix("Bearer ") for call in world.adobe.calls})


def _parts(request: Request, whose: str, without: str = "") -> dict[str, str]:
    parts = {**request.headers, "URL": f"{request.path} {request.query!r}", "body": request.body.decode()}
    return {f"{whose} {name}": text for name, text in parts.items() if name != without}
