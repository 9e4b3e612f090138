"""Tenants join an umbrella and leave it, by consent of both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from uuid import UUID, uuid4

import pytest

from tests.serve.identity.conftest import code
from tests.serve.realtime.listening import socket

PATH = "/api/v1/tenants"
NUMBERS = count(1)


class Company:
    """A tenant of a test's own, with an owner."""

    def __init__(self, firm, somebody, **values):
        self.firm, self.slug = firm, f"company-{next(NUMBERS)}"
        [(self.id,)] = firm.sql(
            "insert into tenants (slug, name, kind, country, currency, parent_id)"
            " values (%s, %s, 'fleet', 'DE', 'EUR', %s) returning id",
            *(self.slug, self.slug.title(), values.get("parent_id")),
        )
        self.path = f"{PATH}/{self.id}"
        self.person = somebody(**{self.slug: "owner"})
        self.owner = self.person.client(self.person.log_in(tenant=self.slug))

    def ask(self, other, **more):
        slug = other if isinstance(other, str) else other.slug
        return self.owner.post(f"{self.path}/umbrella-requests", json={"slug": slug, **more})

    def requests(self, **asked):
        return self.owner.get(f"{self.path}/umbrella-requests", params=asked).json()["data"]

    def answer(self, request, word):
        return self.owner.post(f"{self.path}/umbrella-requests/{request['id']}/{word}")

    def join(self, umbrella):
        """By consent of both."""
        assert umbrella.ask(self).status_code == 201
        [request] = self.requests(state="pending", direction="received")
        answer = self.answer(request, "accept")
        assert answer.status_code == 200, answer.text

    def leave(self, child=None):
        return self.owner.post(f"{PATH}/{(child or self).id}/leave-umbrella")

    def refresh(self):
        """What a new token lets them read."""
        self.owner = self.person.client(self.person.log_in(tenant=self.slug))

    def contacts(self):
        return self.owner.get("/api/v1/contacts").json()["meta"]["total"]

    def names(self):
        """Of what happened to the tenant as such."""
        return [
            name
            for (name,) in self.firm.sql(
                "select name from events where tenant_id = %s and entity_type in ('tenant', 'umbrella_request')"
                " order by position",
                self.id,
            )
        ]

    def parent(self):
        [(parent_id,)] = self.firm.sql("select parent_id from tenants where id = %s", self.id)
        return parent_id


@pytest.fixture
def company(firm, somebody):
    return lambda **values: Company(firm, somebody, **values)


