"""Tables of income: subscriptions, invoices with lines, payments.

What was billed and what came of it; what the company itself spends is in `spending.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo.draw import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    Bools,
    Ints,
    dates,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.field_tables import job_cost_cents
from pipelines.demo.world import World

SUBSCRIPTION_COST_SHARE = 0.35
RETURNED_SHARE, VOID_SHARE, NEVER_PAID_SHARE, RETRY_SUCCEEDS_SHARE = 0.012, 0.004, 0.008, 0.85
DUE_DAYS_COMPANY, DUE_DAYS_HOUSEHOLD = 30, 14


@dataclass(frozen=True)
class Invoices:
    """Everything ever billed; `lines_from` and `line_count` point into the lines."""

    account: Ints
    job: Ints
    number: pl.Series
    issued_us: Ints
    due_day: Ints
    net_cents: Ints
    tax_cents: Ints
    failed_us: Ints
    paid_us: Ints
    is_return: Bools
    is_void: Bools
    lines: pl.DataFrame


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    paused_day = _paused_days(world)
    yield "subscriptions", _subscriptions(world, paused_day, now_us)
    invoices = _bill(world, paused_day)
    ids = world.new_ids("invoices", invoices.issued_us)
    yield "invoices", _invoices(world, invoices, ids, now_us)
    yield "invoice_lines", _invoice_lines(world, invoices, ids, now_us)
    yield "payments", _payments(world, invoices, ids, now_us)


# -- subscriptions -------------------------------------------------------------------------------------------
def _paused_days(world: World) -> Ints:
    """Day from which a few subscriptions pause and are not billed; far away for the others."""
    rng, count = world.rng("pauses"), len(world.customers.accounts.plan)
    days = world.calendar.days
    return np.where(rng.random(count) < 0.02, rng.integers(days - 120, days, count), 10 * days)


def _subscriptions(world: World, paused_day: Ints, now_us: int) -> pl.DataFrame:
    accounts = world.customers.accounts
    holder = np.flatnonzero(accounts.plan >= 0)
    since, churned = accounts.since_us[holder], seen(accounts.churned_us[holder], now_us)
    paused_us = world.calendar.day_us(paused_day[holder])
    is_paused = (paused_us < now_us) & (churned == NEVER)
    plans = world.profile.plans
    return rows(
        world.tenant_id,
        world.new_ids("subscriptions", since),
        since,
        np.maximum(churned, seen(paused_us, now_us)),
        now_us,
        account_id=pick(world.ids["accounts"], holder),
        plan=pick(tuple(plan.name for plan in plans), accounts.plan[holder]),
        status=pick(("active", "cancelled", "paused"), np.select([churned != NEVER, is_paused], [1, 2], 0)),
        mrr_cents=pl.Series(
            np.array([plan.mrr_cents for plan in plans], dtype=np.int64)[accounts.plan[holder]]
        ),
        currency=world.currency,
        started_date=dates(world.day_of(since)),
        cancelled_date=given(dates(world.day_of(churned)), churned != NEVER),
    )


def _billings(world: World, paused_day: Ints) -> tuple[Ints, Ints, Bools]:
    """Account and day of each monthly bill, and whether its payment fails."""
    calendar, accounts = world.calendar, world.customers.accounts
    holder = np.flatnonzero(accounts.plan >= 0)
    since_day = accounts.since_us[holder] // DAY_US - calendar.first_day
    churned = accounts.churned_us[holder]
    last_day = np.where(churned == NEVER, calendar.days, churned // DAY_US - calendar.first_day)
    last_day = np.minimum(last_day, paused_day[holder])
    billing_day = (accounts.since_us[holder] // DAY_US) % 28 + 1
    day = np.arange(calendar.days)[:, None]
    due = (calendar.day_of_month[:, None] == billing_day) & (since_day <= day) & (day <= last_day)
    days, position = np.nonzero(due)
    key = holder[position] * 100_000 + days
    history = world.customers
    failed = history.failed_subscription_account * 100_000 + history.failed_subscription_day
    return holder[position], days, np.isin(key, failed)


# -- invoices ------------------------------------------------------------------------------------------------
def _bill(world: World, paused_day: Ints) -> Invoices:
    """Invoices of completed jobs, of subscriptions, and the returns; in the order of issue."""
    jobs, accounts, profile, rng = (
        world.customers.jobs,
        world.customers.accounts,
        world.profile,
        world.rng("invoices"),
    )
    done = np.flatnonzero(jobs.completed_us != NEVER)
    subscriber, billed_day, fails = _billings(world, paused_day)
    mrr = np.array([plan.mrr_cents for plan in profile.plans], dtype=np.int64)[accounts.plan[subscriber]]

    job = np.concatenate([done, np.full(len(subscriber), -1)])
    account = np.concatenate([jobs.account[done], subscriber])
    issued = np.concatenate(
        [
            jobs.completed_us[done] + (rng.uniform(2, 50, len(done)) * MINUTE_US).astype(np.int64),
            world.calendar.day_us(billed_day) + 5 * HOUR_US + rng.integers(0, HOUR_US, len(subscriber)),
        ]
    )
    net = np.concatenate([jobs.price_cents[done], mrr])
    pay_day = np.concatenate(
        [jobs.completed_us[done] // DAY_US + jobs.pay_days[done], issued[len(done) :] // DAY_US]
    )
    fails = np.concatenate([jobs.payment_fails[done], fails])
    count = len(job)
    tried = np.maximum(pay_day * DAY_US + rng.integers(22 * HOUR_US, 23 * HOUR_US, count), issued + HOUR_US)
    again = tried + (rng.uniform(2, 14, count) * DAY_US).astype(np.int64)
    retried = np.where(rng.random(count) < RETRY_SUCCEEDS_SHARE, again, NEVER)
    paid = np.where(fails, retried, np.where(rng.random(count) < NEVER_PAID_SHARE, NEVER, tried))
    failed = np.where(fails, tried, NEVER)
    is_void = rng.random(count) < VOID_SHARE
    paid, failed = np.where(is_void, NEVER, paid), np.where(is_void, NEVER, failed)

    lines = _lines(world, job, net)
    back = np.flatnonzero((job >= 0) & (paid != NEVER) & (rng.random(count) < RETURNED_SHARE))
    last_line = lines.with_row_index().group_by("invoice", maintain_order=True).last().gather(back)
    back_issued = paid[back] + (rng.uniform(1, 18, len(back)) * DAY_US).astype(np.int64)
    lines = pl.concat(
        [
            lines,
            last_line.select(
                invoice=pl.Series(np.arange(count, count + len(back))),
                line_no=pl.lit(1, pl.Int32),
                product_code="product_code",
                description=pl.lit("Return: ") + pl.col("description"),
                quantity=-pl.col("quantity"),
                unit_price_cents="unit_price_cents",
                net_cents=-pl.col("net_cents"),
                cost_cents=pl.lit(0, pl.Int64),
            ),
        ]
    )
    net = np.concatenate([net, -last_line["net_cents"].to_numpy()])
    account = np.concatenate([account, account[back]])
    issued = np.concatenate([issued, back_issued])
    is_return = np.arange(len(net)) >= count
    none = np.full(len(back), NEVER)
    order = np.argsort(issued, kind="stable")
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    due_days = np.where(accounts.is_company[account], DUE_DAYS_COMPANY, DUE_DAYS_HOUSEHOLD)
    refunded = back_issued + (rng.uniform(0.5, 3, len(back)) * DAY_US).astype(np.int64)
    return Invoices(
        account=account[order],
        job=np.concatenate([job, job[back]])[order],
        number=_numbers(is_return[order]),
        issued_us=issued[order],
        due_day=(issued // DAY_US + due_days)[order],
        net_cents=net[order],
        tax_cents=np.rint(net * profile.tax_share).astype(np.int64)[order],
        failed_us=np.concatenate([failed, none])[order],
        paid_us=np.concatenate([paid, refunded])[order],
        is_return=is_return[order],
        is_void=np.concatenate([is_void, np.zeros(len(back), dtype=bool)])[order],
        lines=lines.with_columns(invoice=pl.Series(position[lines["invoice"].to_numpy()])),
    )


def _numbers(is_return: Bools) -> pl.Series:
    prefix = pick(("INV-", "CN-"), is_return.astype(int))
    return prefix + pl.Series(np.arange(1, len(is_return) + 1)).cast(pl.String).str.zfill(7)


def _lines(world: World, job: Ints, net: Ints) -> pl.DataFrame:
    """A job's work, materials and call-out fee, or one line for a subscription; they add up exactly."""
    jobs, rng, count = world.customers.jobs, world.rng("invoice_lines"), len(job)
    is_job = job >= 0
    quantity = rng.integers(1, 5, count)
    unit_price = (net * rng.uniform(0.05, 0.35, count)).astype(np.int64) // quantity
    has_materials = is_job & (rng.random(count) < 0.55) & (unit_price > 0)
    fee = (net * 0.08).astype(np.int64)
    has_fee = is_job & (rng.random(count) < 0.25) & (fee > 0)
    materials_net, fee_net = np.where(has_materials, unit_price * quantity, 0), np.where(has_fee, fee, 0)
    cost = np.where(is_job, job_cost_cents(world)[job], np.rint(net * SUBSCRIPTION_COST_SHARE)).astype(
        np.int64
    )
    materials_cost = np.minimum((materials_net * 0.72).astype(np.int64), cost)

    service = pick(tuple(s.name for s in world.profile.services), np.where(is_job, jobs.service[job], -1))
    main = service.fill_null("Subscription")
    code = pick(
        tuple(f"S{n + 1:02}" for n in range(len(world.profile.services))),
        np.where(is_job, jobs.service[job], -1),
    )
    ones = np.ones(count, dtype=np.int64)
    rest = net - materials_net - fee_net
    kinds = (
        (np.ones(count, dtype=bool), code.fill_null("SUB"), main, ones, rest, rest, cost - materials_cost),
        (has_fee, "FEE", "Call-out fee", ones, fee, fee_net, 0 * ones),
        (has_materials, "MAT", "Materials", quantity, unit_price, materials_net, materials_cost),
    )
    parts = []
    for present, product, text, amount, unit, line_net, line_cost in kinds:
        part = pl.DataFrame(
            {
                "invoice": np.arange(count),
                "product_code": pl.repeat(product, count, eager=True)
                if isinstance(product, str)
                else product,
                "description": pl.repeat(text, count, eager=True) if isinstance(text, str) else text,
                "quantity": amount.astype(np.float64),
                "unit_price_cents": unit,
                "net_cents": line_net,
                "cost_cents": line_cost,
            }
        )
        parts.append(part.filter(pl.Series(present)))
    lines = pl.concat(parts).sort("invoice", maintain_order=True)
    number = pl.int_range(1, pl.len() + 1).over("invoice").cast(pl.Int32)
    return lines.select("invoice", number.alias("line_no"), pl.exclude("invoice"))


