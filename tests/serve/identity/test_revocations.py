"""What a person may do is taken back at once: in this process, and in the others when they look."""

from __future__ import annotations

import pytest

from tests.serve.identity.conftest import AUTH, code

ME = f"{AUTH}/me"


def look(firm) -> None:
    firm.running.wait_for(firm.running.app.state.revocations.look())


class TestTokens:
    @pytest.mark.parametrize(
        ("change", "refused"),
        [
            ("update memberships set role = 'viewer' where user_id = %s", "TOKEN_STALE"),
            ("delete from memberships where user_id = %s", "TOKEN_STALE"),
            ("update memberships set state = 'suspended' where user_id = %s", "UNAUTHENTICATED"),
            ("update users set is_active = false where id = %s", "UNAUTHENTICATED"),
            ("update sessions set ended_at = now() where user_id = %s", "UNAUTHENTICATED"),
        ],
    )
    def test_what_is_changed_elsewhere_counts_at_the_next_look(self, firm, somebody, change, refused):
        person, other = somebody(), somebody()
        client, others = person.client(), other.client()
        firm.sql(change, person.id)
        look(firm)
        assert code(client.get(ME)) == (401, refused)
        assert others.get(ME).status_code == 200

    def test_only_the_tenant_whose_role_it_was(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        at_a, at_b = person.client(person.log_in(tenant="a")), person.client(person.log_in(tenant="b"))
        firm.sql("delete from memberships where user_id = %s and tenant_id = %s", person.id, firm.a)
        look(firm)
        assert code(at_a.get(ME)) == (401, "TOKEN_STALE")
        assert at_b.get(ME).status_code == 200

    def test_a_token_from_after_the_change_counts(self, firm, somebody):
        person = somebody(a="manager")
        session = person.log_in()
        firm.sql("update memberships set role = 'viewer' where user_id = %s", person.id)
        look(firm)
        renewed = firm.running.client().post(
            f"{AUTH}/refresh", json={"refresh_token": session["refresh_token"]}
        )
        me = person.client(renewed.json()["data"]).get(ME).json()["data"]
        assert me["tenant"]["role"] == "viewer"

    def test_what_does_not_change_what_one_may_do_takes_nothing_back(self, firm, somebody):
        person = somebody()
        client = person.client()
        firm.sql("update users set full_name = 'Another Name' where id = %s", person.id)
        firm.sql("update memberships set role = role where user_id = %s", person.id)
        look(firm)
        assert client.get(ME).status_code == 200

    def test_a_process_that_starts_later_knows(self, firm, somebody, run_app, tmp_path):
        person = somebody()
        client = person.client()
        firm.sql("update users set is_active = false where id = %s", person.id)
        home = firm.running.app.state.settings.throughline_home
        later = run_app(home, database_url=firm.address.base, background_work=False)
        token = client.headers["authorization"]
        assert later.client(Authorization=token).get(ME).status_code == 401


class TestKeys:
    @pytest.mark.parametrize(
        "change",
        [
            "update memberships set state = 'suspended' where user_id = %s",
            "update users set is_active = false where id = %s",
            "update api_keys set revoked_at = now() where user_id = %s",
        ],
    )
    def test_a_key_ends_with_what_it_stands_on(self, firm, somebody, change):
        person = somebody(a="manager")
        made = person.client().post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]}).json()
        key = firm.running.client(**{"X-API-Key": made["data"]["key"]})
        assert key.get(ME).status_code == 200
        firm.sql(change, person.id)
        look(firm)
        assert key.get(ME).status_code == 401


class TestOwnRoles:
    @pytest.fixture
    def dispatcher(self, firm, somebody):
        firm.sql(
            "insert into roles (tenant_id, slug, name, permissions) values (%s, 'dispatcher', 'Dispatcher', %s)"
            " on conflict (tenant_id, slug) do update set permissions = excluded.permissions",
            *(firm.a, '["self:read", "contacts:read"]'),
        )
        return somebody(a="dispatcher")

    def test_it_allows_what_the_tenant_says(self, firm, dispatcher):
        client = dispatcher.client()
        assert client.get(ME).json()["data"]["permissions"] == ["contacts:read", "self:read"]
        assert client.get("/api/v1/contacts").status_code == 200
        assert client.get("/api/v1/vehicles").status_code == 403

    def test_a_change_counts_at_once_for_who_has_it(self, firm, dispatcher):
        client = dispatcher.client()
        firm.sql("update roles set permissions = '[\"self:read\"]' where slug = 'dispatcher'")
        look(firm)
        assert code(client.get("/api/v1/contacts")) == (401, "TOKEN_STALE")
        assert dispatcher.client().get("/api/v1/contacts").status_code == 403

    def test_a_role_that_is_gone_allows_nothing(self, firm, dispatcher):
        firm.sql("update roles set deleted_at = now() where slug = 'dispatcher'")
        assert dispatcher.client().get(ME).status_code == 403
        firm.sql("update roles set deleted_at = null where slug = 'dispatcher'")

    def test_another_tenants_role_of_that_name_is_none_of_ours(self, firm, dispatcher, somebody):
        stranger = somebody(b="dispatcher")
        assert stranger.client().get("/api/v1/contacts").status_code == 403