class TestJoining:
    def test_both_agree_and_the_umbrella_reads(self, firm, company):
        group, shop = company(), company()
        shop.owner.post("/api/v1/contacts", json={"full_name": "Ada"})
        asked = group.ask(shop, message="As agreed.")
        assert asked.status_code == 201, asked.text
        assert asked.json()["data"]["state"] == "pending"
        [request] = shop.requests()
        assert (request["direction"], request["umbrella_slug"], request["message"]) == (
            *("received", group.slug),
            "As agreed.",
        )
        assert (group.contacts(), shop.parent()) == (0, None)
        accepted = shop.answer(request, "accept")
        assert (accepted.status_code, accepted.json()["data"]["state"]) == (200, "accepted")
        assert shop.parent() == group.id
        group.refresh()
        assert group.contacts() == 1
        assert group.owner.get(shop.path).json()["data"]["parent_id"] == str(group.id)
        assert group.names() == [
            *("umbrella_request.created", "umbrella_request.accepted"),
            "tenant.child_joined",
        ]
        assert shop.names() == ["tenant.umbrella_asked", "tenant.umbrella_joined"]
        assert group.requests(direction="sent")[0]["state"] == "accepted"
        assert shop.requests(state="pending") == []

    def test_whose_owners_are_told(self, firm, company):
        group, shop = company(), company()
        group.ask(shop)
        firm.deliver()
        titles = [row["title"] for row in shop.owner.get("/api/v1/notifications").json()["data"]]
        assert titles == ["Another company asks to be your umbrella"]

    def test_nobody_is_told_whether_there_is_such_a_tenant(self, company):
        group, shop = company(), company()
        there, nowhere = group.ask(shop), group.ask(f"nobody-{uuid4().hex}")
        assert (there.status_code, there.json()["data"].keys()) == (201, nowhere.json()["data"].keys())
        for request in group.requests():
            assert (request["state"], request["umbrella_id"]) == ("pending", str(group.id))
        assert str(shop.id) not in there.text

    def test_no_is_an_answer_and_is_not_asked_again(self, company):
        group, shop = company(), company()
        group.ask(shop)
        [request] = shop.requests()
        assert shop.answer(request, "decline").json()["data"]["state"] == "declined"
        assert shop.parent() is None
        assert group.names()[-1] == "umbrella_request.declined"
        assert shop.names()[-1] == "tenant.umbrella_declined"
        assert code(group.ask(shop)) == (409, "ASKED_ALREADY")
        assert code(shop.answer(request, "accept")) == (409, "UMBRELLA_REQUEST_OVER")

    def test_withdrawn_it_is_gone(self, company):
        group, shop = company(), company()
        request = group.ask(shop).json()["data"]
        assert code(group.ask(shop)) == (409, "ASKED_ALREADY")
        assert group.answer(request, "withdraw").json()["data"]["state"] == "withdrawn"
        assert code(group.answer(request, "withdraw")) == (409, "UMBRELLA_REQUEST_OVER")
        assert shop.requests() == []
        assert code(shop.answer(request, "accept")) == (404, "UMBRELLA_REQUEST_NOT_FOUND")
        assert group.ask(shop).status_code == 201

    def test_it_is_good_for_thirty_days(self, firm, company):
        group, shop = company(), company()
        request = group.ask(shop).json()["data"]
        firm.sql("update umbrella_requests set expires_at = now() where id = %s", request["id"])
        assert shop.requests()[0]["state"] == "expired"
        assert code(shop.answer(request, "accept")) == (409, "UMBRELLA_REQUEST_OVER")
        assert shop.parent() is None
        assert group.ask(shop).status_code == 201  # once more

    def test_twenty_wait_at_most(self, company):
        group = company()
        for _ in range(20):
            assert group.ask(f"nobody-{uuid4().hex}").status_code == 201
        assert code(group.ask("one-more")) == (409, "TOO_MANY_ASKED")


class TestWho:
    def test_owners_alone_decide_and_with_a_recent_proof(self, firm, company, somebody):
        group, shop = company(), company()
        request = group.ask(shop).json()["data"]
        admin = somebody(**{shop.slug: "admin"})
        client = admin.client(admin.log_in(tenant=shop.slug))
        url = f"{shop.path}/umbrella-requests/{request['id']}"
        assert client.get(f"{shop.path}/umbrella-requests").json()["meta"]["total"] == 1
        for path in (f"{url}/accept", f"{url}/decline", f"{shop.path}/leave-umbrella"):
            assert code(client.post(path)) == (403, "FORBIDDEN"), path
        old, _ = firm.running.app.state.tokens.issue(
            shop.person.id,
            email=shop.person.email,
            tenant_id=UUID(str(shop.id)),
            tenant_ids=[UUID(str(shop.id))],
            role="owner",
            authenticated_at_s=0.0,
        )
        stale = firm.running.client(Authorization=f"Bearer {old}")
        for path in (f"{url}/accept", f"{shop.path}/leave-umbrella"):
            assert code(stale.post(path)) == (401, "STEP_UP_NEEDED"), path
        assert code(stale.post(f"{shop.path}/umbrella-requests", json={"slug": "who-ever"}))[0] == 401
        assert shop.parent() is None

    def test_a_stranger_neither_sees_nor_answers(self, company):
        group, shop, stranger = company(), company(), company()
        request = group.ask(shop).json()["data"]
        assert stranger.requests() == []
        for word in ("accept", "decline", "withdraw"):
            assert code(stranger.answer(request, word)) == (404, "UMBRELLA_REQUEST_NOT_FOUND")
            theirs = f"{shop.path}/umbrella-requests/{request['id']}/{word}"
            assert code(stranger.owner.post(theirs)) == (404, "TENANT_NOT_FOUND")
        assert code(group.answer(request, "accept")) == (404, "UMBRELLA_REQUEST_NOT_FOUND")
        assert code(stranger.leave(shop)) == (404, "TENANT_NOT_FOUND")

    def test_one_level(self, company):
        group, shop, branch = company(), company(), company()
        branch.join(shop)
        group.ask(shop)
        [request] = shop.requests(direction="received")
        assert code(shop.answer(request, "accept")) == (409, "HAS_CHILDREN")
        assert code(branch.ask(group)) == (409, "NO_UMBRELLA")
        group.ask(branch)
        [second] = branch.requests(state="pending")
        assert code(branch.answer(second, "accept")) == (409, "HAS_UMBRELLA")
        assert code(shop.ask(branch)) == code(shop.ask(shop)) == (422, "INVALID")
        assert (shop.parent(), branch.parent()) == (None, shop.id)

    def test_who_asked_is_a_child_itself_by_now(self, company):
        group, shop, top = company(), company(), company()
        group.ask(shop)
        group.join(top)
        [request] = shop.requests()
        assert code(shop.answer(request, "accept")) == (409, "UMBRELLA_GONE")

    def test_two_that_take_each_other_at_once_make_no_circle(self, company):
        for _ in range(5):
            one, other = company(), company()
            one.ask(other)
            other.ask(one)
            asked = [(each, each.requests(direction="received")[0], "accept") for each in (one, other)]
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda each: Company.answer(*each), asked))
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            assert [one.parent(), other.parent()].count(None) == 1


