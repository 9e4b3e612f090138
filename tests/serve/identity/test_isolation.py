"""The report of isolation and its live check, over HTTP on a real database."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from serve.app import PUBLIC
from serve.identity.security.proofs import proofs, proved, route_names
from serve.kernel import isolation
from tests.surface import proving

BASE = "/api/v1/b2b/multi-tenant/data-isolation"


@pytest.fixture(scope="module")
def guard(firm):
    return firm.client("admin")


def report(client, **asked):
    answer = client.get(BASE, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def checked(firm, client):
    """The newest check, after one more."""
    begun = client.post(f"{BASE}/check")
    assert begun.status_code == 202, begun.text
    assert firm.work() >= 1
    (row,) = client.get(f"{BASE}/checks", params={"per_page": 1, "sort": "-finished_at"}).json()["data"]
    return row


class TestReport:
    def test_every_table_of_the_catalogue_is_in_it(self, firm, guard):
        found = report(guard)
        assert (found["holds"], found["shortcoming_count"]) == (True, 0)
        tables = {each["table"]: each for each in found["row"]["tables"]}
        with_tenant = firm.sql(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
            " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        )
        assert tables.keys() == {name for (name,) in with_tenant} | {"tenants"}
        assert tables["contacts"]["domain"] == "crm.contacts"
        assert tables["contacts"]["policies"] == ["owner_reads", *sorted(isolation.TENANT_POLICIES)]
        assert tables["telemetry"]["partition_count"] >= 3
        assert tables["sessions"]["exception"] == isolation.OTHERWISE_GUARDED["sessions"]
        assert all(
            each["is_forced"] for each in tables.values() if each["table"] not in isolation.OTHERWISE_GUARDED
        )
        roles = {each["role"]: each for each in found["row"]["roles"]}
        assert roles["throughline_api"]["passes_row_security"] is False
        assert roles["throughline_extract"]["exception"] == isolation.POWERS["throughline_extract"]

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("contacts", {"contacts"}),
            ("contact", {"contacts"}),
            ("crm.contacts", {"contacts"}),
            ("fleet.vehicles", {"vehicles"}),
        ],
    )
    def test_a_kind_of_data(self, guard, asked, expected):
        found = report(guard, dataType=asked, isolationLevel="row")
        assert {each["table"] for each in found["row"]["tables"]} == expected
        assert found["file"] is found["release"] is found["cache"] is None

    def test_an_area_is_all_its_tables(self, guard):
        found = {each["table"] for each in report(guard, dataType="crm")["row"]["tables"]}
        assert found >= {"accounts", "contacts", "leads", "tickets", "quotes"}
        assert "vehicles" not in found

    @pytest.mark.parametrize(("name", "value"), [("dataType", "unicorns"), ("isolationLevel", "planet")])
    def test_what_there_is_not_is_said_by_name(self, guard, name, value):
        refused = guard.get(BASE, params={name: value})
        assert refused.status_code == 422
        assert [each["field"] for each in refused.json()["error"]["details"]] == [name]

    def test_of_a_child_but_not_of_a_stranger(self, firm, guard):
        parent = firm.client("owner", firm.umbrella)
        assert report(parent, tenantId=str(firm.a))["tenant_id"] == str(firm.a)
        for stranger in (firm.b, firm.umbrella):
            assert guard.get(BASE, params={"tenantId": str(stranger)}).status_code == 404

    def test_a_policy_that_somebody_changed_by_hand(self, firm, guard):
        firm.sql("create policy quick_fix on vehicles for select using (true)")
        try:
            found = report(guard, dataType="vehicles")
            assert found["holds"] is False
            (vehicles,) = found["row"]["tables"]
            assert vehicles["shortcomings"] == [
                "the policy quick_fix gives public more, and nobody has reviewed it"
            ]
        finally:
            firm.sql("drop policy quick_fix on vehicles")
        assert report(guard, dataType="vehicles")["holds"] is True

    def test_a_manager_may_not_look(self, firm):
        assert firm.client("manager").get(BASE).status_code == 403


class TestProofs:
    def test_what_was_proved_and_what_came_later(self, firm, guard):
        routes = report(guard, isolationLevel="cache")["routes"]
        names = route_names(firm.running.app.routes, PUBLIC)
        found = proved(names, proofs())
        assert routes["route_count"] == len(names)
        assert routes["proved_count"] == len(found["proved"])
        assert routes["unproved"] == found["unproved"]
        assert routes["not_asked"] == found["not_asked"]
        assert {name for several in found.values() for name in several} == set(names)

    def test_who_may_ask_is_no_proof_of_what_they_get(self):
        asked = {"refuses_strangers": True, "refuses_roles_without_the_permission": True}
        written = {"routes": {"POST /a": asked, "POST /b": asked | {"leaves_children_to_themselves": True}}}
        found = proved(["POST /a", "POST /b"], written)
        assert (found["not_asked"], found["proved"]) == (["POST /a"], ["POST /b"])

    @pytest.mark.parametrize(
        ("run", "changed", "is_fit"),
        [
            ({}, "", True),
            ({}, " M serve/app.py", False),
            ({"keyword": "sso"}, "", False),
            ({"args": ["tests/surface/test_routes.py::test_a_promise_is_kept[x]"]}, "", False),
        ],
    )
    def test_only_all_routes_of_a_commit_are_written_down(self, monkeypatch, run, changed, is_fit):
        option = SimpleNamespace(keyword=run.get("keyword", ""))
        config = SimpleNamespace(option=option, args=run.get("args", ["tests/surface/test_routes.py"]))
        monkeypatch.setattr(proving, "_git", lambda *words: changed)
        assert (proving.unfit(config) is None) is is_fit

    def test_a_new_route_has_no_proof(self):
        written = proofs()
        assert proved(["GET /api/v1/of-tomorrow"], written)["unproved"] == ["GET /api/v1/of-tomorrow"]


class TestLiveCheck:
    def test_nothing_is_crossed_and_nothing_stays(self, firm, guard):
        made = firm.client().post("/api/v1/contacts", json={"full_name": "Ada"}).json()["data"]["id"]
        before = firm.sql("select count(*), max(change_xid) from contacts")
        row = checked(firm, guard)
        assert (row["outcome"], row["broken_count"]) == ("held", 0)
        assert row["held_count"] > 300
        tried = {(each["level"], each["about"]): each["tried"] for each in row["held"]}
        assert tried["row", "contacts"] == [
            *("declared", "read_without_tenant", "read_as_stranger", "insert_for_us"),
            *("update_as_parent", "delete_as_parent", "give_away"),
        ]
        assert "read_partition" in {
            word for (level, _), words in tried.items() for word in words if level == "row"
        }
        assert firm.sql("select count(*), max(change_xid) from contacts") == before
        assert firm.client().get(f"/api/v1/contacts/{made}").status_code == 200
        assert report(guard)["last_check"]["id"] == row["id"]

    def test_what_could_not_be_tried_is_not_said_to_hold(self, firm, guard):
        row = checked(firm, guard)
        left = {(each["about"], each["tried"]): each for each in row["findings"]}
        assert left["vehicles", "give_away"]["outcome"] == "not_tried"
        assert row["not_tried_count"] == len(row["findings"])

    def test_a_file_of_ours_is_tried(self, firm, guard):
        firm.client().post("/api/v1/files", files={"file": ("a.txt", b"text")})
        row = checked(firm, guard)
        assert {"level": "file", "about": "a file of ours", "tried": ["open_as_stranger"]} in row["held"]

    def test_a_crossing_is_an_event_and_guards_are_told(self, firm, guard):
        firm.client().post("/api/v1/accounts", json={"name": "Nordlicht", "country": "DE"})
        firm.deliver()
        firm.sql(
            "drop policy tenant_reads on accounts; create policy tenant_reads on accounts for select using (true)"
        )
        try:
            row = checked(firm, guard)
        finally:
            restored = isolation.READ
            firm.sql(
                "drop policy tenant_reads on accounts;"
                f" create policy tenant_reads on accounts for select using {restored}"
            )
        assert row["outcome"] == "broken"
        assert {"read_without_tenant", "read_as_stranger"} <= {
            each["tried"] for each in row["findings"] if each["outcome"] == "broken"
        }
        ((name, category, detail),) = firm.sql(
            "select name, category, after from events where entity_id = %s and category = 'security'",
            row["id"],
        )
        assert (name, category, detail["count"]) == ("isolation.broken", "security", row["broken_count"])
        firm.deliver()
        told = firm.sql(
            "select user_id from notifications where kind = 'security' and entity_id = %s", row["id"]
        )
        assert {user for (user,) in told} == {firm.people[firm.a, role] for role in ("owner", "admin")}
        assert checked(firm, guard)["outcome"] == "held"

    def test_a_history_of_ones_own(self, firm, guard):
        checked(firm, guard)
        theirs = firm.client("owner", firm.b)
        assert theirs.get(f"{BASE}/checks").json()["data"] == []

    def test_who_only_reads_may_not_try(self, firm):
        assert firm.client("manager").post(f"{BASE}/check").status_code == 403
