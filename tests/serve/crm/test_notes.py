"""Notes on leads, contacts and accounts."""

from __future__ import annotations

import pytest

from tests.serve.crm.conftest import LEADS


@pytest.fixture
def written(owner):
    """``written(lead, "text")``: a new note on it."""

    def write(row, body="Call again.", **fields):
        made = owner.post(f"{LEADS}/{row['id']}/notes", json={"body": body, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return write


class TestNotes:
    def test_pinned_ones_come_first_then_the_newest(self, owner, lead, written):
        ada = lead()
        first, pinned, last = written(ada, "1"), written(ada, "2", is_pinned=True), written(ada, "3")
        listed = owner.get(f"{LEADS}/{ada['id']}/notes").json()
        assert [note["id"] for note in listed["data"]] == [pinned["id"], last["id"], first["id"]]
        page = owner.get(f"{LEADS}/{ada['id']}/notes", params={"limit": 1, "offset": 1}).json()
        assert ([note["id"] for note in page["data"]], page["meta"]["total"]) == ([last["id"]], 3)
        beyond = owner.get(f"{LEADS}/{ada['id']}/notes", params={"offset": 9}).json()
        assert (beyond["data"], beyond["meta"]["total"]) == ([], 3)

    def test_who_wrote_it_and_what_it_said_before_is_known(self, firm, owner, lead, written):
        ada = lead()
        note = written(ada, "six vans")
        assert note["user_id"] == str(firm.people[firm.a, "owner"])
        agent = firm.client("agent")
        changed = agent.put(f"{LEADS}/{ada['id']}/note/{note['id']}", json={"body": "seven vans"})
        assert changed.json()["data"]["body"] == "seven vans"
        history = owner.get(f"{LEADS}/{ada['id']}/notes/{note['id']}/history").json()["data"]
        assert [(change["name"], change["actor_name"]) for change in history] == [
            ("note.updated", "Agent of A"),
            ("note.created", "Owner of A"),
        ]
        assert (history[0]["before"]["body"], history[0]["after"]["body"]) == ("six vans", "seven vans")
        assert "vans" not in str(firm.events(note["id"]))

    def test_a_lost_update_is_refused(self, owner, lead, written):
        ada = lead()
        path = f"{LEADS}/{ada['id']}/notes/{written(ada)['id']}"
        etag = owner.get(path).headers["etag"]
        assert owner.put(path, json={"body": "mine"}, headers={"If-Match": etag}).status_code == 200
        assert owner.put(path, json={"body": "late"}, headers={"If-Match": etag}).status_code == 412

    def test_one_that_was_taken_away_is_gone_but_for_its_history(self, owner, lead, written):
        ada = lead()
        note = written(ada)
        path = f"{LEADS}/{ada['id']}/notes/{note['id']}"
        assert owner.delete(f"{LEADS}/{ada['id']}/note/{note['id']}").status_code == 200
        assert [owner.get(path).status_code, owner.delete(path).status_code] == [404, 404]
        assert owner.get(f"{path}/history").json()["data"][0]["name"] == "note.deleted"
        assert owner.get(f"{LEADS}/{ada['id']}/notes").json()["data"] == []

    def test_it_is_on_its_own_row_alone(self, firm, owner, lead, written):
        ada, otto = lead("Ada"), lead("Otto")
        note = written(ada)
        assert owner.get(f"{LEADS}/{otto['id']}/notes/{note['id']}").status_code == 404
        assert owner.put(f"{LEADS}/{otto['id']}/notes/{note['id']}", json={"body": "x"}).status_code == 404
        stranger = firm.client("owner", firm.b)
        assert stranger.get(f"{LEADS}/{ada['id']}/notes").status_code == 404
        assert stranger.post(f"{LEADS}/{ada['id']}/notes", json={"body": "x"}).status_code == 404

    def test_a_deleted_lead_takes_none(self, owner, lead):
        ada = lead()
        owner.delete(f"{LEADS}/{ada['id']}")
        assert owner.post(f"{LEADS}/{ada['id']}/note", json={"body": "x"}).status_code == 404

    def test_a_note_says_something(self, owner, lead):
        refused = owner.post(f"{LEADS}/{lead()['id']}/notes", json={"body": ""})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "body")
