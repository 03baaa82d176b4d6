"""Secrets Manager's event `Secret Label Updated`, put on the default bus, because moto sends none."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

from moto.events.models import EventsBackend
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend

from local.aws.lambda_api import Wsgi

LABEL = "AWSCURRENT"
"""The only label that causes an event here. AWS sends events for every label but AWSPENDING and AWSPREVIOUS."""


def announcing(inner: Wsgi, secrets: SecretsManagerBackend, events: EventsBackend) -> Wsgi:
    """Wrap `inner`: if a call gives a secret another current version, put the event before the reply is sent.

    A new secret causes no event. AWS sends one when a label moves to another version.
    """
    lock = threading.Lock()

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("secretsmanager."):
            return inner(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        with lock:
            secret = secrets.secrets.get(str(json.loads(body or b"{}").get("SecretId")))
            before = _current(secret)
            reply = list(inner(environ, start_response))
            if secret is not None and _current(secret) != before:
                events.put_events([_event(secret)])
        return reply

    return app


def _current(secret: FakeSecret | ReplicaSecret | None) -> str | None:
    """The id of the current version, if there is one."""
    versions = secret.versions if secret else {}
    return next((id_ for id_, version in versions.items() if LABEL in version["version_stages"]), None)


def _event(secret: FakeSecret | ReplicaSecret) -> dict[str, Any]:
    detail = {"name": secret.name, "labelUpdated": LABEL, "versionId": _current(secret)}
    return {
        "Source": "aws.secretsmanager",
        "DetailType": "Secret Label Updated",
        "Resources": [secret.arn],
        "Detail": json.dumps(detail),
    }
