"""A front end at work on accounts, contacts and vehicles: two people edit, a file comes in and goes out again."""

from __future__ import annotations

import csv
import io

from tests.journeys.person import Answer, Person
from tests.serve.firm import VAN


def finished(person: Person, sent: Answer) -> dict:
    """The import, once it has ended."""
    person.office.work()
    return person("GET /api/v1/imports/{id}", id=sent.data["id"]).data


def test_two_people_and_one_customer(office):
    agent, manager, stranger = office.person("agent"), office.person("manager"), office.person("owner", "b")

    made = agent("POST /api/v1/accounts", {"name": "Nordlicht GmbH", "country": "DE", "city": "Bremen"})
    nordlicht = made.data["id"]
    clerk = {"fullName": "Ada Byron", "email": "ada@example.org", "accountId": nordlicht}
    ada = agent("POST /api/contacts", clerk).data["id"]

    # Both open the account; the second to save is told that the first was quicker, and looks again.
    ours = agent("GET /api/v1/accounts/{id}", id=nordlicht)
    theirs = manager("GET /api/v1/accounts/{id}", id=nordlicht)
    assert ours.etag == theirs.etag == made.etag
    agent("PATCH /api/v1/accounts/{id}", {"segment": "enterprise"}, id=nordlicht, if_match=ours.etag)
    late = {"city": "Kiel"}
    manager("PATCH /api/v1/accounts/{id}", late, id=nordlicht, if_match=theirs.etag, refused=412)
    newer = manager("GET /api/v1/accounts/{id}", id=nordlicht)
    saved = manager("PATCH /api/v1/accounts/{id}", late, id=nordlicht, if_match=newer.etag)
    assert (saved.data["segment"], saved.data["city"]) == ("enterprise", "Kiel")

    # It is found by its new city and by its clerk's name, by us alone.
    assert [row["id"] for row in agent("GET /api/v1/accounts", search="kiel").data] == [nordlicht]
    assert [row["id"] for row in agent("GET /api/contacts", search="byron").data] == [ada]
    assert stranger("GET /api/v1/accounts", search="kiel").data == []
    stranger("PATCH /api/v1/accounts/{id}", late, id=nordlicht, refused=404)
    stranger("POST /api/v1/contacts", clerk, refused=422)  # for them there is no such account

    # Deleted by mistake, it leaves the list, and comes back as it was; its history tells it all, also after a restart.
    manager("DELETE /api/v1/accounts/{id}", id=nordlicht)
    agent("GET /api/v1/accounts/{id}", id=nordlicht, refused=404)
    assert agent("GET /api/v1/accounts").data == []
    office.restart()
    back = manager("POST /api/v1/accounts/{id}/restore", id=nordlicht).data
    assert {**back, "updated_at": None} == {**saved.data, "updated_at": None}
    history = agent("GET /api/v1/accounts/{id}/history", id=nordlicht).data
    assert [(change["name"], change["actor_name"]) for change in history] == [
        ("account.restored", "Manager of A"),
        ("account.deleted", "Manager of A"),
        ("account.updated", "Manager of A"),
        ("account.updated", "Agent of A"),
        ("account.created", "Agent of A"),
    ]
    assert (history[2]["before"], history[2]["after"]) == ({"city": "Bremen"}, {"city": "Kiel"})


def test_a_file_comes_in_and_goes_out(office):
    owner, elsewhere = office.person("owner"), office.person("owner", "b")
    rows = (
        "Kundennr;Name;E-Mail\n1;Bea Bauer;bea@example.org\n2;Cem Can;nobody\n3;Dora Dahl;dora@example.org\n"
    )
    form = {"mapping": '{"Kundennr": "external_id", "Name": "full_name", "E-Mail": "email"}'}

    # A trial names the bad row and changes nothing.
    files = {"file": ("people.csv", rows.encode())}
    trial = finished(
        owner, owner("POST /api/v1/contacts/import", files=files, form=form | {"dry_run": "true"})
    )
    assert (trial["created_count"], trial["failed_count"]) == (2, 1)
    assert [(wrong["line"], wrong["field"]) for wrong in trial["errors"]] == [(3, "email")]
    assert owner("GET /api/v1/contacts", search="bauer").data == []

    # Put right, all of it comes in; sent once more it changes only what is new.
    right = rows.replace("nobody", "cem@example.org")
    files = {"file": ("people.csv", right.encode())}
    taken = finished(owner, owner("POST /api/v1/contacts/import", files=files, form=form))
    assert (taken["created_count"], taken["failed_count"]) == (3, 0)
    files = {"file": ("people.csv", right.replace("Dahl", "Dahlke").encode())}
    again = finished(
        owner, owner("POST /api/v1/contacts/import", files=files, form=form | {"mode": "upsert"})
    )
    assert (again["updated_count"], again["unchanged_count"]) == (1, 2)
    [dora] = owner("GET /api/v1/contacts", search="dahlke").data
    assert dora["external_id"] == "3"

    # The export holds them; another company takes it in, and what was exported is on record.
    export = owner("GET /api/v1/contacts/export", sort="external_id", fields="external_id,full_name,email")
    names = [row["full_name"] for row in csv.DictReader(io.StringIO(export.response.text))]
    assert [name for name in names if name != "Ada Byron"] == ["Bea Bauer", "Cem Can", "Dora Dahlke"]
    files = {"file": ("contacts.csv", export.response.content)}
    there = finished(elsewhere, elsewhere("POST /api/v1/contacts/import", files=files))
    assert there["created_count"] == len(names)
    assert elsewhere("GET /api/v1/contacts", search="dahlke").data[0]["id"] != dora["id"]
    [noted] = owner("GET /api/audit", name="contact.exported").data
    assert noted["actor_id"] == owner.id


def test_a_fleet_on_one_page(office):
    manager, mechanic = office.person("manager"), office.person("technician")
    fleet = [VAN | {"registration": f"HB-J {n}", "kind": "truck" if n == 3 else "van"} for n in range(1, 4)]
    done = manager("POST /api/v1/vehicles/bulk", {"rows": [*fleet, fleet[0]]}).data
    assert [row["status"] for row in done["results"]] == ["created", "created", "created", "failed"]
    first = done["results"][0]["id"]

    # A mechanic notes what the odometer says; it cannot run back, and a retired van stays retired.
    mechanic("PATCH /api/v1/vehicles/{id}", {"odometerKm": 1200}, id=first)
    wrong = mechanic("PATCH /api/v1/vehicles/{id}", {"odometer_km": 120}, id=first, refused=422)
    assert wrong.error["code"] == "ODOMETER_RUNS_BACK"
    mechanic("PATCH /api/v1/vehicles/{id}", {"status": "retired"}, id=first)
    mechanic("PATCH /api/v1/vehicles/{id}", {"status": "active"}, id=first, refused=409)

    # The page shows the rest, in order and counted.
    listed = mechanic("GET /api/v1/vehicles", status="active", sort="-registration", per_page=1, page=2)
    assert [row["registration"] for row in listed.data] == ["HB-J 2"]
    assert (listed.meta["total"], listed.meta["total_pages"]) == (2, 2)
    stats = mechanic("GET /api/v1/vehicles/stats", by="status").data["by"]["status"]
    assert {group["value"]: group["count"] for group in stats} == {"active": 2, "retired": 1}
    mechanic("GET /api/v1/vehicles", colour="red", refused=422)
    mechanic("GET /api/v1/accounts", refused=403)
