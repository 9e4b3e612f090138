"""People of a tenant: let in, changed, switched off, sent away; what is done counts at once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.serve.identity.conftest import AUTH, code

USERS, ALIAS, ME = "/api/v1/admin/users", "/api/users", f"{AUTH}/me"


@pytest.fixture
def owner(firm):
    firm.account_mails()  # those of the test before
    return firm.client("owner")


def asked(role: str = "agent") -> dict[str, str]:
    return {"email": f"new-{uuid4().hex}@example.org", "full_name": "Nora New", "role": role}


def changes(firm, user_id) -> list[tuple]:
    """(name, before, after) of what happened to somebody's membership."""
    return [event for event in firm.events(user_id) if event[0].startswith("user.")]


def confirm(firm, mail):
    token = re.search(r"#email=([\w-]+)", mail.text)[1]
    return firm.running.client().post(f"{AUTH}/confirm-email", json={"token": token})


class TestList:
    def test_filters(self, firm, owner, somebody):
        sam = somebody(a="technician")
        firm.sql("update users set full_name = 'Sam Sought' where id = %s", sam.id)

        def found(**params):
            answer = owner.get(USERS, params=params)
            assert answer.status_code == 200, answer.text
            return {row["id"] for row in answer.json()["data"]}

        assert found(search="sought") == {str(sam.id)}
        assert found(search="m so") == {str(sam.id)}
        assert found(search="%") == set()
        assert found(search="sought", role="technician,viewer") == {str(sam.id)}
        assert found(search="sought", role="viewer") == set()
        assert found(search="sought", has_logged_in=False) == {str(sam.id)}
        sam.log_in()
        firm.running.wait_for(firm.running.app.state.notes.written())
        assert found(search="sought", has_logged_in=True, last_login_start="2020-01-01") == {str(sam.id)}
        assert found(search="sought", last_login_end="2020-01-01") == set()
        assert found(search="sought", state="suspended") == set()
        assert found(search="sought", has_second_factor=True) == set()
        firm.sql(
            "insert into totp_secrets (user_id, sealed_secret, confirmed_at) values (%s, ''::bytea, now())",
            sam.id,
        )
        assert found(search="sought", has_second_factor=True) == {str(sam.id)}
        department = owner.post("/api/v1/departments", json={"name": f"D {uuid4()}"}).json()["data"]["id"]
        employee = owner.post("/api/v1/employees", json={"full_name": "Sam", "department_id": department})
        firm.sql("update employees set user_id = %s where id = %s", sam.id, employee.json()["data"]["id"])
        assert found(department_id=department) == {str(sam.id)}

    def test_order_and_pages(self, owner):
        names = [
            row["email"]
            for row in owner.get(USERS, params={"sort": "-email", "per_page": 1000}).json()["data"]
        ]
        assert names == sorted(names, reverse=True)
        page = owner.get(ALIAS, params={"sort": "-email", "per_page": 2, "page": 2}).json()
        assert [row["email"] for row in page["data"]] == names[2:4]
        assert page["meta"]["total"] == len(names)
        assert code(owner.get(USERS, params={"sort": "password_hash"})) == (422, "INVALID")

    def test_whose(self, firm, somebody):
        """Strangers see nothing of each other; an umbrella sees its children's people and changes nothing there."""
        here, there = somebody(a="agent"), somebody(b="agent")
        umbrella = firm.client("owner", firm.umbrella)
        for client, sees, not_sees in ((firm.client("owner"), here, there), (umbrella, here, there)):
            ids = {row["id"] for row in client.get(USERS, params={"per_page": 1000}).json()["data"]}
            assert str(sees.id) in ids
            assert str(not_sees.id) not in ids
            assert client.get(f"{USERS}/{sees.id}").status_code == 200
            assert code(client.get(f"{USERS}/{not_sees.id}")) == (404, "USER_NOT_FOUND")
        assert code(umbrella.delete(f"{USERS}/{here.id}")) == (404, "USER_NOT_FOUND")
        assert code(umbrella.patch(f"{USERS}/{here.id}", json={"role": "viewer"})) == (404, "USER_NOT_FOUND")

    def test_log_ins_elsewhere_are_nobody_elses_business(self, firm, owner, somebody):
        sam = somebody(a="agent", b="agent")
        sam.log_in(tenant="b")
        firm.running.wait_for(firm.running.app.state.notes.written())
        assert owner.get(f"{USERS}/{sam.id}").json()["data"]["last_login_at"] is None


