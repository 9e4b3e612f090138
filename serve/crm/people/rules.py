"""How alike two people or two companies are: plain functions, no database.

The weights are logarithms to base 2 of how much more often a finding is seen between two rows of one person than
between two rows of strangers. They are set by hand for the warning at entry, which must be understood at once and never
refuses anything; matching in bulk estimates its own from the data (``ml/matching``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

import phonenumbers
from rapidfuzz.distance import JaroWinkler

from serve.crm.people.schemas import Evidence

PRIOR_BITS = -11.0
"""Of the rows that share a name, an address or a number with a new one, few are the same person by that alone."""

ALIKE = 0.92
"""From this likeness (Jaro-Winkler, words in order of the alphabet) two names may be one with a mistake in it."""

MOST_SHOWN, LEAST_CHANCE = 5, 0.1
MOST_WORDS = 3

SHARED_MAILBOXES = frozenset(
    [
        "admin",
        "billing",
        "buchhaltung",
        "contact",
        "dispo",
        "empfang",
        "hello",
        "help",
        "hr",
        "info",
        "jobs",
        "kontakt",
        "mail",
        "office",
        "orders",
        "post",
        "sales",
        "service",
        "support",
        "team",
        "verwaltung",
        "werkstatt",
    ]
)
"""What stands before the @ of an address that nobody has alone."""

_EMAIL, _MAILBOX, _OTHER_EMAIL = 14.0, 5.0, -1.0
_PHONE, _OTHER_PHONE = 9.0, -1.0
_NAME, _ALIKE, _OTHER_NAME = 9.0, 6.0, -6.0
_COMPANY, _CITY = 11.0, 2.0


def likeness(
    asked: Mapping[str, Any], found: Mapping[str, Any], country: str | None
) -> tuple[float, list[Evidence]]:
    """(chance from 0 to 1 that both are one person, or one company, and what speaks for and against it).

    ``country`` is where a number without a country's code belongs to.
    """
    evidence = [
        each for compare in _COMPARED for each in [compare(asked, found, country)] if each is not None
    ]
    bits = PRIOR_BITS + sum(each.weight_bits for each in evidence)
    return 1 / (1 + 2**-bits), evidence


def orders(name: str | None) -> list[str]:
    """The name with its words in every order, as people mix up first and last; long ones turned about once."""
    words = (name or "").replace(",", " ").split()
    if len(words) > MOST_WORDS:
        return [" ".join(words), " ".join(words[1:] + words[:1]), " ".join(words[-1:] + words[:-1])]
    return sorted({" ".join(order) for order in permutations(words)}) if words else []


def plain_name(name: str) -> str:
    """Words in order of the alphabet, without capitals."""
    return " ".join(sorted(name.lower().replace(",", " ").split()))


def same_number(one: str, other: str, country: str | None) -> bool:
    """Whether both reach the same telephone, where the shorter may lack the country's code."""
    parsed = []
    for each in (one, other):
        try:
            parsed.append(phonenumbers.parse(each, country))
        except phonenumbers.NumberParseException:
            return _digits(one) == _digits(other)
    match = phonenumbers.is_number_match(*parsed)
    return bool(match in (phonenumbers.MatchType.EXACT_MATCH, phonenumbers.MatchType.NSN_MATCH))


def _name(asked: Mapping[str, Any], found: Mapping[str, Any], _: str | None) -> Evidence | None:
    one, other = asked.get("full_name"), found.get("full_name")
    if not one or not other:
        return None
    near = JaroWinkler.similarity(plain_name(one), plain_name(other))
    if near == 1 or found.get("has_same_name"):
        return Evidence(field="full_name", says="the same name", weight_bits=_NAME)
    if near >= ALIKE:
        return Evidence(field="full_name", says="a name much like it", weight_bits=_ALIKE)
    return Evidence(field="full_name", says="another name", weight_bits=_OTHER_NAME)


def _email(asked: Mapping[str, Any], found: Mapping[str, Any], _: str | None) -> Evidence | None:
    one, other = (str(each.get("email") or "").strip().lower() for each in (asked, found))
    if not one or not other:
        return None
    if one != other:
        return Evidence(field="email", says="another address", weight_bits=_OTHER_EMAIL)
    if one.partition("@")[0] in SHARED_MAILBOXES:
        return Evidence(field="email", says="the same address, which several may read", weight_bits=_MAILBOX)
    return Evidence(field="email", says="the same address", weight_bits=_EMAIL)


def _phone(asked: Mapping[str, Any], found: Mapping[str, Any], country: str | None) -> Evidence | None:
    one, other = asked.get("phone"), found.get("phone")
    if not one or not other:
        return None
    if same_number(one, other, country):
        return Evidence(field="phone", says="the same number", weight_bits=_PHONE)
    return Evidence(field="phone", says="another number", weight_bits=_OTHER_PHONE)


def _company(asked: Mapping[str, Any], found: Mapping[str, Any], _: str | None) -> Evidence | None:
    if not found.get("has_same_company"):
        return None
    return Evidence(field="company", says="the same company, but for its legal form", weight_bits=_COMPANY)


def _city(asked: Mapping[str, Any], found: Mapping[str, Any], _: str | None) -> Evidence | None:
    one, other = (str(each.get("city") or "").strip().lower() for each in (asked, found))
    if not one or not other:
        return None
    if one == other:
        return Evidence(field="city", says="the same place", weight_bits=_CITY)
    return Evidence(field="city", says="another place", weight_bits=-_CITY)


_COMPARED = (_name, _email, _phone, _company, _city)


def _digits(number: str) -> str:
    return "".join(each for each in number if each.isdigit())


def worth_saying(
    asked: Mapping[str, Any], rows: Iterator[Mapping[str, Any]], country: str | None
) -> list[tuple[float, list[Evidence], Mapping[str, Any]]]:
    """The rows that may well be the same, the likeliest first, a few at most."""
    judged = [(*likeness(asked, row, country), row) for row in rows]
    worth = [each for each in judged if each[0] >= LEAST_CHANCE]
    return sorted(worth, key=lambda each: (-each[0], str(each[2]["id"])))[:MOST_SHOWN]