class TestLeaving:
    @pytest.mark.parametrize("by_umbrella", [True, False])
    def test_either_side_ends_it_and_older_tokens_read_nothing_more(self, firm, company, by_umbrella):
        group, shop = company(), company()
        shop.join(group)
        shop.owner.post("/api/v1/contacts", json={"full_name": "Ada"})
        group.refresh()
        key = group.owner.post("/api/v1/auth/api-keys", json={"name": "k", "scopes": ["contacts:read"]})
        by_key = firm.running.client(**{"X-API-Key": key.json()["data"]["key"]})
        assert group.contacts() == by_key.get("/api/v1/contacts").json()["meta"]["total"] == 1
        answer = (group if by_umbrella else shop).leave(shop)
        assert answer.json()["data"] == {"id": str(shop.id), "umbrella_id": str(group.id)}
        assert group.contacts() == by_key.get("/api/v1/contacts").json()["meta"]["total"] == 0
        assert group.owner.get(shop.path).status_code == 404
        assert shop.contacts() == 1
        assert (group.names()[-1], shop.names()[-1]) == ("tenant.child_left", "tenant.umbrella_left")
        assert code(shop.leave()) == (409, "NO_CHILD")

    def test_who_listens_hears_nothing_more_of_it(self, firm, company):
        group, shop = company(), company()
        shop.join(group)
        group.refresh()
        token = group.owner.headers["authorization"].removeprefix("Bearer ")
        with socket(firm.running, token) as above:
            above.hear("ready")
            assert shop.leave().status_code == 200
            shop.owner.post("/api/v1/contacts", json={"full_name": "Theirs"})
            group.owner.post("/api/v1/contacts", json={"full_name": "Ours"})
            heard = above.hear("event")
            while heard.get("name") != "contact.created":
                heard = above.hear("event")
            assert heard["tenant_id"] == str(group.id)

    def test_one_that_stands_still_goes_on_first(self, firm, company):
        group, shop = company(), company()
        shop.join(group)
        held = group.owner.post(f"{shop.path}/suspend", json={"reason": "A try."})
        assert held.status_code == 200, held.text
        assert code(group.leave(shop)) == (409, "TENANT_AT_REST")
        assert shop.parent() == group.id

    def test_it_may_join_another(self, company):
        group, shop, other = company(), company(), company()
        shop.join(group)
        assert shop.leave().status_code == 200
        shop.join(other)
        assert shop.parent() == other.id
