"""What is over for long is forgotten: sessions and spent refresh tokens go, whatever may still matter stays."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest

from serve.identity.sessions.service import KEPT, forget_old_sessions
from serve.kernel.db import Database
from tests.serve.identity.conftest import AUTH, code
from tests.serve.identity.test_sessions import ME, exchange, let_grace_pass

MOMENT = timedelta(minutes=1)


def forget(firm, *, batch: int = 1000) -> None:
    """As the worker does it."""

    async def work() -> None:
        database = Database(lambda: firm.address.url("worker"), size=1)
        await forget_old_sessions(database, life(firm), batch=batch)
        await database.close()

    asyncio.run(work())


def life(firm) -> timedelta:
    return firm.running.app.state.login.sessions.life


def end(firm, person, column: str, ago: timedelta) -> None:
    """All sessions of the person ended (``ended_at``) or ran out (``expires_at``) so long ago."""
    firm.sql(f"update sessions set {column} = now() - %s where user_id = %s", ago, person.id)


def age(firm, person, ago: timedelta) -> None:
    """All refresh tokens of the person were issued so long ago."""
    firm.sql(
        "update refresh_tokens set issued_at = now() - %s where session_id in"
        " (select id from sessions where user_id = %s)",
        *(ago, person.id),
    )


def kept(firm, person) -> tuple[int, int]:
    """How many sessions and refresh tokens of the person are stored."""
    [found] = firm.sql(
        "select count(distinct s.id), count(t.hash) from sessions s"
        " left join refresh_tokens t on t.session_id = s.id where s.user_id = %s",
        person.id,
    )
    return found


class TestSessions:
    @pytest.mark.parametrize("column", ["ended_at", "expires_at"])
    def test_they_go_with_their_tokens_long_after_their_end(self, firm, somebody, column):
        person = somebody()
        exchange(firm, person.log_in()["refresh_token"])
        end(firm, person, column, KEPT - MOMENT)
        forget(firm)
        assert kept(firm, person) == (1, 2)
        end(firm, person, column, KEPT + MOMENT)
        forget(firm)
        assert kept(firm, person) == (0, 0)

    def test_what_happened_stays(self, firm, somebody):
        person = somebody()
        person.client().post(f"{AUTH}/logout")
        before = person.security()
        assert {"login.succeeded", "logout"} <= {name for name, _, _ in before}
        end(firm, person, "ended_at", KEPT + MOMENT)
        forget(firm)
        assert kept(firm, person) == (0, 0)
        assert person.security() == before

    def test_a_live_one_stays_however_old_it_is(self, firm, somebody):
        person = somebody()
        session = person.log_in()
        firm.sql("update sessions set created_at = '2020-01-01' where user_id = %s", person.id)
        age(firm, person, timedelta(days=2000))
        forget(firm)
        assert kept(firm, person) == (1, 1)
        assert person.client(session).get(ME).status_code == 200
        assert exchange(firm, session["refresh_token"]).status_code == 200

    def test_a_refresh_with_a_forgotten_token_is_refused_as_before(self, firm, somebody):
        person = somebody()
        token = person.log_in()["refresh_token"]
        end(firm, person, "ended_at", KEPT + MOMENT)
        before = code(exchange(firm, token))
        forget(firm)
        assert code(exchange(firm, token)) == before == (401, "SESSION_ENDED")


class TestSpentTokens:
    def test_of_a_live_session_they_prove_reuse_until_long_after_their_own_life(self, firm, somebody):
        person = somebody()
        stolen = person.log_in()["refresh_token"]
        renewed = exchange(firm, stolen).json()["data"]
        let_grace_pass(firm, person)
        age(firm, person, life(firm) + KEPT - MOMENT)
        forget(firm)
        assert kept(firm, person) == (1, 2)
        assert code(exchange(firm, stolen)) == (401, "SESSION_ENDED")
        assert code(exchange(firm, renewed["refresh_token"])) == (401, "SESSION_ENDED")
        assert person.security()[-1][0] == "refresh.reused"

    def test_then_they_go_and_the_session_goes_on(self, firm, somebody):
        person = somebody()
        first = person.log_in()["refresh_token"]
        second = exchange(firm, first).json()["data"]["refresh_token"]
        age(firm, person, life(firm) + KEPT + MOMENT)
        forget(firm)
        assert kept(firm, person) == (1, 1)
        assert code(exchange(firm, first)) == (401, "SESSION_ENDED")
        assert exchange(firm, second).status_code == 200


class TestWork:
    def test_a_backlog_goes_in_batches_and_a_second_time_changes_nothing(self, firm, somebody):
        forget(firm)  # what other tests have left
        old, live = somebody(), somebody()
        for _ in range(3):
            exchange(firm, old.log_in()["refresh_token"])
        exchange(firm, live.log_in()["refresh_token"])
        end(firm, old, "expires_at", KEPT + MOMENT)
        with psycopg.connect(firm.address.url("worker")) as worker:
            query = "select forget_sessions(%s, %s, 1)"
            row = worker.execute(query, (KEPT, life(firm))).fetchone()
            assert row == (1,)  # a token, and no session before all of its tokens
        forget(firm, batch=2)
        assert (kept(firm, old), kept(firm, live)) == ((0, 0), (1, 2))
        stored = "select (select count(*) from sessions), (select count(*) from refresh_tokens)"
        before = firm.sql(stored)
        forget(firm)
        assert firm.sql(stored) == before

    def test_what_another_process_removes_is_passed_over(self, firm, somebody):
        person = somebody()
        person.log_in()
        end(firm, person, "ended_at", KEPT + MOMENT)
        with psycopg.connect(firm.address.url("worker")) as worker:
            worker.execute("select forget_sessions(%s, %s, 100)", (KEPT, life(firm)))
            forget(firm)  # would wait for ever
        assert kept(firm, person) == (0, 0)

    def test_only_the_worker_may(self, firm):
        with (
            psycopg.connect(firm.address.url("api")) as api,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            api.execute("select forget_sessions('1 day', '1 day', 1)")
