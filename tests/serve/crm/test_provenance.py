"""Where each value of a contact, a lead or an account comes from."""

from __future__ import annotations

from typing import Any

import pytest

from serve.crm.provenance.rules import Step, origins_after
from tests.serve.crm.conftest import LEADS
from tests.serve.resources.sending import taken_in

ACCOUNTS, CONTACTS, PRIVACY = "/api/v1/accounts", "/api/v1/contacts", "/api/v1/privacy"


def data(answer, status: int = 200):
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def told(client, path: str, row_id: str) -> dict[str, dict[str, Any]]:
    answer = data(client.get(f"{path}/{row_id}/provenance"))
    assert answer["id"] == row_id
    return {each["field"]: each for each in answer["fields"]}


@pytest.fixture
def contact(owner):
    def made(**fields: Any) -> dict[str, Any]:
        row: dict[str, Any] = data(owner.post(CONTACTS, json={"full_name": "Ada Byron", **fields}), 201)
        return row

    return made


@pytest.fixture
def brought(firm, owner):
    """``brought("full_name,email\\nAda,a@example.org")``: an import of contacts, done; its id."""

    def send(text: str, path: str = CONTACTS, **form: Any) -> str:
        done = taken_in(firm, text, path=path, **form)
        assert (done["status"], done["failed_count"]) == ("done", 0), done
        return str(done["id"])

    return send


class TestWriting:
    def test_each_value_names_who_set_it_last(self, firm, owner, contact):
        ada = contact(email="ada@example.org")
        agent = firm.client("agent")
        data(agent.patch(f"{CONTACTS}/{ada['id']}", json={"phone": "+49 30 901820", "full_name": "Ada B."}))
        fields = told(owner, CONTACTS, ada["id"])
        people = {name: fields[name]["actor_id"] for name in ("email", "phone", "full_name")}
        mine, theirs = str(firm.people[firm.a, "owner"]), str(firm.people[firm.a, "agent"])
        assert people == {"email": mine, "phone": theirs, "full_name": theirs}
        assert (fields["phone"]["source"], fields["phone"]["value"]) == ("person", "+49 30 901820")
        assert fields["phone"]["actor_name"]
        assert fields["phone"]["at"] > fields["email"]["at"]
        assert "job_title" not in fields

    def test_a_key_and_a_load_are_named(self, firm, owner):
        key = {"name": "Shop", "scopes": ["contacts:read", "contacts:write"]}
        secret = data(owner.post("/api/v1/auth/api-keys", json=key), 201)["key"]
        program = firm.running.client(**{"X-API-Key": secret})
        made = data(program.post(CONTACTS, json={"full_name": "From the shop"}), 201)
        assert told(owner, CONTACTS, made["id"])["full_name"]["source"] == "api_key"
        [(loaded,)] = firm.sql(
            "insert into contacts (tenant_id, full_name, email) values (%s, 'Loaded', 'l@example.org')"
            " returning id::text",
            firm.a,
        )
        data(owner.patch(f"{CONTACTS}/{loaded}", json={"full_name": "Known by now"}))
        fields = told(owner, CONTACTS, loaded)
        assert (fields["email"]["source"], fields["email"]["actor_id"]) == ("load", None)
        assert fields["email"]["at"]
        assert fields["full_name"]["source"] == "person"

    def test_it_is_the_tenants_own_and_for_who_may_read_it(self, firm, owner, contact, customer, lead):
        for path, row_id in (
            (CONTACTS, contact()["id"]),
            (ACCOUNTS, customer["account_id"]),
            (LEADS, lead()["id"]),
        ):
            assert told(firm.client("agent"), path, row_id)
            assert firm.client("owner", firm.b).get(f"{path}/{row_id}/provenance").status_code == 404


class TestImports:
    def test_a_file_is_named_and_its_undoing_gives_the_origin_back(self, firm, owner, contact, brought):
        ada = contact(external_id="P-1", email="ada@example.org")
        import_id = brought(
            "external_id,full_name,phone\nP-1,Ada King,+49 30 1\nP-2,Bea,+49 30 2", mode="upsert"
        )
        fields = told(owner, CONTACTS, ada["id"])
        for name in ("full_name", "phone"):
            assert (fields[name]["source"], fields[name]["import_id"]) == ("import", import_id)
            assert fields[name]["import_filename"]
            assert fields[name]["actor_id"] == str(firm.people[firm.a, "owner"])
        assert fields["email"]["source"] == "person"
        [bea] = data(owner.get(CONTACTS, params={"external_id": "P-2"}))
        assert told(owner, CONTACTS, bea["id"])["full_name"]["import_id"] == import_id
        before = told(owner, CONTACTS, contact()["id"])["full_name"]["source"]
        data(owner.post(f"/api/v1/imports/{import_id}/undo"), 202)
        firm.work()
        fields = told(owner, CONTACTS, ada["id"])
        assert (fields["full_name"]["source"], fields["full_name"]["value"]) == (before, "Ada Byron")
        assert "phone" not in fields


