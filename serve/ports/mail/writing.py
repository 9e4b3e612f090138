"""A message as bytes: for a server, or for a file."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

_PLAIN = SMTP.clone(cte_type="7bit")  # not every server says that it takes eight bits
_INTERNATIONAL = _PLAIN.clone(utf8=True)


def people_of(message: EmailMessage) -> list[str]:
    """The sender's address, and those of the recipients."""
    return [each.addr_spec for name in ("From", "To") for each in message[name].addresses]


def is_plain(message: EmailMessage) -> bool:
    """Whether ASCII has the letters of all addresses; others need a server that knows SMTPUTF8."""
    return "".join(people_of(message)).isascii()


def written(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=_PLAIN if is_plain(message) else _INTERNATIONAL)
