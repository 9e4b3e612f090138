"""Who guesses is stopped, and nobody locks the owner of an account out by guessing."""

from __future__ import annotations

import asyncio

import pytest

from serve.identity.auth.attempts import Attempts
from serve.identity.auth.errors import TooManyAttempts
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, PAGE


class TestLockout:
    @pytest.fixture
    def attempts(self, firm):
        """A memory of failures of the test's own."""
        login = firm.running.app.state.login
        before, login.attempts = login.attempts, Attempts(10, "a secret of ours")
        yield login.attempts
        login.attempts = before

    def guess_from_everywhere(self, attempts, account):
        async def guess():
            for n in range(200):
                try:
                    await attempts.count(f"198.51.{n // 250}.{n % 250}", account)
                except TooManyAttempts:
                    return n
            raise AssertionError("nobody stopped it")

        return asyncio.run(guess())

    def test_many_addresses_do_not_guess_for_ever(self, attempts):
        assert self.guess_from_everywhere(attempts, "victim@example.com") == 50

    def test_the_owner_gets_in_with_their_own_browser(self, firm, somebody, attempts):
        person = somebody()
        browser = firm.running.client(**PAGE)
        person.log_in(browser)
        login = firm.running.app.state.login
        attempts = login.attempts = Attempts(
            10, "a secret of ours"
        )  # of another process: only the cookie tells
        self.guess_from_everywhere(attempts, person.email)
        asked = {"email": person.email, "password": PASSWORD}
        assert firm.running.client().post(f"{AUTH}/login", json=asked).status_code == 429
        assert browser.post(f"{AUTH}/login", json=asked).status_code == 200

    def test_a_browser_is_known_for_its_own_account_alone(self, firm, somebody, attempts):
        person, victim = somebody(), somebody()
        browser = firm.running.client(**PAGE)
        person.log_in(browser)
        self.guess_from_everywhere(attempts, victim.email)
        asked = {"email": victim.email, "password": PASSWORD}
        assert browser.post(f"{AUTH}/login", json=asked).status_code == 429

    def test_a_new_password_opens_the_door_again(self, firm, somebody, attempts):
        person = somebody()
        self.guess_from_everywhere(attempts, person.email)
        asyncio.run(attempts.start_anew(person.email))
        assert person.log_in()
