"""What people ask of their own data, and nobody in their name; restrictions; what a refused request still knows."""

from __future__ import annotations

import pytest

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
