"""A lead from its coming to its winning, by front ends that find leads, run a pipeline and keep customers."""

from __future__ import annotations

import csv
import io

from tests.journeys.test_customers_and_vans import finished

GROUP = "leads"


def test_from_the_first_call_to_the_sale(office):
    agent, manager = office.person("agent"), office.person("manager")

    # A lead is made by hand, found, put right and tagged.
    ada = {"fullName": "Ada Byron", "phone": "+49 421 901820", "source": "referral", "city": "Bremen"}
    made = agent("POST /api/leads", ada)
    lead = made.data["id"]
    assert [row["id"] for row in agent("GET /api/leads", search="byron", limit=5, offset=0).data] == [lead]
    assert agent("GET /api/leads/{id}", id=lead).data["city"] == "Bremen"
    agent("PATCH /api/leads/{id}", {"company": "Nordlicht"}, id=lead, if_match=made.etag)
    agent("PATCH /api/leads/{id}", {"company": "Late"}, id=lead, if_match=made.etag, refused=412)
    [vip] = agent("POST /api/v1/leads/{id}/tag", {"name": "vip"}, id=lead).data
    assert [row["id"] for row in agent("GET /api/v1/leads/search", tags="vip", status="new").data] == [lead]
    agent("DELETE /api/v1/leads/{id}/tag/{tagId}", id=lead, tagId=vip["id"])

    # It is called, which stops the clock, and a note is written, put right and taken away.
    called = agent("POST /api/v1/leads/{id}/contact", {"kind": "call", "outcome": "reached"}, id=lead).data
    assert (called["lead"]["status"], called["lead"]["first_reply_s"] >= 0) == ("contacted", True)
    note = agent("POST /api/v1/leads/{id}/note", {"body": "Six vans"}, id=lead).data["id"]
    manager("PUT /api/v1/leads/{id}/note/{noteId}", {"body": "Seven vans"}, id=lead, noteId=note)
    agent("DELETE /api/v1/leads/{id}/note/{noteId}", id=lead, noteId=note)

    # It is won, by steps that follow; after a restart its timeline still tells all of it.
    agent("PATCH /api/v1/leads/{id}/status", {"status": "new"}, id=lead, refused=409)
    agent("PATCH /api/v1/leads/{id}/status", {"status": "qualified"}, id=lead)
    agent("PATCH /api/v1/leads/{id}/status", {"status": "won"}, id=lead, refused=422)
    agent("PATCH /api/v1/leads/{id}/status", {"status": "won", "valueCents": 250_000}, id=lead)
    office.restart()
    told = manager("GET /api/v1/leads/{id}/timeline", id=lead).data
    assert [entry["name"] for entry in told if entry["kind"] == "change"] == [
        "lead.won",
        "lead.qualified",
        "lead.contacted",
        "lead.untagged",
        "lead.tagged",
        "lead.updated",
        "lead.created",
    ]
    assert [row["id"] for row in manager("GET /api/v1/crm/leads", status="won").data] == [lead]


def test_many_leads(office):
    agent, elsewhere = office.person("agent"), office.person("owner", "b")
    rows = [{"full_name": f"Number {number}", "source": "fair"} for number in range(3)]
    told = agent("POST /api/v1/leads/batch", {"rows": [*rows, {"source": "fair"}]}).data
    assert (told["succeeded"], told["failed"]) == (3, 1)
    ids = [result["id"] for result in told["results"][:3]]
    changes = [{"id": each, "value_cents": 100 * place} for place, each in enumerate(ids)]
    assert agent("PUT /api/v1/leads/batch-update", {"rows": changes}).data["succeeded"] == 3
    asked = {"min_value_cents": 100, "source": "fair", "sort": "-value_cents", "page": 1, "per_page": 20}
    dear = agent("GET /api/v1/leads", **asked).data
    assert [row["id"] for row in dear] == [ids[2], ids[1]]
    stats = agent("GET /api/v1/leads/stats", by="status", source="fair").data
    assert stats == {"total": 3, "by": {"status": [{"value": "new", "count": 3}]}}
    elsewhere("DELETE /api/v1/leads/batch-delete", {"ids": ids}, refused=422)
    assert agent("DELETE /api/v1/leads/batch-delete", {"ids": ids[:1]}).data["succeeded"] == 1
    agent("DELETE /api/leads/{id}", id=ids[1])
    agent("GET /api/v1/leads/{id}", id=ids[1], refused=404)
    agent("DELETE /api/v1/leads/{id}", id=ids[2])
    assert agent("GET /api/v1/leads", source="fair").data == []

    # One more by the customers' front end, replaced as a whole.
    one = agent("POST /api/v1/crm/leads", {"company": "Sonne AG"}).data["id"]
    replaced = agent("PUT /api/v1/leads/{id}", {"full_name": "Sol Sonne", "company": "Sonne AG"}, id=one).data
    assert (replaced["full_name"], replaced["source"]) == ("Sol Sonne", "manual")
    agent("PATCH /api/v1/leads/{id}", {"city": "Kiel"}, id=one)
    assert agent("GET /api/v1/leads/{id}", id=one).data["city"] == "Kiel"
    agent("POST /api/v1/leads", {"source": "fair"}, refused=422)
    agent("POST /api/v1/leads", {"email": "sol@example.org"})


def test_a_file_of_leads_comes_in_and_goes_out(office):
    agent = office.person("agent")
    head = "Name,Tags,value_cents,status,lost_reason"
    rows = f"{head}\nBea Bauer,hot; fair,100,new,\nCem Can,,x,new,\nDora,fair,,lost,price\n"
    form = {"mapping": '{"Name": "full_name"}'}
    files = {"file": ("leads.csv", rows.encode())}
    done = finished(agent, agent("POST /api/v1/import/leads", files=files, form=form))
    assert (done["created_count"], done["failed_count"]) == (2, 1)
    assert [(wrong["line"], wrong["field"]) for wrong in done["errors"]] == [(3, "value_cents")]
    for call in ("GET /api/v1/leads/export", "GET /api/v1/export/leads"):
        sheet = agent(call, tags="fair", sort="full_name", fields="full_name,tags,lost_reason")
        assert [*csv.reader(io.StringIO(sheet.response.text))] == [
            ["full_name", "tags", "lost_reason"],
            ["Bea Bauer", "hot; fair", ""],
            ["Dora", "fair", "price"],
        ]
