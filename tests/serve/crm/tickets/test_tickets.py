"""Tickets: whose they are, which status follows from which, and what was said in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

TICKETS = "/api/v1/tickets"


def wrong(answer, status=422):
    """The fields that were refused."""
    assert answer.status_code == status, answer.text
    return [detail["field"] for detail in answer.json()["error"]["details"]]


def act(client, ticket, what, **body):
    return client.post(f"{TICKETS}/{ticket['id']}/{what}", json=body or None)


class TestOpening:
    def test_numbers_rise_by_one_however_many_open_at_once(self, firm, customer):
        whose = customer()
        with ThreadPoolExecutor(6) as several:
            made = several.map(
                lambda n: firm.client().post(TICKETS, json={"subject": f"Question {n}", **whose}), range(12)
            )
            numbers = sorted(each.json()["data"]["number"] for each in made)
        assert numbers == list(range(numbers[0], numbers[0] + 12))
        theirs = firm.client("owner", firm.b)
        account = theirs.post("/api/v1/accounts", json={"name": "Theirs", "country": "DE"}).json()["data"]
        first = theirs.post(TICKETS, json={"subject": "First", "account_id": account["id"]})
        assert first.json()["data"]["number"] == 1

    def test_the_account_follows_from_the_contact(self, ticket, customer):
        whose = customer()
        made = ticket(contact_id=whose["contact_id"])
        assert made["account_id"] == whose["account_id"]
        assert (made["status"], made["priority"], made["first_response_at"]) == ("open", "normal", None)

    def test_links_must_fit_together(self, agent, customer, firm):
        one, other = customer(), customer("Bea")
        body = {"subject": "Whose?"}
        assert wrong(agent.post(TICKETS, json=body)) == ["account_id"]
        both = body | {"account_id": one["account_id"], "contact_id": other["contact_id"]}
        assert wrong(agent.post(TICKETS, json=both)) == ["contact_id"]
        nobody = body | {"account_id": one["account_id"], "assignee_id": str(uuid4())}
        assert wrong(agent.post(TICKETS, json=nobody)) == ["assignee_id"]
        stranger = body | {
            "account_id": one["account_id"],
            "assignee_id": str(firm.people[firm.b, "agent"]),
        }
        assert wrong(agent.post(TICKETS, json=stranger)) == ["assignee_id"]

    def test_all_three_addresses_are_one_list(self, agent, customer):
        whose, found = customer(), set()
        for path in (TICKETS, "/api/v1/crm/tickets", "/api/v1/communication/tickets", "/api/tickets"):
            made = agent.post(path, json={"subject": f"By {path}", **whose})
            assert made.status_code == 201, made.text
            assert made.headers["location"].startswith(f"{TICKETS}/")
            found.add(made.json()["data"]["id"])
        for path in (TICKETS, "/api/v1/crm/tickets", "/api/v1/communication/tickets"):
            listed = agent.get(path, params={"account_id": whose["account_id"], "sort": "-number"}).json()[
                "data"
            ]
            assert {row["id"] for row in listed} == found

    def test_what_came_before_is_taken_in_from_a_file(self, firm, agent, customer):
        account_id = customer()["account_id"]
        rows = (
            "external_id,subject,status,resolution,account_id\n"
            f"z-1,Old one,closed,Done long ago,{account_id}\nz-2,Unsaid,resolved,,{account_id}\n"
        )
        begun = agent.post(f"{TICKETS}/import", files={"file": ("old.csv", rows.encode())})
        assert begun.status_code == 202, begun.text
        firm.work()
        run = agent.get(f"/api/v1/imports/{begun.json()['data']['id']}").json()["data"]
        assert (run["created_count"], run["failed_count"]) == (1, 1)
        assert run["errors"][0]["field"] == "resolution"
        [old] = agent.get(TICKETS, params={"external_id": "z-1"}).json()["data"]
        assert old["number"] is not None
        assert old["closed_at"] == old["resolved_at"] == old["opened_at"]


class TestStatus:
    def test_it_is_resolved_with_words_and_can_come_back(self, agent, ticket, firm):
        made = ticket()
        assert wrong(act(agent, made, "resolve")) == ["resolution"]
        assert wrong(act(agent, made, "resolve", resolution=" ")) == ["resolution"]
        done = act(agent, made, "resolve", resolution="Came again").json()["data"]
        assert (done["status"], done["resolution"]) == ("resolved", "Came again")
        assert done["resolved_at"] is not None
        back = act(agent, made, "reopen").json()["data"]
        assert (back["status"], back["resolution"], back["resolved_at"]) == ("open", None, None)
        assert back["reopened_count"] == 1
        assert wrong(act(agent, made, "resolve")) == ["resolution"]
        names = [name for name, *_ in firm.events(made["id"])]
        assert names == ["ticket.created", "ticket.resolved", "ticket.reopened"]
        kept = "select status from ticket_status_changes where ticket_id = %s order by changed_at"
        assert firm.sql(kept, made["id"]) == [("open",), ("resolved",), ("open",)]

    @pytest.mark.parametrize(
        ("path", "refused"), [(["closed"], "resolved"), (["closed"], "pending"), (["resolved"], "pending")]
    )
    def test_what_cannot_follow_is_refused(self, agent, ticket, path, refused):
        made = ticket()
        for status in path:
            body = {"status": status, "resolution": "Done"}
            assert agent.patch(f"{TICKETS}/{made['id']}", json=body).status_code == 200
        assert wrong(agent.patch(f"{TICKETS}/{made['id']}", json={"status": refused}), 409) == ["status"]

    def test_the_words_of_what_is_done_stay(self, agent, ticket):
        made = ticket()
        act(agent, made, "resolve", resolution="Came again")
        assert wrong(agent.patch(f"{TICKETS}/{made['id']}", json={"resolution": None})) == ["resolution"]

    def test_who_saves_late_is_told(self, agent, ticket):
        made = ticket()
        read = agent.get(f"{TICKETS}/{made['id']}")
        act(agent, made, "assign", assignee_id=None)
        assert agent.patch(f"{TICKETS}/{made['id']}", json={"priority": "high"}).status_code == 200
        late = agent.patch(
            f"{TICKETS}/{made['id']}", json={"priority": "low"}, headers={"If-Match": read.headers["etag"]}
        )
        assert late.status_code == 412

    def test_it_is_given_to_a_member(self, agent, ticket, firm):
        made = ticket()
        mine = str(firm.people[firm.a, "agent"])
        assert act(agent, made, "assign", assignee_id=mine).json()["data"]["assignee_id"] == mine
        listed = agent.get(TICKETS, params={"assignee_id": mine}).json()["data"]
        assert made["id"] in [row["id"] for row in listed]
        assert firm.events(made["id"])[-1][0] == "ticket.assigned"
        assert wrong(act(agent, made, "assign", assignee_id=str(uuid4()))) == ["assignee_id"]

    def test_many_are_changed_by_the_same_rules(self, agent, ticket):
        one, two = ticket(), ticket()
        rows = [
            {"id": one["id"], "status": "resolved", "resolution": "Done"},
            {"id": two["id"], "status": "closed"},
        ]
        answer = agent.patch(f"{TICKETS}/bulk", json={"rows": rows})
        assert [each["status"] for each in answer.json()["data"]["results"]] == ["updated", "failed"]
        assert agent.get(f"{TICKETS}/{one['id']}").json()["data"]["resolved_at"] is not None


class TestReplies:
    def test_the_first_public_answer_of_ours_is_the_first_response(self, agent, ticket, firm):
        made = ticket()
        act(agent, made, "replies", body="Ask the crew", is_internal=True)
        assert agent.get(f"{TICKETS}/{made['id']}").json()["data"]["first_response_at"] is None
        said = act(agent, made, "replies", body="We come again", status="pending")
        assert said.status_code == 201, said.text
        assert (said.json()["data"]["author"], said.json()["data"]["author_name"]) == ("staff", "Agent of A")
        after = agent.get(f"{TICKETS}/{made['id']}").json()["data"]
        assert after["status"] == "pending"
        first = after["first_response_at"]
        act(agent, made, "replies", body="And again")
        assert agent.get(f"{TICKETS}/{made['id']}").json()["data"]["first_response_at"] == first
        listed = agent.get(f"{TICKETS}/{made['id']}/replies").json()
        assert [row["body"] for row in listed["data"]] == ["Ask the crew", "We come again", "And again"]
        public = agent.get(f"{TICKETS}/{made['id']}/replies", params={"kind": "public"}).json()
        assert public["meta"]["total"] == 2

    def test_the_customers_words_open_it_again(self, agent, ticket):
        made = ticket()
        agent.patch(f"{TICKETS}/{made['id']}", json={"status": "pending"})
        said = act(agent, made, "replies", body="Tuesday is fine", is_from_contact=True).json()["data"]
        assert (said["author"], said["author_name"]) == ("contact", "Ada Byron")
        after = agent.get(f"{TICKETS}/{made['id']}").json()["data"]
        assert (after["status"], after["first_response_at"]) == ("open", None)
        act(agent, made, "resolve", resolution="Came again")
        act(agent, made, "replies", body="It leaks still", is_from_contact=True)
        after = agent.get(f"{TICKETS}/{made['id']}").json()["data"]
        assert (after["status"], after["reopened_count"]) == ("open", 1)

    def test_a_closed_ticket_takes_notes_alone(self, agent, ticket):
        made = ticket()
        act(agent, made, "close", resolution="Not ours")
        refused = act(agent, made, "replies", body="Hello?", is_from_contact=True)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TICKET_CLOSED")
        assert act(agent, made, "replies", body="They called", is_internal=True).status_code == 201

    def test_it_goes_to_the_contact_by_mail_if_asked(self, agent, ticket, firm):
        made = ticket(subject="Two\nlines")
        said = act(agent, made, "replies", body="We come again", send_mail=True).json()["data"]
        mail = agent.get(f"/api/v1/mails/{said['mail_id']}").json()["data"]
        assert (mail["to_address"], mail["text"]) == ("ada@example.org", "We come again")
        assert mail["subject"] == f"Re: Two lines [#{made['number']}]"

    def test_what_does_not_fit_is_named_and_nothing_is_kept(self, agent, ticket, customer):
        made, without = ticket(), ticket(account_id=customer()["account_id"])
        both = {"body": "x", "is_internal": True, "is_from_contact": True}
        assert wrong(act(agent, made, "replies", **both)) == ["is_internal"]
        assert wrong(act(agent, without, "replies", body="x", send_mail=True)) == ["send_mail"]
        assert wrong(act(agent, without, "replies", body="x", is_from_contact=True)) == ["is_from_contact"]
        silent = ticket(**customer("Cem", email=None))
        assert wrong(act(agent, silent, "replies", body="x", send_mail=True)) == ["send_mail"]
        assert agent.get(f"{TICKETS}/{silent['id']}/replies").json()["data"] == []

    def test_words_are_sealed_in_the_history(self, agent, ticket, firm):
        made = ticket(subject="Very private words")
        said = act(agent, made, "replies", body="More private words").json()["data"]
        for row_id in (made["id"], said["id"]):
            assert "private words" not in str(firm.events(row_id))
        history = agent.get(f"{TICKETS}/{made['id']}/history").json()["data"]
        assert history[-1]["after"]["subject"] == "Very private words"


class TestWho:
    def test_neither_strangers_nor_everybody(self, firm, ticket):
        made = ticket()
        theirs = firm.client("owner", firm.b)
        for what, body in (("resolve", {"resolution": "x"}), ("replies", {"body": "x"}), ("reopen", {})):
            assert act(theirs, made, what, **body).status_code == 404
        assert theirs.get(f"{TICKETS}/{made['id']}/replies").status_code == 404
        assert firm.client("technician").get(TICKETS).status_code == 403
        viewer = firm.client("viewer")
        assert viewer.get(f"{TICKETS}/{made['id']}").status_code == 200
        assert act(viewer, made, "resolve", resolution="x").status_code == 403


class TestNews:
    def test_who_gets_a_ticket_hears_of_it_unless_they_took_it(self, firm, agent, ticket):
        technician = str(firm.people[firm.a, "technician"])
        given, taken, passed_on = ticket(), ticket(), ticket()
        act(agent, given, "assign", assignee_id=technician)
        both = {"status": "pending", "assignee_id": technician}
        assert agent.patch(f"{TICKETS}/{passed_on['id']}", json=both).status_code == 200
        act(agent, taken, "assign", assignee_id=str(firm.people[firm.a, "agent"]))
        firm.deliver()

        def told(client, made):
            found = client.get("/api/v1/notifications", params={"entity_type": "ticket"}).json()["data"]
            return [row["title"] for row in found if row["entity_id"] == made["id"]]

        assert told(firm.client("technician"), given) == ["A ticket was given to you"]
        assert told(firm.client("technician"), passed_on) == ["A ticket was given to you"]
        assert told(firm.client("technician"), taken) == []
        assert "A ticket was given to you" not in told(agent, taken)
        assert told(firm.client("manager"), given) == [f"Ticket {given['number']} was opened"]

    def test_who_leads_hears_of_customers_who_are_not_content(self, firm, agent, ticket):
        content, not_content = ticket(), ticket()
        for made, rating in ((content, 4), (not_content, 1)):
            act(agent, made, "resolve", resolution="Done")
            act(agent, made, "satisfaction", rating=rating)
        firm.deliver()
        found = (
            firm.client("manager").get("/api/v1/notifications", params={"priority": "high"}).json()["data"]
        )
        told = [row["entity_id"] for row in found if row["title"].startswith("A customer is not content")]
        assert told == [not_content["id"]]
