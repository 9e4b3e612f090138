"""Log-in on a real database: passwords, tenants, cookies, limits."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher

from serve.identity.auth import passwords
from serve.kernel.caller import COOKIE
from serve.kernel.errors import Unauthenticated
from serve.kernel.ratelimit import RateLimit
from serve.kernel.tokens import Tokens
from tests.serve.conftest import Running
from tests.serve.small_release import A, B

LOGIN, ME, LOGOUT, KPIS = (
    f"/api/v1/{path}" for path in ("auth/login", "auth/me", "auth/logout", "dashboard/kpis")
)
PASSWORD = "a password of ours"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class People:
    """A service with Olga, owner of A and viewer of B, and Ines, who is not active."""

    running: Running
    olga: UUID
    database: str

    def log_in(self, client: httpx.Client | None = None, **asked: object) -> httpx.Response:
        body = {"email": "olga@example.com", "password": PASSWORD, **asked}
        return (client or self.running.client()).post(LOGIN, json=body)


@pytest.fixture
def people(home, releases, run_app: Callable[..., Running], db) -> People:
    with psycopg.connect(db.url("super")) as connection:
        for tenant, slug in ((A, "alpha"), (B, "beta")):
            connection.execute(
                "insert into tenants (id, slug, name, kind, country, timezone, currency, is_simulated)"
                " values (%s, %s, %s, 'fleet', 'DE', 'Europe/Berlin', 'EUR', true)",
                (tenant, slug, slug.title()),
            )
        ids = [
            connection.execute(
                "insert into users (email, full_name, password_hash, is_active) values (%s, %s, %s, %s) returning id",
                (email, name, CHEAP.hash(PASSWORD), active),
            ).fetchone()[0]
            for email, name, active in (
                ("olga@example.com", "Olga Owner", True),
                ("ines@example.com", "Ines Inactive", False),
            )
        ]
        for tenant, role in ((A, "owner"), (B, "viewer")):
            connection.execute(
                "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
                (ids[0], tenant, role),
            )
    running = run_app(home, database_url=db.base, login_attempts_per_min=3)
    return People(running, ids[0], db.url("super"))


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


class TestLogin:
    def test_a_token_opens_the_tenants_own_figures(self, people):
        answer = people.log_in().json()["data"]
        assert answer["user"]["full_name"] == "Olga Owner"
        assert [each["slug"] for each in answer["memberships"]] == ["alpha", "beta"]
        assert (answer["tenant"]["slug"], answer["tenant"]["role"]) == ("alpha", "owner")
        assert answer["expires_in_s"] == 600
        client = people.running.client(Authorization=f"Bearer {answer['access_token']}")
        assert client.get(KPIS).json()["data"][0]["value"] == 300_000
        me = client.get(ME).json()["data"]
        assert (me["user"], me["tenant"]["slug"]) == (answer["user"], "alpha")
        assert "analytics:read" in me["permissions"]

    @pytest.mark.parametrize("tenant", ["beta", str(B)])
    def test_the_tenant_is_chosen_at_log_in(self, people, tenant):
        answer = people.log_in(tenant=tenant).json()["data"]
        assert answer["tenant"]["role"] == "viewer"
        client = people.running.client(Authorization=f"Bearer {answer['access_token']}")
        assert client.get(KPIS).json()["data"][0]["value"] == 77 * 30

    def test_the_moment_of_log_in_is_noted(self, people):
        people.log_in()
        with psycopg.connect(people.database) as connection:
            (at,) = connection.execute(
                "select last_login_at from users where id = %s", (people.olga,)
            ).fetchone()
        assert at is not None

    @pytest.mark.parametrize(
        "asked",
        [{"password": "wrong"}, {"email": "nobody@example.com"}, {"email": "ines@example.com"}],
    )
    def test_all_failures_look_the_same(self, people, asked):
        response = people.log_in(**asked)
        assert code(response) == (401, "WRONG_CREDENTIALS")
        assert COOKIE not in response.cookies

    def test_an_unknown_account_costs_a_hash_too(self, people, monkeypatch):
        verified = []
        checker = people.running.app.state.login.passwords
        monkeypatch.setattr(
            type(checker), "_nobodys_hash", property(lambda _: verified.append(1) or CHEAP.hash("x"))
        )
        people.log_in(email="nobody@example.com")
        assert verified

    def test_who_was_hashed_at_another_cost_is_hashed_anew(self, people, db):
        def stored() -> str:
            with psycopg.connect(db.url("super")) as connection:
                found = connection.execute("select password_hash from users where email = 'olga@example.com'")
                return found.fetchone()[0]

        with psycopg.connect(db.url("super")) as connection:
            weaker = PasswordHasher(time_cost=1, memory_cost=16, parallelism=2).hash(PASSWORD)
            connection.execute("update users set password_hash = %s", (weaker,))
        assert people.log_in(password="a wrong one").status_code == 401
        assert stored() == weaker
        assert people.log_in().status_code == 200
        renewed = stored()
        assert "$m=8,t=1,p=1$" in renewed
        assert people.log_in().status_code == 200
        assert stored() == renewed

    def test_a_tenant_of_others(self, people):
        assert code(people.log_in(tenant="gamma")) == (403, "NO_MEMBERSHIP")

    def test_what_is_wrong_with_the_body_is_named_without_repeating_it(self, people):
        response = people.running.client().post(
            LOGIN, json={"email": "olga@example.com", "pasword": PASSWORD}
        )
        assert code(response) == (422, "INVALID")
        fields = {detail["field"] for detail in response.json()["error"]["details"]}
        assert fields == {"password", "pasword"}
        assert PASSWORD not in response.text

    @pytest.mark.parametrize("field", ["email", "tenant"])
    def test_what_no_text_can_hold_is_named(self, people, field):
        response = people.log_in(**{field: "ol\0ga"})
        assert code(response) == (422, "INVALID")
        assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]

    def test_too_many_failures(self, people):
        for _ in range(3):
            assert people.log_in(password="wrong").status_code == 401
        response = people.log_in()
        assert code(response) == (429, "TOO_MANY_ATTEMPTS")
        assert 1 <= int(response.headers["retry-after"]) <= 20
        assert people.log_in(email="other@example.com").status_code == 401

    def test_success_forgets_failures(self, people):
        for _ in range(4):
            assert people.log_in(password="wrong").status_code == 401
            assert people.log_in().status_code == 200

    def test_without_a_database(self, home, releases, run_app):
        running = run_app(home, database_url="postgresql://localhost:1/none")
        response = running.client().post(LOGIN, json={"email": "olga@example.com", "password": PASSWORD})
        assert code(response) == (503, "DATABASE_UNAVAILABLE")
        assert running.caller().get(KPIS).status_code == 200


class TestCookie:
    def test_it_reads_like_a_token(self, people):
        client = people.running.client()
        response = people.log_in(client)
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.get(KPIS).status_code == 200

    def test_what_changes_something_needs_the_header(self, people):
        client = people.running.client()
        people.log_in(client)
        assert code(client.post(LOGOUT)) == (403, "CSRF")
        assert client.post(LOGOUT, headers={"X-Requested-With": "page"}).status_code == 200

    def test_log_out_ends_the_token_everywhere(self, people):
        client = people.running.client()
        token = people.log_in(client).json()["data"]["access_token"]
        client.post(LOGOUT, headers={"X-Requested-With": "page"})
        assert COOKIE not in client.cookies
        bearer = people.running.client(Authorization=f"Bearer {token}")
        assert code(bearer.get(KPIS)) == (401, "UNAUTHENTICATED")


class TestMe:
    def test_a_person_who_was_switched_off(self, people):
        client = people.running.client()
        people.log_in(client)
        with psycopg.connect(people.database) as connection:
            connection.execute("update users set is_active = false")
        assert code(client.get(ME)) == (401, "UNAUTHENTICATED")

    def test_a_membership_that_ended(self, people):
        client = people.running.client()
        people.log_in(client)
        with psycopg.connect(people.database) as connection:
            connection.execute("delete from memberships where tenant_id = %s", (A,))
        assert code(client.get(ME)) == (401, "UNAUTHENTICATED")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class TestTokens:
    SECRET = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")

    def issue(self, tokens: Tokens) -> str:
        return tokens.issue(A, email="o@example.com", tenant_id=A, tenant_ids=[A, B], role="owner")[0]

    def test_the_caller_comes_back(self):
        tokens = Tokens(self.SECRET, life_s=600)
        caller = tokens.verify(self.issue(tokens))
        assert (caller.tenant_id, caller.tenant_ids, caller.role) == (A, (A, B), "owner")

    def test_a_remembered_token_still_expires(self):
        clock = Clock()
        tokens = Tokens(self.SECRET, life_s=30, clock=clock)
        token = self.issue(tokens)
        tokens.verify(token)
        clock.now += 29
        tokens.verify(token)
        clock.now += 1
        with pytest.raises(Unauthenticated, match="expired"):
            tokens.verify(token)

    def test_a_changed_claim_breaks_the_signature(self):
        tokens = Tokens(self.SECRET, life_s=600)
        head, claims, signature = self.issue(tokens).split(".")
        values = json.loads(base64.urlsafe_b64decode(claims + "=="))
        forged = (
            base64.urlsafe_b64encode(json.dumps({**values, "tenant": str(B)}).encode()).decode().rstrip("=")
        )
        with pytest.raises(Unauthenticated):
            tokens.verify(f"{head}.{forged}.{signature}")

    def test_no_signature_and_other_keys_are_refused(self):
        tokens = Tokens(self.SECRET, life_s=600)
        _, claims, _ = self.issue(tokens).split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        other = Tokens(base64.urlsafe_b64encode(b"x" * 32).decode(), life_s=600)
        for token in (f"{none}.{claims}.", self.issue(other), "", "a.b.c"):
            with pytest.raises(Unauthenticated):
                tokens.verify(token)

    def test_the_memory_is_bounded_and_drops_the_oldest(self, monkeypatch):
        monkeypatch.setattr("serve.kernel.tokens.CACHE_SIZE", 2)
        tokens = Tokens(self.SECRET, life_s=600)
        for _ in range(5):
            tokens.verify(self.issue(tokens))
        assert len(tokens._seen) == 2


class TestRateLimit:
    def test_a_burst_then_one_each_interval(self):
        clock = Clock()
        limit = RateLimit(60, burst=2, clock=clock)
        for _ in range(2):
            assert limit.wait_s("a") == 0
            limit.count("a")
        assert limit.wait_s("a") == 1
        assert limit.wait_s("b") == 0
        clock.now += 1
        assert limit.wait_s("a") == 0
        limit.count("a")
        assert limit.wait_s("a") == 1

    def test_at_most_two_hashes_at_once(self, monkeypatch):
        import asyncio

        at_once, most = 0, 0

        def slow(*_: object) -> bool:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            time.sleep(0.01)
            at_once -= 1
            return True

        checker = passwords.Passwords()
        monkeypatch.setattr(checker, "_matches", slow)

        async def many() -> None:
            await asyncio.gather(*(checker.matches("h", "p") for _ in range(6)))

        asyncio.run(many())
        assert most == 2
