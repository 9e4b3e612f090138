"""Somebody is added who is there already: it is said, with why and how sure, and refused never."""

from __future__ import annotations

from typing import Any

import pytest

from serve.crm.people import duplicates
from serve.crm.people.rules import likeness, orders, same_number

CONTACTS, LEADS, ACCOUNTS = "/api/v1/contacts", "/api/v1/leads", "/api/v1/accounts"
CHECK = "/api/v1/duplicates/check"
ADA = {"full_name": "Ada Byron", "email": "ada@example.org", "phone": "+49 30 901820"}


@pytest.fixture(autouse=True)
def nobody_yet(firm):
    for table in ("leads", "contacts", "accounts"):
        firm.sql(f"delete from {table}")


@pytest.fixture
def add(owner):
    """``add(CONTACTS, full_name=…)``: (the new row, what was said to be like it)."""

    def make(path: str, **fields: Any):
        made = owner.post(path, json=fields)
        assert made.status_code == 201, made.text
        said = made.json()
        return said["data"], said["meta"]["possible_duplicates"]

    return make


@pytest.fixture
def check(owner):
    def ask(client: Any = owner, **fields: Any):
        answer = client.post(CHECK, json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return ask


class TestAtEntry:
    def test_the_first_is_like_nobody(self, add):
        assert add(CONTACTS, **ADA)[1] == []

    @pytest.mark.parametrize(
        "written",
        [
            {"full_name": "Byron, Ada", "phone": "030 901820"},
            {"full_name": "ADA BYRON", "email": "Ada@Example.org"},
            {"full_name": "Ada Byrom", "email": "ada@example.org"},
        ],
        ids=["turned about, national number", "capitals", "a slip of the pen"],
    )
    def test_another_way_to_write_one_is_found_and_says_why(self, add, written):
        first, _ = add(CONTACTS, **ADA)
        second, like = add(CONTACTS, **written)
        assert [(each["kind"], each["id"], each["label"]) for each in like] == [
            ("contact", first["id"], "Ada Byron")
        ]
        assert like[0]["chance"] > 0.9
        assert {each["field"] for each in like[0]["evidence"]} >= {"full_name"}
        assert second["id"] != first["id"]

    def test_accents_and_umlauts_make_no_other_name(self, add):
        first, _ = add(CONTACTS, full_name="Jörg Müller-Lüdenscheidt", phone="+49 421 36100")
        for name in ("Joerg Mueller Luedenscheidt", "Jorg Muller-Ludenscheidt"):
            like = add(CONTACTS, full_name=name, phone="0421/36100")[1]
            assert first["id"] in {each["id"] for each in like}
            assert like[0]["chance"] > 0.9

    def test_a_lead_that_is_a_contact_already(self, add):
        contact, _ = add(CONTACTS, **ADA)
        _, like = add(LEADS, **ADA)
        assert [(each["kind"], each["id"]) for each in like] == [("contact", contact["id"])]

    def test_a_family_at_one_telephone_is_not_one_person(self, add):
        add(CONTACTS, full_name="Ada Byron", phone="+49 30 901820")
        like = add(CONTACTS, full_name="William King", phone="+49 30 901820")[1]
        assert all(each["chance"] < 0.5 for each in like)

    def test_a_mailbox_of_many_says_little(self, add):
        add(CONTACTS, full_name="Ada Byron", email="info@example.org")
        like = add(CONTACTS, full_name="William King", email="info@example.org")[1]
        assert all(each["chance"] < 0.2 for each in like)

    def test_a_company_by_another_legal_form(self, add):
        first, _ = add(ACCOUNTS, name="Nordlicht Logistik GmbH", city="Bremen", country="DE")
        _, like = add(ACCOUNTS, name="Nordlicht Logistik GmbH & Co. KG", city="Bremen", country="DE")
        assert [(each["kind"], each["id"]) for each in like] == [("account", first["id"])]
        assert add(ACCOUNTS, name="Nordlicht Solar GmbH", city="Bremen", country="DE")[1] == []

    def test_a_repeated_request_says_what_the_first_was_told(self, owner):
        owner.post(CONTACTS, json=ADA)
        said = [owner.post(CONTACTS, json=ADA, headers={"Idempotency-Key": "again"}).json() for _ in range(2)]
        assert said[0] == said[1]
        assert len(said[0]["meta"]["possible_duplicates"]) == 1

    def test_what_was_deleted_and_what_is_of_others_is_not_named(self, add, owner, firm):
        gone, _ = add(CONTACTS, **ADA)
        owner.delete(f"{CONTACTS}/{gone['id']}")
        firm.client("owner", firm.b).post(CONTACTS, json=ADA)
        assert add(CONTACTS, **ADA)[1] == []

    def test_keys_follow_the_row_and_stay_out_of_its_history(self, add, owner, firm):
        row, _ = add(CONTACTS, **ADA)
        owner.patch(f"{CONTACTS}/{row['id']}", json={"email": "lovelace@example.org"})
        assert firm.sql("select email_key, phone_key from contacts where id = %s", row["id"]) == [
            ("lovelace@example.org", "930901820")
        ]
        said = str(firm.events(row["id"]))
        assert "_key" not in said
        assert "901820" not in said


class TestCheck:
    def test_it_names_rows_and_adds_none(self, add, check, firm):
        row, _ = add(LEADS, **ADA, company="Analytical Engines Ltd")
        found = check(kind="contact", full_name="Byron Ada", email="ADA@example.org")
        assert [(each["kind"], each["id"]) for each in found] == [("lead", row["id"])]
        assert check(kind="lead", **ADA, except_id=row["id"]) == []
        assert firm.sql("select count(*) from contacts") == [(0,)]

    def test_companies_are_asked_by_their_name(self, add, check):
        row, _ = add(ACCOUNTS, name="Nordlicht Logistik GmbH", country="DE")
        assert [each["id"] for each in check(kind="account", company="nordlicht logistik")] == [row["id"]]

    def test_nothing_asked_is_nothing_found(self, check):
        assert check() == []
        assert check(kind="account") == []

    def test_only_what_one_may_read_is_named(self, firm):
        assert duplicates.kinds_for("contact", frozenset({"contacts:read"})) == ["contact"]
        assert duplicates.kinds_for("account", frozenset({"contacts:read", "leads:read"})) == ["lead"]
        assert firm.client("technician").post(CHECK, json=ADA).status_code == 403

    def test_bad_input_names_the_field(self, owner):
        refused = owner.post(CHECK, json={"kind": "dog", "phone": "x" * 51})
        assert refused.status_code == 422
        assert {each["field"] for each in refused.json()["error"]["details"]} == {"kind", "phone"}


class TestRules:
    def test_more_evidence_is_more_chance(self):
        found = ADA
        chances = [
            likeness({name: ADA[name] for name in given}, found, "DE")[0]
            for given in (["full_name"], ["full_name", "phone"], ["full_name", "phone", "email"])
        ]
        assert chances == sorted(chances)
        assert chances[0] < 0.5 < chances[1]

    @pytest.mark.parametrize(
        ("one", "other", "country", "same"),
        [
            ("+49 30 901820", "030 901820", "DE", True),
            ("0049 30 901820", "+49 (0)30 901820", "DE", True),
            ("030 901820", "030-901820", None, True),
            ("+49 30 901820", "+43 30 901820", "DE", False),
            ("+49 30 901820", "030 901821", "DE", False),
        ],
    )
    def test_numbers_are_compared_as_they_are_dialled(self, one, other, country, same):
        assert same_number(one, other, country) is same

    def test_words_of_a_name_in_every_order(self):
        assert orders("Byron, Ada") == ["Ada Byron", "Byron Ada"]
        assert len(orders("Ana María de la Cruz")) == 3
        assert orders(None) == []


def test_each_key_is_looked_up_in_its_index(firm, owner):
    """However many rows there are: a plan with a scan of a table would be one for every create."""
    firm.sql(
        "insert into contacts (tenant_id, full_name, email, phone)"
        " select %s, 'Person ' || n, n || '@example.org', '+49 30 ' || 1000000 + n from generate_series(1, 3000) n",
        firm.a,
    )
    firm.sql("analyze contacts")

    async def plan() -> str:
        async with firm.running.app.state.database.connection() as connection:
            rows = await connection.fetch(
                f"explain {duplicates.FIND}",
                *(str(firm.a), str(firm.a), ["Person 7"], "7@example.org", "030 1000007", None, ["contact"]),
            )
            return "\n".join(row[0] for row in rows)

    shown = firm.running.wait_for(plan())
    for key in ("name", "email", "phone"):
        assert f"contacts_tenant_id_{key}_key_idx" in shown, shown
    assert "Seq Scan on contacts" not in shown
