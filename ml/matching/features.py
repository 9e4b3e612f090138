"""What of a row is compared: one way to write each name, number and address."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import numpy as np
import phonenumbers
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

WANTED = ("unique_id", "full_name", "email", "phone", "company", "city", "country")
"""What a row has; all but the id may be empty. ``country`` says where a number without a code belongs to."""

RARE, OFTEN = 2, 10
"""In how many rows a word stands at most to be taken for a slip, and at least to be what was meant."""

SHARED = frozenset(
    [
        "info",
        "office",
        "kontakt",
        "contact",
        "mail",
        "sales",
        "service",
        "team",
        "admin",
        "hello",
        "jobs",
        "support",
    ]
)

_LEGAL = frozenset(
    [
        "gmbh",
        "ag",
        "kg",
        "ohg",
        "gbr",
        "ug",
        "se",
        "ltd",
        "limited",
        "llc",
        "llp",
        "inc",
        "corp",
        "plc",
        "co",
        "sarl",
        "sa",
        "spa",
        "srl",
        "bv",
        "nv",
        "oy",
    ]
)
_SPELT = (("ß", "ss"), ("ł", "l"), ("ø", "o"), ("đ", "d"), ("æ", "a"))


def plain(text: str | None) -> str:
    """Words without capitals, accents and signs; umlauts as one letter."""
    lowered = unicodedata.normalize("NFKD", (text or "").lower())
    bare = "".join(each for each in lowered if not unicodedata.combining(each))
    for letter, two in _SPELT:
        bare = bare.replace(letter, two)
    return re.sub(r"([aou])e", r"\1", " ".join(re.findall(r"\w+", bare)))


def number(phone: str | None, country: str | None) -> str | None:
    """E.164 where it can be read, else its last nine digits."""
    if not phone:
        return None
    try:
        parsed = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return re.sub(r"\D", "", phone)[-9:] or None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def prepared(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each, with what is compared; empty where nothing is known.

    ``name`` has its words by the alphabet; ``given`` and ``family`` have their slips mended, and ``given_rows`` and
    ``family_rows`` tell in how many rows each stands. Besides: ``email``, ``local``, ``digits``, ``phone``,
    ``company``, ``city``.
    """
    found = frame.select(WANTED).sort("unique_id").rows(named=True)
    names = [plain(row["full_name"]).split() for row in found]
    leaning = _leaning(row["full_name"] for row in found)
    rows = []
    for row, words in zip(found, names, strict=True):
        email = (row["email"] or "").strip().lower() or None
        work = " ".join(word for word in plain(row["company"]).split() if word not in _LEGAL)
        given, family = _parts(words, leaning)
        rows.append(
            {
                "unique_id": row["unique_id"],
                "name": " ".join(sorted(words)) or None,
                "given": given,
                "family": family,
                "email": email,
                "local": email.partition("@")[0] if email else None,
                "digits": re.sub(r"\D", "", email) if email else None,
                "phone": number(row["phone"], row["country"]),
                "company": work or None,
                "city": plain(row["city"]) or None,
            }
        )
    columns = ("unique_id", "name", "given", "family", "email", "local", "digits", "phone", "company", "city")
    told = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))
    parts = ("given", "family")
    mended = told.with_columns(
        pl.col(part).replace(_slips(Counter(told[part].drop_nulls()))) for part in parts
    )
    return mended.with_columns(pl.len().over(part).alias(f"{part}_rows") for part in parts)


def _slips(counts: Counter[str]) -> dict[str, str]:
    """The frequent word that a rare one is a slip of: one letter away, and the rare one stands in two rows at most."""
    rare = [word for word, count in counts.items() if count <= RARE and len(word) > 2]
    often = [word for word, count in counts.most_common() if count >= OFTEN and len(word) > 2]
    if not rare or not often:
        return {}
    away = process.cdist(rare, often, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8)
    near = away <= 1
    # The first is the most frequent one.
    return {rare[row]: often[int(near[row].argmax())] for row in np.flatnonzero(near.any(axis=1))}


def _leaning(names: Iterable[str | None]) -> Counter[str]:
    """How much oftener each word stands first than last: given names are above 0, for most people write them first."""
    leaning: Counter[str] = Counter()
    for name in names:
        words = plain(name).split()
        if len(words) < 2 or "," in (name or ""):
            continue
        leaning[words[0]] += 1
        leaning[words[-1]] -= 1
    return leaning


def _parts(words: list[str], leaning: Counter[str]) -> tuple[str | None, str | None]:
    """(given name, family name), whichever of the outer words is more of a given name; an initial always is."""
    if len(words) < 2:
        return None, words[0] if words else None
    first, last = words[0], words[-1]
    if len(last) == 1 or (len(first) > 1 and leaning[last] > leaning[first]):
        first, last = last, first
    return first, last
