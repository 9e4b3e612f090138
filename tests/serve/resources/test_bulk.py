"""Many rows in one call, each for itself."""

from __future__ import annotations

from uuid import uuid4

CONTACTS = "/api/v1/contacts"


def test_good_rows_are_made_and_bad_ones_named(firm):
    rows = [
        {"full_name": "Ada"},
        {"full_name": ""},
        {"full_name": "Bea", "account_id": str(uuid4())},
        {"fullName": "Cy"},
    ]
    response = firm.client().post(f"{CONTACTS}/bulk", json={"rows": rows})
    assert response.status_code == 207
    data = response.json()["data"]
    assert [result["status"] for result in data["results"]] == ["created", "failed", "failed", "created"]
    assert data["results"][1]["error"]["details"][0]["field"] == "full_name"
    assert data["results"][2]["error"]["details"][0]["field"] == "account_id"
    for result in data["results"]:
        if result["id"]:
            assert firm.client().get(f"{CONTACTS}/{result['id']}").status_code == 200
            assert len(firm.events(result["id"])) == 1


def test_a_dry_run_changes_nothing(firm):
    before = firm.sql("select count(*) from contacts"), firm.sql("select count(*) from events")
    response = firm.client().post(f"{CONTACTS}/bulk?dryRun=true", json={"rows": [{"full_name": "Ada"}]})
    assert response.json()["data"] | {"dry_run": True, "succeeded": 1} == response.json()["data"]
    assert (firm.sql("select count(*) from contacts"), firm.sql("select count(*) from events")) == before


def test_when_all_fail_it_is_a_failure(firm):
    response = firm.client().post(f"{CONTACTS}/bulk", json={"rows": [{"full_name": ""}]})
    assert response.status_code == 422
    assert response.json()["error"]["details"][0]["field"] == "rows[0].full_name"


def test_upserts_go_by_the_external_id(firm):
    owner = firm.client()
    put = lambda mode, *rows: owner.post(f"{CONTACTS}/bulk?mode={mode}", json={"rows": list(rows)})  # noqa: E731
    first = put("upsert", {"external_id": "u1", "full_name": "Ada", "phone": "1"})
    second = put(
        "upsert", {"external_id": "u1", "full_name": "Ada L."}, {"external_id": "u2", "full_name": "Bo"}
    )
    assert [r["status"] for r in second.json()["data"]["results"]] == ["updated", "created"]
    row_id = first.json()["data"]["results"][0]["id"]
    assert second.json()["data"]["results"][0]["id"] == row_id
    row = owner.get(f"{CONTACTS}/{row_id}").json()["data"]
    assert (row["full_name"], row["phone"]) == ("Ada L.", "1")
    same = put("upsert", {"external_id": "u1", "full_name": "Ada L."})
    assert same.json()["data"]["results"][0]["status"] == "unchanged"
    assert put("update", {"external_id": "u9", "phone": "3"}).status_code == 422
    only = put("update", {"external_id": "u1", "phone": "3"})
    assert only.status_code == 200
    assert owner.get(f"{CONTACTS}/{row_id}").json()["data"]["phone"] == "3"


def test_changes_and_deletions_by_id(firm):
    owner = firm.client()
    made = owner.post(f"{CONTACTS}/bulk", json={"rows": [{"full_name": "Ada"}, {"full_name": "Bea"}]})
    a, b = (result["id"] for result in made.json()["data"]["results"])
    theirs = firm.client(tenant=firm.b).post(CONTACTS, json={"full_name": "Theirs"}).json()["data"]["id"]
    changed = owner.patch(
        f"{CONTACTS}/bulk",
        json={"rows": [{"id": a, "job_title": "Boss"}, {"id": theirs, "job_title": "X"}, {"job_title": "Y"}]},
    )
    assert changed.status_code == 207
    assert [r["status"] for r in changed.json()["data"]["results"]] == ["updated", "failed", "failed"]
    assert owner.get(f"{CONTACTS}/{a}").json()["data"]["job_title"] == "Boss"
    gone = owner.request("DELETE", f"{CONTACTS}/bulk", json={"ids": [a, b, theirs]})
    assert [r["status"] for r in gone.json()["data"]["results"]] == ["deleted", "deleted", "failed"]
    assert owner.get(f"{CONTACTS}/{a}").status_code == 404
    assert firm.sql("select deleted_at, job_title from contacts where id = %s", theirs) == [(None, None)]
