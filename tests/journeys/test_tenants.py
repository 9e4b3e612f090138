"""A company opens a branch, which is a tenant of its own; holds it for a while, and in the end the branch is closed."""

from __future__ import annotations

import io
import json
import zipfile

GROUP = "tenants"
BRANCH = {
    "name": "B North",
    "kind": "fleet",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
}


def test_a_branch(office):
    olga = office.person("owner", "b")
    office.person("manager", "b")("POST /api/tenants", BRANCH, refused=403)
    assert olga("POST /api/tenants", BRANCH | {"country": "Germany"}, refused=422).error["details"]
    branch = olga("POST /api/tenants", BRANCH).data
    assert (branch["slug"], branch["state"]) == ("b-north", "active")
    assert [row["name"] for row in olga("GET /api/tenants", sort="-created_at").data] == ["B North", "B"]

    # She works for the branch, and names it; for the umbrella it is something to look at.
    there = office.person("owner", "b")
    session = {"refresh_token": there.session["refresh_token"], "tenant": "b-north"}
    there.take(there("POST /api/v1/auth/refresh", session))
    first = there("GET /api/tenants/{id}", id=branch["id"])
    renamed = there("PATCH /api/tenants/{id}", {"name": "Northern"}, id=branch["id"], if_match=first.etag)
    there("PATCH /api/tenants/{id}", {"name": "N"}, id=branch["id"], if_match=first.etag, refused=412)
    assert olga("GET /api/tenants/{id}", id=branch["id"]).etag == renamed.etag
    olga("PATCH /api/tenants/{id}", {"name": "Ours"}, id=branch["id"], refused=404)
    there("POST /api/v1/contacts", {"full_name": "Nora North"})
    assert olga("GET /api/v1/contacts", search="nora").meta["total"] == 0  # until her token knows of it
    olga.take(olga("POST /api/v1/auth/refresh", {"refresh_token": olga.session["refresh_token"]}))
    assert olga("GET /api/v1/contacts", search="nora").meta["total"] == 1
    office.person("owner", "a")("GET /api/tenants/{id}", id=branch["id"], refused=404)


def test_a_branch_is_held_and_closed(office):
    olga = office.person("owner", "umbrella")
    branch = olga("POST /api/tenants", BRANCH | {"name": "South"}).data
    there = office.person("owner", "umbrella")
    session = {"refresh_token": there.session["refresh_token"], "tenant": branch["slug"]}
    there.take(there("POST /api/v1/auth/refresh", session))
    for name in ("Nora", "Sven"):
        there("POST /api/v1/contacts", {"full_name": name})
    checklist = there("GET /api/v1/tenants/{id}/onboarding", id=branch["id"]).data
    assert {step["key"] for step in checklist["steps"] if step["is_done"]} == {"contact"}

    # Held, its people can do nothing but look at themselves; the umbrella works on.
    olga("POST /api/v1/tenants/{id}/suspend", {"reason": "Open invoices."}, id=branch["id"])
    look(office)
    assert there("GET /api/v1/contacts", refused=403).error["code"] == "TENANT_SUSPENDED"
    assert there("GET /api/tenants/{id}", id=branch["id"]).data["suspended_because"] == "Open invoices."
    olga("GET /api/v1/contacts")
    olga("POST /api/v1/tenants/{id}/resume", id=branch["id"])
    look(office)
    assert there("GET /api/v1/contacts").meta["total"] == 2

    # Closed, it is exported whole, and can be opened until its time is over.
    wish = {"confirm_slug": branch["slug"], "reason": "No more customers there."}
    olga("POST /api/v1/tenants/{id}/close", wish, id=branch["id"], refused=404)
    assert there("POST /api/v1/tenants/{id}/close", wish, id=branch["id"]).data["state"] == "closing"
    look(office)
    there("GET /api/v1/contacts", refused=403)
    office.work()
    whole = there("GET /api/v1/tenants/{id}/export", id=branch["id"]).response.content
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        contacts = [json.loads(line) for line in archive.read("tables/contacts.jsonl").splitlines()]
        manifest = json.loads(archive.read("manifest.json"))
    stored = office.firm.sql("select id::text, full_name from contacts where tenant_id = %s", branch["id"])
    assert sorted((row["id"], row["full_name"]) for row in contacts) == sorted(stored)
    assert manifest["tables"]["contacts"]["rows"] == 2
    assert there("POST /api/v1/tenants/{id}/reopen", id=branch["id"]).data["state"] == "active"
    look(office)
    assert there("GET /api/v1/contacts").meta["total"] == 2


def look(office):
    """What every process does twice a second."""
    office.running.wait_for(office.running.app.state.tenants_watch.look())
