"""What lines come to: whole minor units from beginning to end, one rounding rule, no float anywhere.

The rule is commercial rounding: half a minor unit goes up. It is used in four places and nowhere else:

1. a line: quantity times unit price, then its discount by a share;
2. the discount on the whole offer, where it is a share of what the lines come to;
3. tax: once for each rate, on the sum of all lines of that rate (EN 16931, BR-CO-17), never line by line;
4. the deposit: a share of each rate's net amount, and the tax on that.

A discount on the whole is spread over the rates in proportion, cent by cent to where the largest remainder is, so that
its parts are exactly it. Everything is then a sum: nothing is rounded twice, and the order of lines does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

WHOLE = 10_000
"""Basis points in all of something."""
THOUSAND = 1_000
MOST_CENTS = 10**15
"""What an offer may come to: beyond it programs that know numbers only as floats would be wrong."""


@dataclass(frozen=True, slots=True)
class LineSum:
    """One line: ``gross_cents`` before its discount, ``net_cents`` after it; no tax in either."""

    gross_cents: int
    discount_cents: int
    is_counted: bool

    @property
    def net_cents(self) -> int:
        return self.gross_cents - self.discount_cents


@dataclass(frozen=True, slots=True)
class RateSum:
    """All that is taxed at one rate."""

    tax_basis_points: int
    net_cents: int
    tax_cents: int


@dataclass(frozen=True, slots=True)
class Totals:
    """``lines`` in their order; ``rates`` from the lowest. Options that nobody has chosen count for nothing."""

    lines: tuple[LineSum, ...]
    discount_cents: int
    rates: tuple[RateSum, ...]

    @property
    def subtotal_cents(self) -> int:
        return sum(line.net_cents for line in self.lines if line.is_counted)

    @property
    def net_cents(self) -> int:
        return sum(rate.net_cents for rate in self.rates)

    @property
    def tax_cents(self) -> int:
        return sum(rate.tax_cents for rate in self.rates)

    @property
    def total_cents(self) -> int:
        return self.net_cents + self.tax_cents


def totals(
    lines: Sequence[Mapping[str, Any]],
    *,
    discount_basis_points: int | None = None,
    discount_cents: int | None = None,
) -> Totals:
    """What the lines come to, less a discount on all of it: a share, or an amount and never more than there is.

    >>> line = {"quantity": "2.5", "unit_price_cents": 1999, "tax_basis_points": 1900}
    >>> found = totals([line], discount_basis_points=1000)
    >>> found.subtotal_cents, found.discount_cents, found.net_cents, found.tax_cents, found.total_cents
    (4998, 500, 4498, 855, 5353)
    """
    sums = tuple(_line(line) for line in lines)
    nets: dict[int, int] = defaultdict(int)
    for line, each in zip(lines, sums, strict=True):
        if each.is_counted:
            nets[line.get("tax_basis_points") or 0] += each.net_cents
    subtotal = sum(nets.values())
    discount = _discount(subtotal, discount_basis_points, discount_cents)
    parts = spread(discount, nets)
    rates = (RateSum(rate, net := nets[rate] - parts[rate], part_of(net, rate)) for rate in sorted(nets))
    return Totals(sums, discount, tuple(rates))


def deposit(rates: Iterable[RateSum], basis_points: int | None) -> list[RateSum]:
    """The part that is paid in advance, by rate, as a bill of its own would have it."""
    parts = ((rate.tax_basis_points, part_of(rate.net_cents, basis_points or 0)) for rate in rates)
    return [RateSum(rate, net, part_of(net, rate)) for rate, net in parts if net]


def is_choice(line: Mapping[str, Any]) -> bool:
    """Whether somebody chooses if the line counts."""
    return bool(line.get("is_optional") or line.get("option_group"))


def part_of(cents: int, basis_points: int) -> int:
    """The share of an amount that is not negative, half a cent upwards.

    >>> part_of(150, 100), part_of(149, 100)
    (2, 1)
    """
    return half_up(cents * basis_points, WHOLE)


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def spread(cents: int, weights: Mapping[int, int]) -> dict[int, int]:
    """The amount in whole parts by weight, whose sum it is; no part is more than its weight unless the amount is.

    Who has the largest remainder gets a cent more; of equals the lower key.

    >>> spread(100, {700: 1, 1900: 2})
    {700: 33, 1900: 67}
    """
    all_of_it = sum(weights.values())
    if not all_of_it:
        return dict.fromkeys(weights, 0)
    parts = {key: cents * weight // all_of_it for key, weight in weights.items()}
    left = cents - sum(parts.values())
    by_remainder = sorted(weights, key=lambda key: (-(cents * weights[key] % all_of_it), key))
    for key in by_remainder[:left]:
        parts[key] += 1
    return parts


def _line(line: Mapping[str, Any]) -> LineSum:
    thousandths = int(Decimal(line.get("quantity", 1)) * THOUSAND)
    gross = half_up(thousandths * line["unit_price_cents"], THOUSAND)
    discount = _discount(gross, line.get("discount_basis_points"), line.get("discount_cents"))
    return LineSum(gross, discount, bool(line.get("is_chosen", True)) if is_choice(line) else True)


def _discount(of_cents: int, basis_points: int | None, cents: int | None) -> int:
    return min(cents, of_cents) if cents is not None else part_of(of_cents, basis_points or 0)
