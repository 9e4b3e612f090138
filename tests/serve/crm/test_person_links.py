"""Pairs that may be one person: proposed, decided, followed, and seen by who may see their rows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.serve.crm.found_people import find, keep, keys_of, pair

CONTACTS, LEADS, LINKS = "/api/v1/contacts", "/api/v1/leads", "/api/v1/people/links"


def data(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(autouse=True)
def nothing_found_yet(firm):
    firm.sql("delete from person_links")
    firm.sql("delete from person_matchings")


@pytest.fixture
def made(owner):
    """``made("contact", full_name=…)``: (kind, id) of a new one."""

    def make(kind: str, client: Any = None, **fields: Any) -> tuple[str, str]:
        path = {"contact": CONTACTS, "lead": LEADS}[kind]
        row = data((client or owner).post(path, json={"full_name": "Ada Byron", **fields}), 201)
        return kind, row["id"]

    return make


@pytest.fixture
def ada(made):
    """A contact and a lead that look alike."""
    return made("contact", email="ada@example.org"), made("lead", email="ada@example.org", company="Nord")


def links(client, **asked):
    return data(client.get(LINKS, params=asked))


class TestList:
    def test_a_pair_is_shown_with_its_evidence_and_names(self, firm, owner, ada):
        assert find(firm, ada) == (1, 0, 0)
        (link,) = links(owner)
        assert {(link[side]["kind"], link[side]["id"]) for side in ("left", "right")} == {*ada}
        assert {link[side]["label"] for side in ("left", "right")} == {"Ada Byron"}
        assert {link[side]["href"] for side in ("left", "right")} == {
            f"{CONTACTS}/{ada[0][1]}",
            f"{LEADS}/{ada[1][1]}",
        }
        assert (link["state"], link["probability"], link["merge"]) == ("proposed", 0.97, None)
        assert [(each["field"], each["weight_bits"]) for each in link["evidence"]] == [
            ("email", 11.25),
            ("name", 7.5),
            ("city", -1.5),
        ]
        assert data(owner.get(f"{LINKS}/{link['id']}")) == link

    def test_what_other_rows_of_the_same_person_say_is_told_in_words(self, firm, owner, ada, made):
        third = made("contact")
        keys = keys_of(firm, firm.a)
        keep(
            firm,
            firm.a,
            [
                pair(keys, *ada, evidence={"others": 9.26, "city": -1.5}),
                pair(keys, ada[0], third, probability=0.6, evidence={"name": 7.5, "others": -3}),
            ],
        )
        found = [[(each["field"], each["says"]) for each in link["evidence"]] for link in links(owner)]
        assert found == [
            [("others", "other rows of the same person speak for it"), ("city", "speaks against it")],
            [
                ("name", "speaks for one person"),
                ("others", "other rows of one of them speak against it"),
            ],
        ]

    def test_filters_pages_and_order(self, firm, owner, ada, made):
        third = made("contact")
        keys = keys_of(firm, firm.a)
        keep(firm, firm.a, [pair(keys, *ada, probability=0.6), pair(keys, ada[0], third, probability=0.9)])
        assert [link["probability"] for link in links(owner)] == [0.9, 0.6]
        assert [link["probability"] for link in links(owner, sort="probability")] == [0.6, 0.9]
        assert [link["probability"] for link in links(owner, kind="lead")] == [0.6]
        assert [link["probability"] for link in links(owner, min_probability=0.7)] == [0.9]
        assert links(owner, state="confirmed,refused") == []
        answer = owner.get(LINKS, params={"per_page": 1, "page": 2})
        assert [link["probability"] for link in data(answer)] == [0.6]
        assert (answer.json()["meta"]["total"], answer.json()["meta"]["total_pages"]) == (2, 2)
        for wrong in ({"kind": "vehicle"}, {"min_probability": 2}, {"sort": "label"}, {"colour": "red"}):
            assert owner.get(LINKS, params=wrong).status_code == 422, wrong

    def test_who_may_not_see_a_kind_is_told_of_no_row_of_it(self, firm, owner, made):
        person = made("contact")
        user = "user", str(firm.people[firm.a, "customer"])
        find(firm, (person, user))
        (link,) = links(owner)
        assert {link["left"]["label"], link["right"]["label"]} == {"Ada Byron", "Customer of A"}
        desk = with_permissions(firm, "contacts:read", "people:read", "people:merge")
        assert links(desk) == []
        for answer in (desk.get(f"{LINKS}/{link['id']}"), desk.post(f"{LINKS}/{link['id']}/confirm")):
            assert answer.status_code == 404
        data(owner.post(f"{LINKS}/{link['id']}/confirm"))
        seen = data(desk.get(f"/api/v1/people/contact/{person[1]}"))
        assert [row["kind"] for row in seen["rows"]] == ["contact"]
        assert (seen["confirmed"], seen["proposed"]) == ([], [])
        assert code(desk.get(f"/api/v1/people/user/{user[1]}"))[0] == 403

    def test_a_neighbour_and_who_has_no_right_see_nothing(self, firm, owner, ada):
        find(firm, ada)
        (link,) = links(owner)
        neighbour = firm.client("owner", firm.b)
        assert links(neighbour) == []
        assert neighbour.get(f"{LINKS}/{link['id']}").status_code == 404
        assert neighbour.post(f"{LINKS}/{link['id']}/confirm").status_code == 404
        assert neighbour.get(f"/api/v1/people/contact/{ada[0][1]}").status_code == 404
        assert len(links(firm.client("owner", firm.umbrella))) == 1
        assert firm.client("owner", firm.umbrella).post(f"{LINKS}/{link['id']}/refuse").status_code == 404
        assert firm.client("technician").get(LINKS).status_code == 403
        assert firm.client("agent").post(f"{LINKS}/{link['id']}/confirm").status_code == 403


def with_permissions(firm, *permissions: str):
    token, _ = firm.running.app.state.tokens.issue(
        firm.people[firm.a, "technician"],
        email="technician@a.example",
        tenant_id=firm.a,
        tenant_ids=[firm.a],
        role="desk",
        own_permissions=permissions,
        methods=("password", "totp"),
    )
    return firm.running.client(Authorization=f"Bearer {token}")


class TestDecide:
    def test_confirming_is_remembered_and_an_event(self, firm, owner, ada):
        find(firm, ada)
        (link,) = links(owner)
        done = data(owner.post(f"{LINKS}/{link['id']}/confirm"))
        assert done["state"] == "confirmed"
        assert done["decided_by"] == str(firm.people[firm.a, "owner"])
        assert done["decided_at"]
        assert firm.events(link["id"])[-1][0] == "person_link.confirmed"
        assert links(owner, state="confirmed")[0]["id"] == link["id"]
        assert code(owner.post(f"{LINKS}/{link['id']}/confirm")) == (409, "LINK_DECIDED")
        assert code(owner.post(f"{LINKS}/{link['id']}/refuse")) == (409, "LINK_DECIDED")
        assert data(owner.post(f"{LINKS}/{link['id']}/reopen"))["decided_at"] is None
        assert code(owner.post(f"{LINKS}/{link['id']}/reopen")) == (409, "LINK_OPEN")
        assert data(owner.post(f"{LINKS}/{link['id']}/refuse"))["state"] == "refused"
        assert [name for name, *_ in firm.events(link["id"])] == [
            *("person_link.confirmed", "person_link.reopened", "person_link.refused")
        ]

    def test_a_lost_update_is_refused(self, firm, owner, ada):
        find(firm, ada)
        (link,) = links(owner)
        version = owner.get(f"{LINKS}/{link['id']}").headers["etag"]
        data(owner.post(f"{LINKS}/{link['id']}/confirm", headers={"If-Match": version}))
        stale = owner.post(f"{LINKS}/{link['id']}/reopen", headers={"If-Match": version})
        assert stale.status_code == 412

    def test_what_is_not_there(self, owner):
        assert code(owner.post(f"{LINKS}/{uuid4()}/confirm")) == (404, "PERSON_LINK_NOT_FOUND")
        assert owner.get(f"{LINKS}/x").status_code == 422
        assert code(owner.get(f"/api/v1/people/contact/{uuid4()}")) == (404, "PERSON_ROW_NOT_FOUND")
        assert owner.get(f"/api/v1/people/vehicle/{uuid4()}").status_code == 422

    def test_two_of_a_kind_are_merged_the_way_the_answer_says(self, firm, owner, made):
        one, other = made("contact"), made("contact", phone="030 901820")
        find(firm, (one, other))
        (link,) = links(owner)
        way = data(owner.post(f"{LINKS}/{link['id']}/confirm"))["merge"]
        assert way == {"href": f"{CONTACTS}/{one[1]}/merge", "from_id": other[1]}
        assert links(firm.client("agent"))[0]["merge"] is None
        merged = data(owner.post(way["href"], json={"from_id": way["from_id"]}))
        assert links(owner) == []
        assert owner.get(f"{LINKS}/{link['id']}").status_code == 404
        data(owner.post(f"/api/v1/merges/{merged['id']}/undo", json={}))
        assert [each["state"] for each in links(owner)] == ["confirmed"]


class TestRunAgain:
    def test_the_same_again_changes_nothing(self, firm, owner, ada):
        find(firm, ada)
        before = links(owner)
        assert find(firm, ada) == (0, 0, 0)
        assert links(owner) == before

    def test_what_is_no_longer_found_is_withdrawn_and_decisions_stand(self, firm, owner, ada, made):
        third, fourth = made("contact"), made("contact")
        find(firm, ada, (ada[0], third), (ada[0], fourth))
        by_row = {
            row_id: link for link in links(owner) for row_id in (link["left"]["id"], link["right"]["id"])
        }
        data(owner.post(f"{LINKS}/{by_row[third[1]]['id']}/confirm"))
        data(owner.post(f"{LINKS}/{by_row[fourth[1]]['id']}/refuse"))
        assert find(firm) == (0, 0, 1)
        assert sorted(link["state"] for link in links(owner)) == ["confirmed", "refused"]

    def test_a_refused_pair_comes_back_only_when_what_is_compared_has_changed(self, firm, owner, ada):
        find(firm, ada)
        (link,) = links(owner)
        data(
            owner.patch(f"{CONTACTS}/{ada[0][1]}", json={"email": "ada@byron.example"})
        )  # before it is refused
        data(owner.post(f"{LINKS}/{link['id']}/refuse"))
        assert find(firm, ada) == (0, 0, 0)
        data(owner.patch(f"{CONTACTS}/{ada[0][1]}", json={"job_title": "Countess"}))
        assert find(firm, ada, probability=0.99) == (0, 0, 0)
        assert links(owner)[0]["state"] == "refused"
        data(owner.patch(f"{CONTACTS}/{ada[0][1]}", json={"phone": "030 901820"}))
        assert find(firm, ada) == (0, 1, 0)
        (again,) = links(owner)
        assert (again["id"], again["state"], again["decided_by"]) == (link["id"], "proposed", None)
        assert again["found_at"] > link["found_at"]

    def test_a_confirmed_pair_is_left_as_it_was(self, firm, owner, ada):
        find(firm, ada)
        (link,) = links(owner)
        confirmed = data(owner.post(f"{LINKS}/{link['id']}/confirm"))
        data(owner.patch(f"{CONTACTS}/{ada[0][1]}", json={"phone": "030 901820"}))
        assert find(firm, ada, probability=0.5) == (0, 0, 0)
        assert links(owner) == [confirmed]

    def test_a_pair_that_has_changed_since_it_was_read_is_not_kept(self, firm, owner, ada, made):
        keys = keys_of(firm, firm.a)
        data(owner.patch(f"{CONTACTS}/{ada[0][1]}", json={"full_name": "Charles Babbage"}))
        assert keep(firm, firm.a, [pair(keys, *ada)]) == (0, 0, 0)
        gone = made("lead")
        keys = keys_of(firm, firm.a)
        data(owner.delete(f"{LEADS}/{gone[1]}"))
        assert keep(firm, firm.a, [pair(keys, ada[0], gone)]) == (0, 0, 0)

    def test_what_rows_say_of_each_other_is_no_finding(self, firm, owner, made):
        lead = made("lead", email="ada@example.org")
        done = data(owner.post(f"{LEADS}/{lead[1]}/convert", json={}), 201)["conversion"]
        contact = "contact", done["contact_id"]
        assert find(firm, (lead, contact)) == (0, 0, 0)
        person = data(owner.get(f"/api/v1/people/contact/{contact[1]}"))
        assert {(row["kind"], row["because"]) for row in person["rows"]} == {
            ("contact", "asked"),
            ("lead", "recorded"),
        }


class TestRubbish:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"probability": 1.5},
            {"probability": "NaN"},
            {"probability": None},
            {"evidence": {"email": "ada@example.org"}},
            {"evidence": {"full_name": 3}},
            {"evidence": {"phone": 49_30_901820}},
            {"evidence": ["Ada"]},
            {"left_id": "not an id"},
        ],
    )
    def test_it_is_refused_as_a_whole(self, firm, owner, ada, made, wrong):
        third = made("contact")
        find(firm, (ada[0], third))
        before = links(owner)
        keys = keys_of(firm, firm.a)
        with pytest.raises(psycopg.Error):
            keep(firm, firm.a, [pair(keys, *ada) | wrong])
        assert links(owner) == before

    def test_pairs_of_nobody_or_of_neighbours_or_said_twice(self, firm, owner, ada, made):
        theirs = made("contact", firm.client("owner", firm.b))
        keys = keys_of(firm, firm.a) | keys_of(firm, firm.b)
        nobody = "contact", str(uuid4())
        rubbish = [
            pair(keys, ada[0], theirs),
            pair(keys, ada[0], nobody),
            pair(keys, *ada) | {"left_kind": "vehicle"},
        ]
        assert keep(firm, firm.a, rubbish) == (0, 0, 0)
        assert keep(firm, firm.a, [pair(keys, *ada), pair(keys, *ada)]) == (1, 0, 0)


class TestRole:
    def test_it_has_its_functions_and_nothing_else(self, firm, ada):
        with psycopg.connect(firm.address.url("match"), autocommit=True) as connection:
            for table in (
                "contacts",
                "leads",
                "users",
                "person_links",
                "compared_people",
                "persons",
                "tenants",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"select * from {table}")  # type: ignore[call-overload]
            tenants = connection.execute("select slug, people_count from match_tenants()").fetchall()
            assert dict(tenants)["a"] >= 2
        for role in ("api", "worker", "extract"):
            with psycopg.connect(firm.address.url(role), autocommit=True) as connection:
                for call in ("match_people(gen_random_uuid())", "match_tenants()"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(f"select * from {call}")  # type: ignore[call-overload]
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("select keep_person_links(gen_random_uuid(), %s, '', 0)", [Jsonb([])])


class TestFollow:
    def test_a_deleted_row_takes_its_links_along_and_brings_them_back(self, firm, owner, ada):
        find(firm, ada)
        (link,) = links(owner)
        data(owner.post(f"{LINKS}/{link['id']}/confirm"))
        data(owner.delete(f"{LEADS}/{ada[1][1]}"))
        assert links(owner) == []
        seen = data(owner.get(f"/api/v1/people/contact/{ada[0][1]}"))
        assert ([row["kind"] for row in seen["rows"]], seen["confirmed"]) == (["contact"], [])
        data(owner.delete(f"{CONTACTS}/{ada[0][1]}"))
        data(owner.post(f"{LEADS}/{ada[1][1]}/restore"))
        assert links(owner) == []
        data(owner.post(f"{CONTACTS}/{ada[0][1]}/restore"))
        assert [each["state"] for each in links(owner)] == ["confirmed"]
        assert [name for name, *_ in firm.events(ada[1][1])][-2:] == ["lead.deleted", "lead.restored"]

    def test_whoever_leaves_takes_their_links_along(self, firm, owner, made):
        user = "user", str(firm.people[firm.a, "customer"])
        find(firm, (made("contact"), user))
        assert len(links(owner)) == 1
        firm.sql("delete from memberships where user_id = %s and tenant_id = %s", user[1], firm.a)
        assert links(owner) == []
        assert firm.sql("select count(*) from person_links") == [(0,)]


class TestPerson:
    def test_all_rows_that_are_one_and_those_that_may_be(self, firm, owner, ada, made):
        second = made("lead", full_name="A. Byron")
        third = made("contact", full_name="Adah Byron")
        find(firm, ada, (ada[1], second), (second, third))
        pairs = {frozenset((link["left"]["id"], link["right"]["id"])): link for link in links(owner)}
        for two in (ada, (ada[1], second)):
            data(owner.post(f"{LINKS}/{pairs[frozenset(row_id for _, row_id in two)]['id']}/confirm"))
        person = data(owner.get(f"/api/v1/people/contact/{ada[0][1]}"))
        assert person["rows"][0] | {} == {
            "kind": "contact",
            "id": ada[0][1],
            "label": "Ada Byron",
            "href": f"{CONTACTS}/{ada[0][1]}",
            "because": "asked",
        }
        assert {(row["kind"], row["id"]) for row in person["rows"]} == {*ada, second}
        assert len(person["confirmed"]) == 2
        (proposed,) = person["proposed"]
        assert third[1] in (proposed["left"]["id"], proposed["right"]["id"])
        assert proposed["evidence"]
        assert person["is_cut"] is False

    def test_the_last_matching_is_told(self, firm, owner, ada):
        assert data(owner.get("/api/v1/people/matching")) is None
        find(firm, ada)
        told = data(owner.get("/api/v1/people/matching"))
        assert (told["people_count"], told["pair_count"], told["not_matched_because"]) == (10, 1, None)
        with psycopg.connect(firm.address.url("match")) as connection:
            connection.execute("select note_not_matched(%s, 'too few', 'm1', 3)", [firm.a])
        told = data(owner.get("/api/v1/people/matching"))
        assert (told["pair_count"], told["not_matched_because"]) == (1, "too few")
