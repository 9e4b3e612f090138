"""A stored mail as it goes out: the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from serve.identity.branding.brand import Picture
from serve.identity.branding.letters import LOGO
from serve.kernel.errors import Invalid


def message_id(mail_id: UUID, from_address: str) -> str:
    """Of the row's id, so that a mail keeps it however often it is sent.

    >>> message_id(UUID(int=1), "office@example.org")
    '<00000000-0000-0000-0000-000000000001@example.org>'
    """
    return f"<{mail_id}@{from_address.rpartition('@')[2]}>"


def message_of(
    mail: Mapping[str, Any],
    logo: Picture | None = None,
    attached: Sequence[tuple[Mapping[str, Any], bytes]] = (),
) -> EmailMessage:
    """``logo`` goes with the HTML, which names it; ``attached`` is what the mail's row says of each, with its content.

    Raises Invalid naming the field that no mail can have.
    """
    message = EmailMessage()
    message["From"] = _address(mail, "from_address", mail["from_name"])
    message["To"] = _address(mail, "to_address", mail["to_name"])
    if mail["reply_to"]:
        message["Reply-To"] = _address(mail, "reply_to", None)
    message["Subject"] = _one_line(mail["subject"])
    message["Date"] = format_datetime(mail["created_at"])
    message["Message-ID"] = mail["message_id"]
    message.set_content(mail["text"])
    if mail["html"]:
        message.add_alternative(mail["html"], subtype="html")
        if logo is not None:
            _html_part(message).add_related(
                logo.content, "image", logo.subtype, cid=f"<{LOGO}>", filename=f"logo.{logo.subtype}"
            )
            _html_part(message).set_boundary(f"html-{mail['id']}")
        message.set_boundary(f"mail-{mail['id']}")
    for each, content in attached:
        maintype, _, subtype = each["media_type"].partition("/")
        message.add_attachment(content, maintype, subtype, filename=_one_line(each["name"]))
        message.set_boundary(f"all-{mail['id']}")
    return message


def _html_part(message: EmailMessage) -> EmailMessage:
    part = message.get_payload(1)
    assert isinstance(part, EmailMessage)
    return part


def _one_line(text: str) -> str:
    """No header has line breaks; titles, and names of people, may.

    >>> _one_line("New boiler\\r\\nand\\u2028flue\\n")
    'New boiler and flue'
    """
    return " ".join(text.splitlines())


def _address(mail: Mapping[str, Any], field: str, name: str | None) -> Address:
    try:
        return Address(_one_line(name or ""), addr_spec=mail[field])
    except (HeaderParseError, ValueError, IndexError) as error:
        raise Invalid(details=[(field, "is no address that mail can be sent to")]) from error
