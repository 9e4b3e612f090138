"""Guards of merging people taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from serve.crm.people import merging
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.surface.calls import Surface

CONTACTS = "/api/v1/contacts"


def two_with_a_note(surface: Surface) -> tuple[Any, str, str]:
    owner = surface.firm.client("owner")
    one, other = (
        owner.post(CONTACTS, json={"full_name": name, "job_title": title}).json()["data"]["id"]
        for name, title in ((f"Ada {uuid4()}", None), ("Byron", "Countess"))
    )
    owner.post(f"{CONTACTS}/{other}/notes", json={"body": "Likes trains"})
    return owner, one, other


def whatever_moved_comes_back(surface: Surface) -> None:
    owner, one, other = two_with_a_note(surface)
    made = owner.post(f"{CONTACTS}/{one}/merge", json={"from_id": other}).json()["data"]
    undone = owner.post(f"/api/v1/merges/{made['id']}/undo", json={})
    assert undone.status_code == 200, undone.text
    assert len(owner.get(f"{CONTACTS}/{other}/notes").json()["data"]) == 1
    assert owner.get(f"{CONTACTS}/{one}").json()["data"]["job_title"] is None


def what_was_changed_is_not_overwritten(surface: Surface) -> None:
    owner, one, other = two_with_a_note(surface)
    made = owner.post(f"{CONTACTS}/{one}/merge", json={"from_id": other}).json()["data"]
    owner.patch(f"{CONTACTS}/{one}", json={"job_title": "Lady"})
    assert owner.post(f"/api/v1/merges/{made['id']}/undo", json={}).status_code == 409


async def _nothing_noted(*_: Any) -> dict[Any, Any]:
    return {}


def _nothing_taken(*_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {}, {}


SABOTAGES = {
    "moved rows are forgotten": Sabotage(
        instead(merging, "_noted", _nothing_noted), whatever_moved_comes_back
    ),
    "taken values are forgotten": Sabotage(
        instead(merging, "difference", _nothing_taken), whatever_moved_comes_back
    ),
    "nobody looks whether it was changed": Sabotage(
        instead(merging, "_opened", lambda *_: ({}, {})), what_was_changed_is_not_overwritten
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
