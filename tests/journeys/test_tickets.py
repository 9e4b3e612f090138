"""A customer complains, is answered, comes back, and is content in the end; another front end sees the same list."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

GROUP = "tickets"
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def test_a_complaint_and_its_end(office):
    agent, manager, stranger = office.person("agent"), office.person("manager"), office.person("owner", "b")
    account = agent("POST /api/v1/accounts", {"name": "Nordlicht GmbH", "country": "DE"}).data["id"]
    ada = {"full_name": "Ada Byron", "email": "ada@example.org", "account_id": account}
    contact = agent("POST /api/v1/contacts", ada).data["id"]

    # Ada calls. The account follows from her; what nobody knows is refused.
    agent("POST /api/tickets", {"subject": "Nobody came"}, refused=422)
    made = agent("POST /api/tickets", {"subject": "Nobody came", "contactId": contact, "channel": "phone"})
    ticket = made.data["id"]
    assert (made.data["account_id"], made.data["status"]) == (account, "open")
    second = manager("POST /api/v1/crm/tickets", {"subject": "A question on the bill", "account_id": account})
    third = manager("POST /api/v1/communication/tickets", {"subject": "Thanks", "account_id": account})
    numbers = [row["number"] for row in agent("GET /api/tickets", sort="number").data]
    assert numbers == [made.data["number"], second.data["number"], third.data["number"]] == [1, 2, 3]
    for listing in ("GET /api/v1/crm/tickets", "GET /api/v1/communication/tickets"):
        assert manager(listing, status="open").meta["total"] == 3
    assert stranger("GET /api/tickets").data == []
    stranger("GET /api/tickets/{id}", id=ticket, refused=404)

    # The agent takes it, answers by mail, and waits; the answer opens it again.
    agent("PATCH /api/tickets/{id}", {"assigneeId": agent.id, "priority": "high"}, id=ticket)
    said = {"body": "We are sorry. Is Tuesday fine?", "send_mail": True, "status": "pending"}
    mail = agent("POST /api/v1/tickets/{id}/replies", said, id=ticket).data["mail_id"]
    office.work()
    assert agent("GET /api/v1/mails/{id}", id=mail).data["state"] == "sent"
    waiting = agent("GET /api/tickets/{id}", id=ticket)
    assert (waiting.data["status"], waiting.data["first_response_at"] is not None) == ("pending", True)
    agent("POST /api/v1/tickets/{id}/replies", {"body": "It is.", "is_from_contact": True}, id=ticket)

    # What helped before may help again; what it was about is a word that others use too.
    guide = {"title": "When nobody came", "body": "Say sorry, and send somebody else."}
    article = manager("POST /api/v1/knowledge-base", guide).data["id"]
    assert agent("GET /api/v1/tickets/{id}/suggestions", id=ticket).data == []
    manager("POST /api/v1/knowledge-base/{id}/publish", id=article)
    assert [hit["id"] for hit in agent("GET /api/v1/tickets/{id}/suggestions", id=ticket).data] == [article]
    agent("POST /api/v1/tickets/{id}/tags", {"name": "no-show"}, id=ticket)
    assert [row["id"] for row in manager("GET /api/tickets", tags="no-show").data] == [ticket]

    # Resolved without a word it is not; who read it before is told that it has changed.
    agent("POST /api/tickets/{id}/resolve", id=ticket, refused=422)
    done = agent("POST /api/tickets/{id}/resolve", {"resolution": "Came on Tuesday"}, id=ticket).data
    assert done["status"] == "resolved"
    manager("PATCH /api/tickets/{id}", {"priority": "low"}, id=ticket, if_match=waiting.etag, refused=412)

    # After a restart all of it is there, in the order in which it happened.
    office.restart()
    assert agent("GET /api/tickets/{id}", id=ticket).data == done
    told = agent("GET /api/v1/tickets/{id}/replies", id=ticket).data
    assert [(reply["author"], reply["body"]) for reply in told] == [
        ("staff", said["body"]),
        ("contact", "It is."),
    ]
    history = agent("GET /api/v1/tickets/{id}/history", id=ticket).data
    assert [change["name"] for change in reversed(history)] == [
        *("ticket.created", "ticket.assigned", "ticket.updated", "ticket.updated", "ticket.tagged"),
        "ticket.resolved",
    ]


def test_a_promise_that_is_missed(office):
    manager, agent, owner = office.person("manager"), office.person("agent"), office.person("owner")
    account = agent("POST /api/v1/accounts", {"name": "Suedwind GmbH", "country": "DE"}).data["id"]

    # The manager promises an answer within an hour by day, and within ten minutes to whom it is urgent.
    week = [{"day": day, "opens": "00:00", "closes": "24:00"} for day in WEEK]
    hours = {"name": "Around the clock", "timezone": "Europe/Berlin", "hours": week}
    calendar = manager("POST /api/v1/business-calendars", hours).data["id"]
    usual = {"name": "Usual", "is_default": True, "calendar_id": calendar, "first_reply_minutes": 60}
    manager("POST /api/v1/sla-policies", usual)
    urgent = usual | {"name": "Urgent", "is_default": False, "priority": "urgent", "first_reply_minutes": 10}
    urgent |= {"warn_before_minutes": 5, "reassign_to_id": manager.id, "resolution_minutes": 120}
    manager("POST /api/v1/sla-policies", urgent)
    agent("POST /api/v1/sla-policies", usual, refused=403)

    # A pipe bursts. The agent takes the ticket, and forgets it.
    said = {
        "subject": "A pipe has burst",
        "account_id": account,
        "priority": "urgent",
        "assignee_id": agent.id,
    }
    made = agent("POST /api/tickets", said).data
    due = datetime.fromisoformat(made["first_reply_due_at"])
    assert due - datetime.fromisoformat(made["opened_at"]) == timedelta(minutes=10)

    # Before it is too late the agent is warned; then it is, and the manager has it. Nothing of that comes twice, not
    # when the service starts anew either.
    office.clock(due - timedelta(minutes=5))
    office.work()
    [warned] = agent("GET /api/notifications", entity_type="ticket", is_read="false").data
    assert (warned["title"], warned["entity_id"]) == (
        f"Ticket {made['number']} must be answered soon",
        made["id"],
    )
    office.clock(due)
    office.work()
    office.restart()
    office.clock(due + timedelta(minutes=1))
    office.work()
    late = agent("GET /api/tickets/{id}", id=made["id"]).data
    assert (late["is_breached"], late["assignee_id"], late["first_reply_breached_at"]) == (
        *(True, manager.id),
        made["first_reply_due_at"],
    )
    assert len(agent("GET /api/notifications", entity_type="ticket").data) == 2
    names = [change["name"] for change in owner("GET /api/v1/tickets/{id}/history", id=made["id"]).data]
    assert sorted(names).count("ticket.breached") == sorted(names).count("ticket.escalated") == 1
    [mine] = manager("GET /api/v1/tickets", is_breached="true", assignee_id=manager.id).data
    assert mine["id"] == made["id"]

    # The manager answers. The clock of the first answer stands, late; that of the resolution is kept.
    manager("POST /api/v1/tickets/{id}/replies", {"body": "Somebody is on the way."}, id=made["id"])
    manager("POST /api/tickets/{id}/resolve", {"resolution": "Sealed the pipe"}, id=made["id"])
    first, resolution = manager("GET /api/v1/tickets/{id}/sla", id=made["id"]).data["clocks"]
    assert (first["state"], resolution["state"], resolution["breached_at"]) == ("stopped", "stopped", None)
    figures = manager("GET /api/v1/tickets/sla").data
    [of_urgent] = [row for row in figures if row["priority"] == "urgent"]
    assert of_urgent["resolution"]["within_share"] == 1.0


def test_two_tickets_that_are_one(office):
    agent, stranger = office.person("agent"), office.stranger()
    account = agent("POST /api/v1/accounts", {"name": "Westlicht GmbH", "country": "DE"}).data["id"]
    cem = {"full_name": "Cem Can", "email": "cem@example.org", "account_id": account}
    contact = agent("POST /api/v1/contacts", cem).data["id"]
    whose = {"contact_id": contact}
    first = agent("POST /api/tickets", {"subject": "The bill is wrong", **whose}).data["id"]
    again = agent("POST /api/tickets", {"subject": "Did you get my mail?", **whose}).data["id"]
    agent("POST /api/v1/tickets/{id}/replies", {"body": "Hello?", "is_from_contact": True}, id=again)

    # Cem has asked twice. The second becomes part of the first; by mistake it was the wrong one, and comes out again.
    agent("POST /api/v1/tickets/{id}/merge", {"into_id": first}, id=again)
    assert agent("GET /api/v1/tickets/{id}/replies", id=first).meta["total"] == 1
    agent("PATCH /api/tickets/{id}", {"priority": "low"}, id=again, refused=409)
    office.restart()
    agent("POST /api/v1/tickets/{id}/unmerge", id=again)
    assert agent("GET /api/v1/tickets/{id}/replies", id=again).meta["total"] == 1
    agent("POST /api/v1/tickets/{id}/merge", {"into_id": first}, id=again)

    # The answer was written once, for everybody.
    sorry = {
        "shortcut": "sorry",
        "title": "Sorry",
        "body": "Dear {{contact.full_name}}, we have put it right.",
    }
    agent("POST /api/v1/canned-replies", sorry | {"body": "Dear {{contact.nickname}}"}, refused=422)
    text = agent("POST /api/v1/canned-replies", sorry).data["id"]
    body = agent("GET /api/v1/canned-replies/{id}/render", ticket_id=first, id=text).data["body"]
    assert body == "Dear Cem Can, we have put it right."
    agent("POST /api/v1/tickets/{id}/replies", {"body": body, "send_mail": True}, id=first)

    # Resolved, Cem is asked how content he is. Looking at the link says nothing; he may think again.
    agent("POST /api/tickets/{id}/resolve", {"resolution": "New bill", "ask_rating": True}, id=first)
    office.work()
    [mail] = agent("GET /api/v1/mails", search="content").data
    assert (mail["to_address"], mail["state"]) == ("cem@example.org", "sent")
    token = re.search(r"/tickets/rate\S*#([\w-]+)", mail["text"])[1]
    assert stranger("POST /api/v1/ticket-ratings/show", {"token": token}).data["rating"] is None
    for rating in (3, 5):
        stranger("POST /api/v1/ticket-ratings", {"token": token, "rating": rating})
    rated = agent("GET /api/tickets/{id}", id=first).data
    assert (rated["satisfaction"], rated["status"]) == (5, "resolved")