class TestCreate:
    def test_somebody_new_is_invited(self, firm, owner):
        wish = asked()
        made = owner.post(USERS, json=wish)
        assert made.status_code == 201, made.text
        row = made.json()["data"]
        assert (row["email"], row["role"], row["state"]) == (wish["email"], "agent", "pending")
        [mail] = firm.account_mails()
        assert (mail.kind, mail.to_address) == ("invitation", wish["email"])
        assert "Owner of A" in mail.text
        assert firm.sql("select 1 from users where email = %s", wish["email"]) == []
        accepted = {
            "token": re.search(r"#invitation=([\w-]+)", mail.text)[1],
            "password": "a long way to the north",
        }
        answer = firm.running.client().post("/api/v1/employees/accept-invitation", json=accepted)
        user = answer.json()["data"]["user"]
        assert (user["email"], user["full_name"]) == (wish["email"], "Nora New")
        assert changes(firm, user["id"]) == [("user.added", None, {"role": "agent", "state": "active"})]

    def test_an_account_elsewhere_makes_no_difference(self, firm, owner, somebody):
        """Nor is it a member before its person wants to be."""
        sam = somebody(b="viewer")
        known = owner.post(USERS, json=asked() | {"email": sam.email.upper()})
        new = owner.post(USERS, json=asked())
        varying = {"id", "email", "sent_at", "expires_at", "created_at", "updated_at"}
        said = [
            {name: value for name, value in each.json()["data"].items() if name not in varying}
            for each in (known, new)
        ]
        assert said[0] == said[1]
        assert known.status_code == new.status_code == 201
        assert {mail.kind for mail in firm.account_mails()} == {"invitation"}
        assert {each["slug"] for each in sam.log_in()["memberships"]} == {"b"}
        assert code(owner.get(f"{USERS}/{sam.id}")) == (404, "USER_NOT_FOUND")

    def test_nobody_twice(self, owner, somebody):
        wish = asked()
        owner.post(USERS, json=wish)
        again = wish | {"email": wish["email"].title()}
        assert code(owner.post(ALIAS, json=again)) == (409, "INVITATION_OPEN")
        member = {"email": somebody(a="viewer").email}
        assert code(owner.post(ALIAS, json=wish | member)) == (409, "ALREADY_MEMBER")

    @pytest.mark.parametrize(
        ("role", "giver", "refused"),
        [
            ("owner", "admin", (403, "OWNERS_ALONE")),
            ("no-such-role", "owner", (422, "INVALID")),
            ("agent", "manager", (403, "FORBIDDEN")),
        ],
    )
    def test_nobody_gives_more_than_they_have(self, firm, role, giver, refused):
        assert code(firm.client(giver).post(USERS, json=asked(role))) == refused

    def test_a_role_of_the_tenants_own(self, firm, owner):
        firm.sql(
            "insert into roles (tenant_id, slug, name, permissions)"
            " values (%s, 'clerk', 'Clerk', '[\"contacts:read\"]')",
            firm.a,
        )
        assert owner.post(USERS, json=asked("clerk")).json()["data"]["role"] == "clerk"
        theirs = firm.client("owner", firm.b).post(USERS, json=asked("clerk"))
        assert code(theirs) == (422, "INVALID")

    def test_several_at_once(self, firm, owner):
        wish = asked()
        answer = owner.post(f"{USERS}/bulk", json={"rows": [wish, wish, asked("no-such-role")]})
        assert answer.status_code == 207
        results = answer.json()["data"]["results"]
        assert [(each["status"], (each["error"] or {}).get("code")) for each in results] == [
            ("created", None),
            ("failed", "INVITATION_OPEN"),
            ("failed", "INVALID"),
        ]
        tried = owner.post(f"{USERS}/bulk", json={"rows": [asked()]}, params={"dry_run": True})
        assert tried.json()["data"]["succeeded"] == 1
        tried_id = tried.json()["data"]["results"][0]["id"]
        assert firm.sql("select 1 from invitations where id = %s", tried_id) == []


