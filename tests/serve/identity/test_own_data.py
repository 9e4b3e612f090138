"""What people ask of their own data, and nobody in their name; restrictions; what a refused request still knows."""

from __future__ import annotations

import pytest

from serve.identity.retention import service as retention
from tests.serve.identity.conftest import code
from tests.serve.identity.test_erasure import NUMBERS, PRIVACY, Desk


@pytest.fixture
def desk(firm) -> Desk:
    firm.sql("alter table pipeline_requests alter column status set default 'done'")
    return Desk(firm)


@pytest.fixture
def purpose(desk) -> str:
    """The id of one that rests on interests."""
    n = next(NUMBERS)
    wish = {"key": f"news_{n}", "name": f"News {n}", "lawful_basis": "legitimate_interests"}
    return desk.post(f"{PRIVACY}/purposes", wish)["id"]


def client_of(firm, person, role: str, **more):
    tokens = firm.running.app.state.tokens
    token, _ = tokens.issue(
        person.id, email=person.email, tenant_id=firm.a, tenant_ids=[firm.a], role=role, **more
    )
    return firm.running.client(Authorization=f"Bearer {token}")


class TestRestrictions:
    @pytest.mark.parametrize("asked_by", ["address", "contact"])
    def test_whoever_asks_for_one_is_left_alone_in_all_their_rows(self, desk, firm, purpose, asked_by):
        ada, bob = desk.contact(), desk.contact()
        [(lead_id,)] = firm.sql(
            "insert into leads (tenant_id, full_name, email, source, cost_cents, currency)"
            " values (%s, 'A. Byron', %s, 'web', 0, 'EUR') returning id",
            *(firm.a, ada["email"]),
        )
        lead = {"id": str(lead_id)}
        who = {"subject_kind": "contact", "subject_id": ada["id"]}
        if asked_by == "address":
            who = {"subject_kind": "address", "email": ada["email"].upper()}
        request = desk.post(f"{PRIVACY}/requests", {"kind": "restriction", **who})
        desk.post(f"{PRIVACY}/requests/{request['id']}/verify", {"method": "called back"})

        def allowed(kind: str, row: dict) -> set[bool]:
            asked = {"subject_kind": kind, "subject_id": row["id"]}
            found = desk.http.get(f"{PRIVACY}/consents/current", params=asked).json()["data"]
            return {each["may"] for each in found if each["purpose_id"] == purpose}

        assert [allowed("contact", ada), allowed("lead", lead), allowed("contact", bob)] == [{True}] * 3
        desk.post(f"{PRIVACY}/requests/{request['id']}/approve", {})
        assert [allowed("contact", ada), allowed("lead", lead), allowed("contact", bob)] == [
            {False},
            {False},
            {True},
        ]
        desk.post(f"{PRIVACY}/requests/{request['id']}/withdraw")
        assert allowed("lead", lead) == {True}


@pytest.mark.parametrize("ending", ["refuse", "withdraw"])
def test_a_request_that_is_over_does_not_know_whom_it_sought(desk, firm, ending):
    request = desk.asks_to_forget("contact", desk.contact()["id"])
    firm.sql(
        "update privacy_requests set status = 'failed', sealed_identifiers = 'x'::bytea where id = %s",
        request["id"],
    )
    desk.post(f"{PRIVACY}/requests/{request['id']}/{ending}", {"reason": "a mistake"})
    assert firm.sql("select sealed_identifiers from privacy_requests where id = %s", request["id"]) == [
        (None,)
    ]


class TestInPerson:
    def test_nobody_consents_in_anothers_name(self, firm, purpose, somebody):
        sam = somebody(a="viewer")
        said = {"purpose_id": purpose, "channel": "any", "decision": "granted", "source": "web"}
        path = f"{PRIVACY}/me/consents"
        assert code(client_of(firm, sam, "viewer", only="impersonation").post(path, json=said)) == (
            403,
            "LIMITED_TOKEN",
        )
        assert firm.sql("select 1 from consents where subject_id = %s", sam.id) == []
        for kind in ("mobile", "customer"):
            assert client_of(firm, sam, "customer", only=kind).post(path, json=said).status_code == 201

    def test_nobody_else_fetches_the_file(self, firm, somebody):
        sam = somebody(a="customer")
        own = client_of(firm, sam, "customer", only="customer")
        asked = own.post(f"{PRIVACY}/me/export")
        assert asked.status_code == 202, asked.text
        firm.work()
        path = f"{PRIVACY}/exports/{asked.json()['data']['task_id']}"
        others = client_of(firm, sam, "customer", only="impersonation")
        assert code(others.get(path)) == (403, "LIMITED_TOKEN")
        assert own.get(path).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'api_requests'",
        "keep_days = 3650",
        "deleted_at = now()",
    ],
)
def test_a_rule_that_is_another_by_now_ends_nothing(desk, firm, change):
    firm.sql("update retention_rules set deleted_at = now(), is_active = false where tenant_id = %s", firm.a)
    rule = desk.post(f"{PRIVACY}/retention-rules", {"kind": "notifications", "keep_days": 10})
    desk.post(f"{PRIVACY}/retention-rules/{rule['id']}/run")
    owner = firm.people[firm.a, "owner"]
    firm.sql(
        "insert into api_requests (tenant_id, requested_at, method, route, status, duration_ms)"
        " values (%s, now() - interval '50 days', 'GET', '/x', 200, 1)",
        firm.a,
    )
    firm.sql(
        "insert into notifications (tenant_id, user_id, kind, title, created_at)"
        " values (%s, %s, 'x', 'x', now() - interval '50 days')",
        *(firm.a, owner),
    )
    counts = (
        "select (select count(*) from notifications where kind = 'x'),"
        " (select count(*) from api_requests where route = '/x')"
    )
    before = firm.sql(counts)
    firm.sql(f"update retention_rules set {change} where id = %s", rule["id"])
    firm.work()
    assert firm.sql(counts) == before
    firm.sql(
        "update retention_rules set kind = 'notifications', keep_days = 10, deleted_at = null where id = %s",
        rule["id"],
    )
    desk.post(f"{PRIVACY}/retention-rules/{rule['id']}/run")
    firm.work()
    assert firm.sql("select 1 from notifications where kind = 'x'") == []


