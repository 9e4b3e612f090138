"""Guards of accounts and sessions taken away one at a time: what stands for each must notice."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from serve.identity.account_tokens import service as account_tokens
from serve.identity.accounts import service as accounts
from serve.identity.auth import passwords
from serve.identity.auth.attempts import Attempts
from serve.identity.auth.errors import TooManyAttempts
from serve.identity.roles import endpoints as roles
from serve.identity.sessions.service import Sessions
from serve.kernel import caller, tokens
from serve.kernel.caller import NeedsPerson
from serve.kernel.ratelimit import Rate, SharedDebts
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.serve.firm import CHEAP, PASSWORD
from tests.surface.calls import Surface

AUTH = "/api/v1/auth"


def a_person(surface: Surface, role: str = "manager") -> tuple[Any, str]:
    """Somebody new, and their address."""
    email = f"p{uuid4().hex}@example.com"
    [(user_id,)] = surface.firm.sql(
        "insert into users (email, full_name, password_hash) values (%s, 'Sam Body', %s) returning id",
        *(email, CHEAP.hash(PASSWORD)),
    )
    surface.firm.sql(
        "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
        user_id,
        surface.firm.a,
        role,
    )
    return user_id, email


def log_in(surface: Surface, email: str, path: str = f"{AUTH}/login") -> dict[str, Any]:
    answer = surface.firm.running.client().post(path, json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def status(surface: Surface, session: dict[str, Any], path: str = f"{AUTH}/me") -> int:
    client = surface.firm.running.client(Authorization=f"Bearer {session['access_token']}")
    return client.get(path).status_code


def look(surface: Surface) -> None:
    surface.firm.running.wait_for(surface.firm.running.app.state.revocations.look())


def what_is_taken_away_counts_at_once(surface: Surface) -> None:
    user_id, email = a_person(surface)
    session = log_in(surface, email)
    surface.firm.sql("delete from memberships where user_id = %s", user_id)
    look(surface)
    assert status(surface, session, "/api/v1/contacts") == 401


def who_is_suspended_is_logged_out(surface: Surface) -> None:
    user_id, email = a_person(surface)
    session = log_in(surface, email)
    surface.firm.sql("update memberships set state = 'suspended' where user_id = %s", user_id)
    surface.firm.sql("update memberships set state = 'active' where user_id = %s", user_id)
    refresh = {"refresh_token": session["refresh_token"]}
    assert surface.firm.running.client().post(f"{AUTH}/refresh", json=refresh).status_code == 401


def fifty_refreshes_leave_one_head(surface: Surface) -> None:
    """R14: all get the same successor, and only one token of the session is unspent."""
    user_id, email = a_person(surface)
    token = log_in(surface, email)["refresh_token"]
    clients = [surface.firm.running.client() for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda client: client.post(f"{AUTH}/refresh", json={"refresh_token": token}), clients)
        )
    heads = surface.firm.sql(
        "select count(*) from refresh_tokens t join sessions s on s.id = t.session_id"
        " where s.user_id = %s and t.used_at is null and s.ended_at is null",
        user_id,
    )
    assert heads == [(1,)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1


def a_link_works_once(surface: Surface) -> None:
    user_id, email = a_person(surface)
    service, database = accounts, surface.firm.running.app.state.database

    async def issued() -> str:
        async with database.transaction() as db:
            return await account_tokens.issue_token(
                db, "password_reset", life=service.RESET_LIFE, user_id=user_id, email=email
            )

    token = surface.firm.running.wait_for(issued())
    asked = {"token": token, "password": "a new password of ours"}
    first, second = (
        surface.firm.running.client().post(f"{AUTH}/reset-password", json=asked).status_code for _ in range(2)
    )
    assert (first, second) == (200, 410)


def nobody_is_written_to(surface: Surface) -> None:
    """Who has no account gets the same answer and no mail."""
    asked = {"email": f"nobody-{uuid4().hex}@example.com"}
    assert surface.firm.running.client().post(f"{AUTH}/forgot-password", json=asked).status_code == 202
    told = surface.firm.sql("select state from account_mails order by id desc limit 1")
    assert told == [("nobody",)]


def strangers_cost_the_same(surface: Surface) -> None:
    """A wrong password for nobody is looked at as long as one for somebody: with a hash of the same cost."""
    _, email = a_person(surface)
    done: list[str] = []
    judge = surface.firm.running.app.state.login.passwords
    careful = judge._hasher

    class Counting:
        hash = staticmethod(careful.hash)

        def verify(self, password_hash: str, password: str) -> bool:
            done.append(password_hash.rpartition("$")[0].rpartition("$")[0])
            return careful.verify(password_hash, password)

    judge._hasher = Counting()
    try:
        for address in (email, f"nobody-{uuid4().hex}@example.com"):
            body = {"email": address, "password": "a wrong one"}
            assert surface.firm.running.client().post(f"{AUTH}/login", json=body).status_code == 401
    finally:
        judge._hasher = careful
    assert len(done) == 2
    assert len({*done}) == 1


def two_hashes_at_a_time(surface: Surface) -> None:
    """Each takes 64 MiB: a flood of log-ins waits its turn."""
    running, most, lock = [0], [0], threading.Lock()

    class Slow:
        def verify(self, password_hash: str, password: str) -> bool:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)  # as long as a hash takes; nothing is waited for
            with lock:
                running[0] -= 1
            return True

    async def flood() -> None:
        judge = passwords.Passwords()
        judge._hasher = Slow()  # type: ignore[assignment]
        await asyncio.gather(*(judge.matches("$argon2id$", "a password") for _ in range(12)))

    asyncio.run(flood())
    assert most[0] == 2


def refused(attempts: Attempts, address: str, device: str = "") -> bool:
    try:
        asyncio.run(attempts.count(address, "victim@example.com", device=device))
    except TooManyAttempts:
        return True
    return False


def guesses_from_everywhere_end(surface: Surface) -> None:
    attempts = Attempts(10, "a secret of ours")
    assert any(refused(attempts, f"198.51.100.{n}", "made.up") for n in range(200))


def the_owner_is_not_locked_out(surface: Surface) -> None:
    attempts = Attempts(10, "a secret of ours")
    cookie = attempts.cookie_for("victim@example.com")
    assert any(refused(attempts, f"198.51.100.{n}") for n in range(200))
    assert not refused(attempts, "203.0.113.7", cookie)


def two_processes(surface: Surface) -> list[Attempts]:
    """That count in the database of the firm."""
    shared = SharedDebts(surface.firm.running.app.state.database)
    return [Attempts(10, "a secret of ours", shared) for _ in range(2)]


def guesses_at_all_processes_are_one_stock(surface: Surface) -> None:
    account = f"{uuid4().hex}@example.com"

    async def guess() -> int:
        processes = two_processes(surface)
        for n in range(200):
            try:
                await processes[n % 2].count(f"198.51.100.{n}", account)
            except TooManyAttempts:
                return n
        return 200

    assert surface.firm.running.wait_for(guess()) == 50


def the_owner_is_known_to_all_processes(surface: Surface) -> None:
    account = f"{uuid4().hex}@example.com"

    async def come_in() -> None:
        one, other = two_processes(surface)
        await one.succeeded("203.0.113.7", account)
        for n in range(50):
            await other.count(f"198.51.100.{n}", account)
        try:
            await other.count("203.0.113.7", account)
        except TooManyAttempts:
            raise AssertionError("strangers have locked the owner out") from None

    surface.firm.running.wait_for(come_in())


def the_app_makes_no_keys(surface: Surface) -> None:
    _, email = a_person(surface, "owner")
    session = log_in(surface, email, "/api/v1/mobile/auth")
    client = surface.firm.running.client(Authorization=f"Bearer {session['access_token']}")
    assert client.post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]}).status_code == 403


def the_app_administers_nothing(surface: Surface) -> None:
    _, email = a_person(surface, "owner")
    assert status(surface, log_in(surface, email, "/api/v1/mobile/auth"), "/api/v1/roles") == 403


def nobody_gives_more_than_they_have(surface: Surface) -> None:
    maker = f"m{uuid4().hex[:10]}"
    surface.firm.sql(
        "insert into roles (tenant_id, slug, name, permissions) values (%s, %s, 'M', %s)",
        *(surface.firm.a, maker, '["roles:read", "roles:write", "self:read"]'),
    )
    _, email = a_person(surface, maker)
    client = surface.firm.running.client(Authorization=f"Bearer {log_in(surface, email)['access_token']}")
    wider = {"slug": f"w{uuid4().hex[:10]}", "name": "W", "permissions": ["users:write"]}
    assert client.post("/api/v1/roles", json=wider).status_code == 403


def a_proof_ends_the_tokens_of_before(surface: Surface) -> None:
    _, email = a_person(surface)
    session = log_in(surface, email)
    client = surface.firm.running.client(Authorization=f"Bearer {session['access_token']}")
    assert client.post(f"{AUTH}/step-up", json={"password": PASSWORD}).status_code == 200
    assert status(surface, session) == 401


def a_proof_spends_the_refresh_token(surface: Surface) -> None:
    user_id, email = a_person(surface)
    session = log_in(surface, email)
    client = surface.firm.running.client(Authorization=f"Bearer {session['access_token']}")
    assert client.post(f"{AUTH}/step-up", json={"password": PASSWORD}).status_code == 200
    surface.firm.sql(
        "update refresh_tokens set used_at = used_at - interval '11 seconds' where session_id in"
        " (select id from sessions where user_id = %s)",
        user_id,
    )
    refresh = {"refresh_token": session["refresh_token"]}
    assert surface.firm.running.client().post(f"{AUTH}/refresh", json=refresh).status_code == 401


def administrators_sign_out_their_own(surface: Surface) -> None:
    user_id, email = a_person(surface)
    session = log_in(surface, email)
    surface.firm.client("owner", surface.firm.b).post(f"/api/v1/admin/users/{user_id}/sign-out")
    surface.firm.client("owner", surface.firm.b).post("/api/v1/admin/users/sign-out")
    assert status(surface, session) == 200


async def _always_good(db: Any, token: str, purpose: str, *, spend: bool) -> Any:
    row = await db.fetch_one(
        "select * from take_account_token($1, $2, $3)", account_tokens._hash(token), purpose, spend
    )
    ids = (row["user_id"], row["tenant_id"], row["subject_id"])
    return account_tokens.AccountToken(*ids, row["email"], row["detail"], "good")


async def _rotates_nothing(self: Sessions, db: Any, session_id: Any) -> str:
    """A token beside the one of before, which goes on."""
    return secrets.token_urlsafe(32)


def _signs_out_all(surface: Surface, patch: Patch) -> None:
    """The function without its condition, as the one who writes it anew might forget it."""
    [(written,)] = surface.firm.sql("select pg_get_functiondef('staff_sign_out'::regproc)")
    assert "s.tenant_id = tenant and" in written
    surface.firm.sql(written.replace("s.tenant_id = tenant and", ""))


def _told_anyway(surface: Surface, patch: Patch) -> None:
    queue = accounts.queue_account_mail

    async def careless(*parts: Any, to_nobody: bool = False, **named: Any) -> None:
        await queue(*parts, **named)

    patch.setattr(accounts, "queue_account_mail", careless)


async def _takes_alone(self: Attempts, asked: Any) -> Any:
    return self._failures.take(asked)


async def _knows_alone(self: Attempts, address: str, account: str) -> bool:
    return self._known.debt_s(self._key("login_known", address, account), Rate(1e-6, 1)) > 0


def _spared(surface: Surface, patch: Patch) -> None:
    async def matches(self: Any, password_hash: str | None, password: str) -> bool:
        try:
            return password_hash is not None and bool(self._hasher.verify(password_hash, password))
        except passwords.VerificationError:
            return False

    patch.setattr(passwords.Passwords, "matches", matches)


SABOTAGES = {
    "tokens are not looked at again": Sabotage(
        instead(tokens.Tokens, "_is_void", lambda self, caller: False), what_is_taken_away_counts_at_once
    ),
    "a removed membership takes nothing back": Sabotage(
        sql("alter table memberships disable trigger revoke_tokens_of_gone"),
        what_is_taken_away_counts_at_once,
    ),
    "a proof leaves the tokens of before": Sabotage(
        sql(
            "create or replace function revocations_since(p_xid bigint) returns setof revocations language sql"
            " security definer set search_path = public, pg_temp as 'select * from revocations where not goes_on'"
        ),
        a_proof_ends_the_tokens_of_before,
    ),
    "a proof leaves the refresh token of before": Sabotage(
        instead(Sessions, "rotate", _rotates_nothing), a_proof_spends_the_refresh_token
    ),
    "sessions of all tenants are ended": Sabotage(_signs_out_all, administrators_sign_out_their_own),
    "a suspension ends no session": Sabotage(
        sql("alter table memberships disable trigger revoke_tokens_of_changed"),
        who_is_suspended_is_logged_out,
    ),
    "each refresh makes a head of its own": Sabotage(
        instead(Sessions, "successor", lambda self, token: secrets.token_urlsafe(32)),
        fifty_refreshes_leave_one_head,
    ),
    "a link works again": Sabotage(instead(account_tokens, "_take", _always_good), a_link_works_once),
    "everybody is written to": Sabotage(_told_anyway, nobody_is_written_to),
    "nobody's password is not looked at": Sabotage(_spared, strangers_cost_the_same),
    "hashes are not counted": Sabotage(
        instead(passwords.asyncio, "Semaphore", lambda n: asyncio.BoundedSemaphore(100)), two_hashes_at_a_time
    ),
    "guesses are counted by address alone": Sabotage(
        instead(Attempts, "_is_of", lambda self, device, account: True), guesses_from_everywhere_end
    ),
    "the browser's cookie says nothing": Sabotage(
        instead(Attempts, "_is_of", lambda self, device, account: False), the_owner_is_not_locked_out
    ),
    "each process counts for itself": Sabotage(
        instead(Attempts, "_take", _takes_alone), guesses_at_all_processes_are_one_stock
    ),
    "each process knows its own visitors": Sabotage(
        instead(Attempts, "_has_come_in", _knows_alone), the_owner_is_known_to_all_processes
    ),
    "a limited token is as good as any": Sabotage(
        instead(NeedsPerson, "__call__", caller.Needs.__call__), the_app_makes_no_keys
    ),
    "a limited token has all of its role": Sabotage(
        instead(tokens, "permissions_of", lambda role, own=None, *, only=None: caller_permissions(role, own)),
        the_app_administers_nothing,
    ),
    "roles are given by whoever may make them": Sabotage(
        instead(roles, "check_given", lambda mine, given: None), nobody_gives_more_than_they_have
    ),
}


def caller_permissions(role: str, own: Any) -> frozenset[str]:
    from serve.kernel.permissions import permissions_of

    return permissions_of(role, own)


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(name: str, surface: Surface, monkeypatch: Patch) -> None:
    sabotage = SABOTAGES[name]
    sabotage.check(surface)  # with the guard in its place
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
