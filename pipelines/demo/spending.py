"""Tables of what the company itself spends: expenses and the budgets beside them.

Costs are kept in one place each. An expense never repeats what fuel logs, work orders, leads or invoice
lines already hold; campaigns are the exception: their expenses add up to `campaigns.cost_cents`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo.draw import DAY_US, HOUR_US, Ints, dates, pick, rows
from pipelines.demo.fleet import ELECTRIC
from pipelines.demo.world import World

CATEGORIES = ("fuel", "parts", "labour", "rent", "marketing", "software", "insurance", "leads", "other")
SALARIES_PER_RENT, SOFTWARE_PER_RENT, OTHER_PER_RENT = 2.6, 0.12, 0.25
INSURANCE_CENTS, MONEY_PIT_INSURANCE_FACTOR = 14_500, 1.5
CHARGING_CENTS_PER_KWH = 34.0


@dataclass(frozen=True)
class CampaignSpending:
    campaign: Ints
    day: Ints
    amount_cents: Ints


def campaign_spending(world: World, now_us: int) -> CampaignSpending:
    """Weekly payments of each campaign, up to now; over its whole life they add up to its cost."""
    campaigns = world.campaigns
    first, last = world.day_of(campaigns.started_us), world.day_of(campaigns.ended_us)
    weeks = (last - first) // 7 + 1
    campaign = np.repeat(np.arange(len(first)), weeks)
    nth = np.arange(len(campaign)) - np.repeat(np.cumsum(weeks) - weeks, weeks)
    upto = campaigns.cost_cents[campaign] * (nth + 1) // weeks[campaign]
    before = campaigns.cost_cents[campaign] * nth // weeks[campaign]
    day = first[campaign] + nth * 7
    past = day * DAY_US < now_us
    return CampaignSpending(campaign[past], day[past], (upto - before)[past])


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "expenses", _expenses(world, now_us)
    yield "budgets", _budgets(world, now_us)


def _month_starts(world: World) -> Ints:
    """First days (since 1970) of the months that begin within the simulation."""
    calendar = world.calendar
    return np.flatnonzero(calendar.day_of_month[: calendar.days] == 1) + calendar.first_day


def _expenses(world: World, now_us: int) -> pl.DataFrame:
    profile, rng = world.profile, world.rng("expenses")
    months = _month_starts(world)
    rent = profile.rent_cents * world.scale.customers**0.5
    parts = []  # category, vendor, vehicle, campaign, day, cents

    def add(category: str, vendor: str, day: Ints, amount: np.ndarray, vehicle: Ints | None = None) -> None:
        none = np.full(len(day), -1)
        parts.append((category, vendor, none if vehicle is None else vehicle, none, day, amount))

    growth = 1 + 0.03 * (months - months[0]) / 365
    add("rent", "Old Mill Estates", months, rent * np.ones(len(months)))
    add("labour", "Payroll of the office", months + 24, rent * SALARIES_PER_RENT * growth)
    add("software", "Cloud suite", months + 2, rent * SOFTWARE_PER_RENT * growth)
    odd = np.sort(rng.choice(world.calendar.days, len(months) * 6))
    add(
        "other",
        "Various",
        odd + world.calendar.first_day,
        rent * OTHER_PER_RENT / 6 * rng.lognormal(-0.3, 0.8, len(odd)),
    )

    vehicles, driving = world.fleet.vehicles, world.fleet.driving
    month, vehicle = np.meshgrid(months, np.arange(len(vehicles.model)), indexing="ij")
    month, vehicle = month.ravel(), vehicle.ravel()
    nth_day = month - world.calendar.first_day
    owned = (vehicles.acquired_day[vehicle] <= nth_day) & (vehicles.retired_day[vehicle] > nth_day)
    premium = INSURANCE_CENTS * np.where(vehicle == vehicles.money_pit, MONEY_PIT_INSURANCE_FACTOR, 1.0)
    add("insurance", "Harrow Mutual", month[owned], premium[owned], vehicle[owned])
    charged = np.add.reduceat(driving.filled_l, months - world.calendar.first_day, axis=0).ravel()
    bill_day = month + 31
    electric = (
        (vehicles.model[vehicle] == ELECTRIC) & (charged > 0) if len(vehicle) else np.zeros(0, dtype=bool)
    )
    add(
        "fuel",
        "Grid charging",
        bill_day[electric],
        charged[electric] * CHARGING_CENTS_PER_KWH,
        vehicle[electric],
    )

    spending = campaign_spending(world, now_us=int(world.calendar.day_us(world.calendar.days)))
    nobody = np.full(len(spending.day), -1)
    parts.append(
        ("marketing", "Media agency", nobody, spending.campaign, spending.day, spending.amount_cents)
    )

    sizes = [len(part[4]) for part in parts]
    of_part = np.repeat(np.arange(len(parts)), sizes)
    vehicle, campaign, day = (np.concatenate([part[n] for part in parts]) for n in (2, 3, 4))
    amount = np.rint(np.concatenate([part[5] for part in parts])).astype(np.int64)
    booked = day * DAY_US + 8 * HOUR_US
    return rows(
        world.tenant_id,
        world.new_ids("expenses", booked),
        booked,
        booked,
        now_us,
        category=pick(tuple(part[0] for part in parts), of_part),
        vehicle_id=pick(world.ids["vehicles"], vehicle),
        campaign_id=pick(world.ids["campaigns"], campaign),
        vendor=pick(tuple(part[1] for part in parts), of_part),
        amount_cents=pl.Series(amount),
        currency=world.currency,
        spent_date=dates(day),
    )


def _budgets(world: World, now_us: int) -> pl.DataFrame:
    """Planned a month ahead; some categories are planned too low."""
    rng, months = world.rng("budgets"), _month_starts(world)
    rent = world.profile.rent_cents * world.scale.customers**0.5
    plan = dict(
        zip(
            CATEGORIES,
            (0.5, 0.3, SALARIES_PER_RENT, 1.0, 0.8, SOFTWARE_PER_RENT, 0.4, 0.4, OTHER_PER_RENT),
            strict=True,
        )
    )
    month = np.tile(months, len(plan))
    category = np.repeat(np.arange(len(plan)), len(months))
    amount = rent * np.array(list(plan.values()))[category] * rng.uniform(0.9, 1.1, len(month))
    created = (month - 10) * DAY_US + 9 * HOUR_US
    return rows(
        world.tenant_id,
        world.new_ids("budgets", created),
        created,
        created,
        now_us,
        category=pick(CATEGORIES, category),
        month=dates(month),
        amount_cents=pl.Series(np.rint(amount / 1_000).astype(np.int64) * 1_000),
        currency=world.currency,
    )
