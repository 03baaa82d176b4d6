"""The local gateway serves the OpenAPI document and a page to try it. API Gateway and the function do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.gateways import front


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps({"openapi": "3.1.0", "info": {"title": "</script><b>", "version": "1"}, "paths": {}}))
    return path


def test_the_document_is_read_at_each_request(document: Path) -> None:
    with front(document=document) as api:
        before = api.call_json("GET", "/openapi.json")
        document.write_text('{"openapi": "3.1.1"}')
        after = api.call_json("GET", "/openapi.json")

    assert (before[1]["openapi"], after) == ("3.1.0", (200, {"openapi": "3.1.1"}))
    assert api.events == []


def test_without_a_document_both_documentation_paths_are_not_found(tmp_path: Path) -> None:
    with front(document=tmp_path / "none.json") as api:
        assert [api.call_json("GET", path)[0] for path in ("/openapi.json", "/docs")] == [404, 404]


def test_the_page_is_self_contained_and_sends_its_calls_to_this_gateway(document: Path) -> None:
    with front(document=document) as api:
        response, content = api.call("GET", "/docs")
    page = content.decode()

    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert f'"servers": [{{"url": "{api.url}"}}]' in page
    assert "SwaggerUIBundle" in page
    assert not [part for part in ("<script src", "<link ", "</script><b>") if part in page]


def test_only_get_shows_documentation(document: Path) -> None:
    with front(document=document) as api:
        assert api.event("POST", "/docs")["routeKey"] == "$default"