class TestMerges:
    def test_a_value_taken_keeps_its_origin_and_says_its_way(self, firm, owner, contact, brought):
        import_id = brought("external_id,full_name,phone\nM-1,A. Byron,+49 30 901820")
        [other] = data(owner.get(CONTACTS, params={"external_id": "M-1"}))
        ada = contact(email="ada@example.org")
        before = told(owner, CONTACTS, ada["id"])
        merge = data(owner.post(f"{CONTACTS}/{ada['id']}/merge", json={"from_id": other["id"]}))
        phone = told(owner, CONTACTS, ada["id"])["phone"]
        assert (phone["source"], phone["import_id"]) == ("import", import_id)
        [way] = phone["by_way_of"]
        assert (way["way"], way["id"], way["entity_id"]) == ("merge", merge["id"], other["id"])
        data(owner.post(f"/api/v1/merges/{merge['id']}/undo", json={}))
        assert told(owner, CONTACTS, ada["id"]) == before
        assert told(owner, CONTACTS, other["id"])["phone"]["import_id"] == import_id

    def test_undoing_gives_back_what_was_replaced(self, owner, contact):
        first = contact(phone="+49 30 1", job_title="Countess")
        second, third = contact(phone="+49 30 2"), contact(phone="+49 30 3")
        before = told(owner, CONTACTS, first["id"])
        done = []
        for other in (second, third):
            merge = {"from_id": other["id"], "take": ["phone"]}
            done.append(data(owner.post(f"{CONTACTS}/{first['id']}/merge", json=merge))["id"])
        between = told(owner, CONTACTS, first["id"])["phone"]
        assert (between["value"], between["by_way_of"][0]["entity_id"]) == ("+49 30 3", third["id"])
        data(owner.post(f"/api/v1/merges/{done[1]}/undo", json={}))
        assert told(owner, CONTACTS, first["id"])["phone"]["by_way_of"][0]["entity_id"] == second["id"]
        data(owner.post(f"/api/v1/merges/{done[0]}/undo", json={}))
        assert told(owner, CONTACTS, first["id"]) == before

    def test_through_two_merges_both_are_named(self, owner, contact):
        first, second, third = contact(), contact(), contact(phone="+49 30 3")
        for one, other in ((second, third), (first, second)):
            data(owner.post(f"{CONTACTS}/{one['id']}/merge", json={"from_id": other["id"]}))
        ways = told(owner, CONTACTS, first["id"])["phone"]["by_way_of"]
        assert [way["entity_id"] for way in ways] == [third["id"], second["id"]]


class TestConversions:
    def test_who_a_lead_became_has_its_origins(self, firm, owner, brought):
        import_id = brought("external_id,full_name,email\nL-1,Ada Byron,ada@example.org", LEADS)
        [lead] = data(owner.get(LEADS, params={"external_id": "L-1"}))
        asked = {"account": {"kind": "household"}}
        made = data(owner.post(f"{LEADS}/{lead['id']}/convert", json=asked), 201)["conversion"]
        email = told(owner, CONTACTS, made["contact_id"])["email"]
        assert (email["source"], email["import_id"]) == ("import", import_id)
        [way] = email["by_way_of"]
        assert (way["way"], way["id"], way["entity_id"]) == ("conversion", made["id"], lead["id"])
        name = told(owner, ACCOUNTS, made["account_id"])["name"]
        assert (name["source"], name["by_way_of"][0]["entity_id"]) == ("conversion", lead["id"])
        assert name["actor_id"] == str(firm.people[firm.a, "owner"])


class TestConsents:
    def test_an_address_says_whether_it_may_be_written_to(self, firm, owner, contact):
        ada = contact(email="ada@example.org", phone="+49 30 1")
        purpose = {"key": "news-origin", "name": "News", "lawful_basis": "consent"}
        purpose_id = data(owner.post(f"{PRIVACY}/purposes", json=purpose), 201)["id"]
        said = {"subject_kind": "contact", "subject_id": ada["id"], "purpose_id": purpose_id}
        said |= {"channel": "email", "decision": "granted", "source": "web form"}
        data(owner.post(f"{PRIVACY}/consents", json=said), 201)
        fields = told(owner, CONTACTS, ada["id"])

        def may(name: str) -> dict[str, bool]:
            return {
                each["channel"]: each["may"]
                for each in fields[name]["consents"]
                if each["purpose_key"] == "news-origin"
            }

        assert may("email") == {"email": True}
        assert may("phone") == {"phone": False, "sms": False, "whatsapp": False}
        assert fields["full_name"]["consents"] is None
        assert told(firm.client("agent"), CONTACTS, ada["id"])["email"]["consents"] is None

    def test_of_who_was_erased_nothing_personal_is_told(self, firm, owner, lead):
        firm.sql("alter table pipeline_requests alter column status set default 'done'")
        ada = lead("Ada Byron", email="ada.origin@example.org", company="Nordlicht")
        asked = {"kind": "erasure", "subject_kind": "lead", "subject_id": ada["id"]}
        request = data(owner.post(f"{PRIVACY}/requests", json=asked), 201)
        owner.post(f"{PRIVACY}/requests/{request['id']}/verify", json={"method": "called back"})
        owner.post(f"{PRIVACY}/requests/{request['id']}/approve", json={})
        firm.work(waits_too=True)
        answer = owner.get(f"{LEADS}/{ada['id']}/provenance")
        assert "Ada Byron" not in answer.text
        assert "ada.origin" not in answer.text
        fields = {each["field"] for each in data(answer)["fields"]}
        assert not {"email", "phone", "company"} & fields


def test_a_merge_undone_out_of_order_leaves_the_later_ones_origin():
    typed, first, second = ({"source": name, "by_way_of": []} for name in ("person", "import", "api_key"))
    phone = frozenset({"phone"})
    steps = [
        Step(phone, "write", typed),
        Step(phone, "take", typed, "m1", {"phone": first}, {"id": "m1"}),
        Step(phone, "take", typed, "m2", {"phone": second}, {"id": "m2"}),
    ]
    assert origins_after(steps)["phone"]["by_way_of"] == [{"id": "m2"}]
    undone = [*steps, Step(phone, "give_back", typed, "m2")]
    assert origins_after(undone)["phone"]["source"] == "import"
    assert origins_after([*undone, Step(phone, "give_back", typed, "m1")])["phone"] == typed
