"""Employees and departments: who leads whom, and what the database does not let happen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from uuid import uuid4

import psycopg
import pytest

from tests.serve.identity.conftest import code

EMPLOYEES, DEPARTMENTS = "/api/v1/employees", "/api/v1/departments"
NUMBERS = count(1)


@pytest.fixture
def owner(firm):
    return firm.client("owner")


@pytest.fixture
def hire(owner):
    """``hire("Ada", manager_id=…)``: a new employee, as its making showed it."""

    def make(full_name: str = "Mia Mechanic", **fields: object):
        made = owner.post(EMPLOYEES, json={"full_name": full_name, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


@pytest.fixture
def found(owner):
    """``found(parent_id=…)``: a new department."""

    def make(**fields: object):
        made = owner.post(DEPARTMENTS, json={"name": f"Department {next(NUMBERS)}", **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def change(client, row, path=EMPLOYEES, **fields):
    return client.patch(f"{path}/{row['id']}", json=fields)


class TestEmployee:
    def test_it_is_found_by_what_one_knows(self, owner, hire, found):
        workshop = found()
        mia = hire("Mia Findme", department_id=workshop["id"], job_title="Mechanic", employee_number="F-1")
        hire("Otto Other")
        for params in (
            {"search": "findm"},
            {"search": "f-1"},
            {"department_id": workshop["id"]},
            {"department_id": workshop["id"], "status": "active", "job_title": "Mechanic"},
        ):
            assert [row["id"] for row in owner.get(EMPLOYEES, params=params).json()["data"]] == [mia["id"]]
        stats = owner.get(f"{EMPLOYEES}/stats", params={"by": "status", "department_id": workshop["id"]})
        assert stats.json()["data"]["by"]["status"] == [{"value": "active", "count": 1}]

    def test_personal_values_are_sealed_in_its_history(self, firm, hire):
        mia = hire("Mia Sealed", email="mia.sealed@example.org", phone="+49 170 1")
        [(name, _, after)] = firm.events(mia["id"])
        assert name == "employee.created"
        assert "sealed@" not in str(after)
        assert after["full_name"].keys() == {"sealed"}

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"status": "left"}, "left_on"),
            ({"left_on": "2026-01-31"}, "left_on"),
            ({"status": "left", "hired_on": "2026-02-01", "left_on": "2026-01-31"}, "left_on"),
            ({"status": "gone"}, "status"),
            ({"timezone": "Bremen"}, "timezone"),
            ({"email": "no address"}, "email"),
            ({"manager_id": str(uuid4())}, "manager_id"),
            ({"department_id": str(uuid4())}, "department_id"),
            ({"user_id": str(uuid4())}, "user_id"),
        ],
    )
    def test_what_is_refused_is_named(self, owner, fields, field):
        refused = owner.post(EMPLOYEES, json={"full_name": "Mia", **fields})
        assert code(refused) == (422, "INVALID")
        assert [detail["field"] for detail in refused.json()["error"]["details"]] == [field]

    @pytest.mark.parametrize(
        ("steps", "last"),
        [
            (["invited", "active", "on_leave", "active", "left", "active"], 200),
            (["invited", "on_leave"], 409),
            (["active", "invited"], 409),
            (["left", "on_leave"], 409),
        ],
    )
    def test_a_status_follows_from_the_one_before(self, owner, hire, steps, last):
        left = {"left_on": "2026-03-31"}
        mia = hire(status=steps[0], **(left if steps[0] == "left" else {}))
        for status in steps[1:]:
            answer = change(owner, mia, status=status, left_on=left["left_on"] if status == "left" else None)
        assert answer.status_code == last
        if last == 409:
            assert code(answer)[1] == "STATUS_NOT_POSSIBLE"

    def test_a_number_is_of_one(self, owner, hire):
        hire(employee_number="N-1")
        assert code(owner.post(EMPLOYEES, json={"full_name": "x", "employee_number": "N-1"})) == (
            409,
            "DUPLICATE",
        )

    def test_nobody_leads_strangers(self, firm, owner, hire):
        theirs = firm.client("owner", firm.b).post(EMPLOYEES, json={"full_name": "Bea"}).json()["data"]
        refused = change(owner, hire(), manager_id=theirs["id"])
        assert refused.json()["error"]["details"] == [
            {"field": "manager_id", "message": "names nothing that exists"}
        ]

    def test_who_may_not(self, firm):
        for role in ("agent", "viewer", "technician"):
            assert firm.client(role).get(EMPLOYEES).status_code == 403


class TestCircles:
    def test_nobody_is_above_themselves(self, owner, hire):
        top = hire("Top")
        middle = hire("Middle", manager_id=top["id"])
        low = hire("Low", manager_id=middle["id"])
        assert change(owner, top, manager_id=top["id"]).json()["error"]["details"][0]["field"] == "manager_id"
        refused = change(owner, top, manager_id=low["id"])
        assert code(refused) == (422, "INVALID")
        assert refused.json()["error"]["details"] == [
            {"field": "manager_id", "message": "leads back to the row itself"}
        ]
        assert owner.get(f"{EMPLOYEES}/{top['id']}").json()["data"]["manager_id"] is None

    def test_departments_too(self, owner, found):
        outer = found()
        inner = found(parent_id=outer["id"])
        refused = change(owner, outer, DEPARTMENTS, parent_id=inner["id"])
        assert [detail["field"] for detail in refused.json()["error"]["details"]] == ["parent_id"]

    def test_two_changes_that_cross_make_none(self, firm, hire):
        """Each alone would be right; whoever comes second is refused."""
        for _ in range(8):
            one, other = hire("One"), hire("Other")
            clients = [firm.client("owner"), firm.client("owner")]
            with ThreadPoolExecutor(2) as pool:
                first = pool.submit(change, clients[0], one, manager_id=other["id"])
                second = pool.submit(change, clients[1], other, manager_id=one["id"])
                statuses = sorted([first.result().status_code, second.result().status_code])
            assert statuses == [200, 422]

    def test_many_at_once_make_none(self, owner, hire):
        """In one call: the second row of it closes the circle, and is refused alone."""
        one, other = hire("One"), hire("Other")
        rows = [{"id": one["id"], "manager_id": other["id"]}, {"id": other["id"], "manager_id": one["id"]}]
        answer = owner.patch(f"{EMPLOYEES}/bulk", json={"rows": rows})
        assert answer.status_code == 207
        assert [result["status"] for result in answer.json()["data"]["results"]] == ["updated", "failed"]


class TestDelete:
    def test_a_department_with_people_stays_and_names_them(self, owner, hire, found):
        workshop = found()
        part = found(parent_id=workshop["id"])
        mia = hire("Mia Stays", department_id=workshop["id"])
        refused = owner.delete(f"{DEPARTMENTS}/{workshop['id']}")
        assert code(refused) == (409, "DEPARTMENT_IN_USE")
        assert refused.json()["error"]["details"] == [
            {"field": "departments", "message": part["name"]},
            {"field": "employees", "message": "Mia Stays"},
        ]
        several = owner.request("DELETE", f"{DEPARTMENTS}/bulk", json={"ids": [workshop["id"], part["id"]]})
        assert [each["status"] for each in several.json()["data"]["results"]] == ["failed", "deleted"]
        change(owner, mia, status="left", left_on="2026-03-31")
        assert owner.delete(f"{DEPARTMENTS}/{workshop['id']}").status_code == 200

    def test_who_leads_others_stays(self, owner, hire, found):
        boss = hire("Boss")
        hire("Led", manager_id=boss["id"])
        found(head_id=boss["id"], name="Led too")
        refused = owner.delete(f"{EMPLOYEES}/{boss['id']}")
        assert code(refused) == (409, "EMPLOYEE_IN_USE")
        assert {detail["message"] for detail in refused.json()["error"]["details"]} == {"Led", "Led too"}

    def test_nothing_refers_to_what_was_deleted(self, owner, hire, found):
        workshop, mia = found(), hire()
        owner.delete(f"{DEPARTMENTS}/{workshop['id']}")
        refused = change(owner, mia, department_id=workshop["id"])
        assert refused.json()["error"]["details"][0]["field"] == "department_id"

    def test_a_department_is_not_filled_while_it_is_deleted(self, firm, owner, hire, found):
        """Somebody joins in a transaction that is not over: the deletion waits, then sees them."""
        workshop, mia = found(), hire("Mia Joins")
        with psycopg.connect(firm.address.url("api")) as joining, ThreadPoolExecutor(1) as pool:
            joining.execute(
                "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
                (str(firm.a), str(firm.a)),
            )
            joining.execute(
                "update employees set department_id = %s where id = %s", (workshop["id"], mia["id"])
            )
            deleting = pool.submit(owner.delete, f"{DEPARTMENTS}/{workshop['id']}")
            while not firm.sql("select 1 from pg_stat_activity where wait_event_type = 'Lock'"):
                assert not deleting.done()
            joining.commit()
            assert code(deleting.result()) == (409, "DEPARTMENT_IN_USE")


class TestOrgChart:
    @pytest.fixture
    def company(self, hire, found):
        workshop = found()
        top = hire("Aa Top")
        middle = hire("Bb Middle", manager_id=top["id"], department_id=workshop["id"])
        low = hire("Cc Low", manager_id=middle["id"], department_id=workshop["id"])
        gone = hire("Dd Gone", manager_id=top["id"], status="left", left_on="2026-03-31")
        orphan = hire("Ee Orphan", manager_id=gone["id"])
        return {"workshop": workshop, "top": top, "middle": middle, "low": low, "orphan": orphan}

    def chart(self, owner, **params):
        answer = owner.get(f"{EMPLOYEES}/org-chart", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_each_stands_below_their_lead(self, owner, company):
        nodes = self.chart(owner, root=company["top"]["id"])["data"]
        assert [(node["full_name"], node["level"], node["reports_count"]) for node in nodes] == [
            ("Aa Top", 1, 1),
            ("Bb Middle", 2, 1),
            ("Cc Low", 3, 0),
        ]
        assert nodes[1]["department_name"] == company["workshop"]["name"]

    def test_whose_lead_has_left_is_at_the_top(self, owner, company):
        everybody = self.chart(owner, per_page=1000)["data"]
        [orphan] = [node for node in everybody if node["id"] == company["orphan"]["id"]]
        assert (orphan["level"], orphan["manager_id"]) == (1, None)
        assert "Dd Gone" not in {node["full_name"] for node in everybody}

    def test_levels_departments_and_pages(self, owner, company):
        root = company["top"]["id"]
        assert len(self.chart(owner, root=root, levels=2)["data"]) == 2
        assert len(self.chart(owner, root=root, department_id=company["workshop"]["id"])["data"]) == 2
        page = self.chart(owner, root=root, per_page=1, page=2)
        assert [node["full_name"] for node in page["data"]] == ["Bb Middle"]
        assert page["meta"]["total"] == 3

    def test_an_unknown_root(self, owner):
        assert code(owner.get(f"{EMPLOYEES}/org-chart", params={"root": str(uuid4())})) == (
            404,
            "EMPLOYEE_NOT_FOUND",
        )