class TestStuck:
    @pytest.mark.parametrize("ending", ["approve", "withdraw"])
    def test_a_request_whose_task_is_over_goes_on(self, desk, firm, ending):
        request = desk.forgets("contact", desk.contact()["id"])
        path = f"{PRIVACY}/requests/{request['id']}/{ending}"
        assert code(desk.http.post(path, json={})) == (409, "PRIVACY_REQUEST_NOT_READY")
        firm.sql("update tasks set status = 'cancelled' where id = %s", request["task_id"])
        assert desk.http.post(path, json={}).status_code == 200
        ended = desk.ends(request)["status"]
        assert ended == ("done" if ending == "approve" else "withdrawn")


class TestHolds:
    def test_retention_leaves_all_rows_of_the_person(self, desk, firm):
        ada, bob = desk.contact(), desk.contact()
        desk.post(
            f"{PRIVACY}/holds", {"subject_kind": "contact", "subject_id": ada["id"], "reason": "lawsuit"}
        )
        long_ago = "now() - interval '9 years'"
        for person in (ada, bob):
            desk.post("/api/v1/mails", {"to_address": person["email"], "subject": "x", "text": "x"})
            firm.sql(
                "insert into leads (tenant_id, full_name, email, source, cost_cents, currency, created_at)"
                f" values (%s, 'A lead', %s, 'web', 1, 'EUR', {long_ago})",
                *(firm.a, person["email"]),
            )
            request = desk.asks_to_forget("contact", person["id"])
            firm.sql(
                f"update privacy_requests set status = 'refused', finished_at = {long_ago} where id = %s",
                request["id"],
            )
        firm.sql(f"update mails set state = 'sent', created_at = {long_ago} where tenant_id = %s", firm.a)
        firm.sql(
            "update retention_rules set deleted_at = now(), is_active = false where tenant_id = %s", firm.a
        )
        for kind in ("mails", "leads_without_contact", "privacy_requests"):
            rule = desk.post(f"{PRIVACY}/retention-rules", {"kind": kind})
            assert desk.http.get(f"{PRIVACY}/retention-rules/{rule['id']}/preview").status_code == 200
            desk.post(f"{PRIVACY}/retention-rules/{rule['id']}/run")
        firm.work()

        def left(person: dict) -> list[int]:
            return [
                firm.sql(f"select count(*) from {table} where {column} = %s", person[of])[0][0]
                for table, column, of in (
                    ("mails", "to_address", "email"),
                    ("leads", "email", "email"),
                    ("privacy_requests", "subject_id", "id"),
                )
            ]

        assert (left(ada), left(bob)) == ([1, 1, 1], [0, 0, 0])

    def test_what_a_law_had_kept_stays(self, desk, firm):
        homes = [
            desk.post("/api/v1/accounts", {"name": f"Family {n}", "kind": "household", "country": "DE"})["id"]
            for n in range(2)
        ]
        for home in homes:
            firm.sql(
                "insert into privacy_kept (tenant_id, table_name, row_id, reason, until_date)"
                " values (%s, 'accounts', %s, 'books', current_date - 1)",
                *(firm.a, home),
            )
        desk.post(
            f"{PRIVACY}/holds", {"subject_kind": "account", "subject_id": homes[0], "reason": "lawsuit"}
        )
        firm.running.wait_for(retention.ask_daily(firm.running.app.state.worker_database))
        firm.work()
        names = firm.sql("select name from accounts where id = any(%s::uuid[]) order by id", homes)
        assert names == [("Family 0",), ("Erased person",)]
