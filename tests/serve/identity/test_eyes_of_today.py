"""Who looks with other eyes goes on only as long as they might begin, and only where they began."""

from __future__ import annotations

from tests.serve.identity.conftest import AUTH, code

ME = f"{AUTH}/me"
BECAUSE = {"reason": "You told us that a list is empty."}
ROLE = '["self:read", "self:write", "users:read", "users:impersonate"]'


def eyes_of(client, person):
    answer = client.post(f"/api/v1/admin/users/{person.id}/impersonate", json=BECAUSE)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def refreshed(firm, session, **asked):
    body = {"refresh_token": session["refresh_token"], **asked}
    return firm.running.client().post(f"{AUTH}/refresh", json=body)


def look(firm) -> None:
    firm.running.wait_for(firm.running.app.state.revocations.look())


def ends_of(firm, person) -> list[bool]:
    """Of each looking at the person: whether it is over before its time."""
    rows = firm.sql(
        "select ended_at is not null from impersonations where user_id = %s order by id", person.id
    )
    return [row[0] for row in rows]


def told(person) -> list[str]:
    return [name for name, *_ in person.security() if name.startswith("impersonation")]


class TestWhere:
    def test_not_in_another_tenant_of_the_person(self, firm, somebody):
        person, admin = somebody(a="viewer", b="owner"), somebody(a="admin")
        session = eyes_of(admin.client(), person)
        for tenant in ("b", str(firm.b), "a", "nowhere"):  # and nobody learns where else they work
            assert code(refreshed(firm, session, tenant=tenant)) == (403, "EYES_STAY")
        assert refreshed(firm, session).json()["data"]["tenant"]["slug"] == "a"

    def test_not_though_the_session_got_there(self, firm, somebody):
        person, admin = somebody(a="viewer", b="owner"), somebody(a="admin", b="owner")
        session = eyes_of(admin.client(admin.log_in(tenant="a")), person)
        [(row_id,)] = firm.sql("select id from sessions where user_id = %s", person.id)
        firm.sql("select auth_move_session(%s, %s)", row_id, firm.b)
        assert refreshed(firm, session).json()["data"]["tenant"]["slug"] == "a"
        firm.sql("update sessions set tenant_id = %s where id = %s", firm.b, row_id)
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")

    def test_where_else_they_work_is_not_shown(self, firm, somebody):
        person, admin = somebody(a="viewer", b="owner"), somebody(a="admin")
        session = eyes_of(admin.client(), person)
        shown = (
            session,
            refreshed(firm, session).json()["data"],
            person.client(session).get(ME).json()["data"],
        )
        assert [[each["slug"] for each in one["memberships"]] for one in shown] == [["a"]] * 3
        own = person.log_in(tenant="a")
        assert [each["slug"] for each in own["memberships"]] == ["a", "b"]


class TestHowLong:
    def test_who_is_an_administrator_no_more(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        session = eyes_of(admin.client(), person)
        firm.sql("update memberships set role = 'manager' where user_id = %s", admin.id)
        look(firm)
        assert code(person.client(session).get(ME)) == (401, "TOKEN_STALE")
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")

    def test_whose_role_may_less_now(self, firm, somebody):
        firm.sql(
            "insert into roles (tenant_id, slug, name, permissions) values (%s, 'looker', 'Looker', %s)"
            " on conflict (tenant_id, slug) do update set permissions = excluded.permissions",
            *(firm.a, ROLE),
        )
        person, looker = somebody(a="customer"), somebody(a="looker")
        session = eyes_of(looker.client(), person)
        assert refreshed(firm, session).status_code == 200
        firm.sql("""update roles set permissions = '["self:read", "self:write"]' where slug = 'looker'""")
        look(firm)
        assert code(person.client(session).get(ME)) == (401, "TOKEN_STALE")
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")

    def test_whose_person_may_more_now(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        session = eyes_of(admin.client(), person)
        firm.sql("update memberships set role = 'owner' where user_id = %s", person.id)
        look(firm)
        assert code(person.client(session).get(ME)) == (401, "TOKEN_STALE")
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")

    def test_whose_power_was_lent(self, firm, somebody):
        person, manager = somebody(a="admin"), somebody(a="manager")
        own = manager.log_in()
        [(session_id,)] = firm.sql(
            "update sessions set methods = '{password,totp}' where user_id = %s returning id", manager.id
        )
        firm.sql(
            "insert into elevations (tenant_id, user_id, session_id, from_role, to_role, reason, ends_at)"
            " values (%s, %s, %s, 'manager', 'admin', 'a key has leaked', now() + interval '3 minutes')",
            *(firm.a, manager.id, session_id),
        )
        raised = refreshed(firm, own).json()["data"]
        session = eyes_of(manager.client(raised), person)
        assert session["expires_in_s"] <= 180  # no longer than the power it comes from
        assert refreshed(firm, session).status_code == 200
        firm.sql("update elevations set ended_at = now() where user_id = %s", manager.id)
        look(firm)
        assert code(person.client(session).get(ME)) == (401, "TOKEN_STALE")
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")

    def test_who_is_logged_out(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        session, other = (eyes_of(admin.client(), person) for _ in range(2))  # from two sessions
        [(ended_id,), _] = firm.sql("select id from sessions where user_id = %s order by id", admin.id)
        firm.sql("update sessions set ended_at = now(), ended_because = 'password' where id = %s", ended_id)
        look(firm)
        assert person.client(session).get(ME).status_code == 401
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")
        assert refreshed(firm, other).status_code == 200
        assert ends_of(firm, person) == [True, False]
        assert told(person) == ["impersonation.began"] * 2 + ["impersonation.ended"]

    def test_whose_own_session_ran_out(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        session = eyes_of(admin.client(), person)
        firm.sql("update sessions set expires_at = now() where user_id = %s", admin.id)
        assert code(refreshed(firm, session)) == (401, "SESSION_ENDED")


class TestOnRecord:
    def test_its_end_is_one_event(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        session = eyes_of(admin.client(), person)
        [(row_id,)] = firm.sql("select id from impersonations where user_id = %s", person.id)
        assert person.client(session).delete(f"/api/v1/admin/impersonations/{row_id}").status_code == 200
        assert told(person) == ["impersonation.began", "impersonation.ended"]
        ended = "select actor_id, after from events where name = 'impersonation.ended' and entity_id = %s"
        assert firm.sql(ended, person.id) == [(admin.id, {"impersonation_id": str(row_id)})]
        assert ends_of(firm, person) == [True]
