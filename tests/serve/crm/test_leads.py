"""Leads over HTTP: how they move, what is logged, and their timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.serve.crm.conftest import LEADS


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestMaking:
    def test_little_is_needed(self, owner):
        made = owner.post(LEADS, json={"phone": "0421 901820"}).json()["data"]
        assert (made["full_name"], made["status"], made["source"]) == ("0421 901820", "new", "manual")
        assert (made["currency"], made["cost_cents"], made["tags"]) == ("EUR", 0, [])
        assert (made["first_replied_at"], made["first_reply_s"]) == (None, None)

    def test_one_without_any_name_is_refused(self, owner):
        refused = owner.post(LEADS, json={"source": "web"})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "full_name")

    def test_it_is_found_by_what_one_knows(self, owner, lead):
        wanted = lead("Find Mee", email="findmee@example.org", city="Findstadt", tags=["find-a", "find-b"])
        lead("Other", city="Findstadt", tags=["find-a"])
        for params in (
            {"search": "findmee"},
            {"city": "Findstadt", "tags": "find-a,find-b"},
            {"any_tags": "find-b,nothing"},
            {"city": "Findstadt", "search": "mee", "status": "new", "has_owner_id": "false"},
        ):
            for path in (LEADS, f"{LEADS}/search", "/api/v1/crm/leads"):
                found = owner.get(path, params=params).json()["data"]
                assert [row["id"] for row in found] == [wanted["id"]], (path, params)

    @pytest.mark.parametrize(
        "fields",
        [
            {"owner_id": str(uuid4())},
            {"account_id": str(uuid4())},
            {"latitude": 91},
            {"latitude": 53.0},
            {"value_cents": -1},
            {"status": "lost"},
            {"tags": ["a;b"]},
            {"currency": "euro"},
        ],
    )
    def test_what_is_wrong_is_named(self, owner, fields):
        refused = owner.post(LEADS, json={"full_name": "Wrong", **fields})
        assert refused.status_code == 422, refused.text
        named = {detail["field"].partition("[")[0] for detail in refused.json()["error"]["details"]}
        expected = {"lost_reason"} if "status" in fields else {*fields}
        assert named == ({"longitude"} if fields == {"latitude": 53.0} else expected)

    def test_its_owner_is_one_of_the_tenant(self, firm, owner, lead):
        made = lead(owner_id=str(firm.people[firm.a, "agent"]))
        assert made["owner_id"] == str(firm.people[firm.a, "agent"])
        refused = owner.patch(f"{LEADS}/{made['id']}", json={"owner_id": str(firm.people[firm.b, "agent"])})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "owner_id")

    def test_it_refers_to_nothing_that_was_deleted(self, owner, lead):
        account = owner.post(
            "/api/v1/accounts", json={"name": "Gone", "country": "DE", "segment": "smb"}
        ).json()["data"]
        owner.delete(f"/api/v1/accounts/{account['id']}")
        refused = owner.post(LEADS, json={"full_name": "Ada", "account_id": account["id"]})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "account_id")

    def test_personal_values_are_sealed_in_its_history(self, firm, lead):
        made = lead("Ada Sealed", email="sealed@example.org")
        [(name, _, after)] = firm.events(made["id"])
        assert name == "lead.created"
        assert all(after[each].keys() == {"sealed"} for each in ("full_name", "email"))
        assert "Ada" not in str(after)


class TestStatus:
    def move(self, client, row, status, **fields):
        return client.patch(f"{LEADS}/{row['id']}/status", json={"status": status, **fields})

    def test_it_moves_on_and_the_moments_are_noted(self, firm, owner, lead):
        made = lead()
        before = datetime.now(UTC)
        contacted = self.move(owner, made, "contacted").json()["data"]
        qualified = self.move(owner, made, "qualified").json()["data"]
        won = self.move(owner, made, "won", value_cents=250_000).json()["data"]
        assert before <= moment(contacted["contacted_at"]) <= moment(qualified["qualified_at"])
        assert (won["status"], won["value_cents"]) == ("won", 250_000)
        assert moment(qualified["qualified_at"]) <= moment(won["won_at"]) <= datetime.now(UTC)
        names = [name for name, _, _ in firm.events(made["id"])]
        assert names == ["lead.created", "lead.contacted", "lead.qualified", "lead.won"]

    def test_what_does_not_follow_is_refused_whatever_call_it_comes_by(self, owner, lead):
        made = lead()
        for refused in (
            self.move(owner, made, "won", value_cents=1),
            owner.patch(f"{LEADS}/{made['id']}", json={"status": "won", "value_cents": 1}),
            owner.put(f"{LEADS}/{made['id']}", json={"full_name": "Ada", "status": "won", "value_cents": 1}),
        ):
            assert (refused.status_code, refused.json()["error"]["code"]) == (
                409,
                "LEAD_STATUS_DOES_NOT_FOLLOW",
            )
        bulk = owner.patch(
            f"{LEADS}/bulk", json={"rows": [{"id": made["id"], "status": "won", "value_cents": 1}]}
        )
        assert bulk.status_code == 422
        assert owner.get(f"{LEADS}/{made['id']}").json()["data"]["status"] == "new"

    def test_a_lost_one_says_why_and_may_come_back(self, owner, lead):
        made = lead()
        refused = self.move(owner, made, "lost")
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "lost_reason")
        lost = self.move(owner, made, "lost", lost_reason="too expensive").json()["data"]
        assert lost["lost_reason"] == "too expensive"
        assert lost["lost_at"] is not None
        back = self.move(owner, made, "contacted").json()["data"]
        assert (back["lost_reason"], back["lost_at"], back["status"]) == (None, None, "contacted")

    def test_a_lost_update_is_refused(self, owner, lead):
        made = lead()
        etag = owner.get(f"{LEADS}/{made['id']}").headers["etag"]
        owner.patch(f"{LEADS}/{made['id']}", json={"city": "Bremen"})
        refused = owner.patch(
            f"{LEADS}/{made['id']}/status", json={"status": "contacted"}, headers={"If-Match": etag}
        )
        assert refused.status_code == 412

    def test_what_may_follow_is_told(self, owner):
        told = {line["status"]: line for line in owner.get(f"{LEADS}/statuses").json()["data"]}
        assert told["lost"] == {"status": "lost", "next": ["contacted"], "needs": ["lost_reason"]}


class TestContact:
    def test_the_first_answer_stops_the_clock(self, firm, owner, lead):
        made = lead()
        heard = owner.post(f"{LEADS}/{made['id']}/contact", json={"kind": "call", "direction": "in"})
        assert heard.status_code == 201
        assert heard.json()["data"]["lead"]["first_replied_at"] is None
        body = {"kind": "call", "outcome": "reached", "duration_s": 180, "summary": "Wants six vans."}
        told = owner.post(f"{LEADS}/{made['id']}/contact", json=body).json()["data"]
        assert told["lead"]["status"] == "contacted"
        assert told["lead"]["first_replied_at"] == told["activity"]["happened_at"]
        assert told["lead"]["first_reply_s"] > 0
        assert told["activity"]["user_id"] == str(firm.people[firm.a, "owner"])
        second = owner.post(f"{LEADS}/{made['id']}/contact", json={"kind": "email"}).json()["data"]
        assert second["lead"]["first_replied_at"] == told["lead"]["first_replied_at"]

    def test_one_that_was_earlier_moves_the_clock_back(self, owner, lead):
        made = lead()
        owner.post(f"{LEADS}/{made['id']}/contact", json={})
        earlier = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        told = owner.post(f"{LEADS}/{made['id']}/contact", json={"happened_at": earlier}).json()["data"]
        assert moment(told["lead"]["first_replied_at"]) == moment(earlier)
        assert told["lead"]["first_reply_s"] == 0

    def test_the_future_is_refused(self, owner, lead):
        made = lead()
        ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        refused = owner.post(f"{LEADS}/{made['id']}/contact", json={"happened_at": ahead})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "happened_at")

    def test_what_was_said_is_sealed_in_its_event(self, firm, owner, lead):
        made = lead()
        told = owner.post(f"{LEADS}/{made['id']}/contact", json={"summary": "a secret of theirs"})
        [(name, _, after)] = firm.events(told.json()["data"]["activity"]["id"])
        assert name == "lead_activity.created"
        assert after["summary"].keys() == {"sealed"}


class TestTimeline:
    def test_everything_stands_in_it_newest_first(self, owner, lead):
        made = lead("Ada Timeline", email="timeline@example.org")
        owner.post(f"{LEADS}/{made['id']}/contact", json={"kind": "call", "summary": "Asks for an offer."})
        owner.post(f"{LEADS}/{made['id']}/notes", json={"body": "Call again on Monday."})
        owner.patch(f"{LEADS}/{made['id']}", json={"full_name": "Ada Later"})
        told = owner.get(f"{LEADS}/{made['id']}/timeline").json()
        names = [entry["name"] for entry in told["data"]]
        assert (names[:2], names[-1]) == (["lead.updated", "lead.note"], "lead.created")
        assert {*names[2:-1]} == {"lead.contacted", "lead.call"}
        changed, note = told["data"][:2]
        assert (changed["before"]["full_name"], changed["after"]["full_name"]) == (
            "Ada Timeline",
            "Ada Later",
        )
        assert (note["text"], note["actor_name"]) == ("Call again on Monday.", "Owner of A")
        assert told["meta"]["total"] == 5
        page = owner.get(f"{LEADS}/{made['id']}/timeline", params={"limit": 2, "offset": 1}).json()
        assert [entry["name"] for entry in page["data"]] == names[1:3]
        beyond = owner.get(f"{LEADS}/{made['id']}/timeline", params={"limit": 2, "offset": 50}).json()
        assert (beyond["data"], beyond["meta"]["total"]) == ([], 5)

    def test_it_is_of_this_lead_alone(self, firm, owner, lead):
        made, other = lead("Ada"), lead("Otto")
        owner.post(f"{LEADS}/{other['id']}/notes", json={"body": "of Otto"})
        assert owner.get(f"{LEADS}/{made['id']}/timeline").json()["meta"]["total"] == 1
        assert firm.client("owner", firm.b).get(f"{LEADS}/{made['id']}/timeline").status_code == 404

    def test_calls_with_its_contact_stand_in_it_without_what_was_said(self, owner, lead):
        contact, other = (
            owner.post("/api/v1/contacts", json={"full_name": name}).json()["data"]["id"] for name in "AB"
        )
        made = lead("Ada", contact_id=contact)
        for contact_id, notes in ((contact, "a secret of theirs"), (other, "with somebody else")):
            call = {
                "direction": "inbound",
                "started_at": "2026-01-15T09:30:00Z",
                "duration_s": 125,
                "contact_id": contact_id,
                "notes": notes,
            }
            assert owner.post("/api/v1/call-logs", json=call).status_code == 201
        told = owner.get(f"{LEADS}/{made['id']}/timeline").json()["data"]
        assert [entry["name"] for entry in told] == ["lead.created", "call.inbound"]
        assert told[1]["after"] == {"direction": "inbound", "outcome": "answered", "duration_s": 125}
        assert (told[1]["kind"], told[1]["text"]) == ("call", None)


class TestMany:
    def test_made_changed_and_deleted_by_the_further_addresses(self, owner):
        made = owner.post(
            f"{LEADS}/batch", json={"rows": [{"full_name": "Many One"}, {"full_name": "Many Two"}]}
        )
        ids = [result["id"] for result in made.json()["data"]["results"]]
        changed = owner.put(
            f"{LEADS}/batch-update", json={"rows": [{"id": each, "city": "Manystadt"} for each in ids]}
        )
        assert changed.json()["data"]["succeeded"] == 2
        found = owner.get(LEADS, params={"city": "Manystadt"}).json()["data"]
        assert sorted(row["id"] for row in found) == sorted(ids)
        gone = owner.request("DELETE", f"{LEADS}/batch-delete", json={"ids": ids})
        assert gone.json()["data"]["succeeded"] == 2
        assert owner.get(LEADS, params={"city": "Manystadt"}).json()["data"] == []
