"""What a tenant may be called, where it may be, and what follows from that; no database, no clock."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from slugify import slugify

MOST_SLUG_CHARS = 63
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RESERVED = frozenset(
    {
        *(
            "account",
            "accounts",
            "admin",
            "api",
            "app",
            "assets",
            "auth",
            "billing",
            "blog",
            "cdn",
            "dashboard",
        ),
        *(
            "demo",
            "dev",
            "docs",
            "files",
            "ftp",
            "health",
            "help",
            "imap",
            "internal",
            "login",
            "logout",
            "mail",
        ),
        *("me", "metrics", "mx", "ns1", "ns2", "openapi", "operator", "pages", "platform", "pop", "portal"),
        *(
            "public",
            "register",
            "root",
            "security",
            "signup",
            "smtp",
            "staging",
            "static",
            "status",
            "support",
        ),
        *("system", "team", "tenant", "tenants", "test", "throughline", "webhooks", "webmail", "ws", "www"),
    }
)
"""Names that addresses, mail boxes or people take for the installation's own."""


def slug_problem(slug: str) -> str | None:
    """Why no tenant may be called that, or None.

    >>> slug_problem("example-fleet"), slug_problem("api")
    (None, 'is kept for the installation itself')
    """
    if not 2 <= len(slug) <= MOST_SLUG_CHARS or not SLUG.fullmatch(slug):
        return f"must have 2 to {MOST_SLUG_CHARS} small letters and digits, in words joined by single hyphens"
    if slug in RESERVED:
        return "is kept for the installation itself"
    if slug.startswith("closed-") or slug.replace("-", "").isdigit():
        return "would be taken for a number or for a tenant that is closed"
    return None


def slugs_of(name: str, *, count: int = 50) -> list[str]:
    """What a tenant of that name may be called, best first.

    >>> slugs_of("Müller & Söhne GmbH", count=2)
    ['muller-sohne-gmbh', 'muller-sohne-gmbh-2']
    """
    base = slugify(name, max_length=MOST_SLUG_CHARS - 4) or "tenant"
    numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, count + 20))
    return list(islice((slug for slug in numbered if slug_problem(slug) is None), count))


@cache
def countries() -> frozenset[str]:
    """ISO 3166: those where money is in use today."""
    return frozenset(
        country
        for country, currencies in get_global("territory_currencies").items()
        if re.fullmatch("[A-Z]{2}", country) and any(_is_current(each) for each in currencies)
    )


@cache
def currencies() -> frozenset[str]:
    """ISO 4217: those that are legal tender somewhere today."""
    found = get_global("territory_currencies").values()
    return frozenset(each[0] for of_one in found for each in of_one if _is_current(each))


def _is_current(currency: tuple[object, object, object | None, bool]) -> bool:
    _, _, until, is_tender = currency
    return until is None and is_tender


@cache
def timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def general_of(country: str) -> dict[str, str]:
    """What the settings of a tenant there begin with: how most people there write and when their week begins.

    >>> general_of("DE"), general_of("US")
    ({'locale': 'de-DE', 'week_starts_on': 'monday'}, {'locale': 'en-US', 'week_starts_on': 'sunday'})
    """
    try:
        locale = Locale.parse(f"und_{country}")
    except (UnknownLocaleError, ValueError):
        return {}
    starts_on = {5: "saturday", 6: "sunday"}.get(locale.first_week_day, "monday")
    return {"locale": f"{locale.language}-{country}", "week_starts_on": starts_on}
