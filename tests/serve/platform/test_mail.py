"""Trying out mail settings: a real server takes a real mail, and what goes wrong is said in words."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from uuid import uuid4

import pytest

from serve.ports.out import AddressRefused, checked
from tests.serve.platform.smtp_listener import Listener, certificate

EMAIL = "/api/v1/settings/email"
TEST = f"{EMAIL}/test"


@pytest.fixture(autouse=True)
def allow(firm):
    """Says what this installation allows: mail servers on this machine and two seconds, unless said otherwise."""
    state = firm.running.app.state
    usual = state.mail

    def say(**ways: object) -> None:
        state.mail = replace(usual, **({"private_hosts": True, "timeout_s": 2.0} | ways))

    say()
    yield say
    state.mail = usual
    firm.sql("delete from settings")


@pytest.fixture
def set_up(firm):
    def put(listener: Listener, **more: object) -> None:
        body = {
            "smtp_host": "localhost",
            "smtp_port": listener.port,
            "security": listener.security,
            "from_address": "office@a.example",
            "from_name": "Firm A, Büro",
            **more,
        }
        assert firm.client().put(EMAIL, json=body).status_code == 200

    return put


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def outcomes(firm) -> list[str]:
    found = firm.sql("select after from events where name = 'settings.email_tested' order by position")
    return [after["outcome"] for (after,) in found]


class TestSending:
    def test_the_caller_gets_a_mail(self, firm, set_up):
        with Listener() as listener:
            set_up(listener, reply_to="help@a.example")
            response = firm.client().post(TEST)
        assert response.status_code == 200
        (mail,) = listener.mails
        assert (mail.sender, mail.recipients) == ("office@a.example", ["owner@a.example"])
        assert mail.message["From"] == '"Firm A, Büro" <office@a.example>'
        assert mail.message["To"] == "Owner of A <owner@a.example>"
        assert mail.message["Reply-To"] == "help@a.example"
        assert "try out the mail settings" in mail.message.get_content()
        assert response.json()["data"] == {
            "transport": "smtp",
            "to": "owner@a.example",
            "sent_from": "office@a.example",
            "message_id": mail.message["Message-ID"],
        }
        assert outcomes(firm)[-1] == "sent"

    def test_or_another_member(self, firm, set_up):
        with Listener() as listener:
            set_up(listener)
            asked = {"userId": str(firm.people[firm.a, "agent"])}
            assert firm.client().post(TEST, params=asked).status_code == 200
            for stranger in (firm.people[firm.b, "agent"], uuid4()):
                refused = firm.client().post(TEST, params={"user_id": str(stranger)})
                assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (
                    422,
                    "user_id",
                )
        assert [mail.recipients for mail in listener.mails] == [["agent@a.example"]]

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_encrypted_and_logged_in(self, firm, set_up, tls, monkeypatch, security):
        context, trusted = tls
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        with Listener(security=security, context=context, accounts={"mailer": "s3cret"}) as listener:
            set_up(listener, username="mailer", password="s3cret")
            assert firm.client().post(TEST).status_code == 200
        (mail,) = listener.mails
        assert (mail.was_encrypted, mail.login) == (True, "mailer")


class TestWithoutServer:
    def test_the_mail_lies_in_the_outbox(self, firm):
        response = firm.client().post(TEST)
        assert response.json()["data"]["transport"] == "outbox"
        folder: Path = firm.running.app.state.mail.outbox.folder
        (file,) = folder.glob("*.eml")
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert message["To"] == "Owner of A <owner@a.example>"
        assert message["Message-ID"] == response.json()["data"]["message_id"]

    def test_where_there_is_no_outbox_what_is_missing_is_named(self, firm, allow):
        allow(outbox=None)
        response = firm.client().post(TEST)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (503, "INTEGRATION_NOT_CONFIGURED")
        assert [each["field"] for each in error["details"]] == ["smtp_host", "from_address"]

    @pytest.mark.parametrize(
        ("body", "missing"),
        [
            ({"smtp_host": "localhost"}, ["from_address"]),
            ({"from_address": "office@a.example"}, ["smtp_host"]),
            ({"smtp_host": "localhost", "from_address": "o@a.example", "username": "m"}, ["password"]),
        ],
    )
    def test_half_a_server_is_none(self, firm, body, missing):
        firm.client().put(EMAIL, json=body)
        response = firm.client().post(TEST)
        assert response.status_code == 503
        assert [each["field"] for each in response.json()["error"]["details"]] == missing


class TestRefusedByTheServer:
    @pytest.mark.parametrize(
        ("answers", "field"),
        [
            ({"MAIL": "550 5.7.1 not from you"}, "from_address"),
            ({"RCPT": "550 5.1.1 nobody here"}, "user_id"),
            ({"CONTENT": "554 5.7.1 smells of spam"}, "smtp_host"),
        ],
    )
    def test_a_mail_is(self, firm, set_up, answers, field):
        with Listener(answers=answers) as listener:
            set_up(listener)
            response = firm.client().post(TEST)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (422, "MAIL_REJECTED")
        (said,) = answers.values()
        assert error["details"] == [{"field": field, "message": said}]
        assert outcomes(firm)[-1] == said
        assert listener.mails == []

    def test_a_log_in_is(self, firm, set_up):
        with Listener(accounts={"mailer": "s3cret"}) as listener:
            set_up(listener, username="mailer", password="guess")
            response = firm.client().post(TEST)
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"] == "password"
        assert "guess" not in response.text


class TestNoConversation:
    @pytest.mark.parametrize(
        "listener",
        [
            Listener(answers={"CONNECT": "554 no service"}),
            Listener(answers={"CONNECT": "HTTP/1.1 200 OK"}),
            Listener(silent_at="CONNECT"),
            Listener(silent_at="DATA"),
        ],
        ids=["refuses", "is no mail server", "says nothing", "falls silent"],
    )
    def test_a_server_that(self, firm, set_up, listener):
        with listener:
            set_up(listener)
            response = firm.client().post(TEST)
            assert (response.status_code, response.json()["error"]["code"]) == (502, "MAIL_SERVER_FAILED")
            assert listener.broke_off.wait(5), "the connection was left open"
        assert outcomes(firm)[-1] != "sent"

    def test_a_server_that_answers_in_drops_is_left(self, firm, set_up, allow):
        allow(timeout_s=0.3)
        with Listener(silent_at="EHLO") as listener:
            set_up(listener)
            response = firm.client().post(TEST)
            assert response.status_code == 502
            assert "0.3 s" in response.text or "in time" in response.text
            assert listener.broke_off.wait(5)

    def test_nobody_listens(self, firm, set_up):
        with Listener() as listener:
            set_up(listener)
        assert firm.client().post(TEST).status_code == 502

    def test_a_certificate_that_nobody_trusts(self, firm, set_up, tls):
        with Listener(security="starttls", context=tls[0]) as listener:
            set_up(listener)
            response = firm.client().post(TEST)
        assert response.status_code == 502
        assert "certificate" in response.json()["error"]["message"]
        assert listener.mails == []

    def test_a_server_without_the_security_asked_for(self, firm, set_up):
        with Listener() as listener:
            set_up(listener, security="starttls")
            response = firm.client().post(TEST)
        assert response.status_code == 502
        assert listener.mails == []


class TestPrivateNetworks:
    @pytest.mark.parametrize(
        "host", ["localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "2130706433"]
    )
    def test_a_tenants_settings_do_not_lead_there(self, firm, set_up, allow, host):
        allow(private_hosts=False)
        with Listener() as listener:
            set_up(listener, smtp_host=host)
            response = firm.client().post(TEST)
        assert (response.status_code, response.json()["error"]["code"]) == (422, "MAIL_HOST_REFUSED")
        assert response.json()["error"]["details"][0]["field"] == "smtp_host"
        assert not listener.broke_off.is_set(), "somebody called"

    @pytest.mark.parametrize(
        "address", ["::ffff:10.0.0.1", "fe80::1%1", "224.0.0.1", "0.0.0.0", "100.64.0.1"]
    )
    def test_in_whatever_way_it_is_written(self, address):
        with pytest.raises(AddressRefused):
            checked(address, 25, private_too=False)

    def test_a_public_address_is_taken(self):
        assert checked("1.1.1.1", 25, private_too=False) == ["1.1.1.1"]
