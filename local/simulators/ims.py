"""Adobe's identity service, simulated: OAuth Server-to-Server tokens (`POST /ims/token/v3`, or v2 with a query)."""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from local.simulators.simulator import Request, Response, Simulator, json_response

TOKEN_SECONDS = 86_399


@dataclass(slots=True)
class ImsSettings:
    """What you can set with PATCH /_simulator/settings; in JSON the names are in camelCase (`tokenSeconds`).

    Attributes:
        clients: client id -> list of its valid secrets; empty: every client is accepted.
        token_seconds: number of seconds that a new token is valid. Tokens issued before keep their lifetime, and the
            function keeps its token.
    """

    clients: dict[str, list[str]] = field(default_factory=dict)
    token_seconds: float = TOKEN_SECONDS


class Ims(Simulator):
    """Issues tokens. The Adobe simulator looks up here which client a token belongs to."""

    name = "ims"
    settings: ImsSettings

    def __init__(self, now: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        super().__init__(ImsSettings(), now, tls, port)
        self._tokens: dict[str, tuple[str, float]] = {}

    def respond(self, request: Request, now: float) -> Response:
        if request.method != "POST" or request.path not in ("/ims/token/v3", "/ims/token/v2"):
            return json_response(404, {"error": "not_found"})
        form = dict(parse_qsl(request.body.decode())) | dict(request.query)
        missing = [n for n in ("grant_type", "client_id", "client_secret", "scope") if not form.get(n)]
        if missing or form["grant_type"] != "client_credentials":
            described = f"missing {', '.join(missing)}" if missing else "unsupported grant_type"
            return json_response(400, {"error": "invalid_request", "error_description": described})
        secrets = self.settings.clients.get(form["client_id"])
        if self.settings.clients and form["client_secret"] not in (secrets or []):
            return json_response(400, {"error": "invalid_client", "error_description": "invalid client_id or secret"})
        token = f"token-{uuid.uuid4().hex}"
        self._tokens[token] = (form["client_id"], now + self.settings.token_seconds)
        life = int(self.settings.token_seconds)
        return json_response(200, {"access_token": token, "token_type": "bearer", "expires_in": life})

    def client_of(self, token: str, now: float) -> str | None:
        """The client id that a token was issued to; None if the token is not valid at `now`."""
        client, expires_at = self._tokens.get(token, (None, 0.0))
        return client if now < expires_at else None

    def revoke_all(self) -> None:
        """Invalidate every token issued so far."""
        self._tokens.clear()
