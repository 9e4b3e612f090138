"""Features frames with planted truths: what really drives each outcome is known, so a model can be asked to find it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.terms import Context

START = datetime(2023, 1, 1, tzinfo=UTC)
TENANT = "0190aaaa-0000-7000-8000-000000000001"


def context(*, days: int = 730, seed: int = 7, horizon_h: int = 336, country: str = "") -> Context:
    """A tenant whose data began at START, `days` later."""
    return Context(
        tenant_id=TENANT,
        as_of=START + timedelta(days=days),
        data_release="test",
        country=country,
        horizon_h=horizon_h,
        seed=seed,
    )


@dataclass(frozen=True)
class Planted:
    """A features frame and, row by row, the chance that its outcome was really drawn from."""

    frame: pl.DataFrame
    chance: dict[str, float]


def _chance(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-log_odds))


def leads(count: int = 4000, *, seed: int = 7, days: int = 730, signal: float = 1.0) -> Planted:
    """Fast replies, good sources and companies win; a tenth stays open too long, the newest are open still."""
    rng = np.random.default_rng(seed)
    created = np.sort(rng.uniform(0, days, count))
    source = rng.choice(["referral", "search", "social", "bought"], count, p=[0.2, 0.4, 0.25, 0.15])
    effect = np.select([source == "referral", source == "search", source == "social"], [1.2, 0.2, -0.4], -1.2)
    reply = np.exp(rng.normal(np.log(4), 1.2, count))
    replied = reply < 48
    company = rng.random(count) < 0.4
    reply_known = np.where(replied, reply, 60.0)
    chance = _chance(signal * (effect - 1.0 * np.log1p(reply_known) + 0.5 * company + 1.2))
    won = rng.random(count) < chance
    closed = created + 2 + rng.uniform(1, 25, count)
    is_open = closed > days
    ids = [f"lead-{seed}-{n:05d}" for n in range(count)]
    frame = pl.DataFrame(
        {
            "lead_id": ids,
            "as_of_at": [START + timedelta(days=float(min(day + 2, days))) for day in created],
            "source": source,
            "hour_of_day": (created % 1 * 24).astype(int),
            "day_of_week": (created.astype(int) % 7) + 1,
            "reply_hours": [
                float(hours) if known else None for hours, known in zip(reply, replied, strict=True)
            ],
            "visit_count": rng.poisson(3, count),
            "call_count": rng.poisson(1, count),
            "cost_cents": np.where(source == "bought", 900, 0),
            "is_company": company,
            "attributes": [None] * count,
            "is_snapshot": False,
            "is_won": [None if late else bool(w) for w, late in zip(won, is_open, strict=True)],
            "closed_at": [
                None if late else START + timedelta(days=float(day))
                for day, late in zip(closed, is_open, strict=True)
            ],
            "known_until_at": START + timedelta(days=days),
        },
        schema_overrides={"attributes": pl.String, "is_won": pl.Boolean},
    )
    return Planted(frame, dict(zip(ids, chance.tolist(), strict=True)))


def accounts(count: int = 900, *, seed: int = 7, months: int = 24) -> Planted:
    """Late jobs, bad ratings and silence drive accounts away; a month's chance of it holds for three months."""
    rng = np.random.default_rng(seed)
    tendency, quiet = rng.gamma(1.0, 1.0, count), rng.gamma(1.2, 20.0, count)
    alive, rows, chance = np.ones(count, dtype=bool), [], {}
    churned_month = np.full(count, -1)
    observed = []
    for month in range(months):
        late = rng.poisson(tendency)
        silent = np.clip(quiet * rng.uniform(0.7, 1.3, count), 0, 120)
        rating = np.clip(4.6 - 0.5 * late + rng.normal(0, 0.3, count), 1, 5)
        hazard = _chance(-6.0 + 0.9 * np.minimum(late, 4) + 0.025 * silent)
        observed.append((late, silent, rating, 1 - (1 - hazard) ** 3, alive.copy()))
        leaves = alive & (rng.random(count) < hazard)
        churned_month[leaves] = month
        alive &= ~leaves
    for month, (late, silent, rating, true, was_alive) in enumerate(observed):
        day = START.date() + timedelta(days=30 * (month + 1))
        for n in np.flatnonzero(was_alive):
            chance[f"acc-{n:04d}|{day}"] = float(true[n])
            left = churned_month[n]
            churned = START + timedelta(days=30 * (int(left) + 1) + 15) if left >= 0 else None
            rows.append(
                {
                    "account_id": f"acc-{n:04d}",
                    "as_of_date": day,
                    "tenure_days": 30 * (month + 1),
                    "segment": "smb" if n % 2 else "consumer",
                    "kind": "company",
                    "late_job_count_90d": int(late[n]),
                    "days_since_last_message": float(silent[n]),
                    "rating_mean_180d": float(rating[n]) if n % 5 else None,
                    "invoice_count_90d": int(rng.poisson(3)),
                    "attributes": None,
                    "is_snapshot": False,
                    "churned_at": churned,
                    "known_until_at": START + timedelta(days=30 * months + 20),
                    "snapshot_churned": None,
                }
            )
    schema = {"attributes": pl.String, "snapshot_churned": pl.Boolean, "rating_mean_180d": pl.Float64}
    return Planted(pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None), chance)