def _invoices(world: World, invoices: Invoices, ids: pl.Series, now_us: int) -> pl.DataFrame:
    paid = seen(invoices.paid_us, now_us)
    is_overdue = (invoices.due_day * DAY_US < now_us - DAY_US) & (paid == NEVER)
    status = np.select([invoices.is_return, invoices.is_void, paid != NEVER, is_overdue], [4, 3, 1, 2], 0)
    changed = np.where(is_overdue, (invoices.due_day + 1) * DAY_US, paid)
    return rows(
        world.tenant_id,
        ids,
        invoices.issued_us,
        changed,
        now_us,
        account_id=pick(world.ids["accounts"], invoices.account),
        job_id=pick(world.ids["jobs"], invoices.job),
        number=invoices.number,
        status=pick(("sent", "paid", "overdue", "void", "returned"), status),
        issued_at=moments(invoices.issued_us),
        due_date=given(dates(invoices.due_day), ~invoices.is_return),
        paid_at=moments(np.where(invoices.is_return, NEVER, paid)),
        net_cents=pl.Series(invoices.net_cents),
        tax_cents=pl.Series(invoices.tax_cents),
        total_cents=pl.Series(invoices.net_cents + invoices.tax_cents),
        currency=world.currency,
        is_return=pl.Series(invoices.is_return),
    )


