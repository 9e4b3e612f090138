"""What a token says is what its person may do now, in the tenant where its session is at work."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code

ME = f"{AUTH}/me"
ROLE = '["self:read", "contacts:read"]'


@pytest.fixture
def elsewhere(firm, run_app):
    """Another process of the same installation, which has not looked."""
    home = firm.running.app.state.settings.throughline_home
    return run_app(home, database_url=firm.address.base, background_work=False)


def moved(firm, session, tenant: str):
    asked = {"refresh_token": session["refresh_token"], "tenant": tenant}
    return firm.running.client().post(f"{AUTH}/refresh", json=asked).json()["data"]


class TestMovedSessions:
    def test_a_role_of_one_tenant_is_not_signed_for_another(self, firm, somebody, elsewhere):
        person = somebody(a="viewer", b="owner")
        before = person.log_in(tenant="a")
        moved(firm, before, "b")
        there = elsewhere.client(Authorization=f"Bearer {before['access_token']}")
        assert there.get(ME).status_code == 200  # it has not heard of it yet
        assert code(there.post(f"{AUTH}/step-up", json={"password": PASSWORD})) == (401, "TOKEN_STALE")

    def test_its_tokens_of_before_count_no_more(self, firm, somebody, elsewhere):
        person = somebody(a="viewer", b="owner")
        before = person.log_in(tenant="a")
        after = moved(firm, before, "b")
        assert code(person.client(before).get(ME)) == (401, "TOKEN_STALE")
        assert person.client(after).get(ME).json()["data"]["tenant"]["role"] == "owner"
        elsewhere.wait_for(elsewhere.app.state.revocations.look())
        there = elsewhere.client(Authorization=f"Bearer {before['access_token']}")
        assert code(there.get(ME)) == (401, "TOKEN_STALE")

    def test_who_stays_keeps_their_tokens(self, firm, somebody):
        person = somebody(a="viewer", b="owner")
        before = person.log_in(tenant="a")
        moved(firm, before, "a")
        assert person.client(before).get(ME).status_code == 200

    def test_not_to_where_they_are_suspended(self, firm, somebody):
        person = somebody(a="viewer", b="owner")
        session = person.log_in(tenant="a")
        firm.sql(
            "update memberships set state = 'suspended' where user_id = %s and tenant_id = %s",
            person.id,
            firm.b,
        )
        [(session_id,)] = firm.sql("select id from sessions where user_id = %s", person.id)
        firm.sql("select auth_move_session(%s, %s)", session_id, firm.b)
        assert moved(firm, session, "a")["tenant"]["slug"] == "a"


class TestTurns:
    """What is signed and what is taken away at the same time: one waits for the other, so none is overlooked."""

    @pytest.fixture
    def session_id(self, firm, somebody):
        firm.sql(
            "insert into roles (tenant_id, slug, name, permissions) values (%s, 'signer', 'Signer', %s)"
            " on conflict (tenant_id, slug) do nothing",
            *(firm.a, ROLE),
        )
        person = somebody(a="signer")
        person.log_in()
        [(session_id,)] = firm.sql("select id from sessions where user_id = %s", person.id)
        firm.sql(
            "insert into elevations (tenant_id, user_id, session_id, from_role, to_role, reason, ends_at)"
            " values (%s, %s, %s, 'signer', 'signer', 'to see it end', now() + interval '1 hour')",
            *(firm.a, person.id, session_id),
        )
        return session_id

    @pytest.mark.parametrize(
        "taken_away",
        [
            "update roles set permissions = '[]' where slug = 'signer' and %s is not null",
            "update elevations set ended_at = now() where session_id = %s",
        ],
    )
    @pytest.mark.parametrize("first", ["signing", "taking away"])
    def test_they_wait_for_each_other(self, firm, session_id, taken_away, first):
        signing = "select * from auth_standing(%s)"
        statements = (signing, taken_away) if first == "signing" else (taken_away, signing)
        url = firm.address.url("super")
        with psycopg.connect(url) as one, psycopg.connect(url) as other:
            one.execute(statements[0], (session_id,))
            other.execute("set lock_timeout = '100ms'")
            with pytest.raises(LockNotAvailable):
                other.execute(statements[1], (session_id,))
            one.rollback()
