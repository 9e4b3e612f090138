"""Many rows at once are what they would be one by one: the same rows, the same events, the same mistakes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from serve.kernel.resources import batches
from tests.serve.resources.sending import ACCOUNTS, CONTACTS

LEADS = "/api/v1/leads"


def bulk(firm, rows, *, path=CONTACTS, mode="create"):
    response = firm.client().post(f"{path}/bulk", params={"mode": mode}, json={"rows": rows})
    return [each["status"] for each in response.json()["data"]["results"]], response.json()["data"]["results"]


def mixed(mark):
    """Rows with different columns, and some that only the database refuses."""
    rows = [{"external_id": f"{mark}{n}", "full_name": f"P{n}", "phone": f"{n}"} for n in range(120)]
    for n in (0, 49, 50, 51, 99, 119):
        rows[n]["account_id"] = str(uuid4())
    rows[70]["external_id"] = f"{mark}69"
    return rows


class TestRowsThatTheDatabaseRefuses:
    def test_each_is_named_and_all_others_are_there(self, firm):
        mark = uuid4().hex
        statuses, results = bulk(firm, mixed(mark))
        failed = [n for n, status in enumerate(statuses) if status == "failed"]
        assert failed == [0, 49, 50, 51, 70, 99, 119]
        assert [results[n]["error"]["details"][0]["field"] for n in (0, 70)] == ["account_id", "external_id"]
        found = firm.sql("select id, external_id from contacts where external_id like %s", f"{mark}%")
        assert {str(row_id) for row_id, _ in found} == {each["id"] for each in results if each["id"]}
        assert len(found) == 113

    def test_whatever_their_number_at_once(self, firm, monkeypatch):
        outcomes = []
        for at_once in (1, 7, 50, 1000):
            monkeypatch.setattr(batches, "AT_ONCE", at_once)
            statuses, results = bulk(firm, mixed(uuid4().hex))
            outcomes.append((statuses, [each["error"] for each in results]))
        assert all(outcome == outcomes[0] for outcome in outcomes)

    def test_one_that_is_held_by_somebody_else_waits_alone(self, firm, monkeypatch):
        bulk(firm, [{"external_id": f"held{n}", "full_name": "A"} for n in range(20)])
        tried, real = [], batches._written

        async def held(resource, db, rows, mode):
            tried.append(len(rows))
            if any(written.external_id == "held7" for _, written in rows):
                raise batches.StillRunning
            return await real(resource, db, rows, mode)

        monkeypatch.setattr(batches, "_written", held)
        changes = [{"external_id": f"held{n}", "full_name": "B"} for n in range(20)]
        statuses, _ = bulk(firm, changes, mode="upsert")
        assert statuses == ["updated"] * 7 + ["failed"] + ["updated"] * 12
        assert tried == [20, *[1] * 20]  # not once more for every half


class TestEvents:
    def test_every_row_has_its_own_with_its_own_sealed_values(self, firm):
        mark = uuid4().hex
        _, made = bulk(firm, [{"external_id": f"{mark}{n}", "full_name": f"P{n}"} for n in range(60)])
        _, changed = bulk(
            firm, [{"external_id": f"{mark}{n}", "full_name": f"Q{n}"} for n in range(60)], mode="upsert"
        )
        assert [each["id"] for each in made] == [each["id"] for each in changed]
        for n in (0, 31, 59):
            history = firm.client().get(f"{CONTACTS}/{made[n]['id']}/history").json()["data"]
            assert [change["name"] for change in history] == ["contact.updated", "contact.created"]
            assert history[0]["before"]["full_name"] == f"P{n}"
            assert history[0]["after"]["full_name"] == f"Q{n}"

    def test_what_follows_from_a_rule_and_from_triggers_holds(self, firm):
        mark = uuid4().hex
        rows = [{"external_id": f"{mark}{n}", "company": f"F{n}", "tags": [" VIP ", mark]} for n in range(60)]
        rows[5] |= {"status": "won"}
        rows[6] |= {"status": "won", "value_cents": 5}
        statuses, results = bulk(firm, rows, path=LEADS)
        assert (statuses.count("created"), statuses[5]) == (59, "failed")
        assert results[5]["error"]["details"][0]["field"] == "value_cents"
        found = firm.sql(
            "select full_name, tags[2], won_at is not null, currency from leads where external_id = %s",
            f"{mark}6",
        )
        assert found == [("F6", mark, True, "EUR")]
        assert firm.sql("select count(*) from tags where name = %s", mark) == [(1,)]


class TestTheSameRowTwice:
    @pytest.mark.parametrize("mode", ["upsert", "update"])
    def test_the_second_meets_what_the_first_has_done(self, firm, mode):
        key = uuid4().hex
        if mode == "update":
            bulk(firm, [{"external_id": key, "full_name": "A"}])
        rows = [{"external_id": key, "full_name": name} for name in ("A", "B", "B", "C")]
        statuses, results = bulk(firm, rows, mode=mode)
        first = "created" if mode == "upsert" else "unchanged"
        assert statuses == [first, "updated", "unchanged", "updated"]
        assert len({each["id"] for each in results}) == 1
        assert [name for name, *_ in firm.events(results[0]["id"])] == [
            "contact.created",
            "contact.updated",
            "contact.updated",
        ]

    def test_a_deleted_one_keeps_its_id(self, firm):
        key = uuid4().hex
        _, [made] = bulk(firm, [{"external_id": key, "full_name": "A"}])
        assert firm.client().delete(f"{CONTACTS}/{made['id']}").status_code == 200
        statuses, results = bulk(
            firm,
            [{"external_id": key, "full_name": "B"}, {"external_id": key + "x", "full_name": "B"}],
            mode="upsert",
        )
        assert statuses == ["failed", "created"]
        assert results[0]["error"]["code"] == "CONTACT_NOT_FOUND"

    def test_another_tenants_row_is_not_found(self, firm):
        key = uuid4().hex
        theirs = firm.client(tenant=firm.b).post(
            ACCOUNTS, json={"external_id": key, "name": "T", "country": "DE"}
        )
        assert theirs.status_code == 201
        statuses, _ = bulk(
            firm, [{"external_id": key, "name": "Ours", "country": "DE"}], path=ACCOUNTS, mode="upsert"
        )
        assert statuses == ["created"]
        assert firm.sql("select name from accounts where external_id = %s order by 1", key) == [
            ("Ours",),
            ("T",),
        ]
