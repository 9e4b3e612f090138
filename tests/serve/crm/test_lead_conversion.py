"""Leads become customers: all of it or nothing, once, and back again while nobody has worked with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.crm.leads.rules import NEXT, account_from, steps
from tests.serve.crm.conftest import LEADS

STAMPS = ("updated_at",)


def convert(client, lead, **asked):
    answer = client.post(f"{LEADS}/{lead['id']}/convert", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def undo(client, lead):
    return client.post(f"{LEADS}/{lead['id']}/conversion/undo")


def row_of(client, path, row_id):
    return client.get(f"{path}/{row_id}")


def without_stamps(row):
    return {name: value for name, value in row.items() if name not in STAMPS}


class TestRules:
    @pytest.mark.parametrize("was", [status for status in NEXT if status != "lost"])
    @pytest.mark.parametrize("wanted", ["qualified", "won"])
    def test_each_step_may_follow_the_one_before(self, was, wanted):
        for step in steps(was, wanted):
            assert step in NEXT[was]
            was = step
        assert was == wanted

    def test_the_account_of_a_person_is_a_household(self):
        lead = {
            "company": None,
            "full_name": "Ada",
            "zone_id": None,
            "city": None,
            "country": None,
            "tags": [],
        }
        values = account_from(lead, {}, status="won", own_country="DE")
        assert (values["kind"], values["name"], values["segment"], values["status"], values["country"]) == (
            *("household", "Ada", "consumer", "active", "DE"),
        )


class TestConverting:
    def test_a_person_becomes_a_contact_alone(self, owner, lead):
        ada = lead(email="ada@example.org", phone="+49 421 1", tags=["conv"], consent_email=True)
        data = convert(owner, ada)
        assert (data["conversion"]["made"], data["conversion"]["account_id"]) == (["contact"], None)
        contact = row_of(owner, "/api/v1/contacts", data["conversion"]["contact_id"]).json()["data"]
        for name in ("full_name", "email", "phone", "tags", "consent_email"):
            assert contact[name] == ada[name]
        assert (data["lead"]["status"], data["lead"]["contact_id"]) == ("qualified", contact["id"])
        assert data["lead"]["converted_at"] is not None

    def test_a_company_becomes_an_account_with_a_quote(self, owner, lead):
        asked = {"quote": {"lines": [{"description": "Six vans", "unit_price_cents": 100_00}]}}
        made = convert(owner, lead(company="Nord AG", country="AT"), **asked)["conversion"]
        account = row_of(owner, "/api/v1/accounts", made["account_id"]).json()["data"]
        assert (account["name"], account["country"], account["status"]) == ("Nord AG", "AT", "prospect")
        quote = row_of(owner, "/api/v1/quotes", made["quote_id"]).json()["data"]
        assert (quote["net_cents"], quote["contact_id"]) == (10_000, made["contact_id"])

    def test_a_job_wins_the_lead(self, firm, owner, lead):
        made = convert(owner, lead(), job={"service": "Repair", "price_cents": 9_900})
        assert (made["lead"]["status"], made["lead"]["value_cents"]) == ("won", 9_900)
        assert made["lead"]["qualified_at"] is not None
        [(service, price, account)] = firm.sql(
            "select service, price_cents, account_id from jobs where id = %s", made["conversion"]["job_id"]
        )
        assert (service, price, str(account)) == ("Repair", 9_900, made["conversion"]["account_id"])

    def test_rows_that_are_there_stay_as_they_are(self, owner, customer, lead):
        before = row_of(owner, "/api/v1/contacts", customer["contact_id"])
        made = convert(owner, lead(tags=["other"]), contact_id=customer["contact_id"])["conversion"]
        assert (made["made"], made["account_id"]) == ([], customer["account_id"])
        assert (
            row_of(owner, "/api/v1/contacts", customer["contact_id"]).headers["ETag"]
            == before.headers["ETag"]
        )

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"contact_id": str(uuid4())}, "contact_id"),
            ({"account_id": str(uuid4())}, "account_id"),
            ({"account_id": str(uuid4()), "account": {}}, "account"),
            ({"status": "won"}, "value_cents"),
            ({"job": {"service": "Repair", "zone_id": str(uuid4())}}, "zone_id"),
            ({"job": {"price_cents": 1}}, "job.service"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_made(self, firm, owner, lead, asked, field):
        ada = lead()
        count = "select count(*) from contacts"
        before = firm.sql(count)
        refused = owner.post(f"{LEADS}/{ada['id']}/convert", json=asked)
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, field)
        assert firm.sql(count) == before
        assert owner.get(f"{LEADS}/{ada['id']}").json()["data"] == ada

    def test_a_contact_of_another_account_is_refused(self, owner, customer, lead):
        other = owner.post("/api/v1/accounts", json={"name": "Other", "country": "DE"}).json()["data"]["id"]
        asked = {"contact_id": customer["contact_id"], "account_id": other}
        refused = owner.post(f"{LEADS}/{lead()['id']}/convert", json=asked)
        assert refused.json()["error"]["details"][0]["field"] == "contact_id"

    def test_a_lost_lead_becomes_nothing(self, owner, lead):
        ada = lead(status="lost", lost_reason="price")
        refused = owner.post(f"{LEADS}/{ada['id']}/convert", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LEAD_LOST")

    def test_it_happens_once_however_many_ask(self, firm, owner, lead):
        ada, bea = lead(company="Once AG"), lead()
        with ThreadPoolExecutor(4) as pool:
            codes = list(
                pool.map(lambda _: owner.post(f"{LEADS}/{ada['id']}/convert", json={}).status_code, range(4))
            )
        assert sorted(codes) == [201, 409, 409, 409]
        assert firm.sql("select count(*) from accounts where name = 'Once AG'") == [(1,)]
        key = {"Idempotency-Key": str(uuid4())}
        first, again = (owner.post(f"{LEADS}/{bea['id']}/convert", json={}, headers=key) for _ in range(2))
        assert (first.status_code, again.json()["data"]) == (201, first.json()["data"])

    def test_what_is_made_needs_its_permission(self, firm, lead):
        ada = lead(company="Nobody's")
        assert firm.client("viewer").post(f"{LEADS}/{ada['id']}/convert", json={}).status_code == 403


class TestUndoing:
    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"account": {"name": "Undone AG"}},
            {"job": {"service": "Repair", "price_cents": 5}, "quote": {"title": "Repair"}},
            {"status": "won", "value_cents": 7},
        ],
    )
    @pytest.mark.parametrize("status", ["new", "contacted", "qualified"])
    def test_the_lead_is_what_it_was(self, owner, lead, asked, status):
        before = lead(status=status, company="Undone AG")
        made = convert(owner, before, **asked)["conversion"]
        answer = undo(owner, before)
        assert answer.status_code == 200, answer.text
        after = owner.get(f"{LEADS}/{before['id']}").json()["data"]
        assert without_stamps(after) == without_stamps(before)
        for what in made["made"]:
            if what != "job":
                assert row_of(owner, f"/api/v1/{what}s", made[f"{what}_id"]).status_code == 404
        assert owner.get(f"{LEADS}/{before['id']}/conversion").status_code == 404
        convert(owner, before)

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        status=st.sampled_from(["new", "contacted", "qualified", "won"]),
        value=st.none() | st.integers(0, 10**9),
        company=st.sampled_from([None, "Prop AG"]),
        wanted=st.sampled_from([None, "won"]),
        with_job=st.booleans(),
        with_quote=st.booleans(),
    )
    def test_converting_and_undoing_is_nothing(
        self, owner, lead, status, value, company, wanted, with_job, with_quote
    ):
        if status == "won" and value is None:
            value = 1
        before = lead(status=status, value_cents=value, company=company)
        asked = {"status": wanted, "value_cents": 5 if wanted else None}
        asked |= {"job": {"service": "Repair"}} if with_job else {}
        asked |= {"quote": {}} if with_quote else {}
        convert(owner, before, **asked)
        assert undo(owner, before).status_code == 200
        after = owner.get(f"{LEADS}/{before['id']}").json()["data"]
        assert without_stamps(after) == without_stamps(before)

    def test_its_job_is_cancelled(self, firm, owner, lead):
        ada = lead()
        job_id = convert(owner, ada, job={"service": "Repair"})["conversion"]["job_id"]
        undo(owner, ada)
        assert firm.sql("select status from jobs where id = %s", job_id) == [("cancelled",)]
        changes = firm.sql(
            "select from_status, to_status from job_status_changes where job_id = %s order by changed_at",
            job_id,
        )
        assert changes == [(None, "new"), ("new", "cancelled")]

    def test_whatever_was_touched_is_named(self, firm, owner, lead):
        ada = lead(company="Touched AG")
        made = convert(owner, ada, job={"service": "Repair"}, quote={})["conversion"]
        owner.patch(f"/api/v1/accounts/{made['account_id']}", json={"city": "Kiel"})
        owner.post(f"/api/v1/contacts/{made['contact_id']}/notes", json={"body": "Hello"})
        owner.patch(f"{LEADS}/{ada['id']}", json={"value_cents": 12})
        firm.sql("update jobs set status = 'assigned', assigned_at = now() where id = %s", made["job_id"])
        refused = undo(owner, ada)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONVERSION_TOUCHED")
        said = {(each["field"], each["message"]) for each in refused.json()["error"]["details"]}
        assert said == {
            ("lead.value_cents", "was changed since"),
            ("account", "was changed or deleted since"),
            ("contact", "notes refer to it"),
            ("job", "was changed or deleted since"),
        }
        assert owner.get(f"/api/v1/contacts/{made['contact_id']}").status_code == 200

    def test_what_stands_beside_it_may_change(self, owner, lead):
        ada = lead()
        convert(owner, ada)
        owner.patch(f"{LEADS}/{ada['id']}", json={"city": "Kiel"})
        owner.post(f"{LEADS}/{ada['id']}/notes", json={"body": "Still a lead"})
        assert undo(owner, ada).status_code == 200
        assert owner.get(f"{LEADS}/{ada['id']}").json()["data"]["city"] == "Kiel"

    def test_its_time_ends(self, firm, owner, lead):
        ada, bea = lead(), lead()
        convert(owner, ada)
        firm.sql("update lead_conversions set undo_until = now() where lead_id = %s", ada["id"])
        assert undo(owner, ada).json()["error"]["code"] == "CONVERSION_FINAL"
        owner.put("/api/v1/settings/sales", json={"conversion_undo_days": 0})
        convert(owner, bea)
        assert undo(owner, bea).json()["error"]["code"] == "CONVERSION_FINAL"
        owner.put("/api/v1/settings/sales", json={"conversion_undo_days": 7})

    def test_others_see_nothing(self, firm, lead):
        ada = lead()
        stranger = firm.client("owner", firm.b)
        for call in ("convert", "conversion/undo"):
            assert stranger.post(f"{LEADS}/{ada['id']}/{call}", json={}).status_code == 404
        assert stranger.get(f"{LEADS}/{ada['id']}/conversion").status_code == 404


def test_notes_of_a_lead_are_shown_at_its_contact(owner, lead):
    ada = lead()
    owner.post(f"{LEADS}/{ada['id']}/notes", json={"body": "From before"})
    contact = convert(owner, ada)["conversion"]["contact_id"]
    owner.post(f"/api/v1/contacts/{contact}/notes", json={"body": "From now"})
    shown = owner.get(f"/api/v1/contacts/{contact}/notes").json()
    assert [(note["body"], note["lead_id"]) for note in shown["data"]] == [
        ("From now", None),
        ("From before", ada["id"]),
    ]
    assert shown["meta"]["total"] == 2
