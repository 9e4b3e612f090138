"""A mail from the request that wants it to the server that takes it, and what is known of it all the way."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from uuid import UUID, uuid4

import pytest

from serve.kernel.db import DatabaseUnavailable
from serve.platform.mails import delivery, rules
from serve.platform.mails.message import message_of
from tests.serve.mails.conftest import MAIL, MAILS, caller_of, events_of
from tests.serve.platform.smtp_listener import Listener


def stored(firm, mail) -> dict:
    return firm.client().get(f"{MAILS}/{mail['id']}").json()["data"]


class TestQueued:
    def test_it_waits_and_nothing_is_sent_by_the_request(self, firm, set_up, queue):
        with Listener() as listener:
            set_up(listener)
            mail = queue(to_name="Ada Byron", html="<p>Pick it up.</p>")
        assert listener.arrived == []
        assert (mail["state"], mail["attempts"], mail["sent_at"]) == ("queued", 0, None)
        assert mail["message_id"] == f"<{mail['id']}@a.example>"
        assert mail["from_address"] == "office@a.example"
        assert firm.sql("select state, to_name from mails where id = %s", mail["id"]) == [
            ("queued", "Ada Byron")
        ]
        assert events_of(firm, mail) == ["mail.created"]

    def test_what_it_says_is_not_in_the_history_for_everybody(self, firm, queue):
        mail = queue()
        [(_, _, after)] = firm.events(mail["id"])
        assert after["to_address"].keys() == {"sealed"}
        assert not {"text", "html"} & after.keys()
        shown = firm.client("agent").get(f"{MAILS}/{mail['id']}/history").json()["data"]
        assert shown[0]["after"]["to_address"] == MAIL["to_address"]

    def test_without_a_way_it_is_refused_naming_what_is_missing(self, firm, ways):
        ways(outbox=None)
        refused = firm.client().post(MAILS, json=MAIL)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "INTEGRATION_NOT_CONFIGURED")
        assert [each["field"] for each in refused.json()["error"]["details"]] == ["smtp_host", "from_address"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("to_address", "nobody"),
            ("to_address", "a@b.example\r\nBcc: c@d.example"),
            ("subject", "two\nlines"),
            ("subject", ""),
            ("to_name", "Ada\r\nBcc: x@y.example"),
            ("text", ""),
            ("text", "x" * 200_001),
        ],
    )
    def test_what_is_no_mail(self, firm, field, value):
        refused = firm.client().post(MAILS, json=MAIL | {field: value})
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == field

    @pytest.mark.parametrize("between", ["\x85", "\u2028", "\u2029"])
    def test_what_python_takes_for_two_lines_arrives_as_one(self, set_up, queue, deliver, between):
        with Listener() as listener:
            set_up(listener)
            mail = queue(subject=f"Your van{between}is ready", to_name=f"Ada{between}Byron")
            assert deliver(mail)["state"] == "sent"
        (arrived,) = listener.arrived
        assert arrived["Subject"] == "Your van is ready"
        assert arrived["To"].addresses[0].display_name == "Ada Byron"

    def test_who_may(self, firm):
        for role, status in {"technician": 403, "viewer": 403, "agent": 201, "manager": 201}.items():
            assert firm.client(role).post(MAILS, json=MAIL).status_code == status, role
        assert firm.client("viewer").get(MAILS).status_code == 403

    def test_a_dry_run_queues_nothing(self, firm):
        before = firm.sql("select count(*) from mails")
        tried = firm.client().post(MAILS, json=MAIL, headers={"X-Dry-Run": "true"})
        assert tried.status_code == 201
        assert firm.sql("select count(*) from mails") == before


class TestSent:
    def test_once_however_often_it_is_delivered(self, firm, set_up, queue, deliver):
        with Listener() as listener:
            set_up(listener)
            mail = queue(to_name="Ada Byron", html="<p>Pick it up.</p>")
            states = [deliver(mail)["state"] for _ in range(3)]
        assert states == ["sent", "sent", "sent"]
        (taken,) = listener.mails
        assert (taken.sender, taken.recipients) == ("office@a.example", ["ada@example.org"])
        assert taken.message["Message-ID"] == mail["message_id"]
        assert taken.message["To"] == "Ada Byron <ada@example.org>"
        assert taken.message.get_body(("plain",)).get_content().strip() == "Pick it up."
        assert taken.message.get_body(("html",)).get_content().strip() == "<p>Pick it up.</p>"
        found = stored(firm, mail)
        assert (found["state"], found["transport"], found["attempts"]) == ("sent", "smtp", 1)
        assert found["sent_at"]
        assert events_of(firm, mail) == ["mail.created", "mail.sending", "mail.sent"]

    def test_by_several_at_once_it_is_sent_once(self, firm, set_up, queue):
        state = firm.running.app.state
        begin = partial(state.database.transaction, caller_of(firm))
        with Listener() as listener:
            set_up(listener)
            mail = queue()

            async def all_at_once() -> None:
                await asyncio.gather(
                    *(
                        delivery.deliver(begin, state.mail, UUID(mail["id"]), state.files.storage)
                        for _ in range(8)
                    )
                )

            firm.running.wait_for(all_at_once())
        assert len(listener.arrived) == 1

    def test_what_is_known_is_said_once_the_database_is_back(self, firm, set_up, queue):
        """It went away while the mail was sent."""
        state = firm.running.app.state
        with Listener() as listener:
            set_up(listener)
            mail = queue()
            away = iter([False, True, True, False])

            def begin():
                if next(away):
                    raise DatabaseUnavailable
                return state.worker_database.transaction(caller_of(firm))

            sent = firm.running.wait_for(
                delivery.deliver(begin, state.mail, UUID(mail["id"]), state.files.storage)
            )
        assert (sent["state"], len(listener.arrived)) == ("sent", 1)

    def test_without_a_server_it_lies_in_the_outbox_for_good(self, firm, queue, deliver):
        mail = queue()
        assert deliver(mail)["state"] == "sent"
        folder = firm.running.app.state.mail.outbox.folder
        (file,) = [each for each in folder.glob("*.eml") if mail["id"] in each.name]
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert message["Message-ID"] == mail["message_id"]
        assert message.get_content().strip() == "Pick it up."
        found = stored(firm, mail)
        assert (found["transport"], found["text"]) == ("outbox", MAIL["text"])

    def test_the_same_mail_is_the_same_bytes(self):
        mail = {
            **dict.fromkeys(("from_name", "reply_to", "to_name")),
            "id": "1",
            "from_address": "a@a.example",
            "to_address": "b@b.example",
            "subject": "Grüße",
            "text": "x",
            "html": "<p>x</p>",
            "message_id": "<1@a.example>",
            "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        }
        assert message_of(mail).as_bytes() == message_of(mail).as_bytes()

    def test_settings_that_are_gone_are_named(self, firm, set_up, queue, deliver, ways):
        with Listener() as listener:
            set_up(listener)
            mail = queue()
        firm.sql("delete from settings")
        ways(outbox=None)
        failed = deliver(mail)
        assert failed["state"] == "failed"
        assert "smtp_host" in failed["error"]


class TestRefused:
    @pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "CONTENT"])
    def test_for_good(self, firm, set_up, queue, deliver, verb):
        with Listener(answers={verb: "550 5.1.1 nobody here"}) as listener:
            set_up(listener)
            mail = queue()
            failed = deliver(mail)
            assert deliver(mail)["state"] == "failed", "nobody asked for another attempt"
        assert (failed["state"], failed["error"]) == ("failed", "550 5.1.1 nobody here")
        assert events_of(firm, mail)[-1] == "mail.failed"

    @pytest.mark.parametrize("verb", ["CONNECT", "MAIL", "RCPT", "DATA", "CONTENT"])
    def test_for_now(self, firm, set_up, queue, deliver, verb):
        with Listener(answers={verb: "451 4.7.1 greylisted"}) as listener:
            set_up(listener)
            mail = queue()
            put_off = deliver(mail)
            assert deliver(mail)["attempts"] == 1, "it was tried again before its time"
            listener.answers.clear()
            assert put_off["state"] == "queued"
            assert put_off["not_before"] > datetime.now(UTC) + timedelta(seconds=30)
            firm.sql("update mails set not_before = now() where id = %s", mail["id"])
            assert deliver(mail)["state"] == "sent"
        assert len(listener.mails) == 1
        assert events_of(firm, mail)[-4:] == ["mail.sending", "mail.delayed", "mail.sending", "mail.sent"]

    def test_not_for_ever(self, firm, set_up, queue, deliver):
        with Listener(answers={"RCPT": "451 not now"}) as listener:
            set_up(listener)
            mail = queue()
            for _ in rules.PAUSES:
                assert deliver(mail)["state"] == "queued"
                firm.sql("update mails set not_before = now() where id = %s", mail["id"])
            assert deliver(mail)["state"] == "failed"

    def test_where_settings_must_not_lead(self, firm, set_up, queue, deliver, ways):
        ways(private_hosts=False)
        with Listener() as listener:
            set_up(listener)
            mail = queue()
            failed = deliver(mail)
        assert failed["state"] == "failed"
        assert "public" in failed["error"]
        assert not listener.broke_off.is_set(), "somebody called"


class TestWhatPeopleDo:
    def test_cancel(self, firm, set_up, queue, deliver):
        with Listener() as listener:
            set_up(listener)
            mail = queue()
            assert (
                firm.client("agent").post(f"{MAILS}/{mail['id']}/cancel").json()["data"]["state"]
                == "cancelled"
            )
            assert deliver(mail)["state"] == "cancelled"
            late = firm.client("agent").post(f"{MAILS}/{mail['id']}/cancel")
        assert (late.status_code, late.json()["error"]["code"]) == (409, "MAIL_ON_ITS_WAY")
        assert listener.arrived == []

    def test_send_again_what_failed(self, firm, set_up, queue, deliver):
        with Listener(answers={"RCPT": "550 no"}) as listener:
            set_up(listener)
            mail = queue()
            deliver(mail)
            listener.answers.clear()
            again = firm.client("agent").post(f"{MAILS}/{mail['id']}/resend").json()["data"]
            assert (again["state"], again["attempts"], again["error"]) == ("queued", 0, None)
            assert deliver(mail)["state"] == "sent"
        (taken,) = listener.mails
        assert taken.message["Message-ID"] == mail["message_id"]

    @pytest.mark.parametrize("state", ["sent", "cancelled"])
    def test_nothing_else_is_sent_again(self, firm, queue, state):
        mail = queue()
        firm.sql("update mails set state = %s where id = %s", state, mail["id"])
        refused = firm.client().post(f"{MAILS}/{mail['id']}/resend")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "MAIL_NOT_OPEN")

    @pytest.mark.parametrize("state", ["queued", "sent", "failed", "cancelled"])
    def test_nothing_else_is_settled(self, firm, queue, state):
        mail = queue()
        firm.sql("update mails set state = %s where id = %s", state, mail["id"])
        refused = firm.client().post(f"{MAILS}/{mail['id']}/mark-sent")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "MAIL_NOT_UNCERTAIN")

    def test_not_while_it_is_being_sent(self, firm, queue):
        mail = queue()
        firm.sql("update mails set state = 'sending', sending_since = now() where id = %s", mail["id"])
        for call in ("resend", "mark-sent"):
            refused = firm.client().post(f"{MAILS}/{mail['id']}/{call}")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "MAIL_BEING_SENT")
            assert refused.headers["retry-after"]
        assert firm.client().post(f"{MAILS}/{mail['id']}/cancel").status_code == 409

    def test_what_a_key_may_not(self, firm, queue):
        mail = queue()
        firm.sql("update mails set state = 'uncertain', sending_since = now() where id = %s", mail["id"])
        made = firm.client().post(
            "/api/v1/auth/api-keys", json={"name": "robot", "scopes": ["mails:read", "mails:write"]}
        )
        assert made.status_code == 201, made.text
        robot = firm.running.client(**{"X-API-Key": made.json()["data"]["key"]})
        assert robot.get(f"{MAILS}/{mail['id']}").status_code == 200
        for call in ("resend", "mark-sent"):
            refused = robot.post(f"{MAILS}/{mail['id']}/{call}")
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "LOG_IN_NEEDED")
        settled = firm.client("agent").post(f"{MAILS}/{mail['id']}/mark-sent").json()["data"]
        assert (settled["state"], settled["sent_at"]) == ("sent", settled["sending_since"])
        assert events_of(firm, mail)[-1] == "mail.settled"


class TestTenants:
    def test_another_tenants_mail_is_not_there(self, firm, queue):
        mail = queue()
        stranger = firm.client(tenant=firm.b)
        assert stranger.get(f"{MAILS}/{mail['id']}").status_code == 404
        for call in ("cancel", "resend", "mark-sent"):
            for row_id in (mail["id"], uuid4()):
                refused = stranger.post(f"{MAILS}/{row_id}/{call}")
                assert (refused.status_code, refused.json()["error"]["code"]) == (404, "MAIL_NOT_FOUND")
        assert firm.sql("select state from mails where id = %s", mail["id"]) == [("queued",)]

    def test_a_process_that_was_taken_for_dead_says_nothing(self, firm, set_up, queue):
        """It was slow to the end, and somebody has sent the mail again meanwhile: the newer attempt's word holds."""
        state = firm.running.app.state
        begin = partial(state.database.transaction, caller_of(firm))
        with Listener() as listener:
            set_up(listener)
            mail = queue()

            async def meanwhile() -> str:
                claimed = await _claimed(begin, mail)
                firm.sql("update mails set state = 'queued', sending_since = null where id = %s", mail["id"])
                async with begin() as db:
                    return (await delivery.conclude(db, claimed, rules.sent(datetime.now(UTC))))["state"]

            assert firm.running.wait_for(meanwhile()) == "queued"


async def _claimed(begin, mail):
    async with begin() as db:
        row = await delivery.mails.get(db, UUID(mail["id"]), lock=True)
        begun = {"state": "sending", "sending_since": datetime.now(UTC)}
        return await delivery.mails.update(db, row, begun)


def test_nothing_of_a_password_is_said(firm, set_up, queue, deliver):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    body = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "username": "mailer",
        "password": "s3cret",
        "from_address": "office@a.example",
    }
    firm.client().put("/api/v1/settings/email", json=body)
    mail = queue()
    assert deliver(mail)["state"] == "queued"
    assert "s3cret" not in str(stored(firm, mail)) + str(firm.events(mail["id"]))
