"""What of a row is compared: one way to write each name, number and address."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
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

SLIP_SHARE = 0.03

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

_NO_COMMA, _COMMA = math.log2(9), -math.log2(30)
"""How much likelier it is, in bits, that the given name stands first: nine of ten names are written so, and with a
comma hardly any."""

_LEGAL = frozenset(
    [
        *("gmbh", "ag", "kg", "ohg", "gbr", "ug", "kgaa", "ev", "eg", "se"),
        *("ltd", "limited", "llc", "llp", "inc", "corp", "plc", "co"),
        *("sarl", "sa", "sas", "sasu", "eurl", "spa", "srl", "sl", "slu", "lda", "bv", "nv", "vof", "bvba"),
        *("ab", "as", "asa", "aps", "oy", "oyj", "ehf", "hf", "sro", "doo", "dd", "kft", "zrt", "ood", "ead"),
        *("sp", "z", "oo", "zoo", "uab", "sia", "ou"),
    ]
)
_UNDOTTED = re.compile(r"(?<=\b\w)\.")
"""The dots of s.r.o. and of S.A."""
_PREPARED = (
    *("unique_id", "name", "given", "family", "email", "local", "mailbox", "digits"),
    *("phone", "company", "city"),
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
    ``family_rows`` tell in how many rows each stands. Besides: ``email``, ``local`` (before the @), ``mailbox`` (words
    of it that may be names), ``digits``, ``phone``, ``company``, ``city``. Rows come in the order of their ids.
    """
    found = frame.select(WANTED).sort("unique_id").rows(named=True)
    names = [plain(row["full_name"]).split() for row in found]
    order = _Order(row["full_name"] for row in found)
    rows = []
    for row, words in zip(found, names, strict=True):
        email = (row["email"] or "").strip().lower() or None
        work = " ".join(
            word for word in plain(_UNDOTTED.sub("", row["company"] or "")).split() if word not in _LEGAL
        )
        given, family = order.parts(row["full_name"])
        rows.append(
            {
                "unique_id": row["unique_id"],
                "name": " ".join(sorted(words)) or None,
                "given": given,
                "family": family,
                "email": email,
                "local": email.partition("@")[0] if email else None,
                "mailbox": _mailbox(email) if email else None,
                "digits": re.sub(r"\D", "", email) if email else None,
                "phone": number(row["phone"], row["country"]),
                "company": work or None,
                "city": plain(row["city"]) or None,
            }
        )
    told = pl.DataFrame(rows, schema=dict.fromkeys(_PREPARED, pl.String))
    parts = ("given", "family")
    mended = told.with_columns(_mended(told, part) for part in parts)
    return mended.with_columns(pl.len().over(part).alias(f"{part}_rows") for part in parts)


def _mailbox(email: str) -> str:
    """The words of a mail address that may be names, each also without its first letter, which may be an initial:
    of alovelace@ and of ada.lovelace@ it is lovelace. A space stands before and after each."""
    words = re.findall("[a-z]+", plain(email.partition("@")[0]))
    return " ".join(["", *(part for word in words for part in (word, word[1:]) if len(part) > 1), ""])


def _mended(told: pl.DataFrame, part: str) -> pl.Series:
    """Slips replaced by what was meant: of several words it may be, the one that stands in the same row's mail address
    or in a row with the same address or number, else the most frequent."""
    slips = _slips(Counter(told[part].drop_nulls()), _attested(told, part))
    if not slips:
        return told[part]
    beside: dict[str, set[str]] = defaultdict(set)
    for key in ("email", "phone"):
        for value, word in told.select(key, part).drop_nulls().iter_rows():
            beside[value].add(word)
    mended = []
    for word, email, phone, local in told.select(part, "email", "phone", "local").iter_rows():
        meant = slips.get(word)
        if meant and len(meant) > 1:
            near = beside[email or ""] | beside[phone or ""]
            meant = sorted(meant, key=lambda each: each not in near and each not in (local or ""))
        mended.append(meant[0] if meant else word)
    return pl.Series(part, mended, dtype=pl.String)


def _attested(told: pl.DataFrame, part: str) -> set[str]:
    """Words that stand twice beside one address or number: who writes them so twice means them so."""
    found: set[str] = set()
    for key in ("email", "phone"):
        twice = told.select(key, part).drop_nulls().group_by(key, part).len().filter(pl.col("len") > 1)
        found.update(twice[part])
    return found


def _slips(counts: Counter[str], meant_so: set[str]) -> dict[str, list[str]]:
    """The frequent words that a rare one may be a slip of, the most frequent first: one letter away, and the rare one
    stands in two rows at most, or in three for each hundred of the other."""
    most = max(RARE, SLIP_SHARE * max(counts.values(), default=0))
    rare = [w for w, count in counts.items() if count <= most and len(w) > 2 and w not in meant_so]
    often = sorted(
        (w for w, count in counts.items() if count >= OFTEN and len(w) > 2), key=lambda w: (-counts[w], w)
    )
    if not rare or not often:
        return {}
    near = process.cdist(rare, often, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8) <= 1
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row, column in zip(*np.nonzero(near), strict=True):
        slip, meant = rare[row], often[column]
        if slip != meant and counts[slip] <= max(RARE, SLIP_SHARE * counts[meant]):
            found[slip].append(meant)
    return found


class _Order:
    """Which words stand first and which last: most people write the given name first, but not all."""

    def __init__(self, names: Iterable[str | None]) -> None:
        self._first: Counter[str] = Counter()
        self._last: Counter[str] = Counter()
        for name in names:
            words = plain(name).split()
            if len(words) > 1 and "," not in (name or ""):
                self._first[words[0]] += 1
                self._last[words[-1]] += 1
        self._meant = {slip: meant[0] for slip, meant in _slips(self._first + self._last, set()).items()}

    def parts(self, name: str | None) -> tuple[str | None, str | None]:
        """(given name, family name) as they stand, or the other way about where all other names speak for that more
        than the habit speaks against it; an initial is always the given name."""
        words = plain(name).split()
        if len(words) < 2:
            return None, words[0] if words else None
        first, last = words[0], words[-1]
        has_comma = "," in (name or "")
        # What this name says itself is no evidence about it.
        own = 0 if has_comma else 1
        bits = (
            (_COMMA if has_comma else _NO_COMMA) + self._leaning(first, own, 0) - self._leaning(last, 0, own)
        )
        if len(first) > 1 and (len(last) == 1 or bits < 0):
            first, last = last, first
        return first, last

    def _leaning(self, word: str, own_first: int, own_last: int) -> float:
        """Above 0 for words that stand first in other names; one that stands in few says little."""
        if word in self._meant:
            word, own_first, own_last = self._meant[word], 0, 0
        return math.log2((self._first[word] - own_first + 0.5) / (self._last[word] - own_last + 0.5))
