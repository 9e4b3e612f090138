"""The refresh token after a step-up: another one, by the rules of every exchange."""

from __future__ import annotations

import asyncio

import httpx

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, PAGE, code
from tests.serve.identity.test_sessions import (
    ME,
    REFRESH,
    REFRESH_COOKIE,
    exchange,
    let_grace_pass,
    live_heads,
)

STEP_UP = f"{AUTH}/step-up"


def prove(client: httpx.Client) -> dict:
    answer = client.post(STEP_UP, json={"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


class TestStepUp:
    def test_the_refresh_token_of_before_is_spent(self, firm, somebody):
        person = somebody()
        before = person.log_in()
        proved = prove(person.client(before))
        assert proved["refresh_token"] not in (None, before["refresh_token"])
        assert live_heads(firm, person) == 1
        let_grace_pass(firm, person)
        assert code(exchange(firm, before["refresh_token"])) == (401, "SESSION_ENDED")
        assert person.client(proved).get(ME).status_code == 401
        assert person.security()[-1][0] == "refresh.reused"

    def test_the_new_one_carries_the_session_on(self, firm, somebody):
        person = somebody()
        proved = prove(person.client())
        let_grace_pass(firm, person)
        renewed = exchange(firm, proved["refresh_token"])
        assert renewed.status_code == 200
        assert person.client(renewed.json()["data"]).get(ME).status_code == 200

    def test_a_lost_answer_costs_nothing_for_a_moment(self, firm, somebody):
        person = somebody()
        before = person.log_in()
        lost = prove(person.client(before))
        again = exchange(firm, before["refresh_token"])
        assert again.json()["data"]["refresh_token"] == lost["refresh_token"]

    def test_a_refresh_and_a_proof_that_cross_give_one_token(self, firm, somebody):
        """Whichever is first: the answer that comes last must not leave a token that is spent."""
        person = somebody()
        before = person.log_in()
        renewed = exchange(firm, before["refresh_token"]).json()["data"]
        proved = prove(person.client(before))
        assert proved["refresh_token"] == renewed["refresh_token"]
        let_grace_pass(firm, person)
        later = prove(person.client(proved))
        assert later["refresh_token"] != renewed["refresh_token"]

    def test_many_at_once_leave_one_head(self, firm, somebody):
        person = somebody()
        session = person.log_in()

        async def many() -> list[httpx.Response]:
            bearer = {"Authorization": f"Bearer {session['access_token']}"}
            async with httpx.AsyncClient(base_url=firm.running.url, timeout=60) as client:
                proofs = (client.post(STEP_UP, json={"password": PASSWORD}, headers=bearer) for _ in range(6))
                token = {"refresh_token": session["refresh_token"]}
                refreshes = (client.post(REFRESH, json=token) for _ in range(6))
                return await asyncio.gather(*proofs, *refreshes)

        answers = [answer for answer in asyncio.run(many()) if answer.status_code == 200]
        assert len(answers) >= 7  # a proof that comes after another one finds its access token void
        assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1
        assert live_heads(firm, person) == 1

    def test_a_wrong_password_spends_nothing(self, firm, somebody):
        person = somebody()
        before = person.log_in()
        refused = person.client(before).post(STEP_UP, json={"password": "a wrong one"})
        assert code(refused) == (422, "WRONG_PASSWORD")
        let_grace_pass(firm, person)
        assert exchange(firm, before["refresh_token"]).status_code == 200

    def test_a_session_that_ended_meanwhile_gives_none(self, firm, somebody):
        person = somebody()
        client = person.client()
        firm.sql("update sessions set expires_at = now() where user_id = %s", person.id)
        assert code(client.post(STEP_UP, json={"password": PASSWORD})) == (401, "SESSION_ENDED")

    def test_a_browser_goes_on_with_its_cookies(self, firm, somebody):
        person = somebody()
        browser = firm.running.client(**PAGE)
        person.log_in(browser)
        before = browser.cookies[REFRESH_COOKIE]
        prove(browser)
        assert browser.cookies[REFRESH_COOKIE] != before
        let_grace_pass(firm, person)
        assert browser.get(ME).status_code == 200
        assert browser.post(REFRESH).status_code == 200
        assert code(exchange(firm, before)) == (401, "SESSION_ENDED")
