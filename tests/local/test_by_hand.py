"""The simulated connections, changed and deleted as by a person in Adobe's UI."""

from __future__ import annotations

from typing import Any

import pytest

from local.stack import DATABRICKS_SECRET
from tests.support.adobes import Adobes


def test_connections_are_changed_and_deleted_as_by_a_person_in_adobe(adobe: Adobes) -> None:
    control, session = adobe.adobe.url + "/_simulator/connections", adobe.session
    connection_id = adobe.create(description="ours")
    before = dict(adobe.adobe.records[connection_id].item)
    adobe.adobe.settings.states[connection_id] = "draft"

    change = {"name": "renamed", "description": None, "state": "disabled", "params": {"database": "other"}}
    changed = session.patch(f"{control}/{connection_id}", json=change).json()

    assert changed == {
        "id": connection_id, "name": "renamed", "description": None, "sandbox": "dev", "state": "disabled",
    }  # fmt: skip
    assert session.get(control).json() == {"connections": [changed]}
    (item,) = adobe.call("GET", f"/connections/{connection_id}").json()["items"]
    assert (item["name"], item["state"], item["updatedClient"]) == ("renamed", "disabled", "person")
    assert (item["auth"]["params"]["database"], item["auth"]["params"]["domain"]) == (
        "other",
        DATABRICKS_SECRET["domain"],
    )
    assert item["etag"] != before["etag"]

    assert session.delete(f"{control}/{connection_id}").status_code == 204
    assert session.get(control).json() == {"connections": []}
    assert session.patch(f"{control}/{connection_id}", json=change).status_code == 404


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, "The body must have a new name (not empty), description, state or params."),
        ({"name": ""}, "The body must have a new name (not empty), description, state or params."),
        ({"nme": "x"}, "Unknown: nme. The fields are: name, description, state, params."),
        ({"state": "off"}, 'state must be "enabled" or "disabled" or "draft".'),
        ({"params": {"database": 1}}, "params must be an object; each value must be a string."),
    ],
    ids=str,
)
def test_a_faulty_change_of_a_connection_is_refused_with_its_rule(
    shared: Adobes, change: dict[str, Any], rule: str
) -> None:
    url = f"{shared.adobe.url}/_simulator/connections/{shared.id_of('a')}"

    refused = shared.session.patch(url, json=change)

    assert (refused.status_code, refused.json()) == (400, {"message": rule})
