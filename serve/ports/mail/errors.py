"""How sending a mail can fail, and what that says about the mail."""

from __future__ import annotations

from typing import Literal


class MailError(Exception):
    """The mail was not taken; the text says why, for people. ``is_passing``: it may be, later."""

    is_passing = False


class HostRefused(MailError):
    """The host lies in a private network, where a tenant's settings must not lead us."""


class Unreachable(MailError):
    """No answer, none in time, or none that is SMTP over the security asked for; before the mail was handed over."""

    is_passing = True


class Rejected(MailError):
    """The server answered, and does not take the ``part``; for now (codes from 400 to 499) or at all."""

    def __init__(self, part: Literal["login", "sender", "recipient", "message"], said: str) -> None:
        super().__init__(said)
        self.part = part
        self.is_passing = said.startswith("4")


class Unconfirmed(MailError):
    """The whole mail was handed over, and no answer came: it may have been taken. Sending it again may double it."""
