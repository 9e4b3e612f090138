"""Leads that nobody works on get somebody: new ones, many at once, those of people who left."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from serve.crm.assignment.sweeping import assign_due
from tests.serve.crm.conftest import LEADS

RULES = "/api/v1/lead-assignment-rules"


@pytest.fixture
def people(firm):
    return [str(firm.people[firm.a, role]) for role in ("agent", "manager", "owner")]


@pytest.fixture(autouse=True)
def _no_rules(firm):
    yield
    firm.sql("delete from lead_assignment_rules")
    firm.sql("update leads set assign_at = null where assign_at is not null")


@pytest.fixture
def rule(owner):
    def make(*members: str, **fields: object):
        named = [{"user_id": each} for each in members]
        made = owner.post(RULES, json={"name": str(uuid4()), "members": named, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def sweep(firm, moment=None) -> int:
    return firm.running.wait_for(assign_due(firm.running.app.state.worker_database, moment))


def owner_of(owner, lead):
    return owner.get(f"{LEADS}/{lead['id']}").json()["data"]["owner_id"]


class TestRules:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"members": [{"user_id": str(uuid4())}]}, "members[0].user_id"),
            ({"members": []}, "members"),
            ({"zone_ids": [str(uuid4())]}, "zone_ids[0]"),
            ({"method": "user", "members": 2}, "members"),
            ({"method": "dice"}, "method"),
            ({"countries": ["Germany"]}, "countries[0]"),
        ],
    )
    def test_what_is_wrong_is_named(self, owner, people, fields, named):
        if fields.get("members") == 2:
            fields = {**fields, "members": [{"user_id": each} for each in people[:2]]}
        body = {"name": "Wrong", "members": [{"user_id": people[0]}], **fields}
        refused = owner.post(RULES, json=body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"]["details"][0]["field"] == named

    def test_somebody_twice_is_refused(self, owner, people):
        body = {"name": "Twice", "members": [{"user_id": people[0]}] * 2}
        assert owner.post(RULES, json=body).status_code == 422

    def test_agents_read_them_and_managers_write_them(self, firm, people, rule):
        made = rule(people[0])
        agent, manager = firm.client("agent"), firm.client("manager")
        assert agent.get(f"{RULES}/{made['id']}").status_code == 200
        assert agent.patch(f"{RULES}/{made['id']}", json={"position": 1}).status_code == 403
        assert manager.patch(f"{RULES}/{made['id']}", json={"position": 1}).json()["data"]["position"] == 1
        assert firm.client("owner", firm.b).get(f"{RULES}/{made['id']}").status_code == 404


class TestNewLeads:
    def test_they_get_an_owner_and_an_event(self, firm, owner, people, rule, lead):
        rule(people[0])
        ada = lead()
        etag = owner.get(f"{LEADS}/{ada['id']}").headers["ETag"]
        assert owner_of(owner, ada) is None
        assert sweep(firm) == 1
        assert owner_of(owner, ada) == people[0]
        name, before, after = firm.events(ada["id"])[-1]
        assert (name, before, after) == ("lead.assigned", {"owner_id": None}, {"owner_id": people[0]})
        assert owner.get(f"{LEADS}/{ada['id']}").headers["ETag"] != etag
        assert sweep(firm) == 0

    def test_what_was_there_or_has_an_owner_stays(self, firm, owner, people, rule, lead):
        old = lead()
        rule(people[0])
        own, lost = lead(owner_id=people[1]), lead(status="lost", lost_reason="price")
        assert sweep(firm) == 0
        assert [owner_of(owner, each) for each in (old, own, lost)] == [None, people[1], None]

    def test_conditions_choose_the_rule(self, firm, owner, people, rule, lead):
        rule(people[0], sources=["fair"], countries=["DE"], position=1)
        rule(people[1], any_tags=["assign-vip"], position=2)
        fair, vip, other = lead(source="fair", country="DE"), lead(tags=["assign-vip"]), lead(source="x")
        assert sweep(firm) == 2
        assert [owner_of(owner, each) for each in (fair, vip, other)] == [people[0], people[1], None]
        events = len(firm.events(other["id"]))
        assert (sweep(firm), len(firm.events(other["id"]))) == (0, events)

    def test_those_with_enough_wait(self, firm, owner, people, rule, lead):
        firm.sql("update leads set owner_id = null where owner_id = %s", people[0])
        made = rule(people[0])
        limited = [{"user_id": people[0], "most_open": 1}]
        assert owner.patch(f"{RULES}/{made['id']}", json={"members": limited}).status_code == 200
        first, second = lead(), lead()
        assert sweep(firm) == 1
        assert owner_of(owner, second) is None
        owner.patch(f"{LEADS}/{first['id']}", json={"status": "lost", "lost_reason": "price"})
        assert sweep(firm) == 0
        assert sweep(firm, datetime.now(UTC) + timedelta(minutes=6)) == 1
        assert owner_of(owner, second) == people[0]

    def test_turns_are_fair_however_many_come_at_once(self, firm, owner, people, rule):
        rule(*people)
        name = f"crowd {uuid4()}"

        def come(number: int) -> int:
            if number % 5:
                return owner.post(LEADS, json={"full_name": name, "source": "crowd"}).status_code
            rows = [{"full_name": name, "source": "crowd"}] * 5
            return owner.post(f"{LEADS}/bulk", json={"rows": rows}).status_code

        async def sweeps() -> None:
            database = firm.running.app.state.worker_database
            for _ in range(4):
                await asyncio.gather(*(assign_due(database) for _ in range(3)))

        with ThreadPoolExecutor(8) as pool:
            coming = [pool.submit(come, number) for number in range(40)]
            firm.running.wait_for(sweeps())
            assert {each.result() for each in coming} <= {200, 201}
        sweep(firm)
        owners = Counter(
            str(row[0]) for row in firm.sql("select owner_id from leads where full_name = %s", name)
        )
        assert set(owners) == set(people)
        assert sum(owners.values()) == 72
        assert max(owners.values()) - min(owners.values()) <= 1

    def test_a_rule_of_another_tenant_changes_nothing(self, firm, people, rule):
        rule(people[0])
        theirs = firm.client("owner", firm.b).post(LEADS, json={"full_name": "Theirs"}).json()["data"]
        assert sweep(firm) == 0
        assert owner_of(firm.client("owner", firm.b), theirs) is None


class TestByHand:
    def test_to_somebody(self, firm, owner, people, lead):
        ada = lead()
        given = owner.post(f"{LEADS}/{ada['id']}/assign", json={"user_id": people[1]})
        assert given.json()["data"]["lead"]["owner_id"] == people[1]
        assert given.json()["data"]["rule_id"] is None
        assert firm.events(ada["id"])[-1][0] == "lead.assigned"

    def test_to_a_stranger_is_refused(self, firm, owner, lead):
        stranger = str(firm.people[firm.b, "agent"])
        refused = owner.post(f"{LEADS}/{lead()['id']}/assign", json={"user_id": stranger})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "user_id")
        assert owner.post(f"{LEADS}/{uuid4()}/assign", json={"user_id": stranger}).status_code == 404

    def test_by_the_rules(self, owner, people, rule, lead):
        nobody = owner.post(f"{LEADS}/{lead()['id']}/assign", json={})
        assert (nobody.status_code, nobody.json()["error"]["code"]) == (409, "NOBODY_FREE")
        made = rule(*people)
        got = [owner.post(f"{LEADS}/{lead()['id']}/assign", json={}).json()["data"] for _ in range(6)]
        assert [each["lead"]["owner_id"] for each in got] == people * 2
        assert {each["rule_id"] for each in got} == {made["id"]}


class TestLeaving:
    @pytest.fixture
    def leaver(self, firm):
        ((user_id,),) = firm.sql(
            "insert into users (email, full_name) values (%s, 'Lea Leaver') returning id",
            f"{uuid4()}@example.org",
        )
        firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'agent')", user_id, firm.a
        )
        return str(user_id)

    def test_open_leads_are_handed_on(self, firm, owner, people, rule, lead, leaver):
        mine, done = lead(owner_id=leaver), lead(owner_id=leaver, status="lost", lost_reason="price")
        rule(people[0])
        assert owner.delete(f"/api/v1/admin/users/{leaver}").status_code in (200, 204)
        assert sweep(firm) == 1
        assert [owner_of(owner, each) for each in (mine, done)] == [people[0], leaver]

    def test_without_a_rule_nobody_has_them(self, firm, owner, lead, leaver):
        mine = lead(owner_id=leaver)
        owner.delete(f"/api/v1/admin/users/{leaver}")
        assert sweep(firm) == 0
        assert owner_of(owner, mine) is None
        name, before, after = firm.events(mine["id"])[-1]
        assert (name, before, after) == ("lead.unassigned", {"owner_id": leaver}, {"owner_id": None})

    def test_whoever_is_switched_off_keeps_theirs(self, firm, owner, lead, leaver):
        mine = lead(owner_id=leaver)
        firm.sql("update memberships set state = 'suspended' where user_id = %s", leaver)
        sweep(firm)
        assert owner_of(owner, mine) == leaver
