"""Guards of people, employees and invitations taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from serve.identity.employees import leaving
from serve.identity.invitations import acceptance, endpoints
from serve.identity.invitations import service as invitations
from serve.identity.users import endpoints as user_endpoints
from serve.identity.users import service as users
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.surface.calls import Surface
from tests.surface.needs.people import invitation_token

USERS, EMPLOYEES = "/api/v1/admin/users", "/api/v1/employees"
NEW = {"full_name": "Nora New", "password": "a password of hers"}


def person(surface: Surface, role: str, slug: str = "a") -> str:
    """The id of somebody new with that role."""
    [(user_id,)] = surface.firm.sql(
        "with made as (insert into users (email, full_name) values (%s, 'Sam') returning id)"
        " insert into memberships (user_id, tenant_id, role) select made.id, t.id, %s from made, tenants t"
        " where t.slug = %s returning user_id",
        *(f"{uuid4().hex}@example.org", role, slug),
    )
    return str(user_id)


def client_of(surface: Surface, user_id: str, role: str) -> Any:
    tokens = surface.firm.running.app.state.tokens
    token, _ = tokens.issue(
        UUID(user_id), email="x@example.org", tenant_id=surface.firm.a, tenant_ids=[surface.firm.a], role=role
    )
    return surface.firm.running.client(Authorization=f"Bearer {token}")


def the_last_owner_stays(surface: Surface) -> None:
    surface.firm.sql(
        "update memberships set role = 'admin' where tenant_id = %s and role = 'owner'", surface.firm.a
    )
    boss = person(surface, "owner")
    assert client_of(surface, boss, "owner").delete(f"{USERS}/{boss}").status_code == 409


def one_of_two_owners_stays(surface: Surface) -> None:
    for _ in range(6):
        surface.firm.sql("delete from memberships where tenant_id = %s and role = 'owner'", surface.firm.a)
        two = [person(surface, "owner") for _ in range(2)]
        clients = [client_of(surface, each, "owner") for each in two]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: each[0].delete(f"{USERS}/{each[1]}"), zip(clients, two, strict=True)))
        left = surface.firm.sql(
            "select count(*) from memberships where tenant_id = %s and role = 'owner'", surface.firm.a
        )
        assert left == [(1,)]


def nobody_touches_an_owner(surface: Surface) -> None:
    boss = person(surface, "owner")
    assert (
        surface.firm.client("admin").patch(f"{USERS}/{boss}", json={"email": f"{boss}@x.org"}).status_code
        == 403
    )


def nobody_makes_an_owner(surface: Surface) -> None:
    wish = {"email": f"{uuid4().hex}@example.org", "full_name": "Eve", "role": "owner"}
    assert surface.firm.client("admin").post(USERS, json=wish).status_code == 403


def nobody_invites_an_owner(surface: Surface) -> None:
    wish = {"email": f"{uuid4().hex}@example.org", "role": "owner"}
    assert surface.firm.client("manager").post(f"{EMPLOYEES}/invite", json=wish).status_code == 403


def strangers_are_out_of_reach(surface: Surface) -> None:
    theirs = person(surface, "viewer", "b")
    owner = surface.firm.client("owner")
    assert owner.get(f"{USERS}/{theirs}").status_code == 404
    assert owner.delete(f"{USERS}/{theirs}").status_code == 404


def who_belongs_elsewhere_keeps_the_address(surface: Surface) -> None:
    both = person(surface, "viewer")
    surface.firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'viewer')", both, surface.firm.b
    )
    change = {"email": f"{uuid4().hex}@example.org"}
    assert surface.firm.client("owner").patch(f"{USERS}/{both}", json=change).status_code == 409


def it_counts_at_once(surface: Surface) -> None:
    sam = person(surface, "viewer")
    client = client_of(surface, sam, "viewer")
    assert client.get("/api/v1/contacts").status_code == 200
    assert surface.firm.client("owner").post(f"{USERS}/{sam}/deactivate").status_code == 200
    assert client.get("/api/v1/contacts").status_code == 401


def it_is_on_record(surface: Surface) -> None:
    sam = person(surface, "viewer")
    surface.firm.client("owner").delete(f"{USERS}/{sam}")
    assert surface.firm.sql("select name from events where entity_id = %s", sam) == [("user.removed",)]


def accept(surface: Surface, token: str) -> Any:
    return surface.firm.running.client().post(f"{EMPLOYEES}/accept-invitation", json={"token": token, **NEW})


def a_revoked_link_opens_nothing(surface: Surface) -> None:
    token = invitation_token(surface, None)
    surface.firm.sql("update invitations set revoked_at = now() where accepted_at is null")
    assert accept(surface, token).status_code == 410


def an_account_is_proven(surface: Surface) -> None:
    """Whoever holds the link alone does not come in as the person whose account it is."""
    token = invitation_token(surface, None)
    [(email,)] = surface.firm.sql("select email from invitations order by created_at desc limit 1")
    surface.firm.sql("insert into users (email, full_name) values (%s, 'Sam')", email)
    assert accept(surface, token).status_code == 401


def registering_is_no_open_door(surface: Surface) -> None:
    wish = {"email": f"{uuid4().hex}@example.org", "full_name": "Eve", "role": "viewer"}
    assert surface.firm.client("manager").post(f"{EMPLOYEES}/register", json=wish).status_code == 403


def who_has_left_is_out(surface: Surface) -> None:
    sam = person(surface, "viewer")
    client = client_of(surface, sam, "viewer")
    made = surface.firm.client("owner").post(EMPLOYEES, json={"full_name": "Sam"}).json()["data"]
    surface.firm.sql("update employees set user_id = %s where id = %s", sam, made["id"])
    ended = surface.firm.client("owner").post(f"{EMPLOYEES}/{made['id']}/end", json={})
    assert ended.status_code == 200
    assert client.get("/api/v1/contacts").status_code == 401


def nobody_is_above_themselves(surface: Surface) -> None:
    owner = surface.firm.client("owner")
    one, other = (owner.post(EMPLOYEES, json={"full_name": "x"}).json()["data"]["id"] for _ in range(2))
    owner.patch(f"{EMPLOYEES}/{one}", json={"manager_id": other})
    assert owner.patch(f"{EMPLOYEES}/{other}", json={"manager_id": one}).status_code == 422


# Ways to do harm that take more than a line


async def anything_goes(*asked: Any, **more: Any) -> None:
    return None


def checks_are_gone(*modules: Any) -> Any:
    def harm(surface: Surface, patch: Patch) -> None:
        for module in modules:
            patch.setattr(module, "check_giving", anything_goes)

    return harm


def whoever_has_the_link(surface: Surface, patch: Patch) -> None:
    async def of_the_account(login: Any, account: Any, *asked: Any) -> acceptance.Proof:
        return acceptance.Proof(("password",), UUID(account["id"]))

    patch.setattr(acceptance, "_of_the_account", of_the_account)


def no_lock(surface: Surface, patch: Patch) -> None:
    """What is held is what was there before: both see the other stay."""
    surface.firm.sql(
        "create or replace function staff_hold(p_user_id uuid) returns memberships"
        " language sql volatile security definer set search_path = public, pg_temp as $$"
        " select m from memberships m, pg_sleep(0.1) where m.user_id = p_user_id"
        " and m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$"
    )


NEVER = "create or replace function staff_is_last_owner(p_user_id uuid) returns boolean language sql as 'select false'"
EVERYBODY = (
    "create or replace function staff_change_person(p_user_id uuid, p_full_name text, p_email text) returns boolean"
    " language sql security definer as $$ update users set email = coalesce(p_email, email) where id = p_user_id"
    " returning true $$"
)

SABOTAGES = {
    "the last owner may go": Sabotage(sql(NEVER), the_last_owner_stays),
    "owners go at once": Sabotage(no_lock, one_of_two_owners_stays),
    "everybody changes everybody": Sabotage(checks_are_gone(users), nobody_touches_an_owner),
    "everybody gives every role": Sabotage(checks_are_gone(invitations), nobody_makes_an_owner),
    "everybody invites as everything": Sabotage(checks_are_gone(invitations), nobody_invites_an_owner),
    "people of all tenants are shown": Sabotage(
        lambda surface, patch: (
            surface.firm.sql(
                "select set_config('check_function_bodies', 'off', false);"
                + surface.firm.sql("select pg_get_functiondef('staff_people'::regproc)")[0][0].replace(
                    "m.tenant_id = any", "true or m.tenant_id = any"
                )
            )
            and None
        ),
        strangers_are_out_of_reach,
    ),
    "addresses of strangers change": Sabotage(sql(EVERYBODY), who_belongs_elsewhere_keeps_the_address),
    "what is done counts later": Sabotage(
        instead(user_endpoints, "_counts_at_once", lambda request, db: None), it_counts_at_once
    ),
    "nothing is on record": Sabotage(sql("drop trigger record_membership on memberships"), it_is_on_record),
    "links work for ever": Sabotage(
        instead(acceptance, "check_useful", lambda invitation, state, now: None), a_revoked_link_opens_nothing
    ),
    "a link is enough": Sabotage(whoever_has_the_link, an_account_is_proven),
    "everybody registers": Sabotage(
        instead(endpoints.registration, "NEEDED", ()), registering_is_no_open_door
    ),
    "who has left stays in": Sabotage(instead(leaving, "_switch", anything_goes), who_has_left_is_out),
    "circles": Sabotage(sql("drop trigger refuse_circle on employees"), nobody_is_above_themselves),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
