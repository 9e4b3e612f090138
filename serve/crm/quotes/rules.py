"""What is allowed of quotes and estimates, and what their rows say once lines are counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from serve.crm.quotes.errors import (
    EstimateNotOpen,
    QuoteConverted,
    QuoteDecided,
    QuoteEmpty,
    QuoteNotAccepted,
    QuoteNotOpen,
    QuoteNotSendable,
)
from serve.crm.quotes.totals import MOST_CENTS, deposit, is_choice, totals
from serve.kernel.errors import Invalid

CONTENT = (
    *("account_id", "contact_id", "title", "introduction", "terms", "recipient_name", "recipient_email"),
    *("lines", "discount_basis_points", "discount_cents", "deposit_basis_points", "currency", "valid_until"),
    "language",
)
"""What a quote says. A change of it after sending is a new version; the rest is what became of it."""

COUNTED_FROM = ("lines", "discount_basis_points", "discount_cents", "deposit_basis_points")
"""What the amounts follow from."""

Details = list[tuple[str, str]]


def check_offer(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises Invalid naming every field that does not go with the others."""
    wrong: Details = []
    lines = after["lines"]
    for place, line in enumerate(lines):
        if line.get("discount_cents") is not None and line.get("discount_basis_points") is not None:
            wrong.append((f"lines[{place}].discount_cents", "a discount is an amount or a share, not both"))
    if after.get("discount_cents") is not None and after.get("discount_basis_points") is not None:
        wrong.append(("discount_cents", "a discount is an amount or a share, not both"))
    wrong += wrong_options(lines)
    if wrong:
        raise Invalid(details=wrong)
    _check_amounts(after)


def check_quote(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """What was accepted stays. Raises QuoteDecided or Invalid."""
    if before is not None and before["status"] == "accepted":
        raise QuoteDecided
    check_offer(before, after)


def check_estimate(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """What has become a quote stays. Raises EstimateNotOpen or Invalid."""
    if before is not None and before["status"] == "quoted":
        raise EstimateNotOpen
    check_offer(before, after)


def wrong_options(lines: Sequence[Mapping[str, Any]]) -> Details:
    """Of each group one line counts; none is enough where all of them are optional."""
    wrong: Details = []
    groups: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        if group := line.get("option_group"):
            groups[group].append(place)
        elif not line.get("is_optional") and not line.get("is_chosen", True):
            wrong.append((f"lines[{place}].is_chosen", "a line that is no option always counts"))
    for group, places in groups.items():
        optional = [bool(lines[place].get("is_optional")) for place in places]
        chosen = [place for place in places if lines[place].get("is_chosen", True)]
        if len(set(optional)) > 1:
            wrong.append(
                (f"lines[{places[-1]}].is_optional", f"all of the group {group!r} are optional or none")
            )
        elif len(chosen) > 1:
            wrong.append(
                (f"lines[{chosen[1]}].is_chosen", f"one of the group {group!r} is chosen, not several")
            )
        elif not chosen and not optional[0]:
            wrong.append((f"lines[{places[0]}].is_chosen", f"one of the group {group!r} must be chosen"))
    return wrong


def _check_amounts(after: Mapping[str, Any]) -> None:
    wrong: Details = []
    found = totals(after["lines"])
    for place, (line, each) in enumerate(zip(after["lines"], found.lines, strict=True)):
        if (line.get("discount_cents") or 0) > each.gross_cents:
            wrong.append((f"lines[{place}].discount_cents", "is more than the line comes to"))
    if (after.get("discount_cents") or 0) > found.subtotal_cents:
        wrong.append(("discount_cents", "is more than the lines come to"))
    if sum(each.gross_cents for each in found.lines) + found.total_cents > MOST_CENTS:
        wrong.append(("lines", f"come to more than {MOST_CENTS} minor units"))
    if wrong:
        raise Invalid(details=wrong)


def stored_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as JSON holds it: the quantity as text, because a JSON number would be read as a float."""
    return {**line, "quantity": plain(Decimal(line["quantity"]))}


def plain(quantity: Decimal) -> str:
    """Without needless zeros.

    >>> plain(Decimal("2.500")), plain(Decimal("1E+1"))
    ('2.5', '10')
    """
    return format(quantity.normalize(), "f")


def counted(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a quote or an estimate that follow from its lines and discounts."""
    lines = [stored_line(line) for line in values["lines"]]
    found = totals(
        lines,
        discount_basis_points=values.get("discount_basis_points"),
        discount_cents=values.get("discount_cents"),
    )
    advance = deposit(found.rates, values.get("deposit_basis_points"))
    shown = [
        {
            **line,
            "position": position,
            "gross_cents": each.gross_cents,
            "net_cents": each.net_cents,
            "is_counted": each.is_counted,
        }
        for position, (line, each) in enumerate(zip(lines, found.lines, strict=True), 1)
    ]
    return {
        "lines": shown,
        "subtotal_cents": found.subtotal_cents,
        "discount_total_cents": found.discount_cents,
        "net_cents": found.net_cents,
        "tax_cents": found.tax_cents,
        "total_cents": found.total_cents,
        "taxes": [asdict(rate) for rate in found.rates],
        "deposit_cents": sum(rate.net_cents + rate.tax_cents for rate in advance),
    }


def chosen(lines: Sequence[Mapping[str, Any]], positions: Collection[int]) -> list[dict[str, Any]]:
    """The lines with these positions chosen, of those that are a choice, and no others. Raises Invalid."""
    choices = {line["position"] for line in lines if is_choice(line)}
    if strange := sorted(set(positions) - choices):
        raise Invalid(details=[("chosen", f"{', '.join(map(str, strange))}: no line that one can choose")])
    after = [
        {**line, "is_chosen": line["position"] in positions} if is_choice(line) else dict(line)
        for line in lines
    ]
    if wrong := wrong_options(after):
        raise Invalid(details=[("chosen", said) for _, said in wrong])
    return after


def check_sendable(quote: Mapping[str, Any], address: str | None) -> None:
    """Raises QuoteDecided, or QuoteNotSendable naming every missing part at once."""
    if quote["status"] == "accepted":
        raise QuoteDecided
    missing: Details = []
    if not quote["lines"]:
        missing.append(("lines", "has no line"))
    if not address:
        missing.append(("recipient_email", "say where it goes, here or at the contact"))
    if missing:
        raise QuoteNotSendable(details=missing)


def is_over(quote: Mapping[str, Any], now: datetime) -> bool:
    """Whether it was sent, and nobody has decided it in its time."""
    return quote["status"] == "sent" and quote["expires_at"] is not None and now >= quote["expires_at"]


def is_open(quote: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody may decide it at this instant."""
    return quote["status"] == "sent" and quote["expires_at"] is not None and now < quote["expires_at"]


def check_open(quote: Mapping[str, Any], now: datetime) -> None:
    """Raises QuoteNotOpen."""
    if not is_open(quote, now):
        raise QuoteNotOpen


def check_convertible(quote: Mapping[str, Any]) -> None:
    """Raises QuoteNotAccepted, QuoteConverted or QuoteEmpty."""
    if quote["status"] != "accepted":
        raise QuoteNotAccepted
    if quote["converted_at"] is not None or quote["job_id"] is not None:
        raise QuoteConverted
    if not quote["lines"]:
        raise QuoteEmpty
