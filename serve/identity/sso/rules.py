"""Who may come in by a provider, and as what: no database, no clock."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from email_validator import EmailNotValidError, validate_email

from serve.identity.sso.errors import SsoAnswerRefused, SsoNotAdmitted
from serve.kernel.errors import Invalid

MOST_SUBJECT = 255
MOST_VALUES = 500
"""Groups of one person that are looked at."""
_OURS = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""ASCII alone, as addresses are: it stands in a header."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a provider says about somebody, once it is sure that the provider says so."""

    subject: str
    email: str | None
    is_email_verified: bool
    full_name: str | None
    roles: tuple[str, ...]


def return_path(asked: str | None) -> str:
    """Where the browser goes in the end: a path of ours, never another site. Raises Invalid.

    >>> return_path("/pages/index.html?x=1")
    '/pages/index.html?x=1'
    """
    if asked is None:
        return "/"
    if len(asked) > 1000 or not _OURS.fullmatch(asked):
        raise Invalid(details=[("return_to", "must be a path of this service, such as /pages")])
    return asked


def mail_of(text: str) -> str | None:
    """The address as accounts have it, or None: it is none."""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None


def domain_of(email: str) -> str:
    """
    >>> domain_of("Ada@Example.COM")
    'example.com'
    """
    return email.rpartition("@")[2].lower()


def claimed(values: Mapping[str, Any], mapping: Mapping[str, Any], *, is_vouched: bool) -> Claimed:
    """The provider's claims or attributes as the connection's mapping reads them.

    ``is_vouched`` says that the provider answers for mail addresses without saying so of each. What an OpenID provider
    says of that, ``email_verified``, is about its claim ``email`` and no other. Raises SsoAnswerRefused.
    """
    subject = values.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT or "\0" in subject:
        raise SsoAnswerRefused("it names nobody")
    mail = _first(values.get(mapping["email"]))
    says_verified = mapping["email"] == "email" and _is_true(values.get("email_verified"))
    name = _first(values.get(mapping["full_name"]))
    return Claimed(
        subject=subject,
        email=mail_of(mail) if mail else None,
        is_email_verified=is_vouched or says_verified,
        full_name=" ".join(name.replace("\0", "").split())[:200] if name else None,
        roles=_all(values.get(mapping["role"])) if mapping["role"] else (),
    )


def wanted(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    """The claims that an OpenID provider should give, in one way or the other."""
    named = (mapping["email"], mapping["full_name"], mapping["role"])
    needs_word = mapping["email"] == "email" and not mapping["vouches_for_mail"]
    return (*(name for name in named if name), *(("email_verified",) if needs_word else ()))


def role_for(mapping: Mapping[str, Any], values: Collection[str]) -> str | None:
    """The role of the first line that fits, else the one for everybody; None: nobody without one is let in.

    >>> role_for({"roles": [{"value": "it", "role": "admin"}], "default_role": "viewer"}, ("sales", "it"))
    'admin'
    """
    for line in mapping["roles"]:
        if line["value"] in values:
            return str(line["role"])
    default: str | None = mapping["default_role"]
    return default


def check_vouched(claims: Claimed, domains: Collection[str]) -> str:
    """The mail address by which somebody unknown so far may be found or made. Raises SsoNotAdmitted."""
    if claims.email is None:
        raise SsoNotAdmitted("The identity provider does not say your mail address.")
    if not claims.is_email_verified:
        raise SsoNotAdmitted("The identity provider does not vouch for your mail address.")
    if domain_of(claims.email) not in domains:
        raise SsoNotAdmitted("Your mail address is of no domain that this connection speaks for.")
    return claims.email


def check_ceiling(role: str, allowed: Collection[str], *, by_role: str, by_allowed: Collection[str]) -> None:
    """Nobody comes in as more than those are who set the connection up: else they could sign in as anybody.

    Raises SsoNotAdmitted.
    """
    is_more = role == "owner" and by_role != "owner"
    if is_more or not set(allowed) <= set(by_allowed):
        raise SsoNotAdmitted("Your role is above that of the person who set this connection up.")


def _first(value: Any) -> str | None:
    found = _all(value)
    return found[0] if found else None


def _all(value: Any) -> tuple[str, ...]:
    """A claim that is one text or a list of texts."""
    given: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
    return tuple(each for each in given[:MOST_VALUES] if isinstance(each, str) and each)


def _is_true(value: Any) -> bool:
    """As a truth value or, as some providers write it, as a word; 1 is neither."""
    return value is True or value == "true"
