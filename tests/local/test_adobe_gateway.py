"""Simulated Adobe's gateway: it checks the caller before Flow Service gets the call."""

from __future__ import annotations

import pytest

from local.stack import ADOBE_SECRET
from tests.support.adobes import Adobes


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("Authorization", 403, "403010"),
        ("x-api-key", 403, "403000"),
        ("x-gw-ims-org-id", 400, "400003"),
    ],
)
def test_the_gateway_requires_its_headers(shared: Adobes, header: str, status: int, code: str) -> None:
    refused = shared.call("GET", "/connections", without=header)

    assert (refused.status_code, refused.json()["error_code"]) == (status, code)


def test_the_gateway_refuses_tokens_that_expired_and_keys_and_organizations_of_others(adobe: Adobes) -> None:
    other = adobe.call("GET", "/connections", headers={"x-api-key": "other"})
    assert (other.status_code, other.json()["error_code"]) == (403, "403003")

    adobe.adobe.settings.orgs.append(ADOBE_SECRET["orgId"])
    for org, code in (("A@AdobeOrg", "403025"), ("garbage", "403027")):
        refused = adobe.call("GET", "/connections", headers={"x-gw-ims-org-id": org})
        assert (refused.status_code, refused.json()["error_code"]) == (403, code)

    adobe.clock.advance(90_000)
    expired = adobe.call("GET", "/connections")
    assert (expired.status_code, expired.json()["error_code"]) == (401, "401013")


def test_a_post_without_json_is_refused(shared: Adobes) -> None:
    assert shared.call("POST", "/connections", without="Content-Type", data="x").status_code == 400
