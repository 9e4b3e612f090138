"""A secret that was begun is not there to be guessed at; what is kept of a link, and of a mail to nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from serve.identity.account_tokens.service import issue_token, spend_token
from tests.serve.identity.conftest import AUTH, code
from tests.serve.identity.test_factors import FACTORS, app_of, at

CONFIRM = f"{FACTORS}/totp/confirm"


class TestConfirming:
    def test_it_cannot_be_guessed(self, firm, somebody):
        person = somebody()
        client = person.client()
        app, _ = app_of(client, confirmed=False)
        wrong = {"code": at(app, 90)}
        assert [code(client.post(CONFIRM, json=wrong)) for _ in range(6)] == [
            *[(422, "TOTP_NOT_CONFIRMED")] * 5,
            (429, "TOO_MANY_CODES"),
        ]
        assert code(client.post(CONFIRM, json={"code": at(app)})) == (429, "TOO_MANY_CODES")
        another, _ = app_of(client, confirmed=False)  # which forgives nothing
        assert code(client.post(CONFIRM, json={"code": at(another)})) == (429, "TOO_MANY_CODES")
        firm.sql("update totp_secrets set full_at_s = full_at_s - 1800 where user_id = %s", person.id)
        assert client.post(CONFIRM, json={"code": at(another)}).status_code == 200

    def test_it_ends(self, firm, somebody):
        person = somebody()
        client = person.client()
        app, _ = app_of(client, confirmed=False)
        begun = "update totp_secrets set created_at = created_at - interval '{}' where user_id = %s"
        firm.sql(begun.format("14 min"), person.id)
        assert code(client.post(CONFIRM, json={"code": at(app, 90)})) == (422, "TOTP_NOT_CONFIRMED")
        firm.sql(begun.format("1 min"), person.id)
        assert code(client.post(CONFIRM, json={"code": at(app)})) == (404, "TOTP_NOT_FOUND")

    def test_one_that_counts_does_not(self, firm, somebody):
        person = somebody()
        app, _ = app_of(person.client())
        firm.sql(
            "update totp_secrets set created_at = now() - interval '1 year' where user_id = %s", person.id
        )
        assert person.log_in(code=at(app, 1))


class TestTraces:
    def test_a_mail_to_nobody_keeps_nothing(self, firm):
        asked = {"email": f"nobody-{uuid4().hex}@example.com"}
        assert firm.running.client().post(f"{AUTH}/forgot-password", json=asked).status_code == 202
        assert firm.sql("select state, content from account_mails order by id desc limit 1") == [
            ("nobody", None)
        ]

    def test_a_link_is_over_by_the_clock_that_spends_it(self, firm, somebody):
        """Which stands still in a transaction, while that of the host goes on."""
        person = somebody()
        life = timedelta(milliseconds=1)

        async def state() -> str:
            async with firm.running.app.state.database.transaction() as db:
                token = await issue_token(db, "password_reset", life=life, user_id=person.id)
                over_at = datetime.now(UTC) + life
                while datetime.now(UTC) <= over_at:
                    pass
                found = await spend_token(db, token, "password_reset")
            assert found is not None
            return found.state

        assert firm.running.wait_for(state()) == "good"
        spent = "select used_at is not null from account_tokens where user_id = %s"
        assert firm.sql(spent, person.id) == [(True,)]
