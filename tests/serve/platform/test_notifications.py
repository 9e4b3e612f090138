"""One's own notifications by every path that a front end calls, and telling people something."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID, uuid4

import pytest

API = "/api/v1/notifications"


@pytest.fixture(autouse=True)
def _clean(firm):
    yield
    firm.sql("delete from notifications")


@pytest.fixture
def told(firm):
    """Notifications of a person as rules make them: (kind, priority, day, is read) each; gives their ids."""

    def tell(*rows: tuple[str, str, str, bool], role: str = "agent", tenant: UUID | None = None) -> list[str]:
        tenant = tenant or firm.a
        return [
            str(
                firm.sql(
                    "insert into notifications (tenant_id, user_id, event_id, kind, priority, title, entity_type,"
                    " created_at, read_at) values (%s, %s, %s, %s, %s, 'News', %s, %s, case when %s then now() end)"
                    " returning id",
                    *(tenant, firm.people[tenant, role], uuid4(), kind, priority, kind, day, is_read),
                )[0][0]
            )
            for kind, priority, day, is_read in rows
        ]

    return tell


FEW = (
    ("vehicle", "high", "2026-01-01", False),
    ("vehicle", "normal", "2026-01-02", True),
    ("account", "normal", "2026-01-03 23:59", False),
)


def unread_in_store(firm, role: str = "agent") -> int:
    return firm.sql(
        "select count(*) from notifications where user_id = %s and read_at is null", firm.people[firm.a, role]
    )[0][0]


class TestReading:
    def test_the_newest_come_first(self, firm, told):
        ids = told(*FEW)
        answer = firm.client("agent").get(API).json()
        assert [row["id"] for row in answer["data"]] == ids[::-1]
        assert (answer["meta"]["total"], answer["meta"]["unread"]) == (3, 2)
        assert answer["data"][1]["is_read"] is True
        assert answer["data"][1]["read_at"].endswith("Z")
        assert all(one["created_at"] > two["created_at"] for one, two in pairwise(answer["data"]))

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"is_read": "true"}, [1]),
            ({"isRead": "false"}, [2, 0]),
            ({"kind": "account"}, [2]),
            ({"kind": "account,vehicle"}, [2, 1, 0]),
            ({"priority": "high,urgent"}, [0]),
            ({"entity_type": "vehicle"}, [1, 0]),
            ({"date_start": "2026-01-02"}, [2, 1]),
            ({"date_end": "2026-01-03", "dateStart": "2026-01-03"}, [2]),
            ({"page": 2, "per_page": 2}, [0]),
            ({"limit": 1, "offset": 1}, [1]),
        ],
    )
    def test_filters_and_pages(self, firm, told, asked, found):
        ids = told(*FEW)
        answer = firm.client("agent").get(API, params=asked).json()
        assert [ids.index(row["id"]) for row in answer["data"]] == found
        assert answer["meta"]["unread"] == 2

    @pytest.mark.parametrize(
        "asked",
        [
            {"colour": "red"},
            {"priority": "huge"},
            {"date_start": "x"},
            {"per_page": 0},
            {"page": 1, "offset": 1},
        ],
    )
    def test_what_cannot_be_asked(self, firm, asked):
        response = firm.client().get(API, params=asked)
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"] in [*asked, "priority[0]"]

    def test_how_many_are_unread(self, firm, told):
        told(*FEW, ("vehicle", "low", "2026-01-04", False))
        data = firm.client("agent").get(f"{API}/unread").json()["data"]
        assert data == {"unread": 3, "by_kind": {"vehicle": 2, "account": 1}}
        assert firm.client().get(f"{API}/unread").json()["data"] == {"unread": 0, "by_kind": {}}

    def test_one(self, firm, told):
        (row_id,) = told(FEW[0])
        data = firm.client("agent").get(f"{API}/{row_id}").json()["data"]
        assert (data["id"], data["kind"], data["is_read"]) == (row_id, "vehicle", False)
        assert (
            firm.client("agent").get(f"{API}/{uuid4()}").json()["error"]["code"] == "NOTIFICATION_NOT_FOUND"
        )
        assert firm.client("agent").get(f"{API}/nonsense").status_code == 422


class TestMarking:
    @pytest.mark.parametrize("verb", ["PUT", "PATCH"])
    def test_one_as_read(self, firm, told, verb):
        one, _ = told(FEW[0], FEW[2])
        agent = firm.client("agent")
        first = agent.request(verb, f"{API}/{one}/read").json()["data"]
        assert (first["id"], first["is_read"]) == (one, True)
        assert unread_in_store(firm) == 1
        assert agent.request(verb, f"{API}/{one}/read").json()["data"]["read_at"] == first["read_at"]

    def test_one_by_its_flag(self, firm, told):
        (one,) = told(FEW[0])
        agent = firm.client("agent")
        assert agent.patch(f"{API}/{one}", json={"isRead": True}).json()["data"]["is_read"] is True
        assert unread_in_store(firm) == 0
        data = agent.patch(f"{API}/{one}", json={"is_read": False}).json()["data"]
        assert (data["is_read"], data["read_at"]) == (False, None)
        assert unread_in_store(firm) == 1
        for body in ({}, {"is_read": "perhaps"}, {"is_read": True, "title": "x"}):
            assert agent.patch(f"{API}/{one}", json=body).status_code == 422

    @pytest.mark.parametrize("verb", ["PUT", "PATCH", "POST"])
    def test_all(self, firm, told, verb):
        told(*FEW)
        told(FEW[0], role="manager")
        agent = firm.client("agent")
        assert agent.request(verb, f"{API}/read-all").json()["data"] == {"updated": 2}
        assert (unread_in_store(firm), unread_in_store(firm, "manager")) == (0, 1)
        assert agent.request(verb, f"{API}/read-all").json()["data"] == {"updated": 0}

    def test_it_is_no_event(self, firm, told):
        (one,) = told(FEW[0])
        count = firm.sql("select count(*) from events")
        agent = firm.client("agent")
        agent.put(f"{API}/{one}/read")
        agent.delete(f"{API}/{one}")
        assert firm.sql("select count(*) from events") == count


class TestRemoving:
    def test_one(self, firm, told):
        one, other = told(FEW[0], FEW[1])
        agent = firm.client("agent")
        assert agent.delete(f"{API}/{one}").json()["data"] == {"id": one}
        assert firm.sql("select id from notifications") == [(UUID(other),)]
        assert agent.delete(f"{API}/{one}").status_code == 404

    @pytest.mark.parametrize(("asked", "left"), [({}, 0), ({"onlyRead": "true"}, 2)])
    def test_all_of_ones_own(self, firm, told, asked, left):
        told(*FEW)
        told(FEW[1], role="manager")
        response = firm.client("agent").delete(f"{API}/clear-all", params=asked)
        assert response.json()["data"] == {"deleted": 3 - left}
        assert firm.sql("select count(*) from notifications") == [(left + 1,)]


class TestOthers:
    def test_a_colleagues_is_not_there(self, firm, told):
        (theirs,) = told(FEW[0], role="manager")
        for client in (firm.client(), firm.client("agent"), firm.client("manager", tenant=firm.b)):
            assert theirs not in client.get(API).text
            path = f"{API}/{theirs}"
            answers = [
                client.get(path),
                client.patch(path, json={"is_read": True}),
                client.put(f"{path}/read"),
                client.patch(f"{path}/read"),
                client.delete(path),
            ]
            assert {answer.status_code for answer in answers} == {404}
            client.post(f"{API}/read-all")
            client.delete(f"{API}/clear-all")
        assert firm.sql("select id, read_at from notifications") == [(UUID(theirs), None)]

    def test_in_another_company_one_has_others(self, firm, told):
        """One person works for two tenants: what came at one is not seen while working for the other."""
        (here,) = told(FEW[0], role="manager")
        owner = firm.people[firm.umbrella, "owner"]
        firm.sql("update notifications set user_id = %s", owner)
        umbrella = firm.client(tenant=firm.umbrella)
        assert umbrella.get(API).json()["data"] == []
        assert umbrella.get(f"{API}/{here}").status_code == 404
        assert umbrella.delete(f"{API}/clear-all").json()["data"] == {"deleted": 0}

    def test_nobody_without_a_token(self, firm):
        assert firm.running.client().get(API).status_code == 401


class TestTelling:
    def test_people_by_id_and_by_role(self, firm):
        agent, technician = (firm.people[firm.a, role] for role in ("agent", "technician"))
        body = {
            "title": "Vans are washed",
            "body": "On Friday",
            "priority": "high",
            "userIds": [str(agent), str(agent)],
            "roles": ["technician"],
            "entityType": "vehicle",
            "entityId": str(uuid4()),
        }
        response = firm.client("manager").post(API, json=body)
        assert response.status_code == 201
        data = response.json()["data"]
        stored = firm.sql(
            "select user_id, id, event_id, kind, priority, title, body, entity_id from notifications"
        )
        assert {row[0] for row in stored} == {agent, technician}
        assert {(row["user_id"], row["id"]) for row in data["notifications"]} == {
            (str(row[0]), str(row[1])) for row in stored
        }
        assert {row[2:] for row in stored} == {
            (
                UUID(data["event_id"]),
                *("message", "high", "Vans are washed", "On Friday", UUID(body["entityId"])),
            )
        }
        assert firm.client("agent").get(API).json()["data"][0]["title"] == "Vans are washed"

    def test_oneself(self, firm):
        assert firm.client().post(API, json={"title": "Call back"}).status_code == 201
        assert firm.sql("select user_id from notifications") == [(firm.people[firm.a, "owner"],)]

    def test_it_is_an_event_without_the_words(self, firm):
        sent = firm.client().post(API, json={"title": "Secret party", "roles": ["agent"]}).json()["data"]
        name, after, actor = firm.sql(
            "select name, after, actor_id from events where id = %s", sent["event_id"]
        )[0]
        assert (name, actor) == ("notification.sent", firm.people[firm.a, "owner"])
        assert after["roles"] == ["agent"]
        assert "party" not in str(after)

    def test_sent_twice_it_arrives_once(self, firm):
        key = {"Idempotency-Key": str(uuid4())}
        first, second = (firm.client().post(API, json={"title": "Once"}, headers=key) for _ in range(2))
        assert first.content == second.content
        assert firm.sql("select count(*) from notifications") == [(1,)]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "title"),
            ({"title": ""}, "title"),
            ({"title": "x\0"}, "title"),
            ({"title": "x", "roles": ["king"]}, "roles[0]"),
            ({"title": "x", "user_ids": ["7"]}, "user_ids[0]"),
            ({"title": "x", "kind": "security"}, "kind"),
            ({"title": "x", "entity_type": "A B"}, "entity_type"),
        ],
    )
    def test_a_wrong_value_names_its_field(self, firm, body, field):
        response = firm.client().post(API, json=body)
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"] == field

    def test_strangers_are_not_told(self, firm):
        ours, theirs = firm.people[firm.a, "agent"], firm.people[firm.b, "agent"]
        body = {"title": "x", "user_ids": [str(ours), str(theirs), str(uuid4())]}
        response = firm.client().post(API, json=body)
        assert [each["field"] for each in response.json()["error"]["details"]] == [
            "user_ids[1]",
            "user_ids[2]",
        ]
        child = {"title": "x", "user_ids": [str(ours)]}
        assert firm.client(tenant=firm.umbrella).post(API, json=child).status_code == 422
        assert firm.sql("select count(*) from notifications") == [(0,)]

    def test_not_everybody_may(self, firm):
        refused = firm.client("agent").post(API, json={"title": "x"})
        assert refused.status_code == 403
        assert "notifications:write" in refused.json()["error"]["message"]