class TestChange:
    def test_a_role_counts_at_once(self, firm, owner, somebody):
        sam = somebody(a="manager")
        session = sam.log_in()
        client = sam.client(session)
        assert client.get("/api/v1/employees").status_code == 200
        changed = owner.put(f"{USERS}/{sam.id}", json={"role": "viewer"})
        assert changed.json()["data"]["role"] == "viewer"
        assert code(client.get("/api/v1/employees")) == (401, "TOKEN_STALE")
        body = {"refresh_token": session["refresh_token"]}
        renewed = firm.running.client().post(f"{AUTH}/refresh", json=body).json()["data"]
        assert code(sam.client(renewed).get("/api/v1/employees")) == (403, "FORBIDDEN")
        assert changes(firm, sam.id) == [
            (
                "user.role_changed",
                {"role": "manager", "state": "active"},
                {"role": "viewer", "state": "active"},
            )
        ]

    def test_switched_off_and_on(self, firm, owner, somebody):
        sam = somebody(a="manager", b="viewer")
        client, elsewhere = sam.client(sam.log_in(tenant="a")), sam.client(sam.log_in(tenant="b"))
        key = client.post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]}).json()["data"][
            "key"
        ]
        program = firm.running.client(Authorization=f"Bearer {key}")
        assert program.get(ME).status_code == 200
        assert owner.post(f"{USERS}/{sam.id}/deactivate").json()["data"]["state"] == "suspended"
        assert client.get(ME).status_code == program.get(ME).status_code == 401
        assert elsewhere.get(ME).status_code == 200
        refused = firm.running.client().post(
            f"{AUTH}/login", json={"email": sam.email, "password": "a password of ours", "tenant": "a"}
        )
        assert code(refused) == (403, "NO_MEMBERSHIP")
        assert owner.post(f"{USERS}/{sam.id}/reactivate").json()["data"]["state"] == "active"
        assert sam.client(sam.log_in(tenant="a")).get(ME).status_code == 200
        assert [name for name, *_ in changes(firm, sam.id)] == ["user.deactivated", "user.reactivated"]

    def test_a_version_that_is_gone(self, owner, somebody):
        sam = somebody(a="manager")
        read = owner.get(f"{USERS}/{sam.id}").headers["etag"]
        fresh = owner.patch(f"{ALIAS}/{sam.id}", json={"role": "agent"}, headers={"If-Match": read})
        assert fresh.status_code == 200
        stale = owner.patch(f"{USERS}/{sam.id}", json={"role": "viewer"}, headers={"If-Match": read})
        assert code(stale) == (412, "CHANGED_MEANWHILE")

    def test_name_and_address_of_who_belongs_here_alone(self, firm, owner, somebody):
        sam, taken = somebody(a="agent"), somebody(b="agent")
        address = f"renamed-{uuid4().hex}@example.org"
        changed = owner.patch(f"{USERS}/{sam.id}", json={"full_name": "Sam Renamed", "email": address})
        row = changed.json()["data"]
        assert (row["full_name"], row["email"]) == ("Sam Renamed", sam.email)
        assert ("profile.changed", "a", "user") in sam.security()
        mail, asked = firm.account_mails()
        assert (mail.kind, mail.to_address) == ("email_confirmation", address)
        assert (asked.kind, asked.to_address) == ("email_change_asked", sam.email)
        assert confirm(firm, mail).status_code == 200
        assert owner.get(f"{USERS}/{sam.id}").json()["data"]["email"] == address
        [told] = firm.account_mails()
        assert (told.kind, told.to_address) == ("email_changed", sam.email)
        both = somebody(a="agent", b="viewer")
        assert code(owner.patch(f"{USERS}/{both.id}", json={"full_name": "X"})) == (409, "BELONGS_ELSEWHERE")
        assert code(owner.patch(f"{USERS}/{taken.id}", json={"full_name": "X"})) == (404, "USER_NOT_FOUND")

    def test_an_address_of_somebody_else_is_answered_like_any(self, firm, owner, somebody):
        sam, taken = somebody(a="agent"), somebody(b="agent")
        free, known = (
            owner.patch(f"{USERS}/{sam.id}", json={"email": address}).json()["data"] | {"updated_at": None}
            for address in (f"free-{uuid4().hex}@example.org", taken.email)
        )
        assert free == known
        assert [mail.kind for mail in firm.account_mails()] == [
            *("email_confirmation", "email_change_asked"),
            *("email_wanted", "email_change_asked"),
        ]

    def test_the_address_of_who_works_elsewhere_by_now_stays(self, firm, owner, somebody):
        """Or whoever asked, and reads that mail, would be somebody at another tenant."""
        sam = somebody(a="agent")
        owner.patch(f"{USERS}/{sam.id}", json={"email": f"mine-{uuid4().hex}@example.org"})
        mail, _ = firm.account_mails()
        firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'agent')", sam.id, firm.b
        )
        assert code(confirm(firm, mail)) == (410, "ACCOUNT_LINK_OVER")
        assert sam.log_in()["user"]["email"] == sam.email

    def test_nobody_touches_who_may_do_more(self, firm, somebody):
        """Or an administrator could give an owner another address, and a new password."""
        admin, boss = firm.client("admin"), somebody(a="owner")
        for change in ({"role": "viewer"}, {"state": "suspended"}, {"email": "mine@example.org"}):
            assert code(admin.patch(f"{USERS}/{boss.id}", json=change)) == (403, "OWNERS_ALONE")
        assert code(admin.delete(f"{USERS}/{boss.id}")) == (403, "OWNERS_ALONE")

    def test_nobody_changes_themselves(self, somebody):
        boss = somebody(a="owner")
        client = boss.client()
        for change in ({"role": "viewer"}, {"state": "suspended"}):
            assert code(client.patch(f"{USERS}/{boss.id}", json=change)) == (409, "OWN_ACCOUNT")

    def test_several_at_once(self, firm, owner, somebody):
        people = [somebody(a="agent") for _ in range(2)]
        rows = [{"id": str(each.id), "state": "suspended"} for each in people] + [
            {"id": str(uuid4()), "role": "agent"}
        ]
        answer = owner.patch(f"{USERS}/bulk", json={"rows": rows})
        assert [each["status"] for each in answer.json()["data"]["results"]] == [
            "updated",
            "updated",
            "failed",
        ]
        states = firm.sql(
            "select state from memberships where user_id = any(%s)", [each.id for each in people]
        )
        assert states == [("suspended",)] * 2


