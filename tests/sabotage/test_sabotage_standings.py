"""What is asked before a token is signed, taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from serve.identity.account_tokens.service import issue_token
from serve.identity.accounts import service as accounts
from serve.identity.auth import endpoints
from serve.identity.auth import service as auth
from tests.sabotage.test_sabotage import Patch, Sabotage, instead
from tests.sabotage.test_sabotage_identity import AUTH, a_person, log_in, look, status
from tests.serve.firm import PASSWORD
from tests.surface.calls import Surface


def in_two(surface: Surface, at_a: str, at_b: str) -> tuple[Any, str]:
    """Somebody with a role in each of two tenants, and their address."""
    user_id, email = a_person(surface, at_a)
    surface.firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
        *(user_id, surface.firm.b, at_b),
    )
    return user_id, email


def refreshed(surface: Surface, session: dict[str, Any], **asked: str) -> Any:
    body = {"refresh_token": session["refresh_token"], **asked}
    return surface.firm.running.client().post(f"{AUTH}/refresh", json=body)


def in_a(surface: Surface, email: str) -> dict[str, Any]:
    """A session of theirs at work for the first tenant."""
    session = refreshed(surface, log_in(surface, email), tenant="a").json()["data"]
    assert session["tenant"]["slug"] == "a"
    return dict(session)


def eyes(surface: Surface, looker: str, user_id: Any) -> dict[str, Any]:
    client = surface.firm.running.client(Authorization=f"Bearer {log_in(surface, looker)['access_token']}")
    because = {"reason": "You told us that a list is empty."}
    answer = client.post(f"/api/v1/admin/users/{user_id}/impersonate", json=because)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


def no_role_of_another_tenant_is_signed(surface: Surface) -> None:
    """Where the process has not heard yet that the session has moved."""
    _, email = in_two(surface, "viewer", "owner")
    before = in_a(surface, email)
    assert refreshed(surface, before, tenant="b").status_code == 200
    surface.firm.running.app.state.tokens._void.clear()
    client = surface.firm.running.client(Authorization=f"Bearer {before['access_token']}")
    assert client.post(f"{AUTH}/step-up", json={"password": PASSWORD}).status_code == 401


def a_move_voids_the_tokens_of_before(surface: Surface) -> None:
    _, email = in_two(surface, "viewer", "owner")
    before = in_a(surface, email)
    assert refreshed(surface, before, tenant="b").status_code == 200
    assert status(surface, before) == 401


def eyes_stay_where_they_are(surface: Surface) -> None:
    user_id, _ = in_two(surface, "viewer", "owner")
    _, looker = a_person(surface, "admin")
    assert refreshed(surface, eyes(surface, looker, user_id), tenant="b").status_code == 403


def eyes_do_not_follow_into_another_tenant(surface: Surface) -> None:
    """Though the session and everything about it were moved there."""
    user_id, _ = in_two(surface, "viewer", "owner")
    looker_id, looker = a_person(surface, "admin")
    session = eyes(surface, looker, user_id)
    surface.firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'owner')",
        *(looker_id, surface.firm.b),
    )
    surface.firm.sql(
        "update sessions set tenant_id = %s where user_id = %s and impersonation_id is not null",
        *(surface.firm.b, user_id),
    )
    assert refreshed(surface, session).status_code == 401


def eyes_end_with_the_power_they_come_from(surface: Surface) -> None:
    user_id, _ = a_person(surface, "viewer")
    looker_id, looker = a_person(surface, "admin")
    session = eyes(surface, looker, user_id)
    surface.firm.sql("update memberships set role = 'manager' where user_id = %s", looker_id)
    assert refreshed(surface, session).status_code == 401


def eyes_end_with_the_session_they_come_from(surface: Surface) -> None:
    user_id, _ = a_person(surface, "viewer")
    looker_id, looker = a_person(surface, "admin")
    session = eyes(surface, looker, user_id)
    surface.firm.sql("update sessions set ended_at = now() where user_id = %s", looker_id)
    look(surface)
    assert status(surface, session) == 401
    [(ended_at,)] = surface.firm.sql("select ended_at from impersonations where user_id = %s", user_id)
    assert ended_at is not None


def eyes_see_one_tenant(surface: Surface) -> None:
    user_id, _ = in_two(surface, "viewer", "owner")
    _, looker = a_person(surface, "admin")
    assert len(eyes(surface, looker, user_id)["memberships"]) == 1


def signing_and_lowering_take_turns(surface: Surface) -> None:
    user_id, email = a_person(surface, "signer")
    surface.firm.sql(
        "insert into roles (tenant_id, slug, name, permissions) values (%s, 'signer', 'Signer', '[]')"
        " on conflict do nothing",
        surface.firm.a,
    )
    log_in(surface, email)
    url = surface.firm.address.url("super")
    with psycopg.connect(url) as signing, psycopg.connect(url) as lowering:
        signing.execute("select auth_standing(s.id) from sessions s where s.user_id = %s", (user_id,))
        lowering.execute("set lock_timeout = '100ms'")
        try:
            lowering.execute("update roles set permissions = permissions where slug = 'signer'")
        except LockNotAvailable:
            return
    raise AssertionError("the role was lowered while a token of it was signed")


def a_new_password_ends_what_was_asked_for_before(surface: Surface) -> None:
    user_id, email = a_person(surface)
    database, stolen = surface.firm.running.app.state.database, f"new-{email}"

    async def issued(purpose: str, address: str) -> str:
        async with database.transaction() as db:
            return await issue_token(db, purpose, life=accounts.RESET_LIFE, user_id=user_id, email=address)

    theft = surface.firm.running.wait_for(issued("email_confirmation", stolen))
    reset = surface.firm.running.wait_for(issued("password_reset", email))
    client, asked = surface.firm.running.client(), {"token": reset, "password": "a new password of ours"}
    assert client.post(f"{AUTH}/reset-password", json=asked).status_code == 200
    assert client.post(f"{AUTH}/confirm-email", json={"token": theft}).status_code == 410


def without(function: str, *parts: tuple[str, str]) -> Any:
    """The function as somebody might write it anew who forgets a part."""

    def harm(surface: Surface, patch: Patch) -> None:
        [(written,)] = surface.firm.sql(f"select pg_get_functiondef('{function}'::regproc)")
        for part, instead_of_it in parts:
            assert part in written, part
            written = written.replace(part, instead_of_it)
        surface.firm.sql(written)

    return harm


async def _nothing(db: Any, subject_id: Any) -> None:
    """Whoever it is."""


SABOTAGES = {
    "the tenant of a session is whatever the token says": Sabotage(
        without(
            "auth_standing",
            ("tenant_id := session.tenant_id", "tenant_id := current_setting('app.tenant_id')::uuid"),
        ),
        no_role_of_another_tenant_is_signed,
    ),
    "a move leaves the tokens of before": Sabotage(
        without("auth_move_session", ("from moved m", "from moved m where false")),
        a_move_voids_the_tokens_of_before,
    ),
    "eyes move like anybody": Sabotage(instead(auth, "_check_may_move", _nothing), eyes_stay_where_they_are),
    "eyes count in any tenant": Sabotage(
        without("auth_standing", ("i.tenant_id = session.tenant_id", "true")),
        eyes_do_not_follow_into_another_tenant,
    ),
    "eyes are asked once": Sabotage(
        instead(auth, "_check_eyes", lambda looker, person, standing: None),
        eyes_end_with_the_power_they_come_from,
    ),
    "eyes outlive the session they come from": Sabotage(
        without("revoke_when_ended", ("i.session_id = new.id", "false")),
        eyes_end_with_the_session_they_come_from,
    ),
    "eyes see everything": Sabotage(
        instead(endpoints, "_seen_memberships", lambda person, looker_id: person.memberships),
        eyes_see_one_tenant,
    ),
    "a new password leaves the links of before": Sabotage(
        instead(accounts, "void_links", _nothing), a_new_password_ends_what_was_asked_for_before
    ),
    "roles are lowered while they are signed": Sabotage(
        without(
            "standing_role", ("perform pg_advisory_xact_lock_shared", "perform hashtext('') where false; --")
        ),
        signing_and_lowering_take_turns,
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
