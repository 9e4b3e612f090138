"""Guards of pairs that may be one person taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from serve.crm.people import link_rules, links
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.serve.crm.found_people import find
from tests.surface.calls import Surface

LINKS = "/api/v1/people/links"


def _found(surface: Surface) -> tuple[Any, str]:
    """The owner, and a pair of a contact and an employee."""
    owner = surface.firm.client("owner")
    name = {"full_name": f"Ada {uuid4()}"}
    rows = [
        (kind, owner.post(f"/api/v1/{kind}s", json=name).json()["data"]["id"])
        for kind in ("contact", "employee")
    ]
    surface.firm.sql("delete from person_links")
    find(surface.firm, (rows[0], rows[1]))
    (link,) = owner.get(LINKS).json()["data"]
    return owner, link["id"]


def nobody_sees_a_kind_that_they_may_not_read(surface: Surface) -> None:
    _, link_id = _found(surface)
    agent = surface.firm.client("agent")  # reads contacts, and no employees
    assert agent.get(LINKS).json()["data"] == []
    assert agent.get(f"{LINKS}/{link_id}").status_code == 404


def what_was_decided_is_not_decided_again(surface: Surface) -> None:
    owner, link_id = _found(surface)
    assert owner.post(f"{LINKS}/{link_id}/refuse").status_code == 200
    assert owner.post(f"{LINKS}/{link_id}/confirm").status_code == 409


def a_lost_update_is_refused(surface: Surface) -> None:
    owner, link_id = _found(surface)
    version = owner.get(f"{LINKS}/{link_id}").headers["etag"]
    assert owner.post(f"{LINKS}/{link_id}/refuse").status_code == 200
    assert owner.post(f"{LINKS}/{link_id}/reopen", headers={"If-Match": version}).status_code == 412


SABOTAGES = {
    "every kind is shown": Sabotage(
        instead(link_rules, "visible_kinds", lambda _: [*link_rules.SEEN_WITH]),
        nobody_sees_a_kind_that_they_may_not_read,
    ),
    "anything may be decided": Sabotage(
        instead(link_rules, "check_decision", lambda *_: None), what_was_decided_is_not_decided_again
    ),
    "nobody looks at the version": Sabotage(
        instead(links, "check_version", lambda *_: None), a_lost_update_is_refused
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
