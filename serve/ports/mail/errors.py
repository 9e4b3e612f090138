"""How sending a mail can fail."""

from __future__ import annotations

from typing import Literal


class MailError(Exception):
    """The mail was not sent; the text says why, for people."""


class HostRefused(MailError):
    """The host lies in a private network, where a tenant's settings must not lead us."""


class Unreachable(MailError):
    """No answer, none in time, or none that is SMTP over the security asked for."""


class Rejected(MailError):
    """The server answered, and does not take the ``part``."""

    def __init__(self, part: Literal["login", "sender", "recipient", "message"], said: str) -> None:
        super().__init__(said)
        self.part = part