DRIFT_DAYS = 10


@dataclass(frozen=True)
class Fleet:
    frame: pl.DataFrame
    failures: list[tuple[str, datetime]]
    """Vehicle and moment of every failure that vibration announced."""


def vehicle_days(count: int = 60, *, seed: int = 7, days: int = 400) -> Fleet:
    """Vibration climbs for ten days before each failure; temperature, pressure and the rest only make noise."""
    rng = np.random.default_rng(seed)
    daily, failures = [], []
    for n in range(count):
        vibration, level = rng.normal(0, 0.4, days), 4.0 + rng.normal(0, 0.5)
        day, failed_on = int(rng.exponential(160)) + 15, []
        while day < days - 1:
            ramp = np.arange(1, DRIFT_DAYS + 1) / DRIFT_DAYS
            vibration[day - DRIFT_DAYS : day] += 3.5 * ramp**1.5
            failed_on.append(day)
            day += int(rng.exponential(160)) + 15
        moments = [START + timedelta(days=d, hours=9) for d in failed_on]
        failures += [(f"veh-{n:03d}", moment) for moment in moments]
        ahead = [
            next((m for m in moments if m > START + timedelta(days=d)), None) for d in range(1, days + 1)
        ]
        daily.append(
            pl.DataFrame(
                {
                    "vehicle_id": f"veh-{n:03d}",
                    "as_of_at": [START + timedelta(days=d) for d in range(1, days + 1)],
                    "vibration_mean_24h": level + vibration,
                    "vibration_mean_3h": level + vibration + rng.normal(0, 0.2, days),
                    "temperature_mean_24h": 80 + rng.normal(0, 3, days),
                    "pressure_mean_24h": 240 + rng.normal(0, 8, days),
                    "error_count_24h": rng.poisson(0.2, days),
                    "km_since_service": (np.arange(days) * 60.0 + rng.uniform(0, 12000)) % 12000,
                    "age_days": 900 + np.arange(days) + 10 * n,
                    "kind": "van",
                    "make": rng.choice(["Ford", "Fiat"]),
                    "next_failure_at": ahead,
                    "known_until_at": START + timedelta(days=days),
                },
                schema_overrides={"next_failure_at": pl.Datetime("us", "UTC")},
            ).with_columns(
                pl.col("vibration_mean_24h").rolling_mean(7, min_samples=1).alias("vibration_mean_7d"),
            )
        )
    delta = pl.col("vibration_mean_24h") - pl.col("vibration_mean_7d")
    return Fleet(pl.concat(daily).with_columns(delta.alias("vibration_delta_7d")), failures)


def revenue(days: int = 730, *, seed: int = 7, noise: float = 0.08, country: str = "") -> pl.DataFrame:
    """A week, a year, a slow rise, and holidays on which only a third comes in."""
    import holidays

    rng = np.random.default_rng(seed)
    step = np.arange(days)
    dates = [START.date() + timedelta(days=int(n)) for n in step]
    weekday = np.array([1.25, 1.15, 1.05, 1.05, 1.15, 0.85, 0.5])[[d.weekday() for d in dates]]
    year = 1 + 0.22 * np.cos(2 * np.pi * (step - 165) / 365.25)
    free = holidays.country_holidays(country, years=range(2023, 2026)) if country else {}
    holiday = np.where([d in free for d in dates], 0.35, 1.0)
    cents = 2e6 * weekday * year * holiday * (1 + 0.06 * step / 365) * rng.lognormal(0, noise, days)
    return series(dates, cents)


def series(dates: list[date], cents: NDArray[np.float64]) -> pl.DataFrame:
    return pl.DataFrame({"date": dates, "revenue_cents": cents.astype(np.int64)})
