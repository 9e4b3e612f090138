"""A morning at the telephone: calls are noted, put right, found again and removed."""

from __future__ import annotations

GROUP = "call_logs"


def test_a_morning_at_the_telephone(office):
    agent, manager, stranger = office.person("agent"), office.person("manager"), office.person("owner", "b")
    ada = agent("POST /api/contacts", {"fullName": "Ada Byron"}).data["id"]
    missed = agent(
        "POST /api/call-logs",
        {
            "direction": "inbound",
            "fromNumber": "+49 30 901820",
            "startedAt": "2026-01-15T09:30:00Z",
            "outcome": "no_answer",
        },
    ).data
    back = agent(
        "POST /api/call-logs",
        {
            "direction": "outbound",
            "toNumber": "+49 30 901820",
            "contactId": ada,
            "startedAt": "2026-01-15T09:40:00Z",
            "durationS": 240,
            "notes": "Wants the van on Friday.",
            "userId": agent.id,
        },
    )
    row_id = back.data["id"]

    # Later the notes are put right; who read an older version is told so. It is all there after a restart.
    manager("PATCH /api/call-logs/{id}", {"notes": "Wants it on Thursday."}, id=row_id, if_match=back.etag)
    agent("PATCH /api/call-logs/{id}", {"notes": "On Monday."}, id=row_id, if_match=back.etag, refused=412)
    office.restart()
    assert manager("GET /api/call-logs/{id}", id=row_id).data["notes"] == "Wants it on Thursday."
    with_ada = manager("GET /api/call-logs", contact_id=ada).data
    assert [(row["id"], row["user_id"]) for row in with_ada] == [(row_id, agent.id)]
    assert [row["id"] for row in manager("GET /api/call-logs", outcome="no_answer").data] == [missed["id"]]
    stranger("GET /api/call-logs/{id}", id=row_id, refused=404)

    # Nobody writes down what was said unless the tenant has set who does.
    agent("POST /api/v1/call-logs/{id}/transcribe", id=row_id, refused=503)

    agent("DELETE /api/call-logs/{id}", id=missed["id"])
    assert [row["id"] for row in manager("GET /api/call-logs", direction="inbound,outbound").data] == [row_id]