def _invoice_lines(world: World, invoices: Invoices, ids: pl.Series, now_us: int) -> pl.DataFrame:
    lines = invoices.lines
    invoice = lines["invoice"].to_numpy()
    at = invoices.issued_us[invoice]
    columns = {name: lines[name] for name in lines.columns if name != "invoice"}
    return rows(
        world.tenant_id,
        world.new_ids("invoice_lines", at),
        at,
        at,
        now_us,
        invoice_id=pick(ids, invoice),
        **columns,
    )


def _payments(world: World, invoices: Invoices, ids: pl.Series, now_us: int) -> pl.DataFrame:
    """A row for each attempt; a refund is negative, as its invoice is."""
    rng = world.rng("payments")
    failed, paid = np.flatnonzero(invoices.failed_us != NEVER), np.flatnonzero(invoices.paid_us != NEVER)
    invoice = np.concatenate([failed, paid])
    at = np.concatenate([invoices.failed_us[failed], invoices.paid_us[paid]])
    status = np.where(np.arange(len(invoice)) < len(failed), 1, np.where(invoices.is_return[invoice], 2, 0))
    is_company = world.customers.accounts.is_company[invoices.account[invoice]]
    method = np.where(is_company & (rng.random(len(invoice)) < 0.8), 1, rng.choice([0, 2], len(invoice)))
    return rows(
        world.tenant_id,
        world.new_ids("payments", at),
        at,
        at,
        now_us,
        invoice_id=pick(ids, invoice),
        account_id=pick(world.ids["accounts"], invoices.account[invoice]),
        method=pick(("card", "bank_transfer", "direct_debit"), method),
        status=pick(("succeeded", "failed", "refunded"), status),
        amount_cents=pl.Series((invoices.net_cents + invoices.tax_cents)[invoice]),
        currency=world.currency,
        paid_at=moments(at),
    )
