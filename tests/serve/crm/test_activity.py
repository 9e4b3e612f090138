"""Everything that happened with an account or a contact, in one list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

ACCOUNTS, CONTACTS = "/api/v1/accounts", "/api/v1/contacts"


def data(answer, status: int = 200):
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def told(client, path: str, row_id: str, **params: Any):
    return data(client.get(f"{path}/{row_id}/activity", params=params))


@pytest.fixture
def story(owner, customer, lead, offer):
    """An account with something of each kind."""
    account, contact = customer["account_id"], customer["contact_id"]
    made = lead("Ada Byron", account_id=account, contact_id=contact)
    data(owner.post(f"/api/v1/leads/{made['id']}/contact", json={"kind": "call", "direction": "out"}), 201)
    ticket = data(owner.post("/api/v1/tickets", json={"subject": "It is cold", **customer}), 201)
    data(owner.post(f"/api/v1/tickets/{ticket['id']}/replies", json={"body": "We come"}), 201)
    quote = offer()
    call = {
        "direction": "inbound",
        "contact_id": contact,
        "started_at": "2026-01-05T08:00:00Z",
        "notes": "Boiler",
    }
    data(owner.post("/api/v1/call-logs", json=call), 201)
    data(owner.post(f"{ACCOUNTS}/{account}/notes", json={"body": "Pays late"}), 201)
    data(owner.post(f"{CONTACTS}/{contact}/notes", json={"body": "Likes trains"}), 201)
    return {**customer, "lead_id": made["id"], "ticket_id": ticket["id"], "quote_id": quote["id"]}


class TestOfAccount:
    def test_it_has_all_kinds_with_who_did_it(self, firm, owner, story):
        found = told(owner, ACCOUNTS, story["account_id"])
        assert {each["kind"] for each in found} >= {
            "account",
            "contact",
            "lead",
            "ticket",
            "quote",
            "call",
            "note",
        }
        assert {"lead_activity.created", "ticket_reply.created"} <= {each["name"] for each in found}
        assert {each["actor_id"] for each in found} == {str(firm.people[firm.a, "owner"])}
        moments = [datetime.fromisoformat(each["happened_at"]) for each in found]
        assert moments == sorted(moments, reverse=True)
        [ticket] = [each for each in found if each["name"] == "ticket.created"]
        assert (ticket["entity_id"], ticket["label"]) == (story["ticket_id"], "It is cold")
        assert ticket["after"]["subject"] == "It is cold"
        notes = {each["after"]["body"] for each in found if each["kind"] == "note"}
        assert notes == {"Pays late", "Likes trains"}

    def test_changes_say_before_and_after(self, owner, story):
        owner.patch(f"{CONTACTS}/{story['contact_id']}", json={"phone": "+49 30 901820"})
        first, *_ = told(owner, ACCOUNTS, story["account_id"])
        assert (first["name"], first["before"], first["after"]) == (
            "contact.updated",
            {},
            {"phone": "+49 30 901820"},
        )

    def test_one_goes_on_where_the_page_ended(self, owner, story):
        whole = [each["id"] for each in told(owner, ACCOUNTS, story["account_id"])]
        seen, cursor = [], None
        while True:
            params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
            answer = owner.get(f"{ACCOUNTS}/{story['account_id']}/activity", params=params).json()
            seen += [each["id"] for each in answer["data"]]
            cursor = answer["meta"]["next_cursor"]
            assert answer["meta"]["has_more"] == (cursor is not None)
            if cursor is None:
                break
        assert seen == whole
        refused = owner.get(f"{ACCOUNTS}/{story['account_id']}/activity", params={"cursor": str(uuid4())})
        assert refused.status_code == 422

    def test_kinds_and_times_narrow_it(self, owner, story):
        found = told(owner, ACCOUNTS, story["account_id"], kind="ticket,note")
        assert {each["kind"] for each in found} == {"ticket", "note"}
        now = datetime.now(UTC).isoformat()
        assert told(owner, ACCOUNTS, story["account_id"], since=now) == []
        assert len(told(owner, ACCOUNTS, story["account_id"], until=now)) == len(
            told(owner, ACCOUNTS, story["account_id"])
        )
        assert (
            owner.get(f"{ACCOUNTS}/{story['account_id']}/activity", params={"kind": "weather"}).status_code
            == 422
        )

    def test_who_may_not_read_a_kind_does_not_see_it(self, firm, owner, story):
        key = {"name": "CRM", "scopes": ["accounts:read", "contacts:read"]}
        secret = data(owner.post("/api/v1/auth/api-keys", json=key), 201)["key"]
        program = firm.running.client(Authorization=f"Bearer {secret}")
        answer = program.get(f"{ACCOUNTS}/{story['account_id']}/activity").json()
        assert {each["kind"] for each in answer["data"]} == {"account", "contact", "note"}
        assert answer["meta"]["left_out"] == [
            "call",
            "invoice",
            "lead",
            "payment",
            "quote",
            "review",
            "ticket",
        ]
        refused = program.get(f"{ACCOUNTS}/{story['account_id']}/activity", params={"kind": "call"})
        assert refused.status_code == 403

    def test_it_is_the_tenants_own_and_noted(self, firm, owner, story):
        assert (
            firm.client("owner", firm.b).get(f"{ACCOUNTS}/{story['account_id']}/activity").status_code == 404
        )
        told(owner, ACCOUNTS, story["account_id"])
        noted = "select count(*) > 0 from events where entity_id = %s and name = 'account.history_read'"
        assert firm.sql(noted, story["account_id"]) == [(True,)]

    def test_what_was_merged_into_it_is_in_it(self, owner, story):
        other = data(owner.post(ACCOUNTS, json={"name": "Nordlicht AG", "country": "DE"}), 201)
        data(owner.post(f"{ACCOUNTS}/{story['account_id']}/merge", json={"from_id": other["id"]}))
        found = told(owner, ACCOUNTS, story["account_id"], kind="account")
        assert (other["id"], "account.merged") in {(each["entity_id"], each["name"]) for each in found}


class TestOfContact:
    def test_it_has_what_concerns_the_contact(self, owner, story):
        found = told(owner, CONTACTS, story["contact_id"])
        assert {each["kind"] for each in found} == {"contact", "lead", "ticket", "quote", "call", "note"}
        assert {each["after"]["body"] for each in found if each["kind"] == "note"} == {"Likes trains"}
        refused = owner.get(f"{CONTACTS}/{story['contact_id']}/activity", params={"kind": "account"})
        assert refused.status_code == 422

    def test_another_one_has_nothing_of_it(self, owner, story):
        other = data(owner.post(CONTACTS, json={"full_name": "Bea", "account_id": story["account_id"]}), 201)
        assert {each["name"] for each in told(owner, CONTACTS, other["id"])} == {"contact.created"}
