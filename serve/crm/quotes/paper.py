"""A quote as a paper: words and amounts as plain text, for ``branding/papers/quote.typ``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from serve.crm.quotes.totals import is_choice
from serve.identity.branding.brand import Brand
from serve.identity.branding.papers import pdf

_LONG = re.compile(r"\S{25}")
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Places of a currency's minor unit, where they are not two (ISO 4217)."""


async def paper(document: Mapping[str, Any], brand: Brand, *, made_at: datetime) -> bytes:
    """As PDF; the same document, brand and moment give the same bytes."""
    return await pdf("quote", words(document), brand, made_at=made_at.replace(microsecond=0))


def words(document: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on the paper of a quote, an estimate, or a version of one. ``kind`` says which."""
    currency, lines = document["currency"], document["lines"]
    return {
        "title": f"{document['kind'].capitalize()} {document['number'] or ''}".strip(),
        "subject": document["title"] and breakable(document["title"]),
        "recipient": [
            breakable(each) for each in (document["customer_name"], document["recipient_name"]) if each
        ],
        "facts": _facts(document),
        "introduction": _paragraphs(document["introduction"]),
        "lines": [_line(line, currency) for line in lines],
        "sums": _sums(document),
        "total": ["Total", amount(document["total_cents"], currency)],
        "after": _deposit(document),
        "has_choices": not document.get("accepted_on") and any(is_choice(line) for line in lines),
        "terms": _paragraphs(document["terms"]),
        "closing": _closing(document),
    }


def breakable(text: str) -> str:
    """Words that are too long for a column may be broken anywhere (by a space without width).

    >>> breakable("short") == "short", len(breakable("x" * 60))
    (True, 62)
    """
    return _LONG.sub(lambda found: f"{found[0]}\u200b", text)


def amount(cents: int, currency: str) -> str:
    """
    >>> amount(123456789, "EUR"), amount(5, "EUR"), amount(1500, "JPY")
    ('1,234,567.89 EUR', '0.05 EUR', '1,500 JPY')
    """
    digits = _DIGITS.get(currency, 2)
    return f"{Decimal(cents).scaleb(-digits):,.{digits}f} {currency}"


def share(basis_points: int) -> str:
    """
    >>> share(1900), share(750)
    ('19 %', '7.5 %')
    """
    return f"{(Decimal(basis_points) / 100).normalize():f} %"


def day(moment: date) -> str:
    """
    >>> day(date(2026, 1, 5))
    '5 January 2026'
    """
    return f"{moment.day} {moment:%B %Y}"


def _facts(document: Mapping[str, Any]) -> list[list[str]]:
    facts = [["From", document["sender"]], ["Date", day(date.fromisoformat(document["dated"]))]]
    if document["version"] > 1:
        facts.append(["Version", str(document["version"])])
    if document["valid_until"]:
        facts.append(["Valid until", day(date.fromisoformat(document["valid_until"]))])
    return facts


def _line(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    notes = []
    if group := line["option_group"]:
        notes.append(f"One of: {breakable(group)}")
    if line["is_optional"]:
        notes.append("Optional")
    if line["net_cents"] != line["gross_cents"]:
        off = share(line["discount_basis_points"]) if line["discount_basis_points"] else ""
        taken = amount(line["gross_cents"] - line["net_cents"], currency)
        notes.append(f"{amount(line['gross_cents'], currency)} less {f'{off}, ' if off else ''}{taken}")
    notes.append(f"Tax {share(line['tax_basis_points'])}")
    return {
        "position": str(line["position"]),
        "description": breakable(line["description"]),
        "quantity": " ".join(filter(None, (f"{Decimal(line['quantity']):,f}", line["unit"]))),
        "price": amount(line["unit_price_cents"], currency),
        "amount": amount(line["net_cents"], currency),
        "notes": notes,
        "counts": line["is_counted"],
        "choice": "option" if is_choice(line) else None,
    }


def _sums(document: Mapping[str, Any]) -> list[list[str]]:
    currency, sums = document["currency"], []
    if document["discount_total_cents"]:
        off = document["discount_basis_points"]
        sums.append(["Sum of the lines", amount(document["subtotal_cents"], currency)])
        sums.append(
            [
                f"Discount{f' of {share(off)}' if off else ''}",
                f"-{amount(document['discount_total_cents'], currency)}",
            ]
        )
    sums.append(["Net", amount(document["net_cents"], currency)])
    for rate in document["taxes"]:
        name = f"Tax {share(rate['tax_basis_points'])} on {amount(rate['net_cents'], currency)}"
        sums.append([name, amount(rate["tax_cents"], currency)])
    return sums


def _deposit(document: Mapping[str, Any]) -> list[list[str]]:
    if not document["deposit_cents"]:
        return []
    due = amount(document["deposit_cents"], document["currency"])
    return [[f"Of it in advance ({share(document['deposit_basis_points'])})", due]]


def _closing(document: Mapping[str, Any]) -> list[str]:
    if document["kind"] == "estimate":
        return ["This is an estimate. It says what the work may cost, and binds nobody."]
    if on := document.get("accepted_on"):
        by = document["accepted_by"]
        return [f"Accepted{f' by {by}' if by else ''} on {day(date.fromisoformat(on))}."]
    if document["is_draft"]:
        return ["This is a draft. It was not sent, and binds nobody."]
    if not document["valid_until"]:  # it came from elsewhere
        return []
    until = day(date.fromisoformat(document["valid_until"]))
    return [f"We are bound by this offer until the end of {until}."]


def _paragraphs(text: str | None) -> Sequence[str]:
    return [breakable(part.strip()) for part in (text or "").split("\n") if part.strip()]
