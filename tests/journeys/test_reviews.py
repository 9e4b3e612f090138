"""After the work: a customer is asked, looks, thinks again; another one is asked later, and then not at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

GROUP = "reviews"


def test_after_the_work(office):
    owner, agent, stranger = office.person("owner"), office.person("agent"), office.person("owner", "b")
    owner(
        "POST /api/v1/privacy/purposes",
        {"key": "review_requests", "name": "Reviews", "lawful_basis": "legitimate_interests"},
    )
    ada = agent("POST /api/contacts", {"fullName": "Ada Byron", "email": "ada@example.org"}).data["id"]
    charles = agent("POST /api/contacts", {"fullName": "Charles B.", "email": "cb@example.org"}).data["id"]
    request = agent("POST /api/review-requests", {"contactId": ada, "message": "Thank you!"}).data["id"]
    agent("POST /api/review-requests", {"contactId": ada}, refused=409)
    office.work()
    office.restart()

    [asked] = agent("GET /api/review-requests", status="sent").data
    assert asked["id"] == request
    mail = owner("GET /api/v1/mails/{id}", id=asked["mail_id"]).data
    key = re.search(r"/reviews/answer\S*#([\w-]+)", mail["text"])[1]
    visitor = office.stranger()
    assert visitor("POST /api/v1/review-links/show", {"token": key}).data["tenant_name"] == "A"
    visitor("POST /api/v1/review-links", {"token": key, "rating": 4})
    visitor("POST /api/v1/review-links", {"token": key, "rating": 5, "comment": "Tidy."})
    [said] = agent("GET /api/review-requests", contact_id=ada).data
    assert (said["status"], said["rating"], said["comment"]) == ("answered", 5, "Tidy.")
    agent("PATCH /api/review-requests/{id}", {"publishedOn": "Our own pages"}, id=request)

    # The other one is to be asked next week, and then they would rather not.
    week = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    later = agent("POST /api/review-requests", {"contactId": charles, "sendAt": week}).data["id"]
    agent("PATCH /api/review-requests/{id}", {"status": "cancelled"}, id=later)
    assert [row["id"] for row in agent("GET /api/review-requests", status="cancelled").data] == [later]
    stranger("PATCH /api/review-requests/{id}", {"status": "cancelled"}, id=request, refused=404)
