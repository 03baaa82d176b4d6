"""Adobe's Flow Service: base connections of one sandbox. Source: Adobe's Flow Service API reference."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urljoin, urlsplit

from aep_connections.adobe import wire
from aep_connections.adobe.ims import Authorizer, TokenSource, read_credentials
from aep_connections.domain.errors import ConnectionFailure, Unavailable
from aep_connections.domain.model import Column, Connection, Desired, Flow, Source, Table, usable_id
from aep_connections.domain.ports import Secrets
from aep_connections.http.transport import Call, Reply, Upstream

BASE_PATH = "/data/foundation/flowservice"
PAGE_SIZE = 100
JSON = "application/json"
MAX_PAGES = 1000
MOST_FLOWS = 20
"""The maximum number of dataflows that an `InUse` error names."""
SHORTEST_SECRET = 8
"""In Adobe's replies, a shorter value is a mask, not a secret."""
RESEND_WITHIN_SECONDS = 5.0
"""A write whose token was rejected is resent only within this time: the attempt records when it was first sent."""

T = TypeVar("T")

_SECRET = re.compile("token|secret|password", re.IGNORECASE)


class FlowService:
    """The `FlowService` port over HTTP. One per invocation and sandbox."""

    def __init__(self, platform_url: str, sandbox: str, authorizer: Authorizer, upstream: Upstream) -> None:
        self._base = platform_url + BASE_PATH
        self._sandbox, self._authorizer, self._upstream = sandbox, authorizer, upstream

    @property
    def org_id(self) -> str:
        return self._authorizer.credentials.org_id

    def get(self, connection_id: str) -> Connection | None:
        reply = self._send("GET", self._path(connection_id))
        if wire.means_gone(reply):
            return None
        doing = f"reading connection {connection_id}"
        document = self._understood(reply, doing)
        items = document.get("items") if isinstance(document, dict) else None
        connection = self._read(items[0] if isinstance(items, list) and items else document)
        if connection is None or connection.id != connection_id:
            raise self._error(reply, doing)
        return connection

    def listing(self, source: Source, name: str | None = None) -> list[Connection]:
        params = [("property", f"connectionSpec.id=={source.connection_spec_id}")]
        if name is not None:
            params.append(("property", f"name=={name}"))
        params += [("limit", str(PAGE_SIZE)), ("orderby", "createdAt")]
        path = "/connections"
        found: dict[str, Connection] = {}
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            reply = self._send("GET", path, params=tuple(params))
            document = self._understood(reply, "listing connections")
            items = document.get("items") if isinstance(document, dict) else None
            if not isinstance(items, list):
                raise self._error(reply, "listing connections")
            for item in items:
                connection = self._read(item)
                if connection is None:  # it could be the connection that we look for
                    raise Unavailable("Adobe's list contains a connection that cannot be read.")
                if connection.spec_id in (None, source.connection_spec_id):
                    found[connection.id] = connection
            href = _next_href(document)
            if href is None:
                return sorted(found.values(), key=lambda c: (c.created_at, c.id))
            if href in seen:
                raise Unavailable("Adobe's list of connections repeats a page.")
            seen.add(href)
            path, params = self._follow(href)
        raise Unavailable(f"Adobe's list of connections does not end after {MAX_PAGES} pages.")

    def create(self, desired: Desired, mark: str) -> Connection:
        body = wire.create_body(desired, mark)
        reply = self._send("POST", "/connections", body=body, slow=True, repeatable=False)
        document = self._understood(reply, f"creating connection {desired.name!r}", effect=True)
        connection = wire.read_connection(document)
        if connection is None:
            raise self._error(reply, f"creating connection {desired.name!r}", effect=True)
        return connection

    def patch(self, connection: Connection, desired: Desired, mark: str) -> str | None:
        body = wire.patch_body(connection, desired, mark)
        reply = self._send(
            "PATCH", self._path(connection.id), body=body, slow=True, repeatable=False, if_match=connection.etag or ""
        )
        if reply.status == 412:
            return None
        doing = f"updating connection {connection.id}"
        document = self._understood(reply, doing, effect=True)
        etag = wire.read_etag(document.get("etag")) if isinstance(document, dict) else None
        if etag is not None:
            return etag
        reread = self.get(connection.id)
        if reread is None or reread.etag is None:
            raise self._error(reply, doing, effect=True)
        return reread.etag

    def delete(self, connection_id: str) -> bool:
        reply = self._send("DELETE", self._path(connection_id))
        if wire.means_gone(reply):
            return False
        if reply.status not in (200, 202, 204):
            raise self._error(reply, f"deleting connection {connection_id}")
        return True

    def test(self, connection_id: str) -> bool:
        reply = self._send("GET", self._path(connection_id) + "/test", slow=True)
        doing = f"testing connection {connection_id}"
        document = self._understood(reply, doing)
        verdict = document.get("result") if isinstance(document, dict) else document
        if not isinstance(verdict, bool):
            raise self._error(reply, doing)
        return verdict

    def flows_of(self, connection_id: str) -> list[Flow]:
        of_it = f"inheritedAttributes.sourceConnections[].baseConnection.id=={connection_id}"
        params = (("property", of_it), ("limit", str(MOST_FLOWS)))
        return self._read_by(wire.read_flows, self._send("GET", "/flows", params=params), "listing flows")

    def connections_of(self, flow_id: str) -> list[str]:
        reply = self._send("GET", f"/flows/{flow_id}") if usable_id(flow_id) else None
        if reply is None or reply.status == 404:
            return []
        return self._read_by(wire.read_connections_of, reply, "reading a flow")

    def tables(self, connection_id: str) -> list[Table] | None:
        reply = self._explore(connection_id, (("objectType", "root"),))
        return (
            None
            if wire.means_gone(reply)
            else self._read_by(wire.read_tables, reply, f"exploring connection {connection_id}")
        )

    def columns(self, connection_id: str, path: str) -> list[Column] | None:
        reply = self._explore(connection_id, (("objectType", "table"), ("object", path)))
        if wire.means_no_such_table(reply) or wire.means_gone(reply):
            return None
        return self._read_by(wire.read_columns, reply, f"exploring a table of connection {connection_id}")

    def _explore(self, connection_id: str, params: tuple[tuple[str, str], ...]) -> Reply:
        return self._send("GET", self._path(connection_id) + "/explore", params=params, slow=True)

    def _send(self, method: str, path: str, *, body: Any = None, if_match: str | None = None, **options: Any) -> Reply:
        """Send with Adobe's five headers. A rejected token is renewed and the call resent once: Adobe did not run it.

        `options` are those of a `Call`.
        """
        data = None if body is None else json.dumps(body).encode()

        def send() -> Reply:
            call = Call(service="Adobe", method=method, url=self._base + path, headers=headers(), body=data, **options)
            return self._upstream.send(call)

        def headers() -> dict[str, str]:
            content = {"x-sandbox-name": self._sandbox, "Content-Type": JSON, "Accept": JSON}
            return self._authorizer.headers() | content | ({} if if_match is None else {"If-Match": if_match})

        clock = self._upstream.deadline.clock
        began = clock.monotonic()
        reply = send()
        if not wire.wants_new_token(reply) or not self._authorizer.renew():
            return reply
        if not options.get("repeatable", True) and clock.monotonic() - began > RESEND_WITHIN_SECONDS:
            raise Unavailable("Adobe rejected the token. A new token came too late for a resend. Nothing was changed.")
        return send()

    def _read(self, item: object) -> Connection | None:
        """A connection in Adobe's reply. Secret values in it are redacted from now on."""
        connection = wire.read_connection(item)
        for name, value in connection.params.items() if connection else ():
            if isinstance(value, str) and len(value) >= SHORTEST_SECRET and _SECRET.search(name):
                self._upstream.redactor.remember(value)
        return connection

    def _read_by(self, read: Callable[[object], T | None], reply: Reply, doing: str) -> T:
        """The result of `read` on a 2xx reply. Raises an error for a reply that `read` cannot read."""
        found = read(self._understood(reply, doing))
        if found is None:
            raise self._error(reply, doing)
        return found

    def _understood(self, reply: Reply, doing: str, *, effect: bool = False) -> Any:
        """The JSON of a 2xx reply. Raises an error for any other reply."""
        document = reply.json()
        if not 200 <= reply.status < 300 or document is None:
            raise self._error(reply, doing, effect=effect)
        return document

    def _error(self, reply: Reply, doing: str, *, effect: bool = False) -> ConnectionFailure:
        return wire.error_of(reply, doing, self._upstream.redactor, effect=effect)

    @staticmethod
    def _path(connection_id: str) -> str:
        if not usable_id(connection_id):
            raise Unavailable("The connection id does not look like one that Adobe issues.")
        return f"/connections/{connection_id}"

    @staticmethod
    def _follow(href: str) -> tuple[str, list[tuple[str, str]]]:
        """Path and query of a `next` link, relative to the Flow Service base; never another host or path."""
        try:
            split = urlsplit(urljoin("/connections", href))
        except ValueError:
            split = urlsplit("")
        path = split.path.removeprefix(BASE_PATH)
        if path != "/connections":
            raise Unavailable("The link to the next page of Adobe's list is not a connections URL.")
        return path, parse_qsl(split.query, keep_blank_values=True)


class Adobe:
    """The `Adobe` port: opens Flow Service with the credential in the current version of the Adobe secret."""

    def __init__(
        self, platform_url: str, secret_id: str, secrets: Secrets, tokens: TokenSource, upstream: Upstream
    ) -> None:
        self._platform_url, self._tokens, self._upstream = platform_url, tokens, upstream
        self._read = lambda: read_credentials(secret_id, secrets.read(secret_id))

    def open(self, sandbox: str) -> FlowService:
        authorizer = Authorizer(self._read, self._tokens, self._upstream)
        return FlowService(self._platform_url, sandbox, authorizer, self._upstream)


def _next_href(document: Any) -> str | None:
    """The link to the next page, or None at the end. Raises Unavailable: an unreadable link is not the end."""
    links = document.get("_links") or {}
    following = (links.get("next") or {}) if isinstance(links, dict) else links
    href = (following.get("href") or None) if isinstance(following, dict) else following
    if not isinstance(href, str | None):
        raise Unavailable("The link to the next page of Adobe's list is unreadable.")
    return href
