"""People at customers: tags, notes, lists by many filters, and what goes out as a file."""

from __future__ import annotations

import csv
import io

GROUP = "contacts"


def test_a_day_with_contacts(office):
    agent, manager = office.person("agent"), office.person("manager")
    nordlicht = agent("POST /api/v1/crm/customers", {"name": "Nordlicht GmbH", "country": "DE"}).data["id"]
    assert [row["id"] for row in agent("GET /api/v1/crm/customers", search="nordl").data] == [nordlicht]
    ada = agent("POST /api/contacts", {"fullName": "Ada Byron", "accountId": nordlicht}).data["id"]
    bea = agent("POST /api/contacts", {"fullName": "Bea Bauer"}).data["id"]
    assert agent("GET /api/contacts/{id}", id=ada).data["account_id"] == nordlicht

    # A vocabulary of tags: made, put on, renamed wherever it stands, and taken away again.
    vip = agent("POST /api/contact-tags", {"name": "vip", "color": "#2563eb"}).data["id"]
    agent("POST /api/contacts/{id}/tags", {"tagId": vip}, id=ada)
    told = agent("POST /api/contacts/bulk-tag", {"ids": [ada, bea], "add": ["newsletter"]}).data
    assert told["succeeded"] == 2
    assert [tag["name"] for tag in agent("GET /api/contacts/{id}/tags", id=ada).data] == ["vip", "newsletter"]
    manager("PATCH /api/contact-tags/{id}", {"name": "Important"}, id=vip)
    assert [row["id"] for row in agent("GET /api/contacts", tags="Important", limit=10, offset=0).data] == [
        ada
    ]
    assert {tag["name"] for tag in agent("GET /api/contact-tags").data} == {"Important", "newsletter"}
    assert agent("GET /api/contact-tags/{id}", id=vip).data["color"] == "#2563eb"
    agent("DELETE /api/contacts/{id}/tags/{tagId}", id=ada, tagId=vip)
    agent("DELETE /api/contacts/{id}/tags/{tagId}", id=ada, tagId=vip, refused=404)
    manager("DELETE /api/contact-tags/{id}", id=vip)
    agent("GET /api/contact-tags/{id}", id=vip, refused=404)

    # Notes, which stay after a restart.
    agent("POST /api/contacts/{id}/notes", {"body": "Prefers mornings."}, id=ada)
    office.restart()
    assert [note["body"] for note in manager("GET /api/contacts/{id}/notes", id=ada).data] == [
        "Prefers mornings."
    ]

    # Many at once, then out as files.
    rows = {"rows": [{"full_name": "Cem Can", "tags": ["newsletter"]}]}
    assert agent("POST /api/contacts/bulk", rows).data["succeeded"] == 1
    agent("PATCH /api/contacts/{id}", {"jobTitle": "Head of fleet"}, id=ada)
    agent("DELETE /api/contacts/{id}", id=bea)
    sheet = agent("GET /api/export/contacts", tags="newsletter", sort="full_name", fields="full_name,tags")
    assert [*csv.reader(io.StringIO(sheet.response.text))] == [
        ["full_name", "tags"],
        ["Ada Byron", "newsletter"],
        ["Cem Can", "newsletter"],
    ]
    lines = agent("GET /api/export/contacts", format="jsonl", tags="newsletter").response.text.splitlines()
    assert len(lines) == 2
