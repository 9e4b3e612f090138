"""Failed log-ins with ``RATE_LIMITS_SHARED``: what one process saw, the others know."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from serve.identity.auth.attempts import Attempts
from serve.identity.auth.errors import TooManyAttempts
from serve.kernel.db import Database
from serve.kernel.ratelimit import SharedDebts
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, PAGE, code

SECRET = "a secret of ours"


@pytest.fixture
def processes(firm, run_app):
    """Two that serve the firm's database; what was counted before is forgotten."""
    firm.sql("delete from rate_limits")
    home = firm.running.app.state.settings.throughline_home
    given = {"rate_limits": "read=6000/600", "rate_limits_shared": True, "background_work": False}
    return [run_app(home, database_url=firm.address.base, **given) for _ in range(2)]


def log_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post(f"{AUTH}/login", json={"email": email, "password": password})


def guesses(process, email: str, count: int) -> list[int]:
    client = process.client()
    return [log_in(client, email, "a wrong one").status_code for _ in range(count)]


def guess_from_everywhere(processes, account: str) -> int:
    """How many guesses it takes from ever other addresses until the account is closed to strangers."""
    for n in range(200):
        process = processes[n % len(processes)]
        try:
            process.wait_for(process.app.state.login.attempts.count(f"198.51.100.{n}", account))
        except TooManyAttempts:
            return n
    raise AssertionError("nobody stopped it")


class TestTwoProcesses:
    @pytest.mark.parametrize("is_known", [True, False], ids=["an account", "nobody"])
    def test_what_one_has_seen_the_other_counts(self, processes, somebody, is_known):
        one, other = processes
        email = somebody().email if is_known else f"nobody-{uuid4().hex}@example.com"
        assert guesses(one, email, 10) == [401] * 10
        refused = log_in(other.client(), email)
        assert code(refused) == (429, "TOO_MANY_ATTEMPTS")
        assert int(refused.headers["retry-after"]) in range(1, 7)
        assert guesses(one, email, 1) == [429]

    def test_who_comes_in_at_one_has_not_failed_at_the_other(self, processes, somebody):
        one, other = processes
        email = somebody().email
        assert guesses(one, email, 9) == [401] * 9
        assert log_in(other.client(), email).status_code == 200
        assert guesses(one, email, 9) == [401] * 9

    def test_the_stock_of_guesses_from_everywhere_is_one(self, processes):
        assert guess_from_everywhere(processes, f"victim-{uuid4().hex}@example.com") == 50

    def test_an_address_that_somebody_has_come_in_from_is_known_to_both(self, processes, somebody):
        one, other = processes
        owner, stranger = somebody(), somebody()
        assert log_in(one.client(), owner.email).status_code == 200
        for person in (owner, stranger):
            guess_from_everywhere(processes, person.email)
        assert log_in(other.client(), owner.email).status_code == 200
        assert log_in(other.client(), stranger.email).status_code == 429

    def test_so_is_a_browser(self, firm, processes, somebody):
        one, other = processes
        person = somebody()
        browser = one.client(**PAGE)
        assert log_in(browser, person.email).status_code == 200
        firm.sql("delete from rate_limits")  # a crash of the server: only the cookie tells
        guess_from_everywhere(processes, person.email)
        assert log_in(other.client(), person.email).status_code == 429
        known = other.client(cookie=f"throughline_device={browser.cookies['throughline_device']}")
        assert log_in(known, person.email).status_code == 200

    def test_a_new_password_opens_the_door_of_both(self, processes, somebody):
        one, other = processes
        person = somebody()
        guess_from_everywhere(processes, person.email)
        assert log_in(other.client(), person.email).status_code == 429
        one.wait_for(one.app.state.login.attempts.start_anew(person.email))
        assert log_in(other.client(), person.email).status_code == 200

    def test_who_exists_is_asked_for_like_who_does_not(self, processes, somebody, monkeypatch):
        """The same statements about as many keys, and none of them names anybody."""
        asked = []
        take, debt_s = SharedDebts.take, SharedDebts.debt_s

        async def taking(self, about):
            asked.append(("take", [key for key, _ in about]))
            return await take(self, about)

        async def looking(self, key):
            asked.append(("look", [key]))
            return await debt_s(self, key)

        monkeypatch.setattr(SharedDebts, "take", taking)
        monkeypatch.setattr(SharedDebts, "debt_s", looking)
        found = []
        for email in (somebody().email, f"nobody-{uuid4().hex}@example.com"):
            guesses(processes[0], email, 1)
            found.append([(how, [kind for kind, _ in keys]) for how, keys in asked])
            assert email not in str(asked)
            asked.clear()
        assert (
            found[0]
            == found[1]
            == [
                ("look", ["login_known"]),
                ("take", ["login", "login_from", "login_to"]),
            ]
        )


class TestAlone:
    async def test_without_a_database_a_process_counts_for_itself(self):
        nowhere = SharedDebts(Database(lambda: "postgresql://localhost:1/none"))
        attempts = Attempts(3, SECRET, nowhere)
        for _ in range(3):
            await attempts.count("203.0.113.7", "olga@example.com")
        with pytest.raises(TooManyAttempts):
            await attempts.count("203.0.113.7", "olga@example.com")
        await attempts.succeeded("203.0.113.7", "olga@example.com")
        await attempts.count("203.0.113.7", "olga@example.com")
