"""Which languages customers are spoken to in, and how each writes amounts, shares and days where they live.

Words stand with the domain that says them, for each language a mapping of the same keys. A language may have a region
(BCP 47, ``de-CH``), which decides how numbers, money and dates are written. One without a region is written as papers
between countries are: no region says whose dollar ``$`` is, so the currency's code stands behind the amount.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from babel import Locale, localedata
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

LANGUAGES = ("en", "de", "fr", "es")
OTHERWISE = "en"
"""What is spoken to whoever understands none of them."""
PATTERN = rf"^({'|'.join(LANGUAGES)})(-([A-Z]{{2}}|[0-9]{{3}}))?$"
Words = Mapping[str, Mapping[str, str]]

_HARD_SPACE = "\u00a0"
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Places of a currency's minor unit, where they are not two (ISO 4217)."""


def spoken(locale: str | None) -> str:
    """The language, with its region where that is known to write it, or else the one for everybody.

    >>> spoken("de-CH"), spoken("de-Latn-CH"), spoken("de-JP"), spoken("it-IT"), spoken(None)
    ('de-CH', 'de-CH', 'de', 'en', 'en')
    """
    language, *rest = (locale or "").split("-")
    if language not in LANGUAGES:
        return OTHERWISE
    region = rest[-1] if rest and len(rest[-1]) < 4 else ""
    return f"{language}-{region}" if region and localedata.exists(f"{language}_{region}") else language


@dataclass(frozen=True)
class Speech:
    """What is said in ``language`` (one that ``spoken`` gives), out of ``words`` of all of them."""

    language: str
    words: Words

    def __call__(self, key: str, /, **values: str) -> str:
        return self.own[key].format(**values)

    @property
    def own(self) -> Mapping[str, str]:
        """The words of this language, before anything is put into them."""
        return self.words[self.language[:2]]

    @cached_property
    def _locale(self) -> Locale:
        # Bare English is that of no country: its days are not written as in the United States.
        return Locale.parse("en_001" if self.language == "en" else self.language.replace("-", "_"))

    @property
    def _has_region(self) -> bool:
        return "-" in self.language

    def number(self, value: Decimal) -> str:
        """
        >>> Speech("de", {}).number(Decimal("1234.5"))
        '1.234,5'
        """
        return format_decimal(value, locale=self._locale, decimal_quantization=False)

    def amount(self, cents: int, currency: str) -> str:
        """
        >>> [Speech(each, {}).amount(123456, "EUR") for each in ("en", "en-US", "de-DE", "de-CH")]
        ['1,234.56\\xa0EUR', '€1,234.56', '1.234,56\\xa0€', 'EUR\\xa01’234.56']
        >>> Speech("en", {}).amount(1500, "JPY"), Speech("fr-CM", {}).amount(1500, "XAF")
        ('1,500\\xa0JPY', '1\\u202f500\\xa0FCFA')
        """
        digits = _DIGITS.get(currency, 2)
        value, locale = Decimal(cents).scaleb(-digits), self._locale
        pattern = copy(
            locale.currency_formats["standard"] if self._has_region else locale.decimal_formats[None]
        )
        pattern.frac_prec = (digits, digits)
        if not self._has_region:
            return f"{pattern.apply(value, locale)}{_HARD_SPACE}{currency}"
        written = pattern.apply(value, locale, currency=currency, currency_digits=False)
        return _LETTER_BEFORE_DIGIT.sub(_HARD_SPACE, written)

    def share(self, basis_points: int) -> str:
        """
        >>> [Speech(each, {}).share(750) for each in ("en", "en-US", "de-DE")]
        ['7.5\\xa0%', '7.5%', '7,5\\xa0%']
        """
        if not self._has_region:
            return f"{self.number(Decimal(basis_points) / 100)}{_HARD_SPACE}%"
        return format_percent(Decimal(basis_points) / 10_000, locale=self._locale, decimal_quantization=False)

    def day(self, moment: date) -> str:
        """
        >>> [Speech(each, {}).day(date(2026, 1, 5)) for each in ("en", "en-US", "de-AT", "es")]
        ['5 January 2026', 'January 5, 2026', '5. Jänner 2026', '5 de enero de 2026']
        """
        return format_date(moment, "long", locale=self._locale)

    def moment(self, moment: datetime) -> str:
        """Day and time, on the clock of ``moment``.

        >>> Speech("de", {}).moment(datetime(2026, 1, 5, 14, 3))
        '5. Januar 2026, 14:03'
        """
        return f"{self.day(moment)}, {format_time(moment, 'short', locale=self._locale)}"
