"""Simulated IMS issues and refuses tokens as OAuth Server-to-Server does."""

from __future__ import annotations

from tests.support.adobes import Adobes


def test_a_token_reply_has_its_lifetime_in_seconds(shared: Adobes) -> None:
    response = shared.token()

    assert response["token_type"] == "bearer"
    assert response["expires_in"] == 86399


def test_ims_refuses_with_the_errors_of_oauth(adobe: Adobes) -> None:
    adobe.ims.settings.clients["local-client"] = ["right"]

    assert adobe.token()["error"] == "invalid_client"
    assert adobe.session.post(f"{adobe.ims.url}/ims/token/v3", data={}).json()["error"] == "invalid_request"
