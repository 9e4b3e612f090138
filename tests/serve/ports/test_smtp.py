"""The port speaks SMTP as others do: the contract is kept against aiosmtpd, which is not of our making."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from serve.ports.mail import HostRefused, Rejected, SmtpServer, Unreachable
from serve.ports.mail import smtp as port
from tests.serve.platform.smtp_listener import certificate


class Keeper:
    """Takes every mail."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 kept"

    def message(self) -> EmailMessage:
        (envelope,) = self.envelopes
        return message_from_bytes(envelope.content, policy=policy.default)


@asynccontextmanager
async def aiosmtpd(keeper: Keeper, **how: Any) -> AsyncIterator[SmtpServer]:
    """The way to a running server."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, loop=loop, **how), "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    try:
        yield SmtpServer("127.0.0.1", number, "none", timeout_s=5, private_too=True)
    finally:
        server.close()


def mail(text: str = "Hello.\n", to: str = "ada@example.org") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "office@example.org", to, "Grüße aus Köln"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(text)
    return message


async def test_a_mail_arrives_as_it_was_written():
    text = ".\r\n..two dots\n.a line\n\nFrom here on\nzähle ich bis 3\n" + "lang " * 500 + "\n.\n"
    keeper = Keeper()
    async with aiosmtpd(keeper) as way:
        await way.send(mail(text))
    (envelope,) = keeper.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("office@example.org", ["ada@example.org"])
    assert keeper.message()["Subject"] == "Grüße aus Köln"
    assert keeper.message()["Message-ID"] == "<1@example.org>"
    assert keeper.message().get_content().splitlines() == text.splitlines()


async def test_log_in_over_starttls(tmp_path, monkeypatch):
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"mailer", b"s3cret"), handled=False)

    keeper = Keeper()
    how = {"tls_context": context, "require_starttls": True, "authenticator": check, "auth_required": True}
    async with aiosmtpd(keeper, **how) as way:
        way = replace(way, host="localhost", security="starttls", username="mailer", password="s3cret")
        way = replace(way, look_up=lambda host, number: ["127.0.0.1"])
        await way.send(mail())
        with pytest.raises(Rejected) as refused:
            await replace(way, password="guess").send(mail())
        assert refused.value.part == "login"
        with pytest.raises(Rejected):  # in clear it would not take any
            await replace(way, security="none", username=None, password=None).send(mail())
    assert len(keeper.envelopes) == 1


async def test_no_line_has_more_than_seven_bits():
    """Nobody asked the server whether it takes eight."""
    keeper = Keeper()
    async with aiosmtpd(keeper) as way:
        both = mail("Grüße\n")
        both.add_alternative("<p>Grüße</p>", subtype="html")
        await way.send(both)
    assert keeper.envelopes[0].content.isascii()
    assert "Grüße" in keeper.message().get_body(("html",)).get_content()


async def test_addresses_with_other_letters():
    keeper = Keeper()
    async with aiosmtpd(keeper, enable_SMTPUTF8=True) as way:
        await way.send(mail(to="zoë@exämple.org"))
    assert keeper.envelopes[0].rcpt_tos == ["zoë@exämple.org"]


async def test_a_mail_that_is_too_large_is_refused():
    keeper = Keeper()
    async with aiosmtpd(keeper, data_size_limit=10_000) as way:
        with pytest.raises(Rejected) as refused:
            await way.send(mail("x" * 70 + "\n" * 20_000))
    assert not refused.value.is_passing
    assert keeper.envelopes == []


async def test_a_slow_name_leads_to_no_mail_later():
    """Time is up while the name is looked up: what comes of that look-up must not send anything any more."""
    keeper, loop = Keeper(), asyncio.get_running_loop()
    let_go, looked_up = asyncio.Event(), asyncio.Event()

    def slow(host: str, number: int) -> list[str]:
        asyncio.run_coroutine_threadsafe(let_go.wait(), loop).result(10)
        loop.call_soon_threadsafe(looked_up.set)
        return ["127.0.0.1"]

    port_end, port.END_S = port.END_S, 0.05
    try:
        async with aiosmtpd(keeper) as way:
            with pytest.raises(Unreachable):
                await replace(way, look_up=slow, timeout_s=0.1).send(mail())
            let_go.set()
            await looked_up.wait()
            await asyncio.sleep(0.3)  # nothing to wait for: it is the absence of a mail that is asserted
    finally:
        port.END_S = port_end
    assert keeper.envelopes == []


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["9.9.9.9", "127.0.0.1"], ["::1"], ["64:ff9b::7f00:1"]])
async def test_the_same_rule_about_addresses(answer):
    way = SmtpServer("mail.example", 25, look_up=lambda host, number: answer)
    with pytest.raises(HostRefused):
        await way.send(mail())


async def test_the_next_address_is_tried():
    keeper = Keeper()
    async with aiosmtpd(keeper) as way:
        way = replace(
            way, look_up=lambda host, number: ["127.0.0.9", "127.0.0.1"]
        )  # nobody listens at the first
        await way.send(mail())
    assert len(keeper.envelopes) == 1


def test_a_password_is_not_shown():
    assert "s3cret" not in repr(SmtpServer("mail.example", 25, password="s3cret"))
