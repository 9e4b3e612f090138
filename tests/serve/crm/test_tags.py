"""Tags: one vocabulary, on the rows of four tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from serve.crm.tags import store
from tests.serve.crm.conftest import LEADS

TAGS, CONTACTS = "/api/v1/tags", "/api/v1/contacts"


@pytest.fixture
def contact(owner):
    def make(**fields: object):
        made = owner.post(CONTACTS, json={"full_name": "Ada Byron", **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def vocabulary(client, word):
    return [tag["name"] for tag in client.get(TAGS, params={"search": word}).json()["data"]]


def tags_of(client, row, path=CONTACTS):
    return client.get(f"{path}/{row['id']}").json()["data"]["tags"]


class TestVocabulary:
    def test_a_new_word_on_a_row_becomes_part_of_it(self, owner, contact):
        made = contact(tags=["Vocab New", "vocab new", " Vocab  Two"])
        assert made["tags"] == ["Vocab New", "Vocab Two"]
        assert sorted(vocabulary(owner, "vocab")) == ["Vocab New", "Vocab Two"]
        again = contact(tags=["VOCAB NEW"])
        assert again["tags"] == ["Vocab New"]

    def test_a_word_is_one_tag_however_it_is_written(self, owner):
        assert owner.post(TAGS, json={"name": "Einmal"}).status_code == 201
        refused = owner.post("/api/contact-tags", json={"name": "EINMAL"})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (409, "name")

    def test_another_name_stands_on_every_row(self, firm, owner, contact, lead):
        one, other = contact(tags=["Old name", "stays"]), lead(tags=["Old name"])
        [tag] = owner.get(TAGS, params={"search": "Old name"}).json()["data"]
        owner.patch(f"/api/contact-tags/{tag['id']}", json={"name": "New name"})
        assert tags_of(owner, one) == ["New name", "stays"]
        assert tags_of(owner, other, LEADS) == ["New name"]
        assert firm.events(one["id"])[-1][2] == {"tags": ["New name", "stays"]}
        assert vocabulary(owner, "Old name") == []

    def test_on_tickets_too(self, owner):
        account = owner.post("/api/v1/accounts", json={"name": "Tagged", "country": "DE"}).json()["data"][
            "id"
        ]
        path, body = "/api/v1/tickets", {"subject": "Late", "account_id": account}
        made = owner.post(path, json=body | {"tags": ["Desk old", "desk OLD", "Desk stays"]}).json()["data"]
        assert made["tags"] == ["Desk old", "Desk stays"]
        [tag] = owner.get(TAGS, params={"search": "Desk old"}).json()["data"]
        owner.patch(f"{TAGS}/{tag['id']}", json={"name": "Desk new"})
        assert tags_of(owner, made, path) == ["Desk new", "Desk stays"]
        found = owner.get(path, params={"tags": "Desk new"}).json()["data"]
        assert [row["id"] for row in found] == [made["id"]]
        owner.post(f"{path}/bulk-tag", json={"ids": [made["id"]], "add": ["Desk more"]})
        text = owner.get(f"{path}/export", params={"ids": made["id"], "fields": "tags"}).text
        assert text.splitlines() == ["tags", "Desk new; Desk stays; Desk more"]
        owner.delete(f"{TAGS}/{tag['id']}")
        assert tags_of(owner, made, path) == ["Desk stays", "Desk more"]

    def test_one_that_goes_is_on_no_row(self, owner, contact):
        one = contact(tags=["Goes", "stays"])
        [tag] = owner.get(TAGS, params={"search": "Goes"}).json()["data"]
        assert owner.delete(f"{TAGS}/{tag['id']}").status_code == 200
        assert tags_of(owner, one) == ["stays"]
        assert contact(tags=["goes"])["tags"] == ["goes"]

    def test_many_rows_take_a_task(self, firm, owner, contact, monkeypatch):
        monkeypatch.setattr(store, "MOST_AT_ONCE", 2)
        monkeypatch.setattr(store, "BATCH", 2)
        rows = [contact(tags=["Often", "stays"]) for _ in range(5)]
        [tag] = owner.get(TAGS, params={"search": "Often"}).json()["data"]
        owner.patch(f"{TAGS}/{tag['id']}", json={"name": "Seldom"})
        assert tags_of(owner, rows[0]) == ["Often", "stays"]
        firm.work()
        assert [tags_of(owner, row) for row in rows] == [["Seldom", "stays"]] * 5

    def test_tenants_have_vocabularies_of_their_own(self, firm, owner, contact):
        contact(tags=["Ours alone"])
        stranger = firm.client("owner", firm.b)
        made = stranger.post(CONTACTS, json={"full_name": "Bea", "tags": ["OURS ALONE"]}).json()["data"]
        assert made["tags"] == ["OURS ALONE"]
        assert vocabulary(owner, "Ours alone") == ["Ours alone"]
        assert vocabulary(stranger, "Ours alone") == ["OURS ALONE"]

    def test_two_who_bring_the_same_words_at_once_bring_them_once(self, firm, owner):
        def make(number: int) -> int:
            words = ["Race one", "Race two", "Race three"]
            made = firm.client("owner").post(
                CONTACTS,
                json={"full_name": "Race", "tags": words[number % 3 :] + words[: number % 3]},
            )
            return made.status_code

        with ThreadPoolExecutor(8) as pool:
            assert {*pool.map(make, range(24))} == {201}
        assert sorted(vocabulary(owner, "Race")) == ["Race one", "Race three", "Race two"]


class TestOfARow:
    @pytest.mark.parametrize("path", [CONTACTS, LEADS, "/api/v1/accounts", "/api/v1/tickets"])
    def test_put_on_and_taken_off(self, firm, owner, path):
        body = {"name": "Row", "country": "DE"} if path.endswith("accounts") else {"full_name": "Row"}
        if path.endswith("tickets"):
            account = owner.post("/api/v1/accounts", json={"name": "Row", "country": "DE"}).json()["data"]
            body = {"subject": "Row", "account_id": account["id"]}
        row = owner.post(path, json=body).json()["data"]
        put = owner.post(f"{path}/{row['id']}/tags", json={"name": "Row tag"}).json()["data"]
        assert [tag["name"] for tag in put] == ["Row tag"]
        again = owner.post(f"{path}/{row['id']}/tags", json={"tagId": put[0]["id"]})
        assert again.json()["data"] == put
        assert owner.get(f"{path}/{row['id']}/tags").json()["data"] == put
        taken = owner.delete(f"{path}/{row['id']}/tags/{put[0]['id']}")
        assert taken.json()["data"] == []
        missing = owner.delete(f"{path}/{row['id']}/tags/{put[0]['id']}")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "TAG_NOT_ON_ROW")
        entity = path.rpartition("/")[2].removesuffix("s")
        assert [name for name, _, _ in firm.events(row["id"])] == [
            f"{entity}.created",
            f"{entity}.tagged",
            f"{entity}.untagged",
        ]

    def test_a_choice_is_one_tag(self, owner, contact):
        row = contact()
        for body, status in (
            ({}, 422),
            ({"name": "x", "tag_id": str(uuid4())}, 422),
            ({"tag_id": str(uuid4())}, 422),
            ({"name": "a,b"}, 422),
        ):
            refused = owner.post(f"{CONTACTS}/{row['id']}/tags", json=body)
            assert refused.status_code == status, body
            assert refused.json()["error"]["details"][0]["field"] in ("tag_id", "name")

    def test_there_are_fifty_at_most(self, owner, contact):
        row = contact(tags=[f"fifty {number}" for number in range(50)])
        refused = owner.post(f"{CONTACTS}/{row['id']}/tags", json={"name": "one more"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TOO_MANY_TAGS")

    def test_of_many_rows(self, owner, contact):
        one, other = contact(tags=["Bulk old"]), contact()
        body = {"ids": [one["id"], other["id"], str(uuid4())], "add": ["Bulk new"], "remove": ["bulk OLD"]}
        told = owner.post("/api/contacts/bulk-tag", json=body)
        assert told.status_code == 207
        statuses = [result["status"] for result in told.json()["data"]["results"]]
        assert statuses == ["updated", "updated", "failed"]
        assert (tags_of(owner, one), tags_of(owner, other)) == (["Bulk new"], ["Bulk new"])

    def test_files_have_them_in_one_cell(self, firm, owner, contact):
        row = contact(external_id="tags-csv", tags=["Cell one", "=Cell two"])
        text = owner.get(f"{CONTACTS}/export", params={"ids": row["id"], "fields": "external_id,tags"}).text
        assert text.splitlines() == ["external_id,tags", "tags-csv,Cell one; =Cell two"]
        owner.patch(f"{CONTACTS}/{row['id']}", json={"tags": ["=Cell two"]})
        text = owner.get(f"{CONTACTS}/export", params={"ids": row["id"], "fields": "tags"}).text
        assert text.splitlines() == ["tags", "'=Cell two"], "no formula begins a cell"
        file = (
            "people.csv",
            b"full_name,external_id,tags\nAda,tags-csv,Cell one; Cell three |four\n",
            "text/csv",
        )
        owner.post(f"{CONTACTS}/import", files={"file": file}, data={"mode": "upsert"})
        firm.work()
        assert tags_of(owner, row) == ["Cell one", "Cell three", "four"]