class TestRemove:
    def test_the_account_stays_and_keys_stop(self, firm, owner, somebody):
        sam = somebody(a="manager", b="viewer")
        client = sam.client(sam.log_in(tenant="a"))
        made = client.post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]}).json()["data"]
        program = firm.running.client(Authorization=f"Bearer {made['key']}")
        assert program.get(ME).status_code == 200
        gone = owner.delete(f"{USERS}/{sam.id}")
        assert gone.json()["data"] == {"id": str(sam.id), "removed": True}
        assert client.get(ME).status_code == program.get(ME).status_code == 401
        assert firm.sql("select revoked_at is not null from api_keys where id = %s", made["id"]) == [(True,)]
        assert code(owner.get(f"{USERS}/{sam.id}")) == (404, "USER_NOT_FOUND")
        assert [each["slug"] for each in sam.log_in()["memberships"]] == ["b"]
        assert changes(firm, sam.id)[-1] == ("user.removed", {"role": "manager", "state": "active"}, None)

    def test_several_at_once(self, owner, somebody):
        people = [str(somebody(a="agent").id), str(uuid4())]
        answer = owner.request("DELETE", f"{USERS}/bulk", json={"ids": people})
        assert [each["status"] for each in answer.json()["data"]["results"]] == ["deleted", "failed"]


class TestLastOwner:
    @pytest.fixture
    def two(self, firm, somebody):
        """The only two owners that b has."""
        firm.sql("update memberships set role = 'admin' where tenant_id = %s and role = 'owner'", firm.b)
        yield [somebody(b="owner"), somebody(b="owner")]
        firm.sql("delete from memberships where tenant_id = %s and role = 'owner'", firm.b)
        firm.sql("update memberships set role = 'owner' where user_id = %s", firm.people[firm.b, "owner"])

    def owners(self, firm):
        [(count,)] = firm.sql(
            "select count(*) from memberships where tenant_id = %s and role = 'owner' and state = 'active'",
            firm.b,
        )
        return count

    @pytest.mark.parametrize("harm", ["role", "state", "delete"])
    def test_stays(self, firm, two, harm):
        one, other = two
        client = one.client()

        def do(user_id):
            if harm == "delete":
                return client.delete(f"{USERS}/{user_id}")
            change = {"role": "viewer"} if harm == "role" else {"state": "suspended"}
            return client.patch(f"{USERS}/{user_id}", json=change)

        assert do(other.id).status_code == 200
        assert code(do(one.id)) == (409, "LAST_OWNER" if harm == "delete" else "OWN_ACCOUNT")
        assert self.owners(firm) == 1

    def test_two_that_send_each_other_away_at_once(self, firm, two):
        one, other = two
        clients = [one.client(), other.client()]
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(clients[0].delete, f"{USERS}/{other.id}")
            second = pool.submit(clients[1].delete, f"{USERS}/{one.id}")
            statuses = sorted([first.result().status_code, second.result().status_code])
        assert statuses[0] == 200
        assert statuses[1] in (401, 409)  # 401: the first was through before the second was looked at
        assert self.owners(firm) == 1

    def test_two_that_leave_at_once(self, firm, two):
        clients = [each.client() for each in two]
        with ThreadPoolExecutor(2) as pool:
            answers = [
                pool.submit(client.delete, f"{USERS}/{person.id}")
                for client, person in zip(clients, two, strict=True)
            ]
            assert sorted(answer.result().status_code for answer in answers) == [200, 409]
        assert self.owners(firm) == 1
