"""What is promised of a mail whatever dies in the middle, as plain functions.

They raise AssertionError, and the sabotage tests call them with a guard taken away.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.serve.firm import Firm
from tests.serve.mails.conftest import MAILS
from tests.serve.platform.smtp_listener import Listener

BEFORE = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA")
"""Where nothing of the mail has gone out yet, in the order of a conversation; then CONTENT and QUIT."""
LATER = "update mails set not_before = now() where id = %s"
LONG_AGO = "update mails set sending_since = now() - interval '1 hour' where id = %s"

Deliver = Callable[[dict[str, Any]], Any]


def state_of(firm: Firm, mail: dict[str, Any]) -> str:
    [(state,)] = firm.sql("select state from mails where id = %s", mail["id"])
    return state


def tries_again_what_never_went_out(
    firm: Firm, listener: Listener, mail: dict[str, Any], deliver: Deliver
) -> None:
    """The connection ended before the mail was handed over: it is not sent, for certain, and is tried later."""
    assert deliver(mail)["state"] == "queued"
    assert listener.arrived == []
    listener.dies_at = listener.silent_at = None
    firm.sql(LATER, mail["id"])
    assert deliver(mail)["state"] == "sent"
    assert [each["Message-ID"] for each in listener.arrived] == [mail["message_id"]]


def leaves_the_unknown_to_a_person(
    firm: Firm, listener: Listener, mail: dict[str, Any], deliver: Deliver
) -> None:
    """The mail is gone and no answer came: ``uncertain``, and not sent again until somebody asks for it."""
    assert deliver(mail)["state"] == "uncertain"
    listener.dies_at = listener.silent_at = None
    firm.sql(LATER, mail["id"])
    for _ in range(3):
        assert deliver(mail)["state"] == "uncertain"
    assert [each["Message-ID"] for each in listener.arrived] == [mail["message_id"]]
    asked = firm.client("agent").post(f"{MAILS}/{mail['id']}/resend")
    assert asked.status_code == 200, asked.text
    assert deliver(mail)["state"] == "sent"
    assert [each["Message-ID"] for each in listener.arrived] == [mail["message_id"]] * 2


def survives_the_death_of_its_sender(
    firm: Firm, listener: Listener, mail: dict[str, Any], deliver: Deliver
) -> None:
    """SIGKILL while the server keeps the sender waiting: never sent again by itself, and said to be uncertain."""
    file = Path(__file__).with_name("deliver.py")
    home = firm.running.app.state.settings.throughline_home
    words = (home, firm.address.url("worker"), firm.a, firm.people[firm.a, "agent"], mail["id"])
    with subprocess.Popen([sys.executable, str(file), *map(str, words)]) as sender:
        try:
            while not listener.is_silent.wait(0.1):
                assert sender.poll() is None, "the sender ended before"
        finally:
            sender.kill()
    assert state_of(firm, mail) == "sending"
    before = len(listener.arrived)
    listener.silent_at = None
    for _ in range(2):
        assert deliver(mail)["state"] == "sending", "it may still be alive"
    firm.sql(LONG_AGO, mail["id"])
    for _ in range(3):
        assert deliver(mail)["state"] == "uncertain"
    assert len(listener.arrived) == before, "it was sent again, and nobody had asked for that"
    asked = firm.client("agent").post(f"{MAILS}/{mail['id']}/resend")
    assert asked.status_code == 200, asked.text
    assert deliver(mail)["state"] == "sent"
    assert [each["Message-ID"] for each in listener.arrived] == [mail["message_id"]] * (before + 1)


def survives_being_stopped(
    firm: Firm, listener: Listener, mail: dict[str, Any], begin: Callable[[], Any], deliver: Deliver
) -> None:
    """The sending is cancelled, as at the end of a process, while the server keeps it waiting: the same holds.

    ``begin`` begins to deliver the mail, and gives what can be cancelled.
    """
    sending = begin()
    assert listener.is_silent.wait(30), "the sender never got so far"
    sending.cancel()
    assert listener.broke_off.wait(30), "the conversation went on"
    before = len(listener.arrived)
    listener.silent_at = None
    firm.sql(LONG_AGO, mail["id"])
    for _ in range(3):
        assert deliver(mail)["state"] == "uncertain"
    assert len(listener.arrived) == before, "it was sent again, and nobody had asked for that"
