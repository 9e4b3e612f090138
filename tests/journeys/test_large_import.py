"""A list of leads changes the system that it lives in: seen, taken in, mended, sent once more, undone."""

from __future__ import annotations

import csv
import io
import json

from tests.journeys.test_customers_and_vans import finished

GROUP = "imports"
ROWS, BAD_EVERY = 3_000, 100
MAPPING = {"Kunde": "external_id", "Land": {"field": "country", "values": {"Deutschland": "DE"}}}
FORM = {
    "mapping": json.dumps(MAPPING),
    "unknown_columns": "attributes",
    "defaults": '{"source": "old system"}',
}


def test_a_large_import(office):
    manager, agent, stranger = office.person("manager"), office.person("agent"), office.person("owner", "b")
    fair = agent("POST /api/v1/leads", {"externalId": "K-5", "company": "Known before", "phone": "1"}).data[
        "id"
    ]

    # What the file would be is seen before; a column that only looks like a field is suggested.
    content = _file()
    shown = manager("POST /api/v1/leads/import/preview", files={"file": ("old.csv", content)}, form=FORM).data
    assert (shown["row_count"], shown["refusals"]) == (ROWS, [])
    how = {each["column"]: (each["field"], each["suggestion"]) for each in shown["columns"]}
    assert how["Telefon"] == ("attributes.Telefon", "phone")
    form = FORM | {"mapping": json.dumps(MAPPING | {"Telefon": "phone"}), "mode": "upsert"}

    # One row in a hundred is bad: the others are there, and the bad ones come back as a file.
    files = {"file": ("old.csv", content)}
    state = finished(manager, manager("POST /api/v1/import/leads", files=files, form=form))
    bad = ROWS // BAD_EVERY
    figures = (state["created_count"], state["updated_count"], state["failed_count"], len(state["errors"]))
    assert figures == (ROWS - bad - 1, 1, bad, bad)
    office.restart()
    sent = manager("GET /api/v1/imports/{id}/rejects", id=state["id"]).response
    rejected = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig")), delimiter=";"))
    assert len(rejected) == bad
    assert rejected[0]["import_error"].startswith("line 52: Land: ")
    assert agent("GET /api/v1/leads", source="old system", per_page=1).meta["total"] == ROWS - bad
    stranger("GET /api/v1/imports/{id}/rejects", id=state["id"], refused=404)

    # The file is mended as it is and sent with the same form.
    mended = sent.content.replace(b"Germany", b"Deutschland")
    again = finished(
        manager, manager("POST /api/v1/leads/import", files={"file": ("mended.csv", mended)}, form=form)
    )
    assert (again["created_count"], again["failed_count"]) == (bad, 0)

    # Somebody works on one; then it turns out that the list was the wrong one.
    [worked_on] = agent("GET /api/v1/leads", external_id="K-7").data
    agent("POST /api/v1/leads/{id}/contact", {"kind": "call", "outcome": "reached"}, id=worked_on["id"])
    stranger("POST /api/v1/imports/{id}/undo", id=state["id"], refused=404)
    task = manager("POST /api/v1/imports/{id}/undo", id=state["id"]).data
    office.work()
    assert manager("GET /api/v1/tasks/{id}", id=task["task_id"]).data["status"] == "succeeded"
    state = manager("GET /api/v1/imports/{id}", id=state["id"]).data
    assert (state["removed_count"], state["reverted_count"], state["left_count"]) == (ROWS - bad - 2, 1, 1)
    assert [each["id"] for each in state["left"]] == [worked_on["id"]]
    known = agent("GET /api/v1/leads/{id}", id=fair).data
    assert (known["company"], known["phone"], known["source"]) == ("Known before", "1", "manual")
    assert agent("GET /api/v1/leads", source="old system", per_page=1).meta["total"] == bad + 1
    manager("POST /api/v1/imports/{id}/undo", id=state["id"], refused=409)


def _file() -> bytes:
    rows = ["Kunde;company;Telefon;Land;Vans"]
    for n in range(ROWS):
        land = "Germany" if n % BAD_EVERY == 50 else "Deutschland"
        rows.append(f"K-{n};Firm {n};+49 421 {n:06};{land};{n % 9}")
    return "\n".join(rows).encode()
