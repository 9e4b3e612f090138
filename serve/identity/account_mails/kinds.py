"""What mails about accounts say. Each kind is declared by the domain that writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from string import Template

KINDS: dict[str, AccountMailKind] = {}


@dataclass(frozen=True, slots=True)
class AccountMailKind:
    """``subject`` and ``text`` are templates: ``$name`` stands for a value.

    ``waits_at_most`` is for mails by which a tenant lets people in: they wait while it stands still, and are given up
    after that time. What is about a person's account (None) goes at all times.

    ``by_installation`` is for links that say whose address it is: whoever runs a mail server reads what goes by it, so
    these do not go by the tenant's while the installation has one.
    """

    name: str
    subject: Template
    text: Template
    waits_at_most: timedelta | None
    by_installation: bool

    def written(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Subject and text. Raises KeyError when a value is missing."""
        one_line = {name: " ".join(value.split()) for name, value in values.items()}
        return self.subject.substitute(one_line), self.text.substitute(values)


def account_mail_kind(
    name: str,
    *,
    subject: str,
    text: str,
    waits_at_most: timedelta | None = None,
    by_installation: bool = False,
) -> str:
    """Declare a kind; gives its name."""
    if name in KINDS:
        raise ValueError(f"{name} is declared twice")
    KINDS[name] = AccountMailKind(name, Template(subject), Template(text), waits_at_most, by_installation)
    return name
