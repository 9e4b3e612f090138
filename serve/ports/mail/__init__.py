"""Sending mail: by a tenant's SMTP server, or into a folder of this installation where none is set."""

from serve.ports.mail.errors import HostRefused, MailError, Rejected, Unconfirmed, Unreachable
from serve.ports.mail.smtp import SmtpServer
from serve.ports.mail.ways import MailWays, Outbox

__all__ = [
    "HostRefused",
    "MailError",
    "MailWays",
    "Outbox",
    "Rejected",
    "SmtpServer",
    "Unconfirmed",
    "Unreachable",
]
