"""What lines come to: every cent of it is somewhere, once."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from serve.crm.quotes.totals import LineSum, RateSum, deposit, half_up, spread, totals

BASIS_POINTS = st.integers(0, 10_000)
QUANTITIES = st.integers(1, 10**9).map(lambda thousandths: str(Decimal(thousandths) / 1000))
DISCOUNTS = st.one_of(
    st.just({}),
    BASIS_POINTS.map(lambda share: {"discount_basis_points": share}),
    st.integers(0, 10**10).map(lambda cents: {"discount_cents": cents}),
)
LINES = st.lists(
    st.builds(
        lambda discount, **line: {**line, **discount},
        discount=DISCOUNTS,
        quantity=QUANTITIES,
        unit_price_cents=st.integers(0, 10**10),
        tax_basis_points=st.one_of(st.sampled_from([0, 700, 1900, 2000]), BASIS_POINTS),
        is_optional=st.booleans(),
        is_chosen=st.booleans(),
    ),
    max_size=12,
)


@given(LINES, DISCOUNTS)
def test_the_parts_are_the_whole(lines, discount):
    found = totals(lines, **discount)
    counted = [line for line in found.lines if line.is_counted]
    assert found.subtotal_cents == sum(line.gross_cents - line.discount_cents for line in counted)
    assert found.net_cents == found.subtotal_cents - found.discount_cents
    assert found.total_cents == sum(rate.net_cents + rate.tax_cents for rate in found.rates)
    assert [rate.tax_basis_points for rate in found.rates] == sorted(
        {line["tax_basis_points"] for line, each in zip(lines, found.lines, strict=True) if each.is_counted}
    )


@given(LINES, DISCOUNTS)
def test_nothing_is_negative_and_everything_is_whole(lines, discount):
    found = totals(lines, **discount)
    amounts = [
        *(
            amount
            for line in found.lines
            for amount in (line.gross_cents, line.discount_cents, line.net_cents)
        ),
        *(amount for rate in found.rates for amount in (rate.net_cents, rate.tax_cents)),
        found.discount_cents,
        found.total_cents,
    ]
    assert all(type(amount) is int and amount >= 0 for amount in amounts)


@given(LINES, DISCOUNTS, st.randoms())
def test_the_order_of_lines_does_not_matter(lines, discount, chance: random.Random):
    shuffled = list(lines)
    chance.shuffle(shuffled)
    one, other = totals(lines, **discount), totals(shuffled, **discount)
    assert (one.rates, one.discount_cents) == (other.rates, other.discount_cents)


@given(LINES, DISCOUNTS)
def test_each_rate_is_taxed_once_on_all_of_it(lines, discount):
    for rate in totals(lines, **discount).rates:
        exact = Decimal(rate.net_cents) * rate.tax_basis_points / 10_000
        assert rate.tax_cents == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(LINES, DISCOUNTS)
def test_what_nobody_chose_changes_nothing(lines, discount):
    kept = [line for line in lines if not line["is_optional"] or line["is_chosen"]]
    assert totals(lines, **discount).rates == totals(kept, **discount).rates


@given(st.integers(0, 10**18), st.dictionaries(BASIS_POINTS, st.integers(0, 10**15), min_size=1, max_size=6))
def test_a_discount_is_spread_to_the_last_cent(cents, weights):
    cents = min(cents, sum(weights.values()))
    parts = spread(cents, weights)
    assert sum(parts.values()) == cents
    assert all(0 <= parts[key] <= weight for key, weight in weights.items())
    if all_of_it := sum(weights.values()):
        assert all(
            abs(Fraction(cents * weight, all_of_it) - parts[key]) < 1 for key, weight in weights.items()
        )


@given(LINES, BASIS_POINTS)
def test_a_deposit_is_a_bill_of_its_own_and_not_more_than_all_of_it(lines, share):
    found = totals(lines)
    parts = deposit(found.rates, share)
    assert sum(part.net_cents + part.tax_cents for part in parts) <= found.total_cents
    assert all(part.tax_cents == half_up(part.net_cents * part.tax_basis_points, 10_000) for part in parts)
    exact = Fraction(found.total_cents * share, 10_000)
    # Of each rate half a cent net, and as much again of tax on it and of its rounding.
    assert abs(exact - sum(part.net_cents + part.tax_cents for part in parts)) <= 2 * max(1, len(found.rates))


@given(LINES)
def test_all_of_it_in_advance_is_the_total(lines):
    found = totals(lines)
    assert sum(part.net_cents + part.tax_cents for part in deposit(found.rates, 10_000)) == found.total_cents


def test_half_a_cent_goes_up():
    line = {"quantity": "0.5", "unit_price_cents": 1, "tax_basis_points": 0}
    assert totals([line]).lines == (LineSum(1, 0, is_counted=True),)
    assert totals([{**line, "quantity": "0.499"}]).lines == (LineSum(0, 0, is_counted=True),)


def test_a_paper_reckoned_by_hand():
    """Three hours at 45.50, a part for 19.99 less 10 %, both at 19 %; a book for 10.00 at 7 %; 5 % off all of it."""
    lines = [
        {"quantity": "3", "unit_price_cents": 4550, "tax_basis_points": 1900},
        {"quantity": "1", "unit_price_cents": 1999, "discount_basis_points": 1000, "tax_basis_points": 1900},
        {"quantity": "1", "unit_price_cents": 1000, "tax_basis_points": 700},
        {
            "quantity": "1",
            "unit_price_cents": 9900,
            "tax_basis_points": 1900,
            "is_optional": True,
            "is_chosen": False,
        },
    ]
    found = totals(lines, discount_basis_points=500)
    assert [line.net_cents for line in found.lines] == [13650, 1799, 1000, 9900]
    assert (found.subtotal_cents, found.discount_cents) == (16449, 822)
    assert found.rates == (RateSum(700, 950, 67), RateSum(1900, 14677, 2789))
    assert found.total_cents == 18483
