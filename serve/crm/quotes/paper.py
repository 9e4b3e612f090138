"""A quote as a paper: words and amounts as plain text, for ``branding/papers/quote.typ``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from serve.crm.quotes.totals import is_choice
from serve.crm.quotes.words import WORDS
from serve.identity.branding.brand import Brand
from serve.identity.branding.papers import pdf
from serve.kernel.speech import Speech

_WORD = re.compile(r"\S+")
_LONG = re.compile(r"\S{25}")
_LONGEST_LETTERS = 40
"""Up to so many letters alone a word is hyphenated by the rules of the language (``quote.typ``)."""


async def paper(document: Mapping[str, Any], brand: Brand, *, made_at: datetime) -> bytes:
    """As PDF; the same document, brand and moment give the same bytes."""
    return await pdf("quote", words(document), brand, made_at=made_at.replace(microsecond=0))


def words(document: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on the paper of a quote, an estimate, or a version of one. ``kind`` says which, ``language`` how."""
    said, currency, lines = Speech(document["language"], WORDS), document["currency"], document["lines"]
    has_choices = not document.get("accepted_on") and any(is_choice(line) for line in lines)
    return {
        "language": said.language[:2],
        "title": f"{said(document['kind'])} {document['number'] or ''}".strip(),
        "subject": document["title"] and breakable(document["title"]),
        "recipient": [
            breakable(each) for each in (document["customer_name"], document["recipient_name"]) if each
        ],
        "facts": _facts(document, said),
        "introduction": _paragraphs(document["introduction"]),
        "heads": [said(each) for each in ("description", "quantity", "unit_price", "line_amount")],
        "lines": [_line(line, currency, said) for line in lines],
        "sums": _sums(document, said),
        "total": [said("total"), said.amount(document["total_cents"], currency)],
        "after": _deposit(document, said),
        "options": said("options") if has_choices else None,
        "terms": _paragraphs(document["terms"]),
        "closing": _closing(document, said),
    }


def breakable(text: str) -> str:
    """Words that are too long for a column, and no rule can divide, may be broken anywhere (by a space without width).

    >>> breakable("short") == "short", len(breakable("x" * 60)), len(breakable("Wärmepumpenanlagenwartungsvertrag"))
    (True, 62, 33)
    """
    return _WORD.sub(lambda found: _divided(found[0]), text)


def _divided(word: str) -> str:
    is_left_to_rules = word.isalpha() and len(word) <= _LONGEST_LETTERS
    return word if is_left_to_rules else _LONG.sub(lambda found: f"{found[0]}\u200b", word)


def _facts(document: Mapping[str, Any], said: Speech) -> list[list[str]]:
    facts = [[said("from"), document["sender"]], [said("date"), _day(document["dated"], said)]]
    if document["version"] > 1:
        facts.append([said("version"), str(document["version"])])
    if document["valid_until"]:
        facts.append([said("valid_until"), _day(document["valid_until"], said)])
    return facts


def _line(line: Mapping[str, Any], currency: str, said: Speech) -> dict[str, Any]:
    notes = []
    if group := line["option_group"]:
        notes.append(said("one_of", group=breakable(group)))
    if line["is_optional"]:
        notes.append(said("optional"))
    if line["net_cents"] != line["gross_cents"]:
        amounts = {
            "gross": said.amount(line["gross_cents"], currency),
            "taken": said.amount(line["gross_cents"] - line["net_cents"], currency),
        }
        if off := line["discount_basis_points"]:
            notes.append(said("less_share", share=said.share(off), **amounts))
        else:
            notes.append(said("less", **amounts))
    notes.append(said("tax", share=said.share(line["tax_basis_points"])))
    return {
        "position": str(line["position"]),
        "description": breakable(line["description"]),
        "quantity": " ".join(filter(None, (said.number(Decimal(line["quantity"])), line["unit"]))),
        "price": said.amount(line["unit_price_cents"], currency),
        "amount": said.amount(line["net_cents"], currency),
        "notes": notes,
        "counts": line["is_counted"],
        "choice": "option" if is_choice(line) else None,
    }


def _sums(document: Mapping[str, Any], said: Speech) -> list[list[str]]:
    currency, sums = document["currency"], []
    if document["discount_total_cents"]:
        off = document["discount_basis_points"]
        name = said("discount_of", share=said.share(off)) if off else said("discount")
        sums.append([said("subtotal"), said.amount(document["subtotal_cents"], currency)])
        sums.append([name, said.amount(-document["discount_total_cents"], currency)])
    sums.append([said("net"), said.amount(document["net_cents"], currency)])
    for rate in document["taxes"]:
        share, net = said.share(rate["tax_basis_points"]), said.amount(rate["net_cents"], currency)
        sums.append([said("tax_on", share=share, net=net), said.amount(rate["tax_cents"], currency)])
    return sums


def _deposit(document: Mapping[str, Any], said: Speech) -> list[list[str]]:
    if not document["deposit_cents"]:
        return []
    due = said.amount(document["deposit_cents"], document["currency"])
    return [[said("deposit", share=said.share(document["deposit_basis_points"])), due]]


def _closing(document: Mapping[str, Any], said: Speech) -> list[str]:
    if document["kind"] == "estimate":
        return [said("estimate_binds_nobody")]
    if on := document.get("accepted_on"):
        by, day = document["accepted_by"], _day(on, said)
        return [said("accepted_by", name=by, day=day) if by else said("accepted_on", day=day)]
    if document["is_draft"]:
        return [said("draft_binds_nobody")]
    if not document["valid_until"]:  # it came from elsewhere
        return []
    return [said("bound_until", day=_day(document["valid_until"], said))]


def _day(iso: str, said: Speech) -> str:
    return said.day(date.fromisoformat(iso))


def _paragraphs(text: str | None) -> Sequence[str]:
    return [breakable(part.strip()) for part in (text or "").split("\n") if part.strip()]
