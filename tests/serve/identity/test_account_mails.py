"""Mail with secrets in it: sealed while it waits, sent at least once, emptied afterwards; and the links in it."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from uuid import uuid4

import pytest

from serve.identity.account_mails.kinds import KINDS, account_mail_kind
from serve.identity.account_mails.service import queue_account_mail
from serve.identity.account_tokens.service import issue_token, look_at_token, spend_token, void_tokens

KIND = account_mail_kind("test", subject="For $name", text="Hello $name: $link\n")


def teardown_module():
    del KINDS["test"]


@pytest.fixture
def within(firm):
    """Does something in a transaction of the service's own."""

    def run(work, *, fails=False):
        async def do():
            async with firm.running.app.state.database.transaction() as db:
                result = await work(db)
                if fails:
                    raise RuntimeError("undone")
                return result

        return firm.running.wait_for(do())

    return run


def queue(within, to_address=None, **more):
    to_address = to_address or f"{uuid4().hex}@example.com"
    values = {"name": "Ada\r\nBcc: x@example.com", "link": "https://example.com/#secret"}
    within(lambda db: queue_account_mail(db, KIND, to_address=to_address, values=values, **more))
    return to_address


def rows(firm, *columns):
    return firm.sql(f"select {', '.join(columns)} from account_mails order by id desc limit 1")[0]


class TestMails:
    def test_sent_into_the_outbox_and_emptied(self, firm, within):
        address = queue(within)
        assert rows(firm, "state") == ("queued",)
        assert b"secret" not in bytes(rows(firm, "content")[0])
        [sent] = firm.account_mails()
        assert (sent.to_address, sent.subject) == (address, "For Ada Bcc: x@example.com")
        assert rows(firm, "state", "content", "attempts") == ("sent", None, 1)
        outbox = firm.running.app.state.settings.throughline_home / "outbox"
        [file] = [each for each in outbox.iterdir() if address in each.read_text()]
        assert "https://example.com/#secret" in file.read_text()
        assert firm.account_mails() == []

    def test_in_the_look_of_the_tenant_it_is_for(self, firm, within):
        look = {"branding": {"product_name": "Harbour Desk", "legal_lines": ["Harbour GmbH"]}}
        assert firm.client().post("/api/v1/b2b/white-label/customization", json=look).status_code == 200
        folder = firm.running.app.state.mail.outbox.folder
        for tenant_id, is_dressed in ((firm.a, True), (firm.b, False), (None, False)):
            before = set(folder.glob("*.eml"))
            queue(within, tenant_id=tenant_id)
            [sent] = firm.account_mails()
            assert "Harbour" not in sent.text
            [path] = set(folder.glob("*.eml")) - before
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert message.is_multipart() == is_dressed
            assert ("Harbour GmbH" in message.get_body(("plain",)).get_content()) == is_dressed
            if is_dressed:
                html = message.get_body(("html",)).get_content()
                assert '<a href="https://example.com/#secret"' in html
                assert ">Harbour Desk</span>" in html
                assert "cid:" not in html

    def test_not_sent_when_the_transaction_fails(self, firm, within):
        with pytest.raises(RuntimeError):
            within(
                lambda db: queue_account_mail(
                    db, KIND, to_address="a@example.com", values={"name": "", "link": ""}
                ),
                fails=True,
            )
        assert firm.account_mails() == []

    def test_one_to_nobody_costs_a_row_and_goes_nowhere(self, firm, within):
        queue(within, to_nobody=True)
        assert rows(firm, "state") == ("nobody",)
        assert firm.account_mails() == []

    def test_what_one_process_has_in_hand_no_other_takes(self, firm, within):
        queue(within)
        worker = firm.running.app.state.worker_database

        async def take():
            async with worker.transaction() as db:
                return await db.fetch_one("select * from take_account_mail($1, '{}')", timedelta(minutes=5))

        assert firm.running.wait_for(take()) is not None
        assert firm.account_mails() == []  # the other one may still be at it
        firm.sql("update account_mails set not_before = now() where state = 'queued'")
        assert len(firm.account_mails()) == 1  # it died

    def test_what_cannot_be_sent_is_tried_again_and_given_up_in_the_end(self, firm, within):
        within(
            lambda db: queue_account_mail(
                db, KIND, to_address="no address", values={"name": "", "link": "the secret"}
            )
        )
        for attempt in range(1, 7):
            assert firm.account_mails() == []
            assert rows(firm, "attempts", "state") == (attempt, "queued" if attempt < 6 else "failed")
            firm.sql("update account_mails set not_before = now() where state = 'queued'")
        assert rows(firm, "content") == (None,)


class TestTokens:
    def test_it_works_once_and_for_its_purpose(self, within):
        token = within(lambda db: issue_token(db, "reset", life=timedelta(hours=1), email="a@example.com"))
        assert within(lambda db: look_at_token(db, token, "invitation")) is None
        assert within(lambda db: look_at_token(db, token, "reset")).state == "good"
        assert within(lambda db: spend_token(db, token, "reset")).email == "a@example.com"
        assert within(lambda db: spend_token(db, token, "reset")).state == "used"

    def test_only_its_hash_is_stored(self, firm, within):
        token = within(lambda db: issue_token(db, "reset", life=timedelta(hours=1)))
        stored = firm.sql("select a::text from account_tokens a")
        assert not any(token in row for (row,) in stored)

    def test_it_ends(self, within):
        token = within(lambda db: issue_token(db, "reset", life=timedelta(seconds=-1)))
        assert within(lambda db: spend_token(db, token, "reset")).state == "expired"

    def test_it_is_not_used_up_by_what_fails(self, within):
        token = within(lambda db: issue_token(db, "reset", life=timedelta(hours=1)))
        with pytest.raises(RuntimeError):
            within(lambda db: spend_token(db, token, "reset"), fails=True)
        assert within(lambda db: spend_token(db, token, "reset")).state == "good"

    def test_those_about_something_can_be_made_void(self, within):
        about, other = uuid4(), uuid4()
        life = timedelta(hours=1)
        first = within(lambda db: issue_token(db, "invitation", life=life, subject_id=about))
        second = within(lambda db: issue_token(db, "invitation", life=life, subject_id=other))
        within(lambda db: void_tokens(db, "invitation", subject_id=about))
        assert within(lambda db: spend_token(db, first, "invitation")).state == "used"
        assert within(lambda db: spend_token(db, second, "invitation")).state == "good"
